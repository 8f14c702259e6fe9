"""Tags that tell other pages of villagers' matters."""

from __future__ import annotations

from django import template
from django.template.context import Context

from huqing.matters import queries
from huqing.matters.models import Matter
from huqing.teams.models import TeamNote
from huqing.visits.models import Submission

register = template.Library()
SHOWN = 10


@register.simple_tag(takes_context=True)
def matter_of_note(context: Context, note: TeamNote) -> Matter | None:
    """The matter a resident's problem became, if the user sees it; None while it is none."""
    return queries.seen(context["request"].user).filter(note=note).first()


@register.simple_tag(takes_context=True)
def matters_of_visit(context: Context, visit: Submission) -> list[Matter]:
    """The matters raised from a visit record that the user sees: one about village officers is not for the village."""
    found = queries.seen(context["request"].user).filter(submission=visit)
    return list(found.select_related("state").order_by("pk")[:SHOWN])
