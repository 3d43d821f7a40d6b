from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0013_note_removed"),
    ]

    operations = [
        migrations.AddField(
            model_name="recheck",
            name="asked",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="recheck",
            name="looked",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="rateddown",
            name="token",
            field=models.CharField(blank=True, default="", max_length=16),
            preserve_default=False,
        ),
    ]
