from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0003_waiting_in_the_chat"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="done_by",
            field=models.CharField(blank=True, max_length=150),
        ),
    ]
