"""Records as the matcher compares them: normalised names with their sound, and the columns both sides share.

Input tables are pyarrow tables; missing optional columns count as empty. Places are compared as text, so both sides
must use the same notation (region codes, or names that were already resolved to codes).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from huqing.standards.text import SURNAME_READINGS, name_key

# What both sides may carry beside their id. Tokens are opaque: equal tokens mean equal numbers.
OPTIONAL = ("name", "id_token", "id_tail", "birth_date", "sex", "village", "town", "phone_token")
_LABELS = ("village_name", "town_name")


def prepare(table: pa.Table, id_column: str) -> pa.Table:
    """`table` with the columns the model compares: key (int64), name, sound, born, born_year and the tokens as given.

    Raises KeyError when the id column is missing. Empty text counts as missing.
    """
    size = table.num_rows
    names = _text(table, "name")
    distinct = names.dictionary_encode()
    if isinstance(distinct, pa.ChunkedArray):
        distinct = distinct.combine_chunks()
    if isinstance(distinct, pa.ChunkedArray):
        distinct = (
            distinct.chunk(0) if distinct.num_chunks else pa.DictionaryArray.from_arrays([], pa.array([], pa.string()))
        )
    # Around the cache: half a million names would fill it for nothing.
    keys = [name_key.__wrapped__(text) for text in distinct.dictionary.to_pylist()]
    sounds = [sound(key) for key in keys]
    born = _date_text(table)
    columns = {
        "key": table[id_column].cast(pa.int64()),
        "shown_name": names,
        "name": pa.array(keys, pa.string()).take(distinct.indices),
        "sound": pa.array(sounds, pa.string()).take(distinct.indices),
        "born": born,
        "idt": _text(table, "id_token"),
        "id_tail": _text(table, "id_tail"),
        "sex": _sex(table),
        "village": _text(table, "village"),
        "town": _text(table, "town"),
        "phone": _text(table, "phone_token"),
        **{name: _text(table, name) for name in _LABELS},
    }
    if any(len(column) != size for column in columns.values()):
        raise ValueError("columns of unequal length")
    return pa.table(columns)


def _text(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    column = table[name].cast(pa.string())
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column).combine_chunks()


def _date_text(table: pa.Table) -> Any:
    if "birth_date" in table.column_names and pa.types.is_date(table["birth_date"].type):
        return pc.strftime(table["birth_date"], "%Y-%m-%d").combine_chunks()
    return _text(table, "birth_date")


def _sex(table: pa.Table) -> Any:
    sex = _text(table, "sex")
    return pc.if_else(pc.is_in(sex, pa.array(["1", "2"])), sex, pa.scalar(None, pa.string()))


@cache
def _syllable(character: str) -> str:
    from pypinyin import Style, pinyin  # its dictionaries take 0.2 s to load

    read = pinyin(character, style=Style.NORMAL, errors="ignore")
    return str(read[0][0]) if read else character


def sound(key: str) -> str:
    """How a name sounds, character by character without tones, so that homophones are equal: 张伟 = 章玮.

    Coarser than `huqing.standards.text.syllables` and much faster: each character has one reading, surnames their own.
    """
    surname = SURNAME_READINGS.get(key[:1])
    rest = key[1:] if surname else key
    return (surname or "") + "".join(_syllable(character) for character in rest)
