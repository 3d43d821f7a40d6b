from typing import Any

from django.db import migrations, models


def group_anew(apps: Any, _: Any) -> None:
    """Numbers that name no question; the worker groups them within minutes."""
    apps.get_model("questions", "Question").objects.update(group=None)


class Migration(migrations.Migration):
    dependencies = [
        ("questions", "0003_understood_now"),
    ]

    operations = [
        migrations.RunPython(group_anew, migrations.RunPython.noop),
        migrations.RemoveField(model_name="question", name="group_name"),
        migrations.AlterField(
            model_name="question",
            name="group",
            field=models.BigIntegerField(null=True),
        ),
    ]
