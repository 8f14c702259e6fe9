"""What an applicant filled in: cleaned, or told field by field what is wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huqing.access.numbers import has_number, hide_numbers
from huqing.applications.errors import ApplicationError
from huqing.applications.kinds import declared
from huqing.standards.idnumbers import normalise_phone, phone_state
from huqing.standards.text import clean, clean_lines, clean_name

NAME_LENGTH, GROUP_LENGTH, WORDS_LENGTH = 30, 40, 1000
LEAST_NAME, LEAST_WORDS = 2, 4
# Far more than anybody types: longer texts are refused before they are looked at closely.
_MOST = 5 * WORDS_LENGTH


@dataclass(frozen=True)
class Filled:
    """What can be stored."""

    kind: str
    name: str
    group_name: str
    phone: str
    difficulties: tuple[str, ...]
    words: str


def filled(
    *, kind: str, name: str, group: str, phone: str, difficulties: Sequence[str], words: str, need_phone: bool
) -> Filled:
    """The fields cleaned; ApplicationError names each that is wrong. Numbers of people in own words are hidden."""
    wrong: dict[str, str] = {}
    if kind not in declared().kinds:
        wrong["kind"] = "请选要申请什么。"
    # A longer text is cut here only so that it need not be cleaned; its length is refused all the same.
    told_name, told_group = clean_name(name[:200]), clean(group[:200])
    if not LEAST_NAME <= len(told_name) <= NAME_LENGTH or has_number(told_name) or "<" in told_name:
        wrong["name"] = "请写姓名，2 到 30 个字，不写号码。"
    if len(told_group) > GROUP_LENGTH or has_number(told_group):
        wrong["group"] = "村民小组写短一些，例如“3组”；不知道可以不写。"
    number = normalise_phone(phone[:40])
    if (number or need_phone) and (len(phone) > len(number) + 12 or phone_state(number) not in ("mobile", "landline")):
        wrong["phone"] = "请写能打通的电话：11 位手机号，或带区号的座机。"
    chosen = tuple(key for key in declared().difficulties if key in difficulties)
    text, length = _words(words)
    if length > WORDS_LENGTH:
        wrong["words"] = f"写得太长了（{length} 个字），请写在 {WORDS_LENGTH} 个字以内，其余的当面说。"
    elif not chosen and length < LEAST_WORDS:
        wrong["difficulties"] = "请至少选一项困难，或在下面写几句。"
    elif chosen == ("other",) and length < LEAST_WORDS:
        wrong["words"] = "选了“别的困难”，请写几句是什么困难。"
    if wrong:
        raise ApplicationError("还有地方没填好，填过的都在，请改好后再提交。", wrong)
    return Filled(kind, told_name, told_group, number, chosen, text)


def _words(words: str) -> tuple[str, int]:
    """The cleaned text and its length; of a text that is much too long only the length."""
    if len(words) > _MOST:
        return "", len(words)
    text = hide_numbers(clean_lines(words)).strip()
    return text, len(text)


def reason(text: str, what: str, *, least: int = 4, most: int = 500) -> str:
    """A reason on one line, numbers of people hidden; ApplicationError if it is too short or too long."""
    found = hide_numbers(clean(text[: 10 * most]))
    if not least <= len(found) <= most:
        raise ApplicationError(
            f"请写明{what}（{least} 至 {most} 个字），现在有 {len(found)} 个字。", {"reason": "见上"}
        )
    return found


def spoken_difficulties(keys: Sequence[str]) -> str:
    """The ticked difficulties in words."""
    known: Mapping[str, object] = declared().difficulties
    return "、".join(declared().difficulties[key].title for key in keys if key in known)
