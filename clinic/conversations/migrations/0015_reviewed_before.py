from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0014_recheck_asked"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="reviewed_before",
            field=models.DateTimeField(null=True),
        ),
    ]
