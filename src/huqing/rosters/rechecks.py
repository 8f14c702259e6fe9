"""Working a round off: who verifies what, what they found, which value holds, and what the round says in the end."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import covers, sees, visible
from huqing.registry import actions as registry
from huqing.registry import values as file
from huqing.registry.models import Household, Person, Source
from huqing.rosters.drawing import locked
from huqing.rosters.estimates import METHOD, stratified, wilson
from huqing.rosters.models import RecheckDifference, RecheckItem, RecheckRound
from huqing.standards.fields import Field, record_kinds
from huqing.standards.text import clean
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value, display
from huqing.teams.ledger_queries import holding
from huqing.teams.models import Responsibility, Staff
from huqing.visits.models import Form

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.visits.models import Submission

S, R, D = RecheckRound.State, RecheckItem.Outcome, RecheckDifference.Decision
VILLAGE_DIGITS = 12
Key = tuple[str, int, str]  # household or person, its id, the field


def mine(user: User) -> QuerySet[RecheckItem]:
    """The households an account is to verify, in rounds that are going on."""
    return RecheckItem.objects.filter(
        verifier__user=user, round__state=S.DRAWN, region_code__startswith=user.region_code[:6]
    )


def item_of(user: User, pk: int) -> RecheckItem | None:
    """A drawn household, for its verifier and for those who see it by their office; None for everybody else."""
    rows = RecheckItem.objects.select_related("round", "household", "verifier", "recorded_by")
    found = mine(user).filter(pk=pk).values("pk")
    allowed = visible(rows, user).filter(pk=pk) if may(user, "view_rosters") else rows.none()
    return rows.filter(pk__in=found).first() or allowed.first()


def why_not_record(user: User, item: RecheckItem) -> str:
    """Why an account cannot note what was found in a household; "" when it can."""
    if item.round.state != S.DRAWN:
        return "这一轮不在核查中。"
    if item.verifier is None:
        return "还没有安排核查人。"
    if item.verifier.user_id != user.pk and not (may(user, "manage_rechecks") and sees(user, item)):
        return f"由核查人{item.verifier.name}登记；没有账号的，由县级经办按纸质记录代为登记。"
    if item.differences.exclude(decision=D.OPEN).exists():
        return "差异已经开始判定，不能再改核查记录。"
    return ""


@transaction.atomic
def assign(*, round_: RecheckRound, staff: Iterable[Staff], by: User) -> tuple[int, int]:
    """Share the households without a verifier among people who are not responsible for them.

    Returns how many found somebody and how many did not. Everybody gets the same number as far as that is possible.
    """
    round_ = locked(round_, by)
    if round_.state != S.DRAWN:
        raise ValidationError("抽取之后才能安排核查人。")
    people = sorted(
        {one.pk: one for one in staff if covers(by.region_code, one.region_code)}.values(), key=lambda one: one.pk
    )
    if not people:
        raise ValidationError("请选核查人员。")
    waiting = list(round_.items.filter(verifier=None).select_related("household").order_by("region_code", "pk"))
    barred = barred_from(people, [item.household for item in waiting])
    held = Counter(round_.items.exclude(verifier=None).values_list("verifier", flat=True))
    given = []
    for item in waiting:
        free = [one for one in people if one.pk not in barred[item.household_id]]
        if free:
            chosen = min(free, key=lambda one: (held[one.pk], one.pk))
            item.verifier = chosen
            held[chosen.pk] += 1
            given.append(item)
    RecheckItem.objects.bulk_update(given, ["verifier"], batch_size=500)
    detail = {"given": len(given), "left": len(waiting) - len(given), "people": len(people)}
    audit.record(by=by, action="recheck_assign", subject=round_, detail=detail)
    return len(given), len(waiting) - len(given)


@transaction.atomic
def reassign(*, item: RecheckItem, staff: Staff, by: User) -> RecheckItem:
    """Give one household to another verifier, who must not be responsible for it."""
    locked(item.round, by)
    item = RecheckItem.objects.select_for_update(of=("self",)).select_related("household", "round").get(pk=item.pk)
    if item.outcome:
        raise ValidationError("这一户已经核查，不用再换人。")
    if (
        not covers(by.region_code, staff.region_code)
        or staff.pk in barred_from([staff], [item.household])[item.household_id]
    ):
        raise ValidationError({"staff": f"{staff.name}是这一户的责任人或本村人员，请换一个人。"})
    item.verifier = staff
    item.save(update_fields=["verifier"])
    audit.record(by=by, action="recheck_assign", subject=item, detail={"staff": staff.pk})
    return item


def barred_from(people: Iterable[Staff], households: Iterable[Household]) -> dict[int, set[int]]:
    """For every household the people who must not verify it: responsible for it in any way, or of its own village."""
    homes = list(households)
    staff = {one.pk: one for one in people}
    lines = holding(Responsibility.objects.filter(staff__in=staff), today())
    of: dict[str, dict[Any, set[int]]] = {name: defaultdict(set) for name in ("household", "grid", "village")}
    for who, home, grid, village, person_home in lines.values_list(
        "staff_id", "household_id", "grid_id", "village_id", "person__household_id"
    ):
        for name, key in (("household", home or person_home), ("grid", grid), ("village", village)):
            if key is not None:
                of[name][key].add(who)
    local: dict[str, set[int]] = defaultdict(set)
    for one in staff.values():
        if len(one.region_code.rstrip("0")) > 9 and len(one.region_code) == VILLAGE_DIGITS:
            local[one.region_code].add(one.pk)
    return {
        home.pk: of["household"][home.pk]
        | of["grid"][home.grid_id]
        | of["village"][home.village_id]
        | local[home.region_code]
        for home in homes
    }


def asked(item: RecheckItem) -> list[tuple[Household | Person, list[Field]]]:
    """What a verifier is asked about a household: its own fields, then those of each of its people."""
    kinds = record_kinds()
    own = [kinds["household"][key] for of, key in item.round.fields if of == "household"]
    of_people = [kinds["person"][key] for of, key in item.round.fields if of == "person"]
    people = item.household.members.order_by("relation", "birth_date", "pk") if of_people else []
    return [(item.household, own), *((person, of_people) for person in people)]


def key_of(row: Household | Person, declared: Field) -> str:
    """The name of a field in the verifier's form."""
    return f"{'h' if isinstance(row, Household) else 'p'}{row.pk}-{declared.key}"


