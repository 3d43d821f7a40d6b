from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0002_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="RedactionReceipt",
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
                ("whole", models.BooleanField()),
                ("events", models.PositiveIntegerField()),
                ("messages", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(default=clinic.clock.now)),
            ],
        ),
    ]
