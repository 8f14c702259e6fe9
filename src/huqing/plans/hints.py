"""What other parts know that helps to write a plan: they register a function, because plans lie below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huqing.registry.models import Household

Provider = Callable[["Household"], list[tuple[str, str]]]
_PROVIDERS: list[Provider] = []


def register(provider: Provider) -> None:
    """Add a function that says, for a household, what is known of it: (where from, text)."""
    if provider not in _PROVIDERS:
        _PROVIDERS.append(provider)


def hints(household: Household) -> list[tuple[str, str]]:
    """What all of them say."""
    return [hint for provider in _PROVIDERS for hint in provider(household)]
