from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0003_reasons"),
    ]

    operations = [
        migrations.AddField(
            model_name="waitingentry",
            name="consent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="waitingentry",
            name="consent_version",
            field=models.CharField(blank=True, max_length=50),
        ),
        migrations.AddField(
            model_name="waitingentry",
            name="for_whom",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="waitingentry",
            name="new_or_returning",
            field=models.CharField(
                blank=True, choices=[("new", "New"), ("returning", "Returning")], max_length=9
            ),
        ),
        migrations.AddField(
            model_name="waitingentry",
            name="note",
            field=models.TextField(blank=True),
        ),
    ]
