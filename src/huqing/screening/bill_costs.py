"""What the county's recorded stays in hospital would cost with changed benefit parameters, layer by layer.

Every stay of the snapshot is computed twice by the rules of the hospital bill (``policies.benefits_medical``): with the
values in force on its own day, and with the proposed ones, which hold for every recorded stay. Amounts are fen. Sums
are over the stays both can compute, so that their difference is the decision's and not that of missing data.
"""
# ruff: noqa: S608 - every path is our own and quoted, every name is written here

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from huqing.policies.benefits_bills import bills_of
from huqing.policies.benefits_medical import BILL
from huqing.rules.benefits import compute
from huqing.rules.engine import quoted
from huqing.rules.library import Library, Node
from huqing.rules.parameters import own_folders

LAYERS = {
    "basic_pay": "基本医保支付",
    "serious_pay": "大病保险支付",
    "aid_pay": "医疗救助支付",
    "tilt_pay": "倾斜救助支付",
    "waiver": "医院减免",
    "topup_pay": "自付超过年度上限的补助",
    "paid_total": "报销合计",
    "self_pay": "个人自付",
}
NO_LEVEL = "no_level"
FORMULA = (
    "记录中的每次住院，按每年的结算先后，依次算基本医保、大病保险、医疗救助、倾斜救助、医院减免和自付超过年度上限的补助，"
    "每一层全县相加；报销合计 = 各层之和，个人自付 = 总费用 − 报销合计。“现在”用每次住院当天的标准，"
    "“改后”把改动的取值用于记录中的全部住院，其余参数不变。只加两边都算得出的住院"
)
AS_SETTLED = "{layers}已结算的，照结算单上的数额"
ANEW = "{layers}不照结算单，两边都按参数重新算"


def parameters(rules: Library) -> frozenset[str]:
    """The parameters on which the hospital bill rests."""
    return _below(rules, "reason", *LAYERS)


def _below(rules: Library, *names: str) -> frozenset[str]:
    nodes = rules.below(Node(BILL, name) for name in names)
    return frozenset(item.parameter for item in rules.settings_below(nodes) if item.parameter)


def costs(
    work: Path,
    snapshot: Path,
    rules: Library,
    changes: Sequence[Mapping[str, Any]],
    *,
    as_of: date,
    region: str,
    proposed: Path,
) -> dict[str, Any]:
    """Sums per layer now and then, people whose own payment changes, and stays without a result; {} if not concerned.

    ``proposed`` is the folder with the changed parameters. What an insurance has settled would hide a change of its
    own parameters, so it is reckoned anew on both sides then. Raises what ``bills_of`` and ``compute`` raise.
    """
    changed = {str(change["parameter"]) for change in changes} & parameters(rules)
    if not changed:
        return {}
    basic_anew = bool(changed & _below(rules, "basic_pay"))
    serious_anew = basic_anew or bool(changed & _below(rules, "serious_pay"))
    bills = work / "bills.parquet"
    files = {"now": work / "bills_now.parquet", "then": work / "bills_then.parquet"}
    bills_of(snapshot, bills, basic_anew=basic_anew, serious_anew=serious_anew)
    for which, folders in (("now", own_folders()), ("then", (*own_folders(), proposed))):
        compute(
            files[which],
            of=BILL,
            names=("reason", *LAYERS),
            as_of=as_of,
            region=region,
            snapshot=snapshot,
            tables={BILL: bills},
            parameter_folders=folders,
            cache=work / "cache",
        )
    told = _compare(bills, files["now"], files["then"], levels=basic_anew)
    for file in (bills, *files.values()):
        file.unlink()
    return told | {"formula": _formula(basic_anew=basic_anew, serious_anew=serious_anew)}


def _formula(*, basic_anew: bool, serious_anew: bool) -> str:
    anew = [name for name, holds in (("基本医保", basic_anew), ("大病保险", serious_anew)) if holds]
    kept = [name for name, holds in (("基本医保", basic_anew), ("大病保险", serious_anew)) if not holds]
    said = [FORMULA]
    if anew:
        said.append(ANEW.format(layers="、".join(anew)))
    if kept:
        said.append(AS_SETTLED.format(layers="、".join(kept)))
    return "；".join(said)


def _compare(bills: Path, now: Path, then: Path, *, levels: bool) -> dict[str, Any]:
    both = "n.self_pay IS NOT NULL AND t.self_pay IS NOT NULL"
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        db.execute(
            "CREATE TEMP TABLE stay AS SELECT b.person_id, b.settled_on, b.hospital_level, "
            f"n.reason AS now_reason, t.reason AS then_reason, {both} AS counted, "
            + ", ".join(f"n.{name} AS now_{name}, t.{name} AS then_{name}" for name in LAYERS)
            + f" FROM read_parquet('{quoted(bills)}') b JOIN read_parquet('{quoted(now)}') n ON n.id = b.id "
            f"JOIN read_parquet('{quoted(then)}') t ON t.id = b.id"
        )
        sums = ", ".join(f"coalesce(sum({which}_{name}), 0)" for name in LAYERS for which in ("now", "then"))
        row = db.execute(f"SELECT {sums} FROM stay WHERE counted").fetchone() or ()
        stays, counted, only_now, only_then, first, last = db.execute(
            "SELECT count(*), count(*) FILTER (counted), "
            "count(*) FILTER (now_self_pay IS NOT NULL AND then_self_pay IS NULL), "
            "count(*) FILTER (now_self_pay IS NULL AND then_self_pay IS NOT NULL), "
            "min(settled_on) FILTER (counted), max(settled_on) FILTER (counted) FROM stay"
        ).fetchone() or (0, 0, 0, 0, None, None)
        people = db.execute(
            "SELECT count(*), count(*) FILTER (then_own > now_own), count(*) FILTER (then_own < now_own) FROM "
            "(SELECT sum(now_self_pay) AS now_own, sum(then_self_pay) AS then_own FROM stay WHERE counted "
            "GROUP BY person_id)"
        ).fetchone() or (0, 0, 0)
        reasons: dict[str, dict[str, int]] = {}
        for which in ("now", "then"):
            unset = f"{which}_reason = 'no_setting' AND hospital_level IS NULL" if levels else "false"
            for reason, number in db.execute(
                f"SELECT CASE WHEN {unset} THEN '{NO_LEVEL}' ELSE {which}_reason END AS why, count(*) FROM stay "
                f"WHERE {which}_self_pay IS NULL GROUP BY why ORDER BY why"
            ).fetchall():
                reasons.setdefault(reason or "", {"now": 0, "then": 0})[which] = number
    amounts = [int(fen) for fen in row]
    return {
        "layers": {
            name: {"now": amounts[2 * place], "then": amounts[2 * place + 1]} for place, name in enumerate(LAYERS)
        },
        "stays": stays,
        "counted": counted,
        "only_now": only_now,
        "only_then": only_then,
        "first": first.isoformat() if first else "",
        "last": last.isoformat() if last else "",
        "people": people[0],
        "pay_more": people[1],
        "pay_less": people[2],
        "reasons": reasons,
    }
