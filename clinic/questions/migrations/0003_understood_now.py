from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("questions", "0002_corrections"),
    ]

    operations = [
        migrations.RemoveField(model_name="question", name="taught_as"),
        migrations.AddField(
            model_name="question",
            name="meaning",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="question",
            name="now_level",
            field=models.CharField(blank=True, max_length=9),
        ),
    ]
