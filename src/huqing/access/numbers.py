"""Numbers of people in free text: what ``standards.personal_numbers`` recognises is neither logged nor audited."""

from huqing.standards.personal_numbers import HIDDEN, has_number, hide_numbers

__all__ = ["HIDDEN", "has_number", "hide_numbers"]
