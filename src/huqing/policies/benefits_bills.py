"""The hospital bills of a snapshot as rows for ``benefits_medical``: stays, with what each patient was at the time.

The kind of person is decided on the day of settlement, by the first that applies: destitute, subsistence allowance,
its margin, monitored, formerly poor; others are ordinary residents. It follows from the labels of the person or the
household and from the assistance roster. Somebody who might be one of these, but whose label or assistance has no
first day, has no known kind, and the bill gets no result. What basic and serious-illness insurance have already paid
by the department's file is taken as it is, unless that is to be reckoned anew.
"""
# ruff: noqa: S608 - every name is written here, the paths are quoted

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from huqing.rules.engine import quoted
from huqing.rules.errors import TableError

TABLES = ("medical_bill", "label", "civil_affairs")
KINDS = (  # medical_object, label kinds, aid kinds; the first that applies counts
    ("1", ("tekun",), "2"),
    ("2", ("dibao",), "1"),
    ("3", ("dibao_marginal",), "3"),
    ("4", ("monitor", "monitor_unstable", "monitor_marginal", "monitor_sudden"), ""),
    ("7", ("tuopin",), ""),
)
ORDINARY = "8"
IN_HOSPITAL = "1"


def bills_of(snapshot: Path, out: Path, *, basic_anew: bool = False, serious_anew: bool = False) -> int:
    """Write the stays in hospital of a snapshot to the Parquet file ``out``, whole at the end; the number of rows.

    ``basic_anew`` and ``serious_anew`` leave out what these insurances have settled, so that it is reckoned by the
    parameters. A snapshot taken before bills told the hospital's level has none. Raises TableError for a table the
    snapshot lacks.
    """
    files = {table: snapshot / f"{table}.parquet" for table in TABLES}
    lacking = [file.name for file in files.values() if not file.exists()]
    if lacking:
        raise TableError(f"快照 {snapshot.name} 缺少 {'、'.join(lacking)}。请重新生成快照。")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="huqing-bills-", dir=out.parent) as scratch, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{quoted(Path(scratch))}'")
        for table, file in files.items():
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{quoted(file)}')")
        told = {row[0] for row in connection.execute("DESCRIBE medical_bill").fetchall()}
        query = _query(
            level="bill.hospital_level" if "hospital_level" in told else "NULL::VARCHAR",
            basic="NULL::BIGINT" if basic_anew else "bill.basic_paid",
            serious="NULL::BIGINT" if serious_anew else "bill.serious_paid",
        )
        made = Path(scratch) / "bills.parquet"
        done = connection.execute(f"COPY ({query}) TO '{quoted(made)}' (FORMAT parquet, COMPRESSION zstd)").fetchone()
        made.replace(out)
    return int(done[0]) if done else 0


def _query(*, level: str, basic: str, serious: str) -> str:
    kinds = " UNION ALL ".join(
        f"SELECT {rank} AS rank, '{code}' AS code, {list(labels)!r}::VARCHAR[] AS labels, '{aid}' AS aid"
        for rank, (code, labels, aid) in enumerate(KINDS)
    )
    return f"""
    WITH bill AS (SELECT * FROM medical_bill WHERE care_kind = '{IN_HOSPITAL}'),
    kind AS ({kinds}),
    held AS (
        SELECT household_id, person_id, k.rank, k.code, valid_from AS first, valid_to AS last
        FROM label JOIN kind k ON list_contains(k.labels, label.kind)
        UNION ALL
        SELECT household_id, person_id, k.rank, k.code, aid_from, aid_to
        FROM civil_affairs JOIN kind k ON k.aid = civil_affairs.aid_kind AND k.aid <> ''
    ),
    belonging AS (
        SELECT bill.id, held.rank, held.code, held.first IS NULL AS undated
        FROM bill JOIN held ON held.person_id = bill.person_id
        WHERE (first IS NULL OR first <= settled_on) AND (last IS NULL OR last > settled_on)
        UNION ALL
        SELECT bill.id, held.rank, held.code, held.first IS NULL
        FROM bill JOIN held ON held.person_id IS NULL AND held.household_id = bill.household_id
        WHERE (first IS NULL OR first <= settled_on) AND (last IS NULL OR last > settled_on)
    ),
    best AS (
        SELECT id, arg_min(code, rank * 2 + undated::INT) AS code, arg_min(undated, rank * 2 + undated::INT) AS unsure
        FROM belonging GROUP BY id
    )
    SELECT bill.id, bill.person_id, bill.settled_on, bill.admitted_on, {level} AS hospital_level,
        CASE WHEN best.id IS NULL THEN '{ORDINARY}' WHEN NOT unsure THEN best.code END AS medical_object,
        bill.total, bill.eligible, {basic} AS given_basic, {serious} AS given_serious
    FROM bill LEFT JOIN best ON best.id = bill.id ORDER BY bill.id"""
