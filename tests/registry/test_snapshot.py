"""A snapshot holds what the records say, typed; nothing sealed; and never half of it."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal

import duckdb
import pyarrow.parquet as pq
import pytest
from django.db import connection

from huqing.access import seal
from huqing.registry import snapshot, snapshot_read
from huqing.registry.models import DepartmentRecord, Household, Label, Membership, Person
from huqing.standards.tables import table_schemas

AS_OF = dt.date(2024, 3, 1)
ID_NUMBER = "990236196002290013"
PHONE = "13912345678"


@pytest.fixture
def filled(transactional_db, make_household, roster, other_village):
    """Two active households, one cancelled, one of another county."""
    first = make_household("H1", ("张三", "01"), ("张小三", "03"))
    first.items = {"wage_income": 1234567, "arable_area": "12.50", "risks": ["01", "02"], "form_year": 2024}
    first.items |= {"identified_on": "2021-05-06", "military_family": False, "income_period_end": "2023-09"}
    first.phone_sealed, first.phone_token, first.phone_state = seal.seal(PHONE), seal.token("phone", PHONE), "mobile"
    first.save()
    head = first.members.get(name="张三")
    head.birth_date = dt.date(1960, 2, 29)
    head.id_number_sealed, head.id_token = seal.seal(ID_NUMBER), seal.token("id_number", ID_NUMBER)
    head.items = {"health": ["01"], "work_income": 300000, "alive": True}
    head.save()
    second = make_household("H2", ("李四", "01"), place=other_village)
    cancelled = make_household("H3", ("王五", "01"), status="cancelled")
    for household in (first, second, cancelled):
        Label.objects.create(kind="monitor", household=household, valid_from=dt.date(2021, 5, 6), source=roster)
    gone = Person.objects.create(name="已迁出", region_code=first.region_code, updated_at=first.updated_at)
    Membership.objects.create(
        person=gone, household=first, relation="03", joined_on=dt.date(2014, 1, 1), left_on=dt.date(2020, 1, 1)
    )
    bill = {"kind": "medical_bill", "source": roster, "fingerprint": "f", "region_code": first.region_code}
    items = {"bill_number": "B1", "self_paid": 500050, "settled_on": "2024-01-05"}
    DepartmentRecord.objects.create(
        **bill, household=first, person=head, row_number=3, on=dt.date(2024, 1, 5), items=items, subject_name="张三"
    )
    DepartmentRecord.objects.create(**bill, row_number=4, items=items)
    DepartmentRecord.objects.create(**bill, household=first, row_number=5, items=items, retired_by=roster)
    return first


def read(folder, table, columns="*"):
    return duckdb.sql(f"SELECT {columns} FROM '{folder}/{table}.parquet' ORDER BY ALL").fetchall()


def test_values_arrive_with_their_declared_types(filled, on_disk):
    on_disk()
    taken = snapshot.take(region="500236", as_of=AS_OF)
    columns = "number, town_code, has_phone, phone_state, wage_income, arable_area, risks, form_year, identified_on, "
    columns += "military_family, income_period_end, fuel"
    date = dt.date(2021, 5, 6)
    assert read(taken, "household", columns) == [
        (
            "H1",
            "500236001",
            True,
            "mobile",
            1234567,
            Decimal("12.50"),
            ["01", "02"],
            2024,
            date,
            False,
            "2023-09",
            None,
        ),
        ("H2", "500236001", False, "missing", *[None] * 8),
    ]
    assert read(taken, "person", "birth_date, relation, health, work_income, alive") == [
        (dt.date(1960, 2, 29), "01", ["01"], 300000, True),
        (None, "01", None, None, None),
        (None, "03", None, None, None),
    ]
    for table, schema in table_schemas().items():
        described = duckdb.sql(f"DESCRIBE SELECT * FROM '{taken}/{table}.parquet'").fetchall()
        assert {name: kind for name, kind, *_ in described} == schema, table


def test_only_active_households_and_what_belongs_to_them_are_in_it(filled, on_disk):
    on_disk()
    taken = snapshot.take(region="500236", as_of=AS_OF)
    assert [row[0] for row in read(taken, "household", "number")] == ["H1", "H2"]
    assert len(read(taken, "person")) == 3
    assert len(read(taken, "label")) == 2
    assert len(read(taken, "membership")) == 4
    assert read(taken, "medical_bill", "row_number, self_paid, settled_on") == [(3, 500050, dt.date(2024, 1, 5))]
    counts = json.loads((taken / "manifest.json").read_text())["rows"]
    assert (counts["household"], counts["person"], counts["medical_bill"], counts["death"]) == (2, 3, 1, 0)


def test_a_village_snapshot_holds_that_village_only(filled, on_disk):
    on_disk()
    taken = snapshot.take(region="500236001002", as_of=AS_OF)
    assert [row[0] for row in read(taken, "household", "number")] == ["H2"]
    assert len(read(taken, "person")) == 1
    assert read(taken, "medical_bill") == []


def test_no_number_phone_or_name_of_a_person_is_in_any_file(filled, on_disk):
    on_disk()
    taken = snapshot.take(region="500236", as_of=AS_OF)
    content = b"".join(path.read_bytes() for path in taken.iterdir())
    for secret in (ID_NUMBER, PHONE, "张三", "李四"):
        assert secret.encode() not in content
        for path in taken.glob("*.parquet"):
            assert secret not in str(pq.read_table(path).to_pylist())


def test_one_households_tables_equal_those_of_the_snapshot(filled, on_disk):
    on_disk()
    taken = snapshot.take(region="500236", as_of=AS_OF)
    for household in Household.objects.filter(status="active"):
        single = snapshot.one_household(household.id)
        assert single.keys() == table_schemas().keys()
        for table, rows in single.items():
            whole = pq.read_table(taken / f"{table}.parquet")
            key = "id" if table == "household" else "household_id"
            expected = [row for row in whole.to_pylist() if row[key] == household.id]
            assert rows.schema.equals(whole.schema), table
            assert rows.to_pylist() == expected, table


READ_IN_TWO_STEPS = """
import sys
from contextlib import ExitStack
from huqing.registry import snapshot_read
vendor, database = sys.argv[1:]
with ExitStack() as stack:
    fetches = getattr(snapshot_read, f"open_{vendor}")(database, stack)
    reader = snapshot_read.Reader("500236", fetches, vendor)
    print(sum(rows.num_rows for rows in reader.table("household")), flush=True)
    sys.stdin.readline()
    print(sorted({kind for rows in reader.table("label") for kind in rows["kind"].to_pylist()}), flush=True)
