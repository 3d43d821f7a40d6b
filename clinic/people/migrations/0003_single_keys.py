from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_codes_to_take"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="single_keys",
            field=models.BooleanField(default=True),
        ),
    ]
