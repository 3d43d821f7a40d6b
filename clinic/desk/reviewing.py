"""What people do with conversations: reviewed, tags, assigned, notes, "this was wrong".

Each gives an :class:`Undo` that takes it back, or None when nothing was changed. All of it is noted
in the audit log. Raises ``clinic.text.BadInput`` for what cannot be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Correction, Message, Note, Session, SessionTag, Tag
from clinic.desk.models import Undo
from clinic.questions import collecting, inbox
from clinic.questions.models import Question
from clinic.text import required

#: How long something can be undone.
UNDO = timedelta(days=1)
_AT_ONCE = 500


def review(sessions: Iterable[int], who: str, reviewed: bool = True) -> Undo | None:
    """Mark as reviewed, or as not reviewed."""
    ids = list(sessions)
    values: dict[str, Any] = {"reviewed_at": clock.now() if reviewed else None}
    values["reviewed_by"] = who if reviewed else ""
    with transaction.atomic():
        changed: list[list[Any]] = []
        for some in _portions(ids):
            rows = Session.objects.filter(pk__in=some, reviewed_at__isnull=reviewed)
            before = list(rows.values_list("pk", "reviewed_by", "reviewed_at"))
            changed += [[pk, by, at.isoformat() if at else None] for pk, by, at in before]
            Session.objects.filter(pk__in=[row[0] for row in before]).update(**values)
        return _done(
            who, "reviewed", changed, {"rows": changed}, "reviewed" if reviewed else "open"
        )


def add_tag(sessions: Iterable[int], name: str, who: str) -> Undo | None:
    """Put a tag on sessions; made when there is none of this name."""
    name = required("tag", name, 50)
    with transaction.atomic():
        tag, _ = Tag.objects.get_or_create(name=name)
        new: list[int] = []
        for some in _portions(list(sessions)):
            there = Session.objects.filter(pk__in=some)
            have = SessionTag.objects.filter(tag=tag, session__in=some)
            missing = set(there.values_list("pk", flat=True)) - set(
                have.values_list("session_id", flat=True)
            )
            SessionTag.objects.bulk_create(
                [SessionTag(tag=tag, session_id=pk, by=who) for pk in sorted(missing)],
                ignore_conflicts=True,
            )
            new += sorted(missing)
        return _done(who, "tagged", new, {"tag": name, "sessions": new}, "tag")


def remove_tag(session: int, name: str, who: str) -> Undo | None:
    """Take a tag off a session."""
    with transaction.atomic():
        gone, _ = SessionTag.objects.filter(session_id=session, tag__name=name).delete()
        found = [session] if gone else []
        return _done(who, "untagged", found, {"tag": name, "sessions": found}, "untag")


def assign(sessions: Iterable[int], to: str, who: str) -> Undo | None:
    """Give sessions to somebody, by login; "" to nobody."""
    with transaction.atomic():
        changed: list[list[Any]] = []
        for some in _portions(list(sessions)):
            rows = Session.objects.filter(pk__in=some).exclude(assigned_to=to)
            before = [list(row) for row in rows.values_list("pk", "assigned_to")]
            Session.objects.filter(pk__in=[row[0] for row in before]).update(assigned_to=to)
            changed += before
        return _done(who, "assigned", changed, {"rows": changed}, "assign")


def add_note(session: Session, text: str, who: str, event_id: int | None = None) -> Undo | None:
    """Write something about a session, or about one of its messages."""
    text = required("note", text, 4000)
    with transaction.atomic():
        note = Note.objects.create(session=session, text=text, by=who, event_id=event_id)
        return _done(who, "noted", [session.pk], {"note": note.pk}, "note")


def remove_note(note: Note, who: str) -> None:
    """Take one's own note away, for good: its text is kept nowhere."""
    session = note.session_id
    with transaction.atomic():
        note.delete()
        _log(who, [session], "note removed")


def correct(message: Message, kind: str, right_topic: str, who: str) -> Undo | None:
    """Say that a message was taken for something it was not; "" as kind takes that back."""
    with transaction.atomic():
        before = Correction.objects.filter(event_id=message.pk).first()
        data = {
            "session": message.session_id,
            "event": message.pk,
            "before": _as_data(before, _CORRECTION) if before else None,
        }
        if not kind:
            Correction.objects.filter(event_id=message.pk).delete()
        else:
            Correction.objects.update_or_create(
                event_id=message.pk,
                defaults={
                    "session_id": message.session_id,
                    "kind": kind,
                    "right_topic": right_topic if kind == Correction.Kind.TOPIC else "",
                    "by": who,
                    "at": clock.now(),
                },
            )
        collecting.follow_correction(message.pk)
        return _done(who, "corrected", [message.session_id], data, f"wrong {kind}".strip())


