from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="step",
            name="step_known",
        ),
        migrations.AddField(
            model_name="chat",
            name="patient_typing_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="chat",
            name="staff_typing_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="attached",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="step",
            name="kind",
            field=models.CharField(
                choices=[
                    ("joined", "Joined"),
                    ("said", "Said"),
                    ("left", "Left"),
                    ("closed", "Closed"),
                    ("vanished", "Vanished"),
                    ("long_wait", "Long Wait"),
                    ("news", "News"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="step",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[("done", "Done"), ("gone", "Gone"), ("failed", "Failed")],
                max_length=6,
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["joined", "said", "left", "closed", "vanished", "long_wait", "news"],
                    )
                ),
                name="step_known",
            ),
        ),
    ]
