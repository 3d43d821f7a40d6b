from typing import Any

from django.db import migrations, models


def follow(apps: Any, _: Any) -> None:
    """Note which questions were decided beside a conversation, and hand on missed red flags."""
    Question = apps.get_model("questions", "Question")
    for each in apps.get_model("conversations", "Correction").objects.order_by("at", "pk"):
        mine = Question.objects.filter(occurrences__event_id=each.event_id)
        mine.filter(state=each.kind, topic=each.right_topic, decided_by=each.by).update(
            decided_event=each.event_id
        )
        mine.filter(state="open").update(
            state=each.kind,
            topic=each.right_topic,
            decided_by=each.by,
            decided_at=each.at,
            decided_event=each.event_id,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_rateddown"),
        ("questions", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="question",
            name="decided_event",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="question",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("missed_red_flag", "Missed Red Flag"),
                    ("false_alarm", "False Alarm"),
                    ("topic", "Topic"),
                    ("out_of_scope", "Out Of Scope"),
                    ("needs_answer", "Needs Answer"),
                    ("discarded", "Discarded"),
                ],
                db_index=True,
                default="open",
                max_length=15,
            ),
        ),
        migrations.RunPython(follow, migrations.RunPython.noop),
    ]
