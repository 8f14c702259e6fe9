"""What may not stand in a text that everybody reads: numbers of people and files, words of illness."""

from __future__ import annotations

import re

from huqing.standards.personal_numbers import has_number

HEALTH = re.compile(r"病|癌|肿瘤|残疾|精神|艾滋|透析|手术|治疗|住院|孕|产妇")
# Household numbers, cards of kinds nobody listed, sums of a family: a public text needs none of so many digits.
DIGITS = re.compile(r"\d{6,}")


def numbers_in(text: str) -> bool:
    """Whether the text holds a number of a person, or any other of six digits or more."""
    return has_number(text) or bool(DIGITS.search(text))


def health_words(text: str) -> list[str]:
    """The words of illness in the text, each once, in their order."""
    return list(dict.fromkeys(HEALTH.findall(text)))
