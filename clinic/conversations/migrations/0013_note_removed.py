from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0012_card_and_reason"),
    ]

    operations = [
        migrations.AddField(
            model_name="note",
            name="removed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
