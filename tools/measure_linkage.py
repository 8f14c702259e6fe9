"""Measure the linkage: recall and precision on lists with truth, time and memory at county size.

.venv/bin/python tools/measure_linkage.py                 synthetic county lists, small
.venv/bin/python tools/measure_linkage.py --full          200,000 rows against 1,000,000 people
.venv/bin/python tools/measure_linkage.py --data FOLDER   FEBRL 1 and 4 and Splink's fake_1000 in FOLDER
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import synthetic_people

from huqing.matching import columns, duplicates, link, model, scoring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.data:
        foreign(options.data)
    elif options.full:
        county(1_000_000, 200_000)
    else:
        county(20_000, 10_000)


def county(registered: int, rows: int) -> None:
    """A list about a synthetic county; seeds differ from those of the training."""
    people = synthetic_people.people(registered, villages=max(registered // 3000, 5), towns=33, seed=99)
    listed = synthetic_people.listed(people, rows, strangers=0.1, seed=98)
    truth = dict(zip(listed["row_id"].to_pylist(), listed["truth"].to_pylist(), strict=True))
    for name, without in (("as they come", []), ("without ID numbers", ["id_token", "id_tail"])):
        before = time.perf_counter()
        links = link(listed.drop_columns(["truth", *without]), people)
        seconds = time.perf_counter() - before
        known = sum(person is not None for person in truth.values())
        right = sum(truth[match.row_id] == match.person_id for match in links.matches)
        offered = {c.row_id for c in links.candidates if truth[c.row_id] == c.person_id}
        print(f"{rows:,} rows × {registered:,} people, {name}: {seconds:.1f} s, peak {peak():.2f} GB")
        print(
            f"  linked {len(links.matches):,}, precision {right / len(links.matches):.5f}, recall {right / known:.4f}"
        )
        print(
            f"  to the clerk {len(links.candidates):,} pairs of {len({c.row_id for c in links.candidates}):,} rows",
            end="",
        )
        print(f"; linked or offered {(right + len(offered)) / known:.4f}")


def foreign(folder: Path) -> None:
    """Public sets of Latin names: the model was not made for them, so this shows how far it carries."""
    one = _febrl(folder / "febrl" / "dataset1.csv", start=0)
    _report("febrl1, duplicates", duplicates(one, possible=0.5), _same_record(one))
    _line("febrl1, the model alone", *_alone(one, _same_record(one)))
    left, right = (_febrl(folder / "febrl" / f"dataset4{side}.csv", start=0) for side in "ab")
    names = dict(zip(left["person_id"].to_pylist(), left["record"].to_pylist(), strict=True))
    rows = right.rename_columns(["row_id" if name == "person_id" else name for name in right.column_names])
    for title, dropped in (("febrl4, with soc_sec_id", []), ("febrl4, without soc_sec_id", ["id_token"])):
        links = link(rows.drop_columns(dropped), left.drop_columns(dropped), sure=0.9, possible=0.5)
        truth = dict(zip(rows["row_id"].to_pylist(), rows["record"].to_pylist(), strict=True))
        found = {(m.row_id, m.person_id) for m in links.matches} | {
            (c.row_id, c.person_id) for c in links.candidates if c.score >= 0.5
        }
        good = sum(truth[row] == names[person] for row, person in found)
        _line(title, len(found), good, len(truth))
    fake = pyarrow.csv.read_csv(folder / "splink" / "fake_1000_from_splink_demos.csv")
    table = pa.table(
        {
            "person_id": fake["unique_id"],
            "name": [
                f"{a or ''} {b or ''}"
                for a, b in zip(fake["first_name"].to_pylist(), fake["surname"].to_pylist(), strict=True)
            ],
            "birth_date": fake["dob"].cast(pa.string()),
            "village": fake["city"],
            "phone_token": fake["email"],
            "record": fake["cluster"].cast(pa.string()),
        }
    )
    _report("fake_1000, duplicates", duplicates(table, possible=0.5), _same_record(table))
    _line("fake_1000, the model alone", *_alone(table, _same_record(table)))


def _alone(table: pa.Table, truth: set[tuple[int, int]]) -> tuple[int, int, int]:
    """Pairs the model scores at 0.5, without the rule that different names with different numbers are two people."""
    with scoring.connect() as connection:
        scoring.load(connection, "people", columns.prepare(table, "person_id"))
        prior = 2 * len(truth) / table.num_rows**2
        frequencies = model.measure(connection, "people")
        scored = scoring.score(
            connection, ["people"], people="people", prior=prior, frequencies=frequencies, threshold=0.5
        )
        pairs = connection.execute(f"SELECT key_l, key_r FROM {scored}").fetchall()  # noqa: S608
    found = {(min(pair), max(pair)) for pair in pairs}
    return len(found), len(found & truth), len(truth)


def _febrl(path: Path, start: int) -> pa.Table:
    strings = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    raw = pyarrow.csv.read_csv(path, convert_options=strings)
    raw = raw.rename_columns([name.strip() for name in raw.column_names])
    columns = {
        name: [str(v).strip() if v is not None else "" for v in raw[name].to_pylist()] for name in raw.column_names
    }
    return pa.table(
        {
            "person_id": pa.array(range(start, start + raw.num_rows)),
            "name": [f"{a} {b}" for a, b in zip(columns["given_name"], columns["surname"], strict=True)],
            "birth_date": [f"{d[:4]}-{d[4:6]}-{d[6:]}" if len(d) == 8 else None for d in columns["date_of_birth"]],
            "village": columns["address_1"],
            "town": columns["postcode"],
            "id_token": columns["soc_sec_id"],
            "record": [value.split("-")[1] for value in columns["rec_id"]],
        }
    )


def _same_record(table: pa.Table) -> set[tuple[int, int]]:
    groups: dict[str, list[int]] = {}
    for key, record in zip(table["person_id"].to_pylist(), table["record"].to_pylist(), strict=True):
        groups.setdefault(record, []).append(key)
    return {(a, b) for keys in groups.values() for a in keys for b in keys if a < b}


def _report(title: str, found: list, truth: set[tuple[int, int]]) -> None:
    _line(title, len(found), sum((pair.first, pair.second) in truth for pair in found), len(truth))


def _line(title: str, found: int, good: int, true: int) -> None:
    precision, recall = good / max(found, 1), good / true
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    print(f"{title}: found {found}, precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")


def peak() -> float:
    """Peak resident memory of this process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    main()
