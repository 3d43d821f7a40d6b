from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="Feedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conversation_id", models.CharField(db_index=True, max_length=255)),
                ("message_reference", models.CharField(max_length=255)),
                ("answer", models.CharField(db_index=True, max_length=255)),
                ("value", models.CharField(choices=[("up", "Up"), ("down", "Down")], max_length=4)),
                ("reason", models.TextField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_index=True, default=clinic.clock.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("conversation_id", "message_reference", "answer"),
                        name="feedback_once_for_each_answer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("value__in", ("up", "down"))),
                        name="feedback_value_known",
                    ),
                ],
            },
        ),
    ]
