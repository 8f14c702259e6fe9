"""What may not stand in a text that everybody reads: numbers of people and files, words of illness."""

from __future__ import annotations

import re

from huqing.standards.personal_numbers import has_number, hide_numbers
from huqing.standards.text import clean, clean_lines

HEALTH = re.compile(
    r"病|症|癌|肿瘤|残疾|精神|艾滋|HIV|透析|手术|治疗|住院|化疗|放疗|孕|产妇|流产|瘫|聋|哑|失明|盲人|视障|智障|智力低下|自闭"
    r"|抑郁|癫痫|中风|脑梗|心梗|偏瘫|结核|乙肝|肝炎|肺炎|肾炎|肝硬化|哮喘|糖尿|尿毒|高血压|植物人|卧床",
    re.IGNORECASE,
)
# Household numbers, cards of kinds nobody listed, sums of a family: a public text needs none of so many digits. Written
# out (一三八…) they are read as easily; years and dates of people have no seven in a row.
DIGITS = re.compile(r"\d{6,}|[零〇○一二三四五六七八九幺\d]{7,}")
_GAP = r"[ \u3000\u00a0.·_—–-]{0,2}"
# However somebody sets the digits of a mobile phone apart.
PHONE = re.compile(rf"(?<!\d)[1１]{_GAP}[3-9３-９](?:{_GAP}\d){{9}}(?!\d)")
_SPACES = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")


def numbers_in(text: str) -> bool:
    """Whether the text holds a number of a person, or any other of six digits or more."""
    seen = clean(text)
    return has_number(seen) or bool(DIGITS.search(seen) or PHONE.search(seen))


def without_numbers(text: str, remark: str) -> str:
    """The text with what ``numbers_in`` finds replaced."""
    return DIGITS.sub(remark, PHONE.sub(remark, hide_numbers(clean_lines(text), remark)))


def health_words(text: str) -> list[str]:
    """The words of illness in the text, each once, in their order."""
    return list(dict.fromkeys(HEALTH.findall(text)))


def squeezed(text: str) -> str:
    """The text without spaces: clerks write 张　三 to fill a line, and a name is found all the same."""
    return _SPACES.sub("", text)


def spaced(name: str) -> re.Pattern[str]:
    """The name, with or without spaces between its characters."""
    return re.compile(r"\s*".join(map(re.escape, name)))
