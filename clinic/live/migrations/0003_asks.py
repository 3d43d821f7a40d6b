from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F


def from_chats(apps: Any, schema_editor: Any) -> None:
    """Of each chat so far only the last time is known."""
    chats = apps.get_model("live", "Chat").objects.exclude(asked_at=None)
    came = chats.filter(joined_at__gte=F("asked_at"))
    ask = apps.get_model("live", "Ask")
    ask.objects.bulk_create(
        [
            *(ask(chat=chat, asked_at=chat.asked_at, joined_at=chat.joined_at) for chat in came),
            *(ask(chat=chat, asked_at=chat.asked_at) for chat in chats.exclude(pk__in=came)),
        ],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0002_news_and_typing"),
    ]

    operations = [
        migrations.CreateModel(
            name="Ask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("joined_at", models.DateTimeField(blank=True, null=True)),
                (
                    "chat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="asks",
                        to="live.chat",
                    ),
                ),
            ],
        ),
        migrations.RunPython(from_chats, migrations.RunPython.noop),
    ]
