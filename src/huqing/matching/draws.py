"""Drawing lots that anybody can check again (随机抽取): inspectors and villages, evaluation panels, samples.

Before: a secret seed is made and its commitment published together with the question (who can be drawn, how many, what
is excluded). At the draw: witnesses say a text nobody could know before (numbers called out, dice). After: the seed is
published. Whoever has the record repeats it: the commitment proves that seed and question were fixed beforehand, the
text that nobody chose the seed for its result.

The algorithm, ``huqing-draw-1``, in words: K = HMAC-SHA256(key = seed, message = text + newline + question), where the
question is its canonical JSON (UTF-8, sorted keys, no spaces). The rank of a name is HMAC-SHA256(K, name) in
hexadecimal. Of every stratum the names with the smallest ranks are drawn. Inspectors are given to the drawn targets in
the order of the targets' ranks: each takes those that may come with the smallest ranks of "target/inspector"; where
none is left, an earlier target hands one over (Kuhn's augmenting path, tried in the order of ranks).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

ALGORITHM = "huqing-draw-1"
SEED = re.compile(r"[0-9a-f]{64}")
TEXT_LENGTH = 200


class DrawError(ValueError):
    """The question cannot be drawn, or a record is none; the message says what is wrong and the remedy."""


class Candidate(NamedTuple):
    """Somebody or something that can be drawn. ``avoids`` are marks (unit, town) not to meet, ``marks`` its own.

    A tuple: a county makes 300,000 of them.
    """

    key: str
    stratum: str = ""
    marks: frozenset[str] = frozenset()
    avoids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Question:
    """What is drawn: ``count`` of every stratum of ``candidates``; inspectors for each of them if there are any.

    ``met`` are (inspector, target) pairs of earlier rounds that must not meet again; ``each`` inspectors go to a
    target, nobody to more than ``most``. ``odd`` asks for an odd number, at least ``at_least`` in all (a panel).
    """

    title: str
    candidates: tuple[Candidate, ...]
    count: Mapping[str, int]
    inspectors: tuple[Candidate, ...] = ()
    each: int = 0
    most: int = 1
    met: frozenset[tuple[str, str]] = frozenset()
    odd: bool = False
    at_least: int = 1

    def canonical(self) -> str:
        """The question as the text that commitment and draw are made from."""
        return self._text

    @cached_property
    def _text(self) -> str:
        # Written out by hand: a county's 300,000 households through dictionaries take ten times as long.
        told = {
            **{
                name: _canonical(_plain(getattr(self, name)))
                for name in ("title", "count", "each", "most", "met", "odd", "at_least")
            },
            "candidates": _listed(self.candidates),
            "inspectors": _listed(self.inspectors),
        }
        return _object(told)


@dataclass(frozen=True)
class Result:
    """Who was drawn, in the order of their ranks, and which inspectors go to whom."""

    drawn: tuple[str, ...]
    inspectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def new_seed() -> str:
    """A seed nobody can guess, 64 hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(seed: str, question: Question) -> str:
    """What is published before the draw: SHA-256 over the algorithm, the seed and the question."""
    if not SEED.fullmatch(seed):
        raise DrawError("种子应为 64 位十六进制小写字符。")
    return hashlib.sha256(f"{ALGORITHM}\n{seed}\n{question.canonical()}".encode()).hexdigest()


def draw(question: Question, seed: str, said: str) -> Result:
    """Draw; ``said`` is the text of the witnesses. DrawError names what is missing."""
    _check(question)
    if not SEED.fullmatch(seed):
        raise DrawError("种子应为 64 位十六进制小写字符。")
    if not said.strip() or len(said) > TEXT_LENGTH or "\n" in said:
        raise DrawError(f"请填写现场监督人报出的文字或数字（1 至 {TEXT_LENGTH} 个字，不换行）。")
    key = hmac.digest(bytes.fromhex(seed), f"{said}\n{question.canonical()}".encode(), "sha256")
    strata: dict[str, list[str]] = defaultdict(list)
    for candidate in question.candidates:
        strata[candidate.stratum].append(candidate.key)
    drawn = [
        name
        for stratum, count in question.count.items()
        for name in sorted(strata[stratum], key=lambda name: _rank(key, name))[:count]
    ]
    drawn.sort(key=lambda name: _rank(key, name))
    return Result(tuple(drawn), _assigned(question, key, drawn) if question.inspectors else {})


