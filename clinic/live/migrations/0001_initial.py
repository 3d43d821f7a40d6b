import django.db.models.deletion
from django.db import migrations, models

import clinic.clock


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="Duty",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("who", models.CharField(max_length=150, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("available", models.BooleanField(default=False)),
                ("seen_at", models.DateTimeField(default=clinic.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Chat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conversation_id", models.CharField(max_length=255, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("bot", "Bot"),
                            ("waiting", "Waiting"),
                            ("person", "Person"),
                            ("closed", "Closed"),
                        ],
                        default="bot",
                        max_length=8,
                    ),
                ),
                ("person", models.CharField(blank=True, max_length=150)),
                ("person_name", models.CharField(blank=True, max_length=200)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("joined_at", models.DateTimeField(blank=True, null=True)),
                ("staff_at", models.DateTimeField(blank=True, null=True)),
                ("patient_at", models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("alarm_at", models.DateTimeField(blank=True, null=True)),
                ("alarm", models.CharField(blank=True, max_length=16)),
                ("changed_at", models.DateTimeField(default=clinic.clock.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "changed_at"], name="chat_state_changed")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["bot", "waiting", "person", "closed"])),
                        name="chat_state_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("joined", "Joined"),
                            ("said", "Said"),
                            ("left", "Left"),
                            ("closed", "Closed"),
                            ("vanished", "Vanished"),
                            ("long_wait", "Long Wait"),
                        ],
                        max_length=9,
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                ("who", models.CharField(blank=True, max_length=150)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("text", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=clinic.clock.now)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True, choices=[("done", "Done"), ("gone", "Gone")], max_length=4
                    ),
                ),
                (
                    "chat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="live.chat",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at__isnull", True)),
                        fields=["id"],
                        name="step_to_do",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["joined", "said", "left", "closed", "vanished", "long_wait"],
                            )
                        ),
                        name="step_known",
                    )
                ],
            },
        ),
    ]
