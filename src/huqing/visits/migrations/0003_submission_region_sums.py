from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("visits", "0002_landed_at_and_refused")]

    operations = [
        migrations.RemoveIndex(model_name="submission", name="submission_region"),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                fields=["region_code", "state", "form", "visited_on", "typed", "prefilled", "derived"],
                name="submission_region_sums",
            ),
        ),
    ]
