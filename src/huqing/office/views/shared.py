"""What several views need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import Form

from huqing.access.permissions import Refused
from huqing.office import places
from huqing.registry.errors import RegistryError
from huqing.registry.models import Region


def region_choices() -> QuerySet[Region]:
    """Counties, towns and villages in force, for the list behind a region code's input."""
    return (
        Region.objects.filter(valid_to=None, level__gte=Region.Level.COUNTY)
        .order_by("code")
        .only("code", "name", "level")
    )


def county_of(prefix: str) -> str:
    """The six digits of the county a region prefix lies in."""
    return prefix[: places.COUNTY_DIGITS]


def attempt(form: Form, act: Callable[[], Any]) -> Any:
    """Do it, or put what was refused beside the fields; returns None then."""
    try:
        return act()
    except ValidationError as error:
        for name, wrong in getattr(error, "message_dict", {"__all__": error.messages}).items():
            form.add_error(name if name in form.fields else None, wrong)
    except (Refused, RegistryError) as error:
        form.add_error(None, str(error))
    return None
