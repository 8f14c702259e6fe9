"""One drawn household: the verifier's form on phone and desk, prefilled; and which of two values holds."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.calendar import today
from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import sees, visible
from huqing.office import landing_words, paging
from huqing.office.recheck_forms import FoundForm, ReassignForm, questions, typed_values
from huqing.office.views.shared import attempt
from huqing.registry.errors import RegistryError
from huqing.registry.values import shown
from huqing.rosters import phone, rechecks
from huqing.rosters.models import RecheckDifference, RecheckItem
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.visits.models import Submission


@requires("verify_households")
def recheck_mine(request: HttpRequest) -> HttpResponse:
    """The households the account is to verify, those not yet done first."""
    rows = rechecks.mine(request.user).select_related("household", "round")
    page = paging.page(
        rows, query=request.GET, path=request.path, orders={"open": ["outcome", "id"]}, default="open", sortable=False
    )
    template = "office/rechecks/mine_rows.html" if request.htmx else "office/rechecks/mine.html"
    return render(request, template, {"page": page, "today": today()})


@requires("verify_households")
def recheck_item(request: HttpRequest, pk: int) -> HttpResponse:
    """What is asked of a household, prefilled from its file; after it was recorded the differences."""
    item = _find(request, pk)
    stopped = rechecks.why_not_record(request.user, item)
    posted = request.POST if request.method == "POST" and not stopped else None
    sent = phone.sent_of(item)
    # Not adopted by itself: somebody looks at it beside what is noted, and saves it or not.
    chosen = next((one for one in sent if str(one.pk) == request.GET.get("record")), None) if not stopped else None
    told = phone.found_in(chosen, item) if chosen else None
    first = {
        "visited_on": item.visited_on or today(),
        "outcome": item.outcome,
        "verdict": item.verdict,
        "note": item.note,
    } | ({name: value for name, value in told.items() if name != "values"} if told else {})
    form = FoundForm(posted, initial=first)
    problems: dict[str, str] = {}
    if posted is not None and form.is_valid():
        done = attempt(
            form,
            lambda: _recorded(item, posted, form.cleaned_data, request, problems),
        )
        if done:
            count = done.differences.count()
            messages.success(request, f"已登记，与档案不一致 {count} 处。" if count else "已登记，与档案一致。")
            return redirect("office:recheck-item", pk=pk)
    context = {
        "item": item,
        "form": form,
        "stopped": stopped,
        "groups": questions(item, posted, problems, told["values"] if told else None) if not stopped else [],
        "stamp": posted.get("stamp", "") if posted is not None else rechecks.stamp(item),
        "sent": [_sent(one, item, request) for one in sent],
        "chosen": chosen,
        "problems": problems,
        "differences": [_told(one) for one in item.differences.select_related("person", "decided_by")],
        "label": codelist("label_kind").label(item.round.frame["label"]) if item.round.frame.get("label") else "",
        "can_decide": may(request.user, "decide_rechecks") and sees(request.user, item),
        "own": item.recorded_by_id == request.user.pk,
        "reassign": ReassignForm(by=request.user)
        if may(request.user, "manage_rechecks") and not item.outcome
        else None,
        "seen": sees(request.user, item.household),
    }
    return render(request, "office/rechecks/item.html", context, status=422 if posted is not None else 200)


def _recorded(
    item: RecheckItem, posted: Any, data: dict[str, Any], request: HttpRequest, problems: dict[str, str]
) -> Any:
    """Record it; what is wrong with a field of the file is told beside the field."""
    try:
        values, since = typed_values(item, posted), posted.get("stamp", "")
        return rechecks.record(item=item, values=values, since=since, by=request.user, **data)
    except ValidationError as error:
        wrong = getattr(error, "message_dict", {})
        problems.update({name: "；".join(told) for name, told in wrong.items() if "-" in name})
        if problems:
            raise ValidationError("有几处写得不对，请看下面标红的栏目。") from error
        raise


@requires("manage_rechecks")
@require_POST
def recheck_reassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a household to another verifier."""
    item = _find(request, pk)
    form = ReassignForm(request.POST, by=request.user)
    if form.is_valid() and attempt(
        form, lambda: rechecks.reassign(item=item, staff=form.cleaned_data["staff"][0], by=request.user)
    ):
        messages.success(request, "已换核查人。")
    else:
        messages.error(request, "；".join(text for told in form.errors.values() for text in told))
    return redirect("office:recheck-item", pk=pk)


@requires("decide_rechecks")
@require_POST
def recheck_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which value holds."""
    rows = visible(RecheckDifference.objects.select_related("item"), request.user)
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    try:
        decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "")
        rechecks.decide(difference=found, decision=decision, reason=reason, by=request.user)
    except (ValidationError, Refused, RegistryError) as error:
        messages.error(request, "；".join(getattr(error, "messages", [str(error)])))
    else:
        messages.success(request, "已判定。")
    return redirect("office:recheck-item", pk=found.item_id)


def _sent(submission: Submission, item: RecheckItem, request: HttpRequest) -> dict[str, Any]:
    """A record from a phone: whether it is what stands, else why not."""
    refused = (submission.landing or {}).get("refused") or {}
    return {
        "row": submission,
        "stands": item.submission_id == submission.pk,
        "replaced": submission.state == Submission.State.REPLACED,
        "why": "；".join(landing_words.told(submission).reasons) if refused else "",
        "seen": may(request.user, "view_visits") and sees(request.user, submission),
    }


def _find(request: HttpRequest, pk: int) -> RecheckItem:
    found = rechecks.item_of(request.user, pk)
    if found is None:
        raise Http404
    return found


def _told(difference: RecheckDifference) -> dict[str, Any]:
    declared = record_kinds()["person" if difference.person_id else "household"][difference.field]
    return {
        "row": difference,
        "who": difference.person.name if difference.person else "本户",
        "title": declared.label,
        "before": shown(declared, difference.before) or "未填",
        "found": shown(declared, difference.found) or "未填",
        "unit": declared.unit,
    }


urlpatterns = [
    path("my-rechecks/", recheck_mine, name="recheck-mine"),
    path("rechecks/items/<int:pk>/", recheck_item, name="recheck-item"),
    path("rechecks/items/<int:pk>/verifier/", recheck_reassign, name="recheck-reassign"),
    path("rechecks/differences/<int:pk>/", recheck_decide, name="recheck-decide"),
]
