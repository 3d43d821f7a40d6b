"""After the vectors were copied: PostgreSQL changes no table in whose transaction rows were added."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("questions", "0008_meaning"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="question",
            name="questions_to_group",
        ),
        migrations.RemoveField(
            model_name="question",
            name="meaning",
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(
                fields=[
                    "state",
                    "group",
                    "count",
                    "last_at",
                    "not_understood",
                    "low_confidence",
                    "thumbs_down",
                    "marked_wrong",
                    "id",
                ],
                name="questions_to_group",
            ),
        ),
    ]
