from typing import Any

from django.db import migrations
from django.db.models import F

from clinic.privacy.masking import scrub
from clinic.questions.collecting import LONGEST, key_of

REASONS = ("not_understood", "low_confidence", "thumbs_down", "marked_wrong")


def scrub_anew(apps: Any, _: Any) -> None:
    """Take out of the inbox what is known as a contact only since: numbers said in words."""
    questions = apps.get_model("questions", "Question").objects
    occurrences = apps.get_model("questions", "Occurrence").objects
    for pk, text in list(questions.order_by("pk").values_list("pk", "text")):
        clean = scrub(text)[:LONGEST]
        if clean == text:
            continue
        rows, key = questions.filter(pk=pk), key_of(clean)
        same = questions.filter(key=key).exclude(pk=pk)
        if not same.exists():
            # The vector was that of the other words; the next grouping makes it anew.
            rows.update(text=clean, key=key, meaning=None, group=None)
            continue
        # What differed in the number only is one question.
        old = rows.get()
        occurrences.filter(question=pk).update(question=same.get().pk)
        same.update(
            count=F("count") + old.count,
            **{name: True for name in REASONS if getattr(old, name)},
        )
        rows.delete()


class Migration(migrations.Migration):
    dependencies = (("questions", "0005_no_form_answers"),)

    operations = (migrations.RunPython(scrub_anew, migrations.RunPython.noop),)
