"""Finding sessions by what was said in them: FTS5 on SQLite, tsvector on PostgreSQL.

Needs ``clinic.setup.ready()``. A session is one document, all that was said in it as it is shown,
with numbers and addresses hidden: so the search tells of none, however few figures one looks for.
All words must be in it, in any form ("burning" finds "burns"); words in quotation marks must follow
each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

from clinic.privacy.masking import mask

_FIND = {
    "postgresql": (
        "SELECT session_id FROM conversations_search "
        "WHERE document @@ websearch_to_tsquery('clinic_words', %s)"
    ),
    "sqlite": "SELECT rowid FROM conversations_search WHERE conversations_search MATCH %s",
}
_PUT = {
    "postgresql": (
        "INSERT INTO conversations_search (session_id, document) "
        "VALUES (%s, to_tsvector('clinic_words', %s)) "
        "ON CONFLICT (session_id) DO UPDATE SET document = excluded.document"
    ),
    "sqlite": "INSERT OR REPLACE INTO conversations_search (rowid, document) VALUES (%s, %s)",
}
_REMOVE = {
    "postgresql": "DELETE FROM conversations_search WHERE session_id = %s",
    "sqlite": "DELETE FROM conversations_search WHERE rowid = %s",
}
# Pages of the index in one transaction: others who write wait for a moment only.
_REWRITE = "INSERT INTO conversations_search (conversations_search, rank) VALUES ('merge', %s)"
_PAGES = 500
# Each time everything is merged, SQLite before 3.42 adds a level to the index's description, two
# bytes, and cannot open the index any more when there are more than 2,000 of them.
_DESCRIPTION = "SELECT length(block) FROM conversations_search_data WHERE id = 10"
# Rebuilding it takes seconds in which nobody else writes: at night, or before it is too late.
_LONGEST, _LONGEST_AT_NIGHT = 3000, 500
_REBUILD = "INSERT INTO conversations_search (conversations_search) VALUES ('rebuild')"
# Sessions with a word; among more than these the list is read.
_FEW = 2000

_PART = re.compile(r'"([^"]+)"|(\S+)')
_WORD = re.compile(r"\w+")


def sessions_with(text: str) -> models.Q:
    """A condition on ``Session``: all words of ``text`` were said. No words: nothing matches."""
    phrases = _phrases(text)
    if not phrases:
        return models.Q(id__in=[])
    statement, values = _FIND[connection.vendor], [" ".join(phrases)]
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT %s", [*values, _FEW + 1])
        few = [session for (session,) in cursor.fetchall()]
    if len(few) <= _FEW:
        # PostgreSQL does not expect them to be few, and would look for them in the whole list.
        return models.Q(id__in=few)
    return models.Q(id__in=RawSQL(statement, values))  # noqa: S611


def _phrases(text: str) -> list[str]:
    """Each word or quoted phrase in quotation marks, with nothing in it but letters and digits."""
    parts = (_WORD.findall(quoted or word) for quoted, word in _PART.findall(text))
    return [f'"{" ".join(words)}"' for words in parts if words]


def put(said: Iterable[tuple[int, Iterable[str]]]) -> None:
    """Store what was said in sessions, as (session id, texts), in place of what was there."""
    # Only words, so that both databases take a text apart in the same way.
    rows = [
        (session, " ".join(word for text in texts for word in _WORD.findall(mask(text))))
        for session, texts in said
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_PUT[connection.vendor], rows)


def remove(sessions: Iterable[int]) -> None:
    """Forget what was said in sessions."""
    with connection.cursor() as cursor:
        cursor.executemany(_REMOVE[connection.vendor], [(session,) for session in sessions])


def forget_removed() -> None:
    """Rewrite SQLite's index, in which the words of what was removed are still to be read.

    Not in a transaction. Afterwards nothing is left in the write-ahead log, unless somebody reads.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # A negative number begins with everything there is. Less than two changes: done.
            pages, changes = -_PAGES, 2
            while changes >= 2:
                before = connection.connection.total_changes
                cursor.execute(_REWRITE, [pages])
                changes = connection.connection.total_changes - before
                pages = _PAGES
            _rebuild(cursor, _LONGEST)
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def tidy() -> None:
    """At night: rebuild SQLite's index when it was rewritten often. Not in a transaction."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            _rebuild(cursor, _LONGEST_AT_NIGHT)


def _rebuild(cursor: Any, longest: int) -> None:
    cursor.execute(_DESCRIPTION)
    if cursor.fetchone()[0] > longest:
        cursor.execute(_REBUILD)
