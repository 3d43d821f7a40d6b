from typing import Any

from django.db import migrations

SQLITE = (
    "CREATE VIRTUAL TABLE conversations_search USING fts5("
    "document, tokenize='porter unicode61 remove_diacritics 2')"
)
# English without a list of words to leave out: "off" and "how often" are to be found as well.
POSTGRESQL = """
CREATE TEXT SEARCH DICTIONARY clinic_stem (TEMPLATE = snowball, Language = english);
CREATE TEXT SEARCH CONFIGURATION clinic_words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION clinic_words
    ALTER MAPPING FOR asciiword, word, numword WITH clinic_stem;
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
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TEXT SEARCH CONFIGURATION clinic_words")
        editor.execute("DROP TEXT SEARCH DICTIONARY clinic_stem")


class Migration(migrations.Migration):
    dependencies = (("conversations", "0002_sessions"),)

    operations = (migrations.RunPython(make, drop),)
