import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0002_times_and_waiting_list"),
        ("live", "0001_initial"),
        ("outbox", "0002_waiting_offers"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="item",
            name="item_about_one_thing",
        ),
        migrations.AddField(
            model_name="item",
            name="step",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="live.step",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("step", "part"), name="item_once_per_step"),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("change__isnull", False),
                        ("offer__isnull", True),
                        ("request__isnull", False),
                        ("step__isnull", True),
                    ),
                    models.Q(
                        ("change__isnull", True),
                        ("offer__isnull", False),
                        ("request__isnull", True),
                        ("step__isnull", True),
                    ),
                    models.Q(
                        ("change__isnull", True),
                        ("offer__isnull", True),
                        ("request__isnull", True),
                        ("step__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="item_about_one_thing",
            ),
        ),
    ]
