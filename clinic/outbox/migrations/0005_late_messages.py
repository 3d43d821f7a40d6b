from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0004_done_by_hand"),
    ]

    operations = [
        migrations.CreateModel(
            name="LateMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conversation_id", models.CharField(max_length=255)),
                ("app", models.CharField(max_length=20)),
                (
                    "state",
                    models.CharField(
                        choices=[("failed", "failed"), ("stuck", "stuck")], max_length=7
                    ),
                ),
                ("reason", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("conversation_id", "app"), name="late_once_per_app"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("failed", "stuck"))),
                        name="late_state_known",
                    ),
                ],
            },
        ),
    ]
