"""What a screening writes, what it leaves alone, and how it explains itself."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet
from tests.rules.build import snapshot, tables

from huqing.rules import engine
from huqing.rules.engine import read_county, rules_version, screen
from huqing.rules.errors import RuleError, TableError
from huqing.rules.explain import Value, explain
from huqing.rules.library import library
from huqing.rules.recheck import Rechecker

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
INCOME = {"business_income": 0, "property_income": 0, "transfer_income": 0, "business_cost": 0}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def county(poor: int = 3) -> dict[str, list[dict[str, Any]]]:
    """Households 1 to ``poor`` below the line, one more above it, one whose wages are missing."""
    wages = [*[1000000 + number for number in range(poor)], 9000000, None]
    return {
        "household": [{"id": n, "wage_income": wage, **INCOME} for n, wage in enumerate(wages, 1)],
        "person": [{"id": n * 10 + k, "household_id": n} for n in range(1, len(wages) + 1) for k in range(2)],
        "label": [{"household_id": 1, "kind": "monitor", "valid_from": "2024-01-01"}],
    }


def rows(folder: Path) -> list[dict[str, Any]]:
    return parquet.read_table(folder / "findings.parquet").to_pylist()


def test_a_finding_carries_its_values_in_order_and_their_hash(tmp_path: Path, cache: Path) -> None:
    made = snapshot(tmp_path / "s", tables(county()))
    screen(made, tmp_path / "o", as_of=DAY, region=REGION, findings=["line_not_monitored"], cache=cache)
    found = {row["household_id"]: row for row in rows(tmp_path / "o")}
    assert {number: row["state"] for number, row in found.items()} == {2: "found", 3: "found", 5: "unknown"}
    assert found[2]["evidence"] == '{"net_income_per_head":500001,"monitored":false}'
    assert found[2]["evidence_hash"] == hashlib.sha256(found[2]["evidence"].encode()).hexdigest()
    assert (found[5]["evidence"], found[5]["evidence_hash"]) == (None, None)
    assert list(found[2]) == [
        "finding",
        "household_id",
        "person_id",
        "village_id",
        "state",
        "evidence",
        "evidence_hash",
    ]


def test_households_decided_in_parts_give_the_same_rows(tmp_path: Path, cache: Path) -> None:
    made = snapshot(tmp_path / "s", tables(county(7)))
    for name, part in (("whole", 1), ("parts", 4)):
        counts = screen(made, tmp_path / name, as_of=DAY, region=REGION, parts=part, cache=cache)
        assert (counts.households, counts.persons) == (9, 18)
    key = lambda row: (row["finding"], row["household_id"], row["person_id"] or 0)  # noqa: E731
    assert sorted(rows(tmp_path / "whole"), key=key) == sorted(rows(tmp_path / "parts"), key=key)


class Cramped:
    """A connection whose memory suffices for three households at a time and no more."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def execute(self, sql: str) -> Any:
        many = "SELECT count(*) > 3 FROM household"
        if sql.startswith("INSERT INTO decided") and self.real.execute(many).fetchone()[0]:
            raise duckdb.OutOfMemoryException("no memory")
        return self.real.execute(sql)


def test_a_part_too_large_for_the_memory_is_halved(tmp_path: Path, cache: Path, monkeypatch: Any) -> None:
    made = snapshot(tmp_path / "s", tables(county(7)))
    plan = engine.plan_for(as_of=DAY, region=REGION, findings=["income_below_line"], cache=cache)
    monkeypatch.setattr(engine, "FEWEST", 1)
    with duckdb.connect() as real:
        engine._run(Cramped(real), made, plan, tmp_path / "findings.parquet", parts=1)
    found = {row["household_id"] for row in rows(tmp_path) if row["state"] == "found"}
    assert found == set(range(1, 8))


