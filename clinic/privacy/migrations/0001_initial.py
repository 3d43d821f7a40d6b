from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="DeletionReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=6, unique=True)),
                ("conversation_digest", models.CharField(db_index=True, max_length=64)),
                ("who", models.CharField(max_length=150)),
                ("requests_anonymised", models.PositiveIntegerField()),
                ("messages_deleted", models.PositiveIntegerField()),
                ("feedback_deleted", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(default=clinic.clock.now)),
            ],
        ),
    ]