def found_before(item: RecheckItem) -> dict[str, Any]:
    """What an earlier record of the household found, by ``key_of``: whoever corrects it begins with that."""
    return {f"{'h' if of == 'household' else 'p'}{pk}-{key}": after for of, pk, key, _, after in item.answers}


def stamp(item: RecheckItem) -> str:
    """Which record of an item this is; "" none."""
    return item.recorded_at.isoformat() if item.recorded_at else ""


@transaction.atomic
def record(
    *,
    item: RecheckItem,
    outcome: str,
    values: Mapping[str, Any],
    verdict: str = "",
    visited_on: dt.date,
    note: str = "",
    submission: Submission | None = None,
    since: str | None = None,
    by: User,
) -> RecheckItem:
    """Note what was found in a household: for every field asked (``key_of``) what somebody wrote, prefilled or changed.

    A value that is another than the file's becomes a difference. ``submission`` is the phone's record it comes from,
    ``since`` what ``stamp`` said when the page was opened: what was noted meanwhile is not overwritten unseen.
    ValidationError names each wrong field.
    """
    require(by, "verify_households")
    if item_of(by, item.pk) is None:
        raise Refused("这一户不由您核查。")
    item = (
        RecheckItem.objects.select_for_update(of=("self",))
        .select_related("round", "household", "verifier")
        .get(pk=item.pk)
    )
    stopped = why_not_record(by, item)
    if stopped:
        raise ValidationError(stopped)
    if since is not None and since != stamp(item):
        raise ValidationError("您填写的时候，这一户的核查已由手机或别人登记。请重新打开这一页，看清后再更正。")
    note = hide_numbers(clean(note).strip())[:500]
    drawn = timezone.localdate(item.round.drawn_at) if item.round.drawn_at else visited_on
    if visited_on > today() or visited_on < min(drawn, today()):
        raise ValidationError({"visited_on": f"核查日期应在抽取（{min(drawn, today())}）和今天之间。"})
    if outcome == R.ABSENT and not note:
        raise ValidationError({"note": "没有见到的，请写明情况，例如“全家外出务工，邻居证实”。"})
    if outcome not in (R.MET, R.ABSENT):
        raise ValidationError({"outcome": "请选见到了还是没有见到。"})
    if outcome == R.MET and item.round.frame.get("label") and verdict not in ("right", "wrong", "unsure"):
        raise ValidationError({"verdict": "请选这一户是否符合条件。"})
    found = _found(item, values, visited_on) if outcome == R.MET else []
    item.differences.all().delete()
    item.answers = [[*key, before, after] for key, before, after in found]
    item.outcome, item.verdict = outcome, verdict if outcome == R.MET else ""
    item.visited_on, item.note, item.submission = visited_on, note, submission
    item.recorded_at, item.recorded_by = timezone.now(), by
    item.save()
    RecheckDifference.objects.bulk_create(
        RecheckDifference(item=item, person_id=pk if of == "person" else None, field=key, before=before, found=after)
        for (of, pk, key), before, after in found
        if before != after
    )
    differing = sum(before != after for _, before, after in found)
    detail = {"outcome": outcome, "fields": len(found), "differences": differing}
    if submission is not None:
        detail["submission"] = submission.pk
    audit.record(by=by, action="recheck_record", subject=item, region_code=item.region_code, detail=detail)
    return item


