"""Department rows that came before the people they are about: linked once a roster brings those people."""

from __future__ import annotations

import pyarrow as pa

from huqing.intake import existing, linking
from huqing.intake.departments import label_aid
from huqing.intake.plan import Written, prior_columns, write_prior
from huqing.registry.models import DepartmentRecord


def relink(written: Written, prefix: str) -> int:
    """Link the region's unlinked rows whose whole ID number and name now belong to one person; returns how many.

    Rows that already wait for a clerk are left to the clerk. Part of the roster's import, so undone with it.
    """
    waiting = existing.read(
        "registry_departmentrecord r",
        {"r.id AS row_id": "id", "r.id_token": "text", "r.subject_name AS name": "text", "r.region_code": "text"},
        "WHERE r.household_id IS NULL AND r.person_id IS NULL AND r.retired_by_id IS NULL AND r.id_token <> '' "
        "AND r.region_code >= %s AND r.region_code < %s AND NOT EXISTS "
        "(SELECT 1 FROM intake_linkcandidate c WHERE c.record_id = r.id AND c.state = 'open')",
        [prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)],
    )
    links = linking.Links(linked={})
    linking.exactly(waiting, prefix, links)
    if not links.linked:
        return 0
    before = dict(zip(waiting["row_id"].to_pylist(), waiting["region_code"].to_pylist(), strict=True))
    ids = pa.array(links.linked, pa.int64())
    prior = [
        prior_columns(person_id=None, household_id=None, region_code=before[pk], link_method="", link_score=None)
        for pk in links.linked
    ]
    write_prior(written, "record", pa.chunked_array([ids]), prior)
    found = links.linked.values()
    table = pa.table(
        {
            "id": ids,
            "person_id": pa.array([one.person_id for one in found], pa.int64()),
            "household_id": pa.array([one.household_id for one in found], pa.int64()),
            "region_code": pa.array([one.region_code for one in found], pa.string()),
            "link_method": pa.array([one.method for one in found], pa.string()),
            "link_score": pa.array([one.score for one in found], pa.float64()),
        }
    )
    written.writer.update(DepartmentRecord, table)
    label_aid(written, list(links.linked))
    return len(links.linked)
