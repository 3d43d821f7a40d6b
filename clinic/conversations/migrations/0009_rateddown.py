from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0008_one_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="RatedDown",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
        ),
    ]