def _found(item: RecheckItem, values: Mapping[str, Any], on: dt.date) -> list[tuple[Key, Any, Any]]:
    """Every field asked with the file's value and the one found; a field that was not sent back counts as the same."""
    told, wrong = [], {}
    for row, fields in asked(item):
        of = "household" if isinstance(row, Household) else "person"
        for declared in fields:
            name, before = key_of(row, declared), file.read(row, declared)
            if name not in values:
                told.append(((of, row.pk, declared.key), before, before))
                continue
            after: Any = check_value(declared, file.raw_text(values[name]), as_of=on)
            if isinstance(after, Problem):
                if not after.warning:
                    wrong[name] = str(after)
                    continue
                after = after.value
            told.append(((of, row.pk, declared.key), before, after))
    if wrong:
        raise ValidationError(wrong)
    return told


@transaction.atomic
def decide(*, difference: RecheckDifference, decision: str, reason: str, by: User) -> RecheckDifference:
    """Say which value holds. If it is the one found, it goes into the file with the verifier's visit as its source."""
    require(by, "decide_rechecks")
    if not sees(by, difference):
        raise Refused("这一户不在您的管辖范围内。")
    difference = (
        RecheckDifference.objects.select_for_update(of=("self",))
        .select_related("item__round", "item__household", "item__verifier", "person")
        .get(pk=difference.pk)
    )
    item = difference.item
    if item.round.state != S.DRAWN:
        raise ValidationError("这一轮已经结束，不能再判定。")
    if difference.decision:
        raise ValidationError(f"这一项已经判定为“{difference.get_decision_display()}”。")
    if item.recorded_by_id == by.pk:
        raise Refused("核查记录是您登记的，请另一个人判定。")
    if decision not in (D.FILE, D.FOUND):
        raise ValidationError({"decision": "请选哪一个值正确。"})
    reason = hide_numbers(clean(reason).strip())[:300]
    if decision == D.FILE and not reason:
        raise ValidationError({"reason": "档案正确的，请写明依据。"})
    if decision == D.FOUND:
        _into_file(difference, by)
    difference.decision, difference.reason = decision, reason
    difference.decided_at, difference.decided_by = timezone.now(), by
    difference.save()
    detail = {"field": difference.field, "decision": decision}
    audit.record(by=by, action="recheck_decide", subject=item, region_code=item.region_code, detail=detail)
    return difference


