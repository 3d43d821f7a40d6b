from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Q, Subquery


def forget_form_answers(apps: Any, _: Any) -> None:
    """What a patient answered in a form, here for a thumb only, and nobody has decided about."""
    message = apps.get_model("conversations", "Message").objects
    occurrence = apps.get_model("questions", "Occurrence").objects
    forms = message.filter(pk=OuterRef("event_id")).values("form")[:1]
    here = occurrence.filter(question=OuterRef("pk")).annotate(form=Subquery(forms))
    rows = apps.get_model("questions", "Question").objects.filter(
        Exists(here.exclude(form="").exclude(form=None)),
        ~Exists(here.filter(Q(form="") | Q(form=None))),
        state="open",
        thumbs_down=True,
        not_understood=False,
        low_confidence=False,
        marked_wrong=False,
    )
    gone = list(rows.values_list("pk", flat=True))
    occurrence.filter(question__in=gone).delete()
    apps.get_model("questions", "Question").objects.filter(pk__in=gone).delete()


class Migration(migrations.Migration):
    dependencies = (
        ("questions", "0004_groups_keep_their_number"),
        ("conversations", "0017_hold_whole"),
    )

    operations = (migrations.RunPython(forget_form_answers, migrations.RunPython.noop),)
