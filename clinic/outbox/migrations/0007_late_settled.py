from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0006_late_messages_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="latemessage",
            name="settled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
