"""Whether a member's phone is a mobile number, for the checks; disability card numbers recognised as such."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

BATCH = 5_000


def judge(apps: Any, schema_editor: Any) -> None:
    """Fill ``phone_state`` from the sealed phones, and judge again numbers of a wrong length that may be cards."""
    from huqing.access.seal import token, unseal_many
    from huqing.standards import idnumbers

    person = apps.get_model("registry", "Person")
    waiting: list[Any] = []

    def write() -> None:
        phones = unseal_many([bytes(p.phone_sealed) if p.phone_sealed else None for p in waiting])
        numbers = unseal_many([bytes(p.id_number_sealed) if p.id_number_sealed else None for p in waiting])
        for row, phone, number in zip(waiting, phones, numbers, strict=True):
            row.phone_state = idnumbers.phone_state(phone) if phone else ""
            if row.id_state == "bad_length" and number and idnumbers.parse_disability_card(number):
                parsed = idnumbers.parse(number)
                row.id_state, row.id_birth_date, row.id_sex = parsed.state, parsed.birth_date, parsed.sex
                row.id_token = token("id_number", number)
        person.objects.bulk_update(
            waiting, ["phone_state", "id_state", "id_birth_date", "id_sex", "id_token"], batch_size=500
        )
        waiting.clear()

    concerned = models.Q(phone_sealed__isnull=False) | models.Q(id_state="bad_length")
    for row in person.objects.filter(concerned).order_by("pk").iterator(chunk_size=BATCH):
        waiting.append(row)
        if len(waiting) == BATCH:
            write()
    write()


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="phone_state",
            field=models.CharField(
                blank=True,
                default="",
                help_text="standards.idnumbers 的判定",
                max_length=10,
                verbose_name="联系电话状态",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(judge, migrations.RunPython.noop),
    ]
