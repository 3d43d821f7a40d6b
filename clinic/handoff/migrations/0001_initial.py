from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="PatientMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=6, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("new", "New"), ("answered", "Answered")],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("conversation_id", models.CharField(db_index=True, max_length=255)),
                ("patient_name", models.CharField(blank=True, max_length=200)),
                (
                    "patient_contact_kind",
                    models.CharField(
                        choices=[("phone", "Phone"), ("email", "Email")], max_length=5
                    ),
                ),
                ("patient_contact", models.CharField(max_length=320)),
                ("patient_contact_typed", models.CharField(max_length=500)),
                ("text", models.TextField()),
                ("idempotency_key", models.CharField(max_length=255, unique=True)),
                ("created_at", models.DateTimeField(db_index=True, default=clinic.clock.now)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ("new", "answered"))),
                        name="message_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("patient_contact_kind__in", ("phone", "email")),
                            models.Q(("patient_contact", ""), _negated=True),
                        ),
                        name="message_can_be_answered",
                    ),
                ],
            },
        ),
    ]
