import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0004_waiting_details"),
        ("live", "0002_news_and_typing"),
        ("outbox", "0005_late_messages"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="item",
            name="item_about_one_thing",
        ),
        migrations.AddField(
            model_name="item",
            name="late",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="outbox.latemessage",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("late", "part"), name="item_once_per_late"),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("change__isnull", False),
                        ("late__isnull", True),
                        ("offer__isnull", True),
                        ("request__isnull", False),
                        ("step__isnull", True),
                    ),
                    models.Q(
                        ("change__isnull", True),
                        ("late__isnull", True),
                        ("offer__isnull", False),
                        ("request__isnull", True),
                        ("step__isnull", True),
                    ),
                    models.Q(
                        ("change__isnull", True),
                        ("late__isnull", True),
                        ("offer__isnull", True),
                        ("request__isnull", True),
                        ("step__isnull", False),
                    ),
                    models.Q(
                        ("change__isnull", True),
                        ("late__isnull", False),
                        ("offer__isnull", True),
                        ("request__isnull", True),
                        ("step__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="item_about_one_thing",
            ),
        ),
    ]
