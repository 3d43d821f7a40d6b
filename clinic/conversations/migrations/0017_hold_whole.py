from typing import Any

from django.db import migrations


def hold_all(apps: Any, editor: Any) -> None:
    """A hold is of a whole conversation; sessions that came after it was set had none."""
    rows = apps.get_model("conversations", "Session").objects
    held = rows.filter(hold=True).order_by("number")
    for who, by, at in held.values_list("conversation_id", "hold_by", "hold_at"):
        rows.filter(conversation_id=who, hold=False).update(hold=True, hold_by=by, hold_at=at)


class Migration(migrations.Migration):
    dependencies = (("conversations", "0016_search_masked"),)

    operations = (migrations.RunPython(hold_all, migrations.RunPython.noop),)
