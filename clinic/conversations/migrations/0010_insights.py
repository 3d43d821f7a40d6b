from typing import Any

from django.db import migrations, models


def read_again(apps: Any, _: Any) -> None:
    """Have all conversations read again: the worker begins where it knows no position."""
    apps.get_model("conversations", "Position").objects.filter(name="events").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_rateddown"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="began_hour",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="session",
            name="booking_step",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.RemoveIndex(
            model_name="session",
            name="session_list",
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                fields=[
                    "last_activity_at",
                    "id",
                    "channel",
                    "outcome",
                    "triage_level",
                    "lowest_confidence",
                    "feedback_up",
                    "feedback_down",
                    "reviewed_at",
                    "assigned_to",
                    "hold",
                    "not_understood",
                    "began_hour",
                    "booking_step",
                ],
                name="session_list",
            ),
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
