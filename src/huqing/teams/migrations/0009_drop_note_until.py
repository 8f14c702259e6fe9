from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("teams", "0008_provisions_from_notes"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="teamnote",
            name="until",
        ),
    ]
