"""Changing who belongs to a household: joining, leaving, moving, the head, dividing; its labels and its grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from huqing.access.permissions import requires
from huqing.office import household_file
from huqing.office.member_forms import (
    AddMemberForm,
    DatedForm,
    GridForm,
    LabelForm,
    LeaveForm,
    RelationsForm,
    TransferForm,
)
from huqing.office.views.households import place
from huqing.office.views.shared import attempt
from huqing.registry import actions
from huqing.registry.member_actions import HEAD
from huqing.registry.models import Household, Label, Person


@requires("edit_household")
def member_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is born, marries in or moves in."""
    household = _household(request, pk)
    headless = not household.members.filter(relation=HEAD).exists()
    form = AddMemberForm(_posted(request), headless=headless)

    def act() -> Any:
        person = actions.add_member(
            household=household,
            values=form.values(),
            by=request.user,
            join_reason=form.cleaned_data["join_reason"],
            **form.dated,
        )
        for said in form.doubts():
            messages.warning(request, f"请核对{said}")
        return person

    return _step(
        request,
        household,
        form,
        act,
        title="增加家庭成员",
        button="加入本户",
        done=lambda person: f"{person.name}已加入本户。",
        anchor="members",
    )


@requires("edit_household")
def member_leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody dies, marries out, moves out."""
    person, household = _person(request, pk)
    form = LeaveForm(_posted(request))

    def act() -> Any:
        return actions.remove_member(
            person=person, by=request.user, leave_reason=form.cleaned_data["leave_reason"], **form.dated
        )

    return _step(
        request,
        household,
        form,
        act,
        title=f"{person.name}离开本户",
        text="办理后不再算本户人口，个人档案保留。转到本县另一户的，请用“转到另一户”，档案和标签会一起过去。",
        button="离开本户",
        done=lambda done: f"{done.name}已离开本户，档案保留。",
        anchor="members",
    )


@requires("edit_household")
def member_transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody moves into another household of one's area, with file, labels and department data."""
    person, household = _person(request, pk)
    form = TransferForm(_posted(request))

    def act() -> Any:
        wanted = Household.objects.visible_to(request.user).filter(number=form.cleaned_data["number"].strip()).first()
        if wanted is None:
            raise ValidationError({"number": "没有这个户编号，或那一户不在您的管辖范围内。请核对编号。"})
        return actions.transfer_member(
            person=person, into=wanted, relation=form.cleaned_data["relation"], by=request.user, **form.dated
        )

    return _step(
        request,
        household,
        form,
        act,
        title=f"{person.name}转到另一户",
        text="个人档案、标签和关联的部门数据都跟着人走。",
        button="转过去",
        done=lambda done: f"{done.name}已转到{done.household.head_name}户。",
        anchor="members",
    )


