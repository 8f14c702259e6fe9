"""What the bulk writer puts into the tables, Django reads back as if it had written it itself."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from django.db import IntegrityError, connection, transaction

from huqing.registry import bulk, bulk_indexes
from huqing.registry.models import Household, Person, Region, Source

NOW = dt.datetime(2024, 3, 1, 8, 30, 15, tzinfo=dt.UTC)


def households(village: Region, count: int, *, first: int = 1) -> pa.Table:
    return pa.table(
        {
            "number": [f"H{n:05d}" for n in range(first, first + count)],
            "village_id": pa.repeat(village.id, count),
            "region_code": [village.code] * count,
            "head_name": ['张,"三"\n丰'] * count,
            "phone_sealed": pa.array([b"\x00\xff\\"] * count, pa.binary()),
            "member_count": pa.array([None if n % 2 else 3 for n in range(count)], pa.int64()),
            "items": ['{"wage_income": 120000, "fuel": "1"}'] * count,
            "updated_at": pa.array([NOW] * count, pa.timestamp("us", "UTC")),
        }
    )


def test_rows_written_in_bulk_read_back_through_the_models(village):
    with bulk.writer() as w:
        ids = w.insert(Household, households(village, 3))
        w.insert(
            Person,
            pa.table(
                {
                    "name": ["𠮷野", "李四"],
                    "birth_date": pa.array([dt.date(1960, 2, 29), None]),
                    "household_id": [ids[0], ids[0]],
                    "region_code": [village.code] * 2,
                    "updated_at": pa.array([NOW.replace(tzinfo=None)] * 2, pa.timestamp("us")),
                }
            ),
        )
    first, second, _ = Household.objects.order_by("id")
    assert first.id == ids[0]
    assert first.head_name == '张,"三"\n丰'
    assert bytes(first.phone_sealed) == b"\x00\xff\\"
    assert (first.member_count, second.member_count) == (3, None)
    assert first.items == {"wage_income": 120000, "fuel": "1"}
    assert first.updated_at == NOW
    assert first.bank_account_sealed is None
    assert (first.status, first.address, first.grid) == ("active", "", None)
    people = list(first.members.order_by("id"))
    assert [(p.name, p.birth_date, p.items, p.updated_at) for p in people] == [
        ("𠮷野", dt.date(1960, 2, 29), {}, NOW),
        ("李四", None, {}, NOW),
    ]


def test_rows_django_adds_later_get_ids_after_those_written_in_bulk(village):
    with bulk.writer() as w:
        ids = w.insert(Household, households(village, 5))
    later = Household.objects.create(number="X", village=village, region_code=village.code, updated_at=NOW)
    assert later.id > ids[-1]


def test_ids_the_caller_chose_are_not_drawn_again(village):
    with bulk.writer() as w:
        table = households(village, 2)
        w.insert(Household, table.append_column("id", pa.array([700, 701])))
    later = Household.objects.create(number="X", village=village, region_code=village.code, updated_at=NOW)
    assert later.id > 701


def test_reserved_blocks_follow_each_other_without_overlap(village):
    with bulk.writer() as w:
        blocks = [w.reserve_ids(Household, 4), w.reserve_ids(Household, 1), w.reserve_ids(Household, 3)]
    every = [number for block in blocks for number in block]
    assert len(every) == 8
    assert len(set(every)) == 8


def test_an_update_changes_the_named_columns_and_nothing_else(village):
    with bulk.writer() as w:
        ids = w.insert(Household, households(village, 3))
        changed = w.update(
            Household,
            pa.table(
                {
                    "id": [ids[2], ids[0]],
                    "items": ['{"fuel": "2"}', "{}"],
                    "member_count": pa.array([None, 9], pa.int64()),
                    "updated_at": pa.array([NOW + dt.timedelta(days=1)] * 2),
                    "head_name": ["不", "写"],
                }
            ),
            columns=["items", "member_count", "updated_at"],
        )
    assert changed == 2
    by_id = Household.objects.in_bulk(list(ids))
    assert by_id[ids[2]].items == {"fuel": "2"}
    assert by_id[ids[2]].member_count is None
    assert by_id[ids[0]].member_count == 9
    assert by_id[ids[0]].updated_at == NOW + dt.timedelta(days=1)
    assert by_id[ids[0]].head_name == '张,"三"\n丰'
    assert by_id[ids[1]].updated_at == NOW


def test_deleted_rows_are_gone(village):
    with bulk.writer() as w:
        ids = w.insert(Household, households(village, 3))
        assert w.delete(Household, [ids[0], ids[2]]) == 2
    assert list(Household.objects.values_list("id", flat=True)) == [ids[1]]


def test_an_error_undoes_bulk_writes_and_djangos_own_alike(village):
    class Stop(Exception):
        pass

    def killed_half_way() -> None:
        with bulk.writer() as w:
            Source.objects.create(kind="roster", title="花名册", on=NOW.date(), created_at=NOW)
            w.insert(Household, households(village, 3))
            raise Stop

    with pytest.raises(Stop):
        killed_half_way()
    assert Household.objects.count() == 0
    assert Source.objects.count() == 0


def test_a_household_number_given_twice_is_refused_by_the_database(village):
    rows = households(village, 2)
    with pytest.raises(IntegrityError), bulk.writer() as w:
        w.insert(Household, pa.concat_tables([rows, rows]))
    assert Household.objects.count() == 0


def test_a_column_the_model_does_not_have_is_named(village):
    with pytest.raises(ValueError, match="village_name"), bulk.writer() as w:
        w.insert(Household, pa.table({"village_name": ["甲"]}))


def test_the_first_big_load_leaves_all_indexes_in_place(village, monkeypatch):
    monkeypatch.setattr(bulk_indexes, "FEW_ROWS", 2)
    with connection.cursor() as cursor:
        before = set(connection.introspection.get_constraints(cursor, Household._meta.db_table))
    with bulk.writer() as w:
        w.insert(Household, households(village, 4))
        with connection.cursor() as cursor:
            during = set(connection.introspection.get_constraints(cursor, Household._meta.db_table))
    with connection.cursor() as cursor:
        after = set(connection.introspection.get_constraints(cursor, Household._meta.db_table))
    assert during < before
    assert after == before
    with pytest.raises(IntegrityError), transaction.atomic():
        Household.objects.create(number="H00001", village=village, region_code=village.code, updated_at=NOW)
