"""医疗费用逐步计算: a person's hospital bills as a statement the patient can read, on the screen and on paper."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from huqing.access.permissions import requires
from huqing.office import actions, bill_page, household_file
from huqing.office.views.households import place
from huqing.rules.errors import ParameterError, RuleError, TableError
from huqing.standards.codelists import codelist


@requires("view_household")
def person_bills(request: HttpRequest, pk: int) -> HttpResponse:
    """Every step of every hospital bill of one person."""
    return render(request, "office/persons/bills.html", _context(request, pk))


@requires("print")
def person_bills_print(request: HttpRequest, pk: int) -> HttpResponse:
    """The same made ready for paper; that it was printed is audited."""
    context = _context(request, pk)
    actions.note_bill_print(by=request.user, person=context["person"])
    return render(request, "office/persons/bills.html", {**context, "printing": True})


def _context(request: HttpRequest, pk: int) -> dict[str, Any]:
    person = household_file.find_person(request.user, pk)
    today = timezone.localdate()
    choice = bill_page.choice_of(request.GET, person, day=today)
    trouble, statement, told = "", None, []
    try:
        statement, told = bill_page.statement_of(person, choice, day=today)
    except (ParameterError, RuleError, TableError) as error:
        trouble = str(error)
    return {
        "person": person,
        "household": person.household,
        "choice": choice,
        "object_title": codelist("medical_object").label(choice.medical_object),
        "objects": codelist("medical_object").items,
        "levels": codelist("hospital_level").items,
        "statement": statement,
        "told": told,
        "trouble": trouble,
        "today": today,
        "query": request.GET.urlencode(),
        **place(person),
    }


urlpatterns = [
    path("persons/<int:pk>/bills/", person_bills, name="person-bills"),
    path("persons/<int:pk>/bills/print/", person_bills_print, name="person-bills-print"),
]
