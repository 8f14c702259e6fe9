"""Department rows that might be about somebody: the queue, one candidate compared line by line, and the decision."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from huqing.access.models import User
from huqing.access.permissions import requires
from huqing.access.scope import covers
from huqing.intake import queries as intake_queries
from huqing.intake import review
from huqing.intake.errors import IntakeError
from huqing.intake.models import LinkCandidate
from huqing.office import link_page, paging
from huqing.standards.fields import department_kinds

ORDERS = {"score": ["score", "id"]}


@requires("review_links")
def link_list(request: HttpRequest) -> HttpResponse:
    """The rows that wait for a decision, the surest first."""
    kind, rejected = _kind(request), request.GET.get("state") == "rejected"
    found = intake_queries.review_queue(request.user, kind=kind, rejected=rejected)
    page = paging.page(found, query=request.GET, path=request.path, orders=ORDERS, default="-score", sortable=False)
    context = {
        "page": page,
        "rows": [(candidate, link_page.summary(candidate)) for candidate in page.rows],
        "kind": kind,
        "rejected": rejected,
        "kinds": [(key, declared.name) for key, declared in department_kinds().items()],
        "waiting": found.count(),
        "carried": _carried(kind),
    }
    return render(request, "office/links/results.html" if request.htmx else "office/links/list.html", context)


def _kind(request: HttpRequest) -> str:
    wanted = request.GET.get("kind") or request.POST.get("kind", "")
    return wanted if wanted in department_kinds() else ""


def _carried(kind: str) -> str:
    """What the addresses of the queue carry along so that the chosen kind stays chosen."""
    return f"?{urlencode({'kind': kind})}" if kind else ""


def _find(user: User, pk: int) -> LinkCandidate:
    found = intake_queries.candidate_of(user, pk)
    if found is None:
        raise Http404("没有这条待判定记录，或它不在您的管辖范围内。")
    return found


@requires("review_links")
def link_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One candidate: the department's row beside the person, line by line, with the score explained."""
    return _page(request, _find(request.user, pk))


def _page(request: HttpRequest, candidate: LinkCandidate, wrong: str = "") -> HttpResponse:
    user, kind = request.user, _kind(request)
    queue = intake_queries.review_queue(user, kind=kind)
    others = [one for one in candidate.record.candidates.all() if one.pk != candidate.pk]
    reachable = [one for one in others if covers(user.region_code, one.person.region_code)]
    following = _following(queue, candidate)
    context = {
        "candidate": candidate,
        "comparison": link_page.comparison(candidate),
        "record": link_page.record_facts(candidate.record),
        "person": link_page.person_facts(candidate.person, today=timezone.localdate()),
        "same_kind": link_page.records_of_same_kind(candidate),
        "others": reachable,
        "hidden": len(others) - len(reachable),
        "waiting": queue.count(),
        "next": following,
        "carried": _carried(kind),
        "kind": kind,
        "open": candidate.state == LinkCandidate.State.OPEN and candidate.record.retired_by_id is None,
        "can_reopen": candidate.state == LinkCandidate.State.REJECTED
        and candidate.record.person_id is None
        and candidate.record.retired_by_id is None,
        "wrong": wrong,
    }
    return render(request, "office/links/detail.html", context, status=422 if wrong else 200)


def _following(queue: QuerySet[LinkCandidate], candidate: LinkCandidate) -> LinkCandidate | None:
    """The next one to look at: the row's own next candidate, else the next of the queue, else its first."""
    waiting = queue.exclude(pk=candidate.pk)
    behind = Q(score__lt=candidate.score) | Q(score=candidate.score, pk__gt=candidate.pk)
    return (
        waiting.filter(record_id=candidate.record_id).filter(behind).first()
        or waiting.filter(behind).first()
        or waiting.first()
    )


@requires("review_links")
@require_POST
def link_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept or reject a candidate and go on to the next one."""
    candidate = _find(request.user, pk)
    kind = _kind(request)
    name, row = candidate.person.name, candidate.record.subject_name or "这条部门数据"
    try:
        if request.POST.get("decision") == "accept":
            review.accept(candidate=candidate, by=request.user)
            messages.success(request, f"“{row}”已关联到{name}，本户预警已重新判断。")
        elif request.POST.get("decision") == "reject":
            review.reject(candidate=candidate, by=request.user)
            messages.success(request, f"已判定“{row}”不是{name}。")
        else:
            return _page(request, candidate, wrong="请选择“是同一人”或“不是同一人”。")
    except IntakeError as error:
        return _page(request, candidate, wrong=str(error))
    following = _following(intake_queries.review_queue(request.user, kind=kind), candidate)
    address = reverse("office:link", args=[following.pk]) if following else reverse("office:links")
    return redirect(f"{address}{_carried(kind)}")


@requires("review_links")
@require_POST
def link_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a rejected candidate wait for a decision again."""
    candidate = _find(request.user, pk)
    try:
        review.reopen(candidate=candidate, by=request.user)
    except IntakeError as error:
        return _page(request, candidate, wrong=str(error))
    messages.success(request, "已重新列为待判定。")
    return redirect(f"{reverse('office:link', args=[pk])}{_carried(_kind(request))}")


urlpatterns = [
    path("links/<int:pk>/reopen/", link_reopen, name="link-reopen"),
    path("links/", link_list, name="links"),
    path("links/<int:pk>/", link_detail, name="link"),
    path("links/<int:pk>/decide/", link_decide, name="link-decide"),
]
