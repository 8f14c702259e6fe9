"""Synthetic people and lists about them with known truth, for training and measuring the linkage model.

The rates of mistakes below are assumptions about clerks' lists, not measurements: we know of no public Chinese
list with truth.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pyarrow as pa

_GIVEN_OLD = (
    "国建文光明德正仕世永朝大成志家兴天万仁义礼祖宗先启富贵财发福寿禄才元生平安全林海山川云龙"
    "秀英兰珍芳琼碧桂素翠淑菊香玉莲梅凤春霞"
)
_GIVEN_YOUNG = (
    "浩宇轩博文俊杰泽睿嘉豪子涵铭阳鑫磊航皓逸辰昊佑梓瑞霖思源奕凡"
    "欣怡雨婷诗琪颖佳慧紫萱静雅梦洁语嫣芷若依诺晨曦露瑶可馨悦"
)
# Characters that are typed for one another because they sound alike or look alike.
_HOMOPHONES = [
    "华花桦",
    "伟玮炜",
    "芳方房",
    "明铭鸣",
    "军君均",
    "英瑛鹰",
    "红虹宏洪",
    "平萍苹",
    "云芸匀",
    "丽莉利",
    "琴勤芹",
    "强墙",
    "建健剑",
    "国帼",
    "文雯纹",
]

MISTAKES = {
    "id_missing": 0.20,
    "id_typo": 0.06,
    "name_homophone": 0.03,
    "name_wrong_character": 0.02,
    "name_other": 0.01,
    "name_changed": 0.005,
    "born_missing_without_id": 0.40,
    "born_wrong": 0.02,
    "village_missing": 0.10,
    "village_other": 0.04,
    "sex_missing": 0.10,
    "sex_wrong": 0.01,
    "phone_missing": 0.60,
    "phone_changed": 0.25,
}


def _surnames() -> tuple[list[str], np.ndarray]:
    text = (resources.files("huqing.demo") / "data" / "surnames.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    weights = np.array([float(row[1]) for row in rows])
    return [row[0] for row in rows], weights / weights.sum()


def people(count: int, *, villages: int, towns: int, seed: int) -> pa.Table:
    """`count` registered people in households of 1–6 that share village, surname and phone."""
    rng = np.random.default_rng(seed)
    households = np.repeat(np.arange(count), rng.integers(1, 7, count))[:count]
    houses = int(households[-1]) + 1
    surnames, weights = _surnames()
    house_surname = rng.choice(len(surnames), houses, p=weights)
    house_village = rng.integers(0, villages, houses)
    own = rng.random(count) < 0.25
    surname = np.where(own, rng.choice(len(surnames), count, p=weights), house_surname[households])
    age = rng.integers(0, 95, count)
    days = age * 365 + rng.integers(0, 365, count)
    born = np.datetime64("2025-12-31") - days.astype("timedelta64[D]")
    pool = np.array(list(_GIVEN_OLD)), np.array(list(_GIVEN_YOUNG))
    one = rng.random(count) < 0.2
    first = np.where(
        age < 25, pool[1][rng.integers(0, len(pool[1]), count)], pool[0][rng.integers(0, len(pool[0]), count)]
    )
    second = np.where(
        age < 25, pool[1][rng.integers(0, len(pool[1]), count)], pool[0][rng.integers(0, len(pool[0]), count)]
    )
    family = np.array(surnames, dtype=object)[surname]
    names = family + first.astype(object) + np.where(one, "", second).astype(object)
    village = house_village[households]
    return pa.table(
        {
            "person_id": pa.array(np.arange(1, count + 1)),
            "name": pa.array(names, pa.string()),
            "id_token": pa.array([f"{number:016x}" for number in _mix(np.arange(count))]),
            "id_tail": pa.array(
                [
                    f"{number:04d}"
                    for number in np.minimum(rng.exponential(120, count), 999).astype(int) * 10
                    + rng.integers(0, 10, count)
                ]
            ),
            "birth_date": pa.array(born.astype("datetime64[D]")),
            "sex": pa.array(np.where(rng.random(count) < 0.52, "1", "2")),
            "village": pa.array([f"v{number:04d}" for number in village]),
            "town": pa.array([f"t{number:03d}" for number in village * towns // villages]),
            "phone_token": pa.array([f"p{number}" for number in households]),
        }
    )


def _mix(numbers: np.ndarray) -> np.ndarray:
    return (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)


def listed(registered: pa.Table, count: int, *, strangers: float, seed: int) -> pa.Table:
    """A list of `count` rows with MISTAKES about people of `registered`; `truth` is the person id, null for strangers.

    Strangers are people of another county: realistic names, but nobody registered.
    """
    rng = np.random.default_rng(seed)
    others = people(int(count * strangers) + 1, villages=400, towns=33, seed=seed + 1)
    size = registered.num_rows
    known = (
        rng.choice(size, count - int(count * strangers), replace=False)
        if count <= size
        else rng.integers(0, size, count)
    )
    rows = [dict(row, truth=row["person_id"]) for row in registered.take(pa.array(known)).to_pylist()]
    for row in others.slice(0, count - len(rows)).to_pylist():
        rows.append(dict(row, truth=None, id_token="x" + row["id_token"], phone_token="x" + row["phone_token"]))
    villages = sorted({(row["village"], row["town"]) for row in rows})
    for number, row in enumerate(rows):
        _spoil(row, rng, villages)
        row["row_id"] = number + 1
    schema = pa.schema(
        [
            ("row_id", pa.int64()),
            ("truth", pa.int64()),
            *((name, pa.string()) for name in ("name", "id_token", "id_tail", "sex", "village", "town", "phone_token")),
            ("birth_date", pa.date32()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _spoil(row: dict, rng: np.random.Generator, villages: list[tuple[str, str]]) -> None:  # noqa: PLR0912
    chance = {key: rng.random() < rate for key, rate in MISTAKES.items()}
    if chance["id_missing"]:
        row["id_token"] = row["id_tail"] = None
        if chance["born_missing_without_id"]:
            row["birth_date"] = None
    elif chance["id_typo"]:
        row["id_token"] = "typo" + row["id_token"]
        place = rng.random()
        if place < 4 / 18:
            row["id_tail"] = f"{rng.integers(0, 10**4):04d}"
        elif place < 12 / 18:
            row["birth_date"] += (1 if rng.random() < 0.5 else 10) * (row["birth_date"].resolution)
    elif chance["born_wrong"] and rng.random() < 0.2:
        row["birth_date"] -= 365 * row["birth_date"].resolution
    name = row["name"]
    if chance["name_homophone"]:
        row["name"] = _homophone(name, rng)
    elif chance["name_wrong_character"]:
        place = rng.integers(1, len(name))
        row["name"] = name[:place] + rng.choice(["?", *_GIVEN_OLD]) + name[place + 1 :]
    elif chance["name_other"]:
        row["name"] = name[0] + rng.choice(list(_GIVEN_OLD))
    elif chance["name_changed"]:
        row["name"] = "".join(rng.choice(list(_GIVEN_OLD), 3))
    if chance["village_missing"]:
        row["village"] = None
    elif chance["village_other"]:
        row["village"], row["town"] = villages[rng.integers(0, len(villages))]
    if chance["sex_missing"]:
        row["sex"] = None
    elif chance["sex_wrong"]:
        row["sex"] = "2" if row["sex"] == "1" else "1"
    if chance["phone_missing"]:
        row["phone_token"] = None
    elif chance["phone_changed"]:
        row["phone_token"] = f"new{rng.integers(0, 10**9)}"


def _homophone(name: str, rng: np.random.Generator) -> str:
    for group in _HOMOPHONES:
        for character in group:
            if character in name[1:]:
                return name[0] + name[1:].replace(character, str(rng.choice(list(group.replace(character, "")))))
    return name
