"""What was a note is a record, and what was only leave, a trip or training is of the kind that says no more than that."""

from django.db import migrations

KINDS = {"3": "39", "4": "49"}


def provisions(apps, schema):
    """Keep the newest note of a member, year and kind as the record; its words become the remark."""
    note, provision = apps.get_model("teams", "TeamNote"), apps.get_model("teams", "Provision")
    old = note._base_manager.filter(kind__in=("checkup", "insurance"))
    for row in old.order_by("on", "id"):
        said = {"region_code": row.region_code, "done_on": row.on, "until": row.until, "note": row.text[:200]}
        provision._base_manager.update_or_create(
            staff_id=row.staff_id, year=row.on.year, kind=row.kind, defaults={**said, "by_id": row.by_id}
        )
    old.delete()


def kinds(apps, schema):
    for old, new in KINDS.items():
        apps.get_model("teams", "Absence")._base_manager.filter(kind=old).update(kind=new)


class Migration(migrations.Migration):

    dependencies = [
        ("teams", "0007_teams_in_depth"),
    ]

    operations = [
        migrations.RunPython(provisions, migrations.RunPython.noop),
        migrations.RunPython(kinds, migrations.RunPython.noop),
    ]
