"""Drawing the households of a re-verification round: whom it is about, strata, commitment, draw with witnesses."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import today
from huqing.access.numbers import has_number, hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import code_range, covers
from huqing.access.seal import seal, unseal
from huqing.matching.draws import Candidate, DrawError, Question, commitment, committed, draw, new_seed, record_text
from huqing.registry.models import Household, Label, Region
from huqing.rosters import freezing, spells
from huqing.rosters.models import RecheckItem, RecheckRound
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.standards.text import clean

if TYPE_CHECKING:
    from huqing.access.models import User

AT_ONCE = 2_000
TOWN = 9
S = RecheckRound.State
STATUSES = {"on": "现在在册", "entered": "这段时间纳入", "left": "这段时间退出"}
STRATA = {"town": "乡镇", "village": "行政村", "label": "标签", "none": "不分层"}
# A household with several labels is in the stratum of the first of these.
FIRST_LABEL = ("monitor", "tekun", "dibao", "dibao_marginal", "rigid_expense", "other_hardship", "tuopin")
PLAIN = "其他农户"
# What a round usually looks at; the form offers these, a round keeps the chosen ones.
OFFERED = (
    *(("household", key) for key in (
        "member_count", "household_type", "risks", "income_per_head", "wage_income", "business_income",
        "transfer_income", "dangerous_house", "house_grade", "water_safe", "helper_name",
    )),
    *(("person", key) for key in (
        "alive", "health", "disability_grade", "student_state", "labour", "work_months", "resident_insurance",
        "dibao", "tekun", "registered_away",
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """Whom a round is about: a label ("" every household) and since when, of which towns, in which strata."""

    label: str = ""
    status: str = "on"
    since: dt.date | None = None
    until: dt.date | None = None
    towns: Sequence[str] = field(default_factory=tuple)
    stratum: str = "town"

    def told(self) -> dict[str, Any]:
        """The frame as plain data."""
        days = {name: day.isoformat() if (day := getattr(self, name)) else "" for name in ("since", "until")}
        return {"label": self.label, "status": self.status, "towns": list(self.towns), "stratum": self.stratum} | days


def offered_fields() -> list[tuple[str, Field]]:
    """The fields a round may look at: the table they are of, and their declaration."""
    kinds = record_kinds()
    return [
        (of, kinds[of][key])
        for of, key in OFFERED
        if not (kinds[of][key].sealed or kinds[of][key].linked or kinds[of][key].derived)
    ]


@transaction.atomic
def commit(
    *,
    title: str,
    frame: Frame,
    fields: Sequence[Sequence[str]],
    share: int = 0,
    number: int = 0,
    due_on: dt.date,
    by: User,
) -> RecheckRound:
    """Fix the question of a round and publish its commitment before anything is drawn.

    ``share`` percent of every stratum (rounded up), or ``number`` of it (all, where there are fewer). ValidationError
    says why it cannot be drawn.
    """
    require(by, "manage_rechecks")
    title = hide_numbers(clean(title).strip())
    if not title:
        raise ValidationError({"title": "请写名称，例如“2026 年第四季度回头看”。"})
    if due_on < today():
        raise ValidationError({"due_on": "核查期限已经过去，请改正。"})
    known = {(of, declared.key) for of, declared in offered_fields()}
    if not fields or any(tuple(one) not in known for one in fields):
        raise ValidationError({"fields": "请至少选一个核查栏目。"})
    if bool(share) == bool(number) or not 0 <= share <= 100 or number < 0:
        raise ValidationError({"size": "请写每层抽百分之几（1 至 100），或每层抽几户。"})
    listed = candidates(frame, by)
    if not listed:
        raise ValidationError("没有符合条件的农户，请放宽条件。")
    sizes = {
        stratum: [of, min(of, number) if number else -(-of * share // 100)]
        for stratum, of in sorted(Counter(stratum for _, stratum in listed).items())
    }
    question = Question(
        title=title,
        candidates=tuple(Candidate(key, stratum) for key, stratum in listed),
        count={stratum: drawn for stratum, (_, drawn) in sizes.items()},
    )
    seed = new_seed()
    try:
        made = commitment(seed, question)
    except DrawError as error:
        raise ValidationError(str(error)) from error
    round_ = RecheckRound.objects.create(
        title=title[:100],
        region_code=by.region_code,
        frame=frame.told(),
        fields=[list(one) for one in fields],
        sizes=sizes,
        due_on=due_on,
        question=freezing.pack_text(question.canonical().encode()),
        seed_sealed=seal(seed),
        commitment=made,
        created_at=timezone.now(),
        created_by=by,
    )
    detail = {"title": title, "households": len(listed), "drawn": sum(question.count.values()), "commitment": made}
    audit.record(by=by, action="recheck_commit", subject=round_, detail=detail)
    return round_


def candidates(frame: Frame, by: User) -> list[tuple[str, str]]:
    """Number and stratum of every household that can be drawn, in the order of numbers."""
    rows = households(frame, by).order_by("number").values_list("pk", "number", "region_code")
    found = list(rows.iterator(AT_ONCE * 10))
    strata = _strata(frame, by)
    return [(number, strata(pk, code)) for pk, number, code in found]


def households(frame: Frame, by: User) -> QuerySet[Household]:
    """The active households of a frame."""
    rows = Household.objects.filter(code_range(by.region_code), status=Household.Status.ACTIVE)
    if frame.towns:
        towns = [code for code in frame.towns if covers(by.region_code, code)]
        wanted = code_range(towns[0]) if towns else code_range("")
        for town in towns[1:]:
            wanted |= code_range(town)
        rows = rows.filter(wanted)
    if not frame.label:
        return rows
    if frame.status == "on":
        held = spells.on_list(frame.label, today(), user=None, region=by.region_code)
        if frame.since:
            held = held.filter(valid_from__gte=frame.since)
        if frame.until:
            held = held.filter(valid_from__lte=frame.until)
    else:
        changes = spells.entered if frame.status == "entered" else spells.left
        first, last = frame.since or dt.date(2000, 1, 1), frame.until or today()
        held = changes(frame.label, first, last, user=None, region=by.region_code)
    return rows.filter(pk__in=held.values("household"))


def _strata(frame: Frame, by: User) -> Any:
    """A function from household and village to the stratum's name."""
    if frame.stratum in ("town", "village"):
        digits = TOWN if frame.stratum == "town" else 12
        levels = (Region.Level.TOWN, Region.Level.VILLAGE)
        regions = Region.objects.filter(code_range(by.region_code[:6], "code"), level__in=levels, valid_to=None)
        names = {code[: TOWN if level == Region.Level.TOWN else 12]: name for code, name, level in
                 regions.values_list("code", "name", "level")}  # fmt: skip
        told = {
            code: name if len(code) == TOWN else f"{names.get(code[:TOWN], '')} {name}".strip()
            for code, name in names.items()
        }
        return lambda pk, code: told.get(code[:digits], code[:digits])
    if frame.stratum == "label":
        ranks: dict[int, int] = {}
        held = Label.objects.filter(spells.holding_on(today()), kind__in=FIRST_LABEL).in_region(by.region_code)
        for pk, kind in held.values_list("household_id", "kind").iterator(AT_ONCE * 10):
            ranks[pk] = min(ranks.get(pk, len(FIRST_LABEL)), FIRST_LABEL.index(kind))
        titles = [codelist("label_kind").label(kind) for kind in FIRST_LABEL]
        return lambda pk, code: titles[ranks[pk]] if pk in ranks else PLAIN
    return lambda pk, code: ""


