from typing import Any

from django.db import migrations

SQLITE = (
    "CREATE VIRTUAL TABLE conversations_search USING fts5("
    "document, tokenize='porter unicode61 remove_diacritics 2')"
)
POSTGRESQL = """
CREATE TABLE conversations_search (
    session_id bigint PRIMARY KEY REFERENCES conversations_session ON DELETE CASCADE,
    document tsvector NOT NULL
);
CREATE INDEX conversations_search_document ON conversations_search USING gin (document)
"""


def make(apps: Any, editor: Any) -> None:
    editor.execute(POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE)


def drop(apps: Any, editor: Any) -> None:
    editor.execute("DROP TABLE conversations_search")


class Migration(migrations.Migration):
    dependencies = (("conversations", "0002_sessions"),)

    operations = (migrations.RunPython(make, drop),)