def sort_questions(decisions: Mapping[int, tuple[str, str]], who: str) -> Undo | None:
    """Put questions of the inbox into states: ``{question: (state, topic)}``."""
    with transaction.atomic():
        before = {
            row.pk: _as_data(row, _QUESTION)
            for row in Question.objects.filter(pk__in=decisions)
            if (row.state, row.topic) != decisions[row.pk]
        }
        for pk in before:
            state, topic = decisions[pk]
            inbox.decide([pk], state, who, topic)
        if not before:
            return None
        log.note(
            who,
            Action.CHANGE,
            "questions",
            detail=" ".join(sorted({decisions[pk][0] for pk in before})),
            count=len(before),
        )
        return Undo.objects.create(by=who, kind="sorted", data={"before": list(before.items())})


def hold(conversation_id: str, who: str, on: bool) -> int:
    """Keep all of a conversation as part of a client's record, or not; the sessions changed."""
    values: dict[str, Any] = {
        "hold": on,
        "hold_by": who if on else "",
        "hold_at": clock.now() if on else None,
    }
    with transaction.atomic():
        rows = Session.objects.filter(conversation_id=conversation_id).exclude(hold=on)
        first = rows.order_by("number").first()
        changed = rows.update(**values)
        if first is not None:
            log.note(who, Action.HOLD, f"conversation {first.pk}", detail="on" if on else "off")
    return int(changed)


def take_back(undo: Undo, who: str, now: datetime) -> bool:
    """Undo what was done; False when it is too late, done already, or somebody else's."""
    with transaction.atomic():
        ours = Undo.objects.select_for_update().filter(
            pk=undo.pk, by=who, done_at=None, at__gt=now - UNDO
        )
        if not ours.update(done_at=now):
            return False
        _BACK[undo.kind](undo.data)
        log.note(who, Action.UNDO, detail=undo.kind)
    return True


def _done(
    who: str, kind: str, changed: list[Any], data: dict[str, Any], detail: str
) -> Undo | None:
    if not changed:
        return None
    _log(who, [row[0] if isinstance(row, list) else row for row in changed], detail)
    return Undo.objects.create(by=who, kind=kind, data=data)


def _log(who: str, sessions: list[int], detail: str) -> None:
    about = f"conversation {sessions[0]}" if len(sessions) == 1 else "conversations"
    log.note(who, Action.CHANGE, about, detail=detail, count=len(sessions))


# What is put back of a correction and of a question.
_CORRECTION = ("kind", "right_topic", "by", "at")
_QUESTION = ("state", "topic", "decided_by", "decided_at", "decided_event", "exported_at")


def _as_data(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """Values of a row as JSON has them."""
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _from_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same again, moments as moments."""
    return {
        name: datetime.fromisoformat(value)
        if value and (name == "at" or name.endswith("_at"))
        else value
        for name, value in values.items()
    }


def _portions(ids: list[int]) -> Iterable[list[int]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


# Taking back. A session can have been erased meanwhile: then there is nothing to take back.


def _reviewed(data: dict[str, Any]) -> None:
    for pk, by, at in data["rows"]:
        moment = datetime.fromisoformat(at) if at else None
        Session.objects.filter(pk=pk).update(reviewed_by=by, reviewed_at=moment)


def _tagged(data: dict[str, Any]) -> None:
    for some in _portions(data["sessions"]):
        SessionTag.objects.filter(tag__name=data["tag"], session__in=some).delete()


def _untagged(data: dict[str, Any]) -> None:
    tag, _ = Tag.objects.get_or_create(name=data["tag"])
    for session in Session.objects.filter(pk__in=data["sessions"]):
        SessionTag.objects.get_or_create(tag=tag, session=session)


def _assigned(data: dict[str, Any]) -> None:
    for pk, to in data["rows"]:
        Session.objects.filter(pk=pk).update(assigned_to=to)


def _noted(data: dict[str, Any]) -> None:
    Note.objects.filter(pk=data["note"]).delete()


def _corrected(data: dict[str, Any]) -> None:
    Correction.objects.filter(event_id=data["event"]).delete()
    if data["before"] and Session.objects.filter(pk=data["session"]).exists():
        Correction.objects.create(
            session_id=data["session"], event_id=data["event"], **_from_data(data["before"])
        )
    collecting.follow_correction(data["event"])


def _sorted(data: dict[str, Any]) -> None:
    for pk, values in data["before"]:
        Question.objects.filter(pk=pk).update(**_from_data(values))


_BACK: dict[str, Callable[[dict[str, Any]], None]] = {
    "reviewed": _reviewed,
    "tagged": _tagged,
    "untagged": _untagged,
    "assigned": _assigned,
    "noted": _noted,
    "corrected": _corrected,
    "sorted": _sorted,
}
