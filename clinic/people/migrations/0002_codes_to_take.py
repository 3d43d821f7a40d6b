from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="codes_to_take",
            field=models.CharField(blank=True, default="", max_length=16),
        ),
    ]