@requires("edit_household")
def head_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another member becomes head."""
    household = _household(request, pk)
    people = _people(household)
    form = RelationsForm(_posted(request), people=people)

    def act() -> Any:
        return actions.change_head(
            household=household, head=form.chosen_head, relations=form.relations(), by=request.user, **form.dated
        )

    return _step(
        request,
        household,
        form,
        act,
        title="变更户主",
        text="选新户主，再写明每个人与新户主的关系。原户主一定要写，其他人没有变的可以不选。",
        button="变更户主",
        done=lambda done: f"户主已改为{done.head_name}。",
        anchor="members",
        relations=True,
    )


@requires("edit_household")
def household_split(request: HttpRequest, pk: int) -> HttpResponse:
    """Some members found a household of their own."""
    household = _household(request, pk)
    people = [person for person in _people(household) if person.relation != HEAD]
    form = RelationsForm(_posted(request), people=people, staying=True)

    def act() -> Any:
        relations = {form.chosen_head.pk: HEAD, **form.relations()}
        members = [person for person in people if person.pk in relations]
        return actions.split_household(
            household=household, members=members, relations=relations, by=request.user, **form.dated
        )

    return _step(
        request,
        household,
        form,
        act,
        title="分户",
        text="选新户的户主，再给跟着分出去的人选与新户主的关系；没有选关系的人留在原户。",
        button="分成两户",
        done=lambda done: f"已分出{done.head_name}户，户编号 {done.number}。",
        anchor="members",
        relations=True,
    )


@requires("edit_household")
def label_add(request: HttpRequest, pk: int) -> HttpResponse:
    """The household or one of its people counts as something from a day on."""
    household = _household(request, pk)
    form = LabelForm(_posted(request), household=household)
    return _step(
        request,
        household,
        form,
        lambda: actions.set_label(household=household, by=request.user, **form.told()),
        title="增加标签",
        button="增加标签",
        done=lambda label: "标签已增加。",
    )


@requires("edit_household")
def label_end(request: HttpRequest, pk: int) -> HttpResponse:
    """A label is valid up to a day."""
    label = Label.objects.visible_to(request.user).select_related("household", "person").filter(pk=pk).first()
    if label is None:
        raise Http404
    household = _household(request, label.household_id)
    form = DatedForm(_posted(request))
    form.fields["on"].label = "最后一天"

    def act() -> Any:
        return actions.end_label(label=label, by=request.user, **form.dated)

    return _step(
        request,
        household,
        form,
        act,
        title="结束标签",
        text="结束后列入以往标签，不会删除。",
        label=label,
        button="结束标签",
        done=lambda done: "标签已结束。",
    )


@requires("edit_household")
def household_grid(request: HttpRequest, pk: int) -> HttpResponse:
    """The household belongs to another grid of its village, or to none."""
    household = _household(request, pk)
    form = GridForm(_posted(request), household=household, initial={"grid": household.grid_id})

    def act() -> Any:
        actions.assign_grid(households=[household], grid=form.cleaned_data["grid"], by=request.user)
        return household

    return _step(
        request,
        household,
        form,
        act,
        title="调整网格",
        text="网格员只看得到自己网格里的农户，调整后马上生效。",
        button="保存",
        done=lambda done: "网格已调整。",
    )


def _step(
    request: HttpRequest,
    household: Household,
    form: Form,
    act: Callable[[], Any],
    *,
    title: str,
    button: str,
    done: Callable[[Any], str],
    text: str = "",
    anchor: str = "",
    **more: Any,
) -> HttpResponse:
    """Show the form of a change, or make the change and go back to the household."""
    if request.method == "POST" and form.is_valid():
        made = attempt(form, act)
        if made is not None:
            messages.success(request, done(made))
            still = Household.objects.visible_to(request.user).filter(pk=household.pk).exists()
            page = reverse("office:household", args=[household.pk]) if still else reverse("office:households")
            return redirect(f"{page}#{anchor}" if anchor else page)
    context = {
        "household": household,
        "form": form,
        "title": title,
        "text": text,
        "button": button,
        "back": reverse("office:household", args=[household.pk]),
        **place(household),
        **more,
    }
    return render(request, "office/households/step.html", context, status=422 if form.is_bound else 200)


def _posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _household(request: HttpRequest, pk: int) -> Household:
    household = household_file.find(request.user, pk)
    if household.status != Household.Status.ACTIVE:
        raise Http404("这一户已经注销，不能再办理变更。")
    return household


def _person(request: HttpRequest, pk: int) -> tuple[Person, Household]:
    person = household_file.find_person(request.user, pk)
    if person.household_id is None:
        raise Http404("此人现在不在任何一户。")
    return person, _household(request, person.household_id)


def _people(household: Household) -> list[Person]:
    return list(household.members.order_by("relation", "birth_date", "pk"))


urlpatterns = [
    path("households/<int:pk>/members/add/", member_add, name="member-add"),
    path("households/<int:pk>/head/", head_change, name="head-change"),
    path("households/<int:pk>/split/", household_split, name="household-split"),
    path("households/<int:pk>/labels/add/", label_add, name="label-add"),
    path("households/<int:pk>/grid/", household_grid, name="household-grid"),
    path("persons/<int:pk>/leave/", member_leave, name="member-leave"),
    path("persons/<int:pk>/transfer/", member_transfer, name="member-transfer"),
    path("labels/<int:pk>/end/", label_end, name="label-end"),
]