def record(question: Question, seed: str, said: str) -> dict[str, Any]:
    """The whole draw as plain data, to be published and checked again."""
    told: dict[str, Any] = json.loads(record_text(question, draw(question, seed, said), seed, said))
    return told


def record_text(question: Question, result: Result, seed: str, said: str) -> str:
    """The record of a draw as canonical JSON; the question stands in it as it was committed to."""
    told = {
        "algorithm": _canonical(ALGORITHM),
        "question": question.canonical(),
        "commitment": _canonical(commitment(seed, question)),
        "said": _canonical(said),
        "seed": _canonical(seed),
        "drawn": _canonical(result.drawn),
        "inspectors": _canonical(result.inspectors),
    }
    return _object(told)


def committed(text: str) -> Question:
    """The question of a text that a commitment was made over, which need not be written out again.

    Only for what was kept as it was committed to: ``commitment`` then says whether it still is.
    """
    question = question_of(json.loads(text))
    # Where the cached property keeps it.
    question.__dict__["_text"] = text
    return question


def verify(told: Any, published: str = "") -> list[str]:
    """What is wrong with a record, in words; empty when it repeats. ``published`` is the commitment seen before."""
    try:
        question, seed, said = question_of(told["question"]), str(told["seed"]), str(told["said"])
        if told["algorithm"] != ALGORITHM:
            return [f"算法 {told['algorithm']} 不认识，本程序只验证 {ALGORITHM}。"]
        made, result = commitment(seed, question), draw(question, seed, said)
        wrong = []
        if made != told["commitment"]:
            wrong.append("种子和名单与事先公布的承诺不符：名单、数量、回避或种子在公布之后被改过。")
        if published and published.strip().lower() != made:
            wrong.append("记录与您手中事先公布的承诺不符。")
        if list(result.drawn) != list(told["drawn"]):
            wrong.append(_difference(result.drawn, told["drawn"]))
        if {target: list(names) for target, names in result.inspectors.items()} != told.get("inspectors", {}):
            wrong.append("检查人员的分配与重新计算的结果不符。")
    except DrawError as error:
        return [str(error)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return ["这不是一份完整的抽取记录。请使用系统导出的原文件。"]
    return wrong


def question_of(told: Mapping[str, Any]) -> Question:
    """The question of a record; KeyError, TypeError or ValueError if it is none."""

    unmarked: frozenset[str] = frozenset()

    def people(listed: Iterable[Mapping[str, Any]]) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                str(one["key"]),
                str(one["stratum"]),
                frozenset(map(str, one["marks"])) if one["marks"] else unmarked,
                frozenset(map(str, one["avoids"])) if one["avoids"] else unmarked,
            )
            for one in listed
        )

    return Question(
        title=str(told["title"]),
        candidates=people(told["candidates"]),
        count={str(stratum): int(count) for stratum, count in told["count"].items()},
        inspectors=people(told["inspectors"]),
        each=int(told["each"]),
        most=int(told["most"]),
        met=frozenset((str(inspector), str(target)) for inspector, target in told["met"]),
        odd=bool(told["odd"]),
        at_least=int(told["at_least"]),
    )


