"""The database itself refuses to change or delete rows of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import migrations

SQLITE = [
    f"CREATE TRIGGER audit_entry_no_{deed.lower()} BEFORE {deed} ON audit_entry "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
    for deed in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$",
    "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
    "EXECUTE FUNCTION audit_entry_refuse()",
]
SQLITE_BACK = [f"DROP TRIGGER audit_entry_no_{deed}" for deed in ("update", "delete")]
POSTGRESQL_BACK = [
    "DROP TRIGGER audit_entry_append_only ON audit_entry",
    "DROP FUNCTION audit_entry_refuse()",
]


def _run(sqlite: list[str], postgresql: list[str]) -> Callable[[Any, Any], None]:
    def run(apps: Any, schema_editor: Any) -> None:
        for statement in sqlite if schema_editor.connection.vendor == "sqlite" else postgresql:
            schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunPython(_run(SQLITE, POSTGRESQL), _run(SQLITE_BACK, POSTGRESQL_BACK))
    ]
