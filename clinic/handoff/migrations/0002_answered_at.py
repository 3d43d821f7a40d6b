from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("handoff", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="patientmessage",
            name="answered_at",
            field=models.DateTimeField(blank=True, db_index=True, null=True),
        ),
    ]