def _into_file(difference: RecheckDifference, by: User) -> None:
    item, on = difference.item, difference.item.visited_on or today()
    kind = record_kinds()["person" if difference.person_id else "household"]
    declared = kind[difference.field]
    who = item.verifier.name if item.verifier else ""
    source = Source.objects.create(
        kind=Source.Kind.VISIT,
        title=f"回头看：{item.round.title}（{who}）"[:200],
        on=on,
        region_code=item.region_code,
        created_at=timezone.now(),
        created_by=by,
    )
    registry.set_values(
        household=item.household,
        person=difference.person,
        values={declared.key: as_written(declared, difference.found)},
        by=by,
        on=on,
        reason=source.title,
        source=source,
    )


def as_written(declared: Field, value: Any) -> Any:
    """A stored value as somebody would write it into a form."""
    if value is None:
        return "" if declared.type != "codes" else []
    return value if declared.type in ("code", "codes") else display(declared, value)


def progress(round_: RecheckRound) -> dict[str, int]:
    """How far a round is: drawn, with a verifier, verified, absent, differences to decide."""
    items = round_.items.aggregate(
        drawn=Count("pk"),
        given=Count("pk", filter=Q(verifier__isnull=False)),
        met=Count("pk", filter=Q(outcome=R.MET)),
        absent=Count("pk", filter=Q(outcome=R.ABSENT)),
    )
    undecided = RecheckDifference.objects.filter(item__round=round_, decision=D.OPEN).count()
    return {**items, "undecided": undecided, "nobody": items["drawn"] - items["given"]}


def results(round_: RecheckRound) -> dict[str, Any]:
    """The estimated error rates, by stratum and in all: a household is wrong if a value or its label is.

    Counted are values that a person decided were wrong in the file, and households found not to meet the conditions.
    """
    wrong = Q(verdict="wrong") | Q(
        pk__in=RecheckDifference.objects.filter(item__round=round_, decision=D.FOUND).values("item")
    )
    rows = (
        round_.items.order_by()
        .values("stratum")
        .annotate(
            drawn=Count("pk"),
            met=Count("pk", filter=Q(outcome=R.MET)),
            absent=Count("pk", filter=Q(outcome=R.ABSENT)),
            wrong=Count("pk", filter=Q(outcome=R.MET) & wrong),
            label=Count("pk", filter=Q(verdict="wrong")),
            unsure=Count("pk", filter=Q(verdict="unsure")),
        )
    )
    strata = []
    for row in rows.order_by("stratum"):
        share = wilson(row["wrong"], row["met"])
        strata.append({**row, "of": round_.sizes.get(row["stratum"], [row["drawn"]])[0], **vars(share)})
    whole = stratified((row["of"], row["met"], row["wrong"]) for row in strata)
    sums = {
        name: sum(row[name] for row in strata) for name in ("of", "drawn", "met", "absent", "wrong", "label", "unsure")
    }
    fields = (
        RecheckDifference.objects.filter(item__round=round_)
        .values("field")
        .annotate(
            found=Count("pk"),
            wrong=Count("pk", filter=Q(decision=D.FOUND)),
            of_person=Count("pk", filter=Q(person__isnull=False)),
        )
        .order_by("-wrong", "field")
    )
    return {"strata": strata, "whole": {**sums, **vars(whole)}, "fields": list(fields), "method": METHOD}


@transaction.atomic
def close(*, round_: RecheckRound, by: User) -> RecheckRound:
    """End a round with its report; every household must have been gone to and every difference decided."""
    round_ = locked(round_, by)
    if round_.state != S.DRAWN:
        raise ValidationError(f"这一轮{round_.get_state_display()}，不能结束。")
    now = progress(round_)
    waiting = now["drawn"] - now["met"] - now["absent"]
    if waiting or now["undecided"]:
        raise ValidationError(f"还有 {waiting} 户没有核查、{now['undecided']} 处差异没有判定，办完再结束。")
    round_.report, round_.state = results(round_), S.CLOSED
    round_.closed_at, round_.closed_by = timezone.now(), by
    if round_.form is not None:
        Form.objects.filter(pk=round_.form_id, state=Form.State.OPEN).update(state=Form.State.CLOSING)
    round_.save(update_fields=["report", "state", "closed_at", "closed_by"])
    detail = {"title": round_.title, "households": now["drawn"], "wrong": round_.report["whole"]["wrong"]}
    audit.record(by=by, action="recheck_close", subject=round_, detail=detail)
    return round_
