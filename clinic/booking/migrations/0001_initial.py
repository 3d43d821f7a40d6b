import django.db.models.deletion
from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="AppointmentRequest",
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
                        choices=[
                            ("requested", "Requested"),
                            ("confirmed", "Confirmed"),
                            ("declined", "Declined"),
                            ("changed", "Changed"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("conversation_id", models.CharField(blank=True, db_index=True, max_length=255)),
                ("patient_name", models.CharField(blank=True, max_length=200)),
                (
                    "patient_contact_kind",
                    models.CharField(
                        blank=True, choices=[("phone", "Phone"), ("email", "Email")], max_length=5
                    ),
                ),
                ("patient_contact", models.CharField(blank=True, max_length=320)),
                ("patient_contact_typed", models.CharField(blank=True, max_length=500)),
                ("preferred_time", models.TextField(blank=True)),
                ("note", models.TextField(blank=True)),
                ("service", models.TextField(blank=True, null=True)),
                ("idempotency_key", models.CharField(max_length=255, unique=True)),
                ("created_at", models.DateTimeField(db_index=True, default=clinic.clock.now)),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "requested",
                                    "confirmed",
                                    "declined",
                                    "changed",
                                    "cancelled",
                                    "expired",
                                ],
                            )
                        ),
                        name="request_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("erased_at__isnull", False),
                            models.Q(
                                ("patient_contact_kind__in", ["phone", "email"]),
                                models.Q(("patient_contact", ""), _negated=True),
                                models.Q(("patient_name", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="request_can_be_answered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("confirmed", "Confirmed"),
                            ("declined", "Declined"),
                            ("changed", "Changed"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        max_length=10,
                    ),
                ),
                ("who", models.CharField(max_length=150)),
                ("at", models.DateTimeField(default=clinic.clock.now)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="status_changes",
                        to="booking.appointmentrequest",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
    ]