def _check(question: Question) -> None:
    for people, what in ((question.candidates, "名单"), (question.inspectors, "检查人员名单")):
        keys = [candidate.key for candidate in people]
        doubled = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
        if doubled is not None:
            raise DrawError(f"{what}里 {doubled} 出现了两次，请删去一个。")
    total = sum(question.count.values())
    sizes: dict[str, int] = defaultdict(int)
    for candidate in question.candidates:
        sizes[candidate.stratum] += 1
    for stratum, count in question.count.items():
        if count < 0:
            raise DrawError("抽取数量不能小于 0。")
        if count > sizes[stratum]:
            group = f"“{stratum}”" if stratum else "名单"
            raise DrawError(f"{group}要抽 {count} 个，只有 {sizes[stratum]} 个可抽，请补充名单或减少数量。")
    if total < max(1, question.at_least):
        raise DrawError(f"至少要抽 {max(1, question.at_least)} 个，现在共 {total} 个。")
    if question.odd and total % 2 == 0:
        raise DrawError(f"人数应为单数，现在共 {total} 人，请增减 1 人。")
    if question.inspectors and (question.each < 1 or question.most < 1):
        raise DrawError("每处的检查人数和每人最多检查处数都至少为 1。")


def _rank(key: bytes, name: str) -> str:
    return hmac.digest(key, name.encode(), "sha256").hex()


def _assigned(question: Question, key: bytes, drawn: Sequence[str]) -> dict[str, tuple[str, ...]]:
    marks = {candidate.key: candidate.marks for candidate in question.candidates}
    able = {
        target: sorted(
            (
                inspector.key
                for inspector in question.inspectors
                if not inspector.avoids & marks[target] and (inspector.key, target) not in question.met
            ),
            key=lambda name, target=target: _rank(key, f"{target}/{name}"),  # type: ignore[misc]
        )
        for target in drawn
    }
    given: dict[str, list[str]] = {target: [] for target in drawn}
    held: dict[str, list[str]] = defaultdict(list)
    for target in drawn:
        for _ in range(question.each):
            if not _give(target, able, given, held, question.most, {target}):
                raise DrawError(
                    f"{target} 需要 {question.each} 名检查人员，回避本单位、本乡镇和近几轮去过的之后，"
                    f"能去的 {len(able[target])} 人不够分配。请增加检查人员，或放宽每人 {question.most} 处的上限。"
                )
    return {target: tuple(names) for target, names in given.items()}


def _give(
    target: str,
    able: Mapping[str, Sequence[str]],
    given: dict[str, list[str]],
    held: dict[str, list[str]],
    most: int,
    asked: set[str],
) -> bool:
    free = [name for name in able[target] if name not in given[target]]
    for name in free:
        if len(held[name]) < most:
            given[target].append(name)
            held[name].append(target)
            return True
    for name in free:
        for other in list(held[name]):
            if other in asked:
                continue
            asked.add(other)
            given[other].remove(name)
            held[name].remove(other)
            # The place stays taken while the other looks for somebody else.
            held[name].append(target)
            if _give(other, {**able, other: [one for one in able[other] if one != name]}, given, held, most, asked):
                given[target].append(name)
                return True
            held[name].remove(target)
            given[other].append(name)
            held[name].append(other)
    return False


def _difference(right: Sequence[str], told: Any) -> str:
    named = [str(one) for one in told]
    extra, missing = [one for one in named if one not in right], [one for one in right if one not in named]
    if not extra and not missing:
        return "抽中的名单相同，但顺序与重新计算的结果不符。"
    return f"抽中的名单与重新计算的结果不符：多出 {'、'.join(extra) or '无'}，缺少 {'、'.join(missing) or '无'}。"


# One encoder for all: making one takes longer than writing a name.
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _object(told: Mapping[str, str]) -> str:
    """A canonical object from its values, which are canonical already."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in sorted(told.items())) + "}"


def _listed(candidates: Iterable[Candidate]) -> str:
    """The candidates as canonical JSON; the keys of each stand in the order of the alphabet."""
    marked: dict[frozenset[str], str] = {}
    strata: dict[str, str] = {}
    parts = []
    for key, stratum, marks, avoids in candidates:
        for some in (marks, avoids):
            if some not in marked:
                marked[some] = _canonical(sorted(some))
        if stratum not in strata:
            strata[stratum] = _canonical(stratum)
        parts.append(
            f'{{"avoids":{marked[avoids]},"key":{_canonical(key)},"marks":{marked[marks]},"stratum":{strata[stratum]}}}'
        )
    return f"[{','.join(parts)}]"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(one) for one in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