@transaction.atomic
def draw_round(*, round_: RecheckRound, said: str, witnesses: str, by: User) -> RecheckRound:
    """Draw with the words of the witnesses; the record and the drawn households are written together."""
    round_ = locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError(f"这一轮{round_.get_state_display()}，不能再抽。一次承诺只抽一次。")
    witnesses = hide_numbers(clean(witnesses).strip())[:100]
    if not witnesses:
        raise ValidationError({"witnesses": "请写在场监督人的姓名。"})
    if has_number(said):
        raise ValidationError({"said": "现场报出的文字里有证件号码、电话或账号，请换一个。"})
    question, seed, said = committed(freezing.text_of(round_.question)), unseal(bytes(round_.seed_sealed)), said.strip()
    try:
        result = draw(question, seed, said)
    except DrawError as error:
        raise ValidationError({"said": str(error)}) from error
    if commitment(seed, question) != round_.commitment:
        raise ValidationError("名单或种子与公布的承诺不符，数据被改动过。请停止抽取并核查审计日志。")
    strata = {one.key: one.stratum for one in question.candidates}
    made: list[RecheckItem] = []
    for start in range(0, len(result.drawn), AT_ONCE):
        numbers = result.drawn[start : start + AT_ONCE]
        rows = Household.objects.filter(number__in=numbers).values_list("pk", "number", "region_code")
        made += [
            RecheckItem(round=round_, household_id=pk, region_code=code, stratum=strata[number])
            for pk, number, code in rows
        ]
    RecheckItem.objects.bulk_create(made, batch_size=AT_ONCE)
    round_.record = freezing.pack_text(record_text(question, result, seed, said).encode())
    round_.witnesses, round_.state = witnesses, S.DRAWN
    round_.drawn_at, round_.drawn_by = timezone.now(), by
    round_.save(update_fields=["record", "witnesses", "state", "drawn_at", "drawn_by"])
    detail = {"title": round_.title, "drawn": len(made), "witnesses": witnesses}
    audit.record(by=by, action="recheck_draw", subject=round_, detail=detail)
    return round_


@transaction.atomic
def cancel(*, round_: RecheckRound, reason: str, by: User) -> RecheckRound:
    """Give a round up before it is drawn; the commitment stays on record."""
    round_ = locked(round_, by)
    if round_.state != S.COMMITTED:
        raise ValidationError("只有还没有抽取的一轮可以取消。")
    reason = hide_numbers(clean(reason).strip())
    if not reason:
        raise ValidationError({"reason": "请写取消的原因。"})
    round_.state = S.CANCELLED
    round_.save(update_fields=["state"])
    audit.record(by=by, action="recheck_cancel", subject=round_, detail={"title": round_.title, "reason": reason})
    return round_


def record_file(round_: RecheckRound) -> bytes:
    """The record as the file that ``huqing draw verify`` reads."""
    told: Mapping[str, Any] = freezing.unpack(round_.record) if round_.record is not None else {}
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def locked(round_: RecheckRound, by: User) -> RecheckRound:
    """The round read again and locked; Refused for other counties."""
    require(by, "manage_rechecks")
    if not covers(by.region_code, round_.region_code):
        raise Refused("这一轮回头看不在您的管辖范围内。")
    return RecheckRound.objects.select_for_update(of=("self",)).get(pk=round_.pk)
