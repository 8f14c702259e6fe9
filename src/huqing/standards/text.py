"""Text as people and spreadsheets write it, made comparable without losing a character of a name.

Two strengths: `clean` is what the product stores (invisible characters and odd spaces go, every visible character
stays), `fold` is what it compares (widths, case, brackets and spaces no longer matter). Neither drops rare characters,
inside or outside the basic plane.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# Names that are remembered: those that come again and again, not all of a county, which would be 300 MB.
NAMES = 65536
# Zero-width and direction marks that copy-and-paste leaves behind, and the byte order mark.
_INVISIBLE = dict.fromkeys([0x00, 0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065)])
# Variation selectors choose a glyph of the same character: kept in what is stored, ignored in what is compared.
_SELECTORS = dict.fromkeys([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
_CONTROL = dict.fromkeys([*range(0x01, 0x20), *range(0x7F, 0xA0)], " ")
_SURROGATE = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_CLEAN = str.maketrans(
    {
        **_INVISIBLE,
        **_CONTROL,
        0x3000: " ",
        0x00A0: " ",
        **{0xFF10 + digit: str(digit) for digit in range(10)},
        **{0xFF21 + i: chr(0x41 + i) for i in range(26)},
        **{0xFF41 + i: chr(0x61 + i) for i in range(26)},
    }
)
_DOTS = dict.fromkeys(map(ord, "•‧∙⋅・･．.。｡"), "·")
_DOT_BETWEEN = re.compile(r"\s*·\s*")
_PLAIN = re.compile(r"[ -~]*|[\u4e00-\u9fff]*")
_UNSEEN = {**_INVISIBLE, **_SELECTORS}
_SAME = str.maketrans("【】[]〔〕、", "()()(),", "·")
_SPACES = re.compile(r"\s+")

# Surnames whose reading differs from the character's most frequent one, as dictionaries of modern Chinese give them.
SURNAME_READINGS = {
    "曾": "zeng",
    "单": "shan",
    "解": "xie",
    "仇": "qiu",
    "区": "ou",
    "查": "zha",
    "朴": "piao",
    "盖": "ge",
    "覃": "qin",
    "乐": "yue",
    "员": "yun",
    "黑": "he",
    "折": "she",
    "召": "shao",
    "洗": "xian",
    "翟": "zhai",
    "缪": "miao",
    "种": "chong",
    "逄": "pang",
    "谌": "chen",
    "郇": "xun",
    "车": "che",
    "尉迟": "yu chi",
    "长孙": "zhang sun",
    "万俟": "mo qi",
    "澹台": "tan tai",
}
# Surnames that are read in two ways: a search by either initial must find them.
_SECOND_READINGS = {
    "覃": "tan",
    "乐": "le",
    "洗": "xi",
    "翟": "di",
    "谌": "shen",
    "郇": "huan",
    "盖": "gai",
    "查": "cha",
}


def clean(text: str) -> str:
    """`text` as stored: composed, on one line, without invisible characters, full-width digits and letters narrowed.

    Chinese punctuation stays as written; a lone surrogate becomes U+FFFD because no database can hold it.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text.translate(_SURROGATE)).translate(_CLEAN)
    return _SPACES.sub(" ", text).strip()


def clean_lines(text: str) -> str:
    """Like `clean`, but keeps the line breaks of a note."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(clean(line) for line in lines).strip("\n")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The comparison key of a label, header or code: no spaces, no width, case or bracket differences.

    Compatibility forms become their ordinary character (Ⅱ → ii, ⼀ → 一); rare characters are untouched.
    """
    text = unicodedata.normalize("NFKC", text.translate(_SURROGATE).translate(_UNSEEN)).casefold().translate(_SAME)
    kept = "".join(ch for ch in text if not ch.isspace() and (ch.isprintable() or ch > "\x7f"))
    return kept if kept.isascii() else unicodedata.normalize("NFKC", kept).casefold()


def clean_name(text: str) -> str:
    """A person's name as stored: no spaces between Chinese characters, every kind of middle dot written ·."""
    text = clean(text)
    if _PLAIN.fullmatch(text) and " " not in text and "." not in text:
        return text
    if any(ord(ch) > 0x2E7F for ch in text):
        text = _DOT_BETWEEN.sub("·", text.translate(_DOTS)).strip("·")
        text = re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)
    return text


@lru_cache(maxsize=NAMES)
def name_key(text: str) -> str:
    """The comparison key of a name: `clean_name`, folded, without the middle dot (阿布都·热合曼 = 阿布都热合曼)."""
    return fold(clean_name(text))


@cache
def _lazy_pinyin() -> object:
    # pypinyin's dictionaries take 0.2 s to load; only searching and matching need them.
    from pypinyin import lazy_pinyin

    return lazy_pinyin


@lru_cache(maxsize=NAMES // 8)
def syllables(text: str) -> tuple[str, ...]:
    """The pinyin of a name without tones, its surname in its own reading (单 = shan); unknown characters drop."""
    key = name_key(text)
    for length in (2, 1):
        reading = SURNAME_READINGS.get(key[:length])
        if reading:
            return (*reading.split(), *_read(key[length:]))
    return _read(key)


def _read(text: str) -> tuple[str, ...]:
    lazy_pinyin = _lazy_pinyin()
    return tuple(lazy_pinyin(text, errors=_keep_latin)) if text else ()  # type: ignore[operator]


def _keep_latin(text: str) -> list[str] | None:
    letters = "".join(ch for ch in text if ch.isascii() and ch.isalnum())
    return [letters] if letters else None


@lru_cache(maxsize=NAMES)
def pinyin_initials(text: str) -> str:
    """The initials people type to find a name: 单雄信 → "sxx"; two readings of a surname give both: 覃勇 → "qy ty".

    At most 30 characters, which is what the registry keeps.
    """
    read = syllables(text)
    first = "".join(part[0] for part in read if part)
    second = _SECOND_READINGS.get(name_key(text)[:1])
    if second and read and second[0] != first[:1]:
        return f"{first[:14]} {second[0]}{first[1:14]}"
    return first[:30]