def test_a_county_stays_within_its_memory_and_a_province_gets_a_quarter_of_the_machine(cache: Path) -> None:
    plan = engine.plan_for(as_of=DAY, region=REGION, cache=cache)
    quarter = max(engine.USUAL_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
    for households, memory in ((300_000, engine.USUAL_MEMORY), (3_000_000, quarter)):
        parts, limit = engine._share(plan, households, None)
        assert limit == memory
        assert plan.weight * households / parts < limit
    assert engine._share(plan, 100, None)[0] == 1
    assert engine._share(plan, 3_000_000, 2 * engine.USUAL_MEMORY)[1] == 2 * engine.USUAL_MEMORY


def test_a_department_file_never_taken_in_is_named_once(tmp_path: Path, cache: Path) -> None:
    made = snapshot(tmp_path / "s", tables(county()))
    counts = screen(made, tmp_path / "o", as_of=DAY, region=REGION, cache=cache)
    assert counts.not_run["dropout"] == "还没有导入“学籍名册”（教育委员会），导入后再筛查"
    assert "dropout" not in {row["finding"] for row in rows(tmp_path / "o")}
    assert counts.found_total == sum(row["state"] == "found" for row in rows(tmp_path / "o"))
    assert counts.unknown_total == sum(row["state"] == "unknown" for row in rows(tmp_path / "o"))


def test_a_snapshot_without_a_column_is_refused_by_name(tmp_path: Path, cache: Path) -> None:
    made = tables(county())
    made["household"] = made["household"].drop_columns(["wage_income"])
    folder = snapshot(tmp_path / "s", made)
    with pytest.raises(TableError, match=r"household\.parquet 缺少列 wage_income"):
        screen(folder, tmp_path / "o", as_of=DAY, region=REGION, findings=["income_below_line"], cache=cache)
    assert list((tmp_path / "o").iterdir()) == []


def test_a_snapshot_without_a_roster_is_refused(tmp_path: Path, cache: Path) -> None:
    folder = snapshot(tmp_path / "s", tables(county()))
    (folder / "person.parquet").unlink()
    with pytest.raises(TableError, match=r"缺少 person\.parquet"):
        screen(folder, tmp_path / "o", as_of=DAY, region=REGION, cache=cache)


def test_a_region_without_lines_is_told_which_amounts_to_write(tmp_path: Path, cache: Path) -> None:
    made = snapshot(tmp_path / "s", tables(county()))
    counts = screen(made, tmp_path / "o", as_of=DAY, region="430725", findings=["income_below_line"], cache=cache)
    assert "monitor_line（防止返贫监测收入参考线）" in counts.not_run["income_below_line"]
    assert rows(tmp_path / "o") == []


def test_a_county_writes_its_own_line_into_its_data_folder(tmp_path: Path, cache: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    shipped = rules_version()
    own = tmp_path / "parameters"
    own.mkdir()
    made = snapshot(tmp_path / "s", tables(county()))
    for yuan, poor in (("4000", {}), ("5000.01", {"income_below_line": 1})):
        line = f"{{from: 2025-01-01, region: '430725', value: {yuan}, source: 县文件, status: V}}"
        text = f"monitor_line:\n  title: 监测线\n  unit: 元/人·年\n  type: money\n  values:\n    - {line}\n"
        (own / "lines.yaml").write_text(text, encoding="utf-8")
        counts = screen(made, tmp_path / "o", as_of=DAY, region="430725", findings=["income_below_line"], cache=cache)
        assert (counts.not_run, counts.found) == ({}, poor)
        assert counts.rules_version != shipped
        assert library().parameters["monitor_line"].at(DAY, "430725").value == round(float(yuan) * 100)


def test_a_region_without_households_has_no_findings(tmp_path: Path, cache: Path) -> None:
    counts = screen(snapshot(tmp_path / "s", tables({})), tmp_path / "o", as_of=DAY, region=REGION, cache=cache)
    assert (counts.households, counts.found, rows(tmp_path / "o")) == (0, {}, [])


def test_the_rules_version_is_short_and_steady() -> None:
    assert rules_version() == rules_version()
    assert len(rules_version()) == 16


def test_an_unreadable_cached_plan_is_made_again(tmp_path: Path) -> None:
    made = snapshot(tmp_path / "s", tables(county()))
    own = tmp_path / "plans"
    for _ in range(2):
        counts = screen(made, tmp_path / "o", as_of=DAY, region=REGION, findings=["income_below_line"], cache=own)
        assert counts.found == {"income_below_line": 3}
        for plan in own.iterdir():
            plan.write_text("{", encoding="utf-8")


def test_a_recheck_without_the_county_leaves_what_depends_on_it_unknown(tmp_path: Path, cache: Path) -> None:
    given = county(1)
    for person in given["person"]:
        person |= {"resident_insurance": False, "employee_insurance": False}
    given["insured"] = [{"household_id": 2, "person_id": 20, "year": 2025, "insurance_kind": "1"}]
    screen(snapshot(tmp_path / "s", tables(given)), tmp_path / "o", as_of=DAY, region=REGION, cache=cache)
    first = tables({name: [row for row in rows if _owner(name, row) == 1] for name, rows in given.items()})
    for known, state in ((read_county(tmp_path / "o"), "found"), (None, "unknown")):
        checker = Rechecker(as_of=DAY, region=REGION, county=known, cache=cache)
        found = [item for item in checker.check(first) if item.finding == "uninsured_member"]
        assert [item.state for item in found] == [state, state]
        assert "id03" not in checker.findings
        checker.close()


def _owner(name: str, row: dict[str, Any]) -> int:
    return int(row["id"] if name == "household" else row["household_id"])


def find(tree: Value, name: str) -> Value:
    """The value of that name anywhere in the tree."""
    below = [*tree.inputs, *(value for row in tree.rows for value in row.values)]
    for value in below:
        if value.name == name:
            return value
        try:
            return find(value, name)
        except LookupError:
            continue
    raise LookupError(name)


def test_an_explanation_shows_every_value_down_to_the_file_and_the_line_in_force(cache: Path) -> None:
    told = explain(
        tables(county()), household_id=2, as_of=DAY, region=REGION, finding="line_not_monitored", cache=cache
    )
    (decision,) = told.decisions
    assert (decision.state, decision.person_id, decision.missing) == ("found", None, ())
    assert find(decision.tree, "wage_income").text == "10,000.01 元/年"
    assert find(decision.tree, "net_income_per_head").text == "5,000.01 元/人·年"
    line = find(decision.tree, "monitor_line")
    assert (line.text, line.source, line.scope) == ("9,000.00 元/人·年", "演示示例", "500236")
    members = find(decision.tree, "members")
    assert (members.value, members.row_count, [row.person_id for row in members.rows]) == (2, 2, [20, 21])
    assert find(decision.tree, "monitored").text == "否"
    json.dumps(told.to_dict(), ensure_ascii=False)


def test_an_explanation_names_what_is_missing(cache: Path) -> None:
    told = explain(tables(county()), household_id=5, as_of=DAY, region=REGION, finding="income_below_line", cache=cache)
    assert told.decisions[0].state == "unknown"
    assert told.decisions[0].missing == ("户：工资性收入",)


def test_an_explanation_of_the_other_holders_of_a_number_needs_their_rows(cache: Path) -> None:
    given = county(2)
    for person in given["person"]:
        person["id_token"] = "same" if person["id"] in (10, 20) else f"own{person['id']}"
    told = explain(tables(given), household_id=1, as_of=DAY, region=REGION, finding="id03", cache=cache)
    assert {decision.person_id: decision.state for decision in told.decisions} == {10: "found", 11: "not"}


def test_a_rule_that_does_not_exist_cannot_be_explained(cache: Path) -> None:
    with pytest.raises(RuleError, match="没有规则 nonsense"):
        explain(tables({}), household_id=1, as_of=DAY, region=REGION, finding="nonsense", cache=cache)
