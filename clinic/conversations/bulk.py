"""Writing many rows at once, several times faster than through Django's models.

A conversation of thirty events is ten rows; three million events have to be read in minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

_AT_ONCE = 500
_EMPTY: dict[type, str] = {list: "[]", dict: "{}"}


def upsert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those with the same primary key. All have the same columns."""
    if not rows:
        return
    columns = list(rows[0])
    key = model._meta.pk.column
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column != key)
    insert = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES "  # noqa: S608
    conflict = f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    marks = f"({', '.join(['%s'] * len(columns))})"
    values = [[_plain(row[column]) for column in columns] for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(insert + marks + conflict, values)
            return
        for begin in range(0, len(values), _AT_ONCE):
            some = values[begin : begin + _AT_ONCE]
            cursor.execute(
                insert + ", ".join([marks] * len(some)) + conflict,
                [value for row in some for value in row],
            )


def update(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Change rows that are there. All have the same columns, the primary key among them."""
    if not rows:
        return
    key = model._meta.pk.column
    columns = [column for column in rows[0] if column != key]
    changes = ", ".join(f"{column} = %s" for column in columns)
    statement = f"UPDATE {model._meta.db_table} SET {changes} WHERE {key} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(
            statement, [[_plain(row[column]) for column in (*columns, key)] for row in rows]
        )


def _plain(value: Any) -> Any:
    """As the database's driver takes it."""
    if isinstance(value, list | dict):
        return json.dumps(value) if value else _EMPTY[type(value)]
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    # members of an enumeration are texts of their own kind
    return str(value) if isinstance(value, str) else value
