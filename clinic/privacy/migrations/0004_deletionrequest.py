from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0003_redactionreceipt"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletionRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conversation_id", models.CharField(max_length=255, unique=True)),
                ("at", models.DateTimeField(default=clinic.clock.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("settled_by", models.CharField(blank=True, max_length=150)),
            ],
        ),
    ]