"""


def test_all_tables_show_one_instant_whatever_is_written_meanwhile(filled, on_disk):
    on_disk()
    command = [sys.executable, "-c", READ_IN_TWO_STEPS, connection.vendor, snapshot.database_address()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "2"
        write_through_another_connection("UPDATE registry_label SET kind = 'dibao'")
        assert process.communicate("go on\n")[0].strip() == "['monitor']"
    taken = snapshot.take(region="500236", as_of=AS_OF)
    assert {kind for (kind,) in read(taken, "label", "kind")} == {"dibao"}


def test_a_read_out_that_fails_says_why_and_leaves_nothing(filled, on_disk):
    on_disk()
    write_through_another_connection("ALTER TABLE registry_label RENAME TO registry_label_hidden")
    try:
        with pytest.raises(snapshot.SnapshotError, match="registry_label"):
            snapshot.take(region="500236", as_of=AS_OF)
    finally:
        write_through_another_connection("ALTER TABLE registry_label_hidden RENAME TO registry_label")
    assert list((snapshot.root() / "500236").iterdir()) == []


def write_through_another_connection(sql):
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
            other.execute(sql)
            other.commit()
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql)


def test_a_cancelled_household_has_no_rows(filled):
    cancelled = Household.objects.get(number="H3")
    assert all(rows.num_rows == 0 for rows in snapshot.one_household(cancelled.id).values())


def test_one_household_takes_six_queries(filled, django_assert_num_queries):
    with django_assert_num_queries(6):
        snapshot.one_household(filled.id)


def test_a_snapshot_inside_a_transaction_sees_what_the_transaction_wrote(db, make_household):
    make_household("H1", ("张三", "01"))
    taken = snapshot.take(region="500236", as_of=AS_OF)
    assert [row[0] for row in read(taken, "household", "number")] == ["H1"]


def test_an_empty_county_gives_all_tables_without_rows(db):
    taken = snapshot.take(region="500236", as_of=AS_OF)
    for table, schema in table_schemas().items():
        assert pq.read_table(taken / f"{table}.parquet").num_rows == 0
        assert pq.read_schema(taken / f"{table}.parquet").names == list(schema)


def test_a_failure_leaves_no_snapshot_behind(db, monkeypatch):
    def fail(*args):
        raise RuntimeError("磁盘已满")

    monkeypatch.setattr(snapshot_read.Reader, "records", fail)
    with pytest.raises(RuntimeError):
        snapshot.take(region="500236", as_of=AS_OF)
    assert list((snapshot.root() / "500236").iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(db):
    left = snapshot.root() / "500236" / f"{snapshot.UNFINISHED}999"
    left.mkdir(parents=True)
    (left / "person.parquet").write_bytes(b"half")
    snapshot.take(region="500236", as_of=AS_OF)
    assert not left.exists()


def test_snapshots_of_one_day_are_numbered(db):
    names = [snapshot.take(region="500236", as_of=AS_OF).name for _ in range(2)]
    assert names == ["2024-03-01-1", "2024-03-01-2"]
    assert snapshot.folder("500236", names[1]).is_dir()


def test_pruning_keeps_the_newest_of_each_region(db):
    for region in ("500236", "430725"):
        for _ in range(3):
            snapshot.take(region=region, as_of=AS_OF)
    snapshot.prune(keep=1)
    assert [path.name for path in (snapshot.root() / "500236").iterdir()] == ["2024-03-01-3"]
    assert [path.name for path in (snapshot.root() / "430725").iterdir()] == ["2024-03-01-3"]


def test_a_region_that_is_no_code_is_refused(db):
    with pytest.raises(ValueError, match="500236"):
        snapshot.take(region="../x", as_of=AS_OF)
