from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0011_daycount"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="card",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="message",
            name="feedback_reason",
            field=models.TextField(blank=True),
        ),
    ]
