from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import migrations

from clinic.conversations import search

SQLITE = (
    "CREATE VIRTUAL TABLE conversations_search USING fts5("
    "document, tokenize='porter unicode61 remove_diacritics 2')"
)
AT_ONCE = 500


def make_anew(apps: Any, editor: Any) -> None:
    """Index what was said once more, now as it is shown: without numbers and addresses."""
    if editor.connection.vendor == "postgresql":
        editor.execute("TRUNCATE conversations_search")
    else:
        # The words of a row that is only replaced stay in the index for a while.
        editor.execute("DROP TABLE conversations_search")
        editor.execute(SQLITE)
    sessions = list(
        apps.get_model("conversations", "Session")
        .objects.order_by("pk")
        .values_list("pk", flat=True)
    )
    messages = apps.get_model("conversations", "Message").objects.order_by("session_id", "event_id")
    for begin in range(0, len(sessions), AT_ONCE):
        some = messages.filter(session__in=sessions[begin : begin + AT_ONCE])
        rows = some.values_list("session_id", "text").iterator()
        search.put(
            (session, [text for _, text in said]) for session, said in groupby(rows, itemgetter(0))
        )


class Migration(migrations.Migration):
    dependencies = (("conversations", "0015_reviewed_before"),)

    operations = (migrations.RunPython(make_anew, migrations.RunPython.noop),)
