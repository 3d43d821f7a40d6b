from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0003_asks"),
    ]

    operations = [
        migrations.AddField(
            model_name="chat",
            name="dismissed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
