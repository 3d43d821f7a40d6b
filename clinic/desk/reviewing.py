"""What people do with conversations: reviewed, tags, assigned, notes, "this was wrong".

Each gives an :class:`Undo` that takes it back, or None when nothing was changed. What somebody has
changed since is not taken back: an old Undo must not undo a colleague's later work. All of it is
noted in the audit log. Raises ``clinic.text.BadInput`` for what cannot be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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
    after = _plain(values)
    with transaction.atomic():
        changed: list[list[Any]] = []
        for some in _portions(ids):
            rows = Session.objects.filter(pk__in=some, reviewed_at__isnull=reviewed)
            before = list(rows.values_list("pk", "reviewed_by", "reviewed_at"))
            changed += [[pk, by, at.isoformat() if at else None] for pk, by, at in before]
            Session.objects.filter(pk__in=[row[0] for row in before]).update(**values)
        data = {"rows": changed, "after": after}
        return _done(who, "reviewed", changed, data, "reviewed" if reviewed else "open")


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
        data = {"tag": name, "sessions": new, "after": {"by": who}}
        return _done(who, "tagged", new, data, "tag")


def remove_tag(session: int, name: str, who: str) -> Undo | None:
    """Take a tag off a session."""
    with transaction.atomic():
        there = SessionTag.objects.filter(session_id=session, tag__name=name)
        by = there.values_list("by", flat=True).first()
        there.delete()
        found = [session] if by is not None else []
        data = {"tag": name, "sessions": found, "by": by, "after": {}}
        return _done(who, "untagged", found, data, "untag")


def assign(sessions: Iterable[int], to: str, who: str) -> Undo | None:
    """Give sessions to somebody, by login; "" to nobody."""
    with transaction.atomic():
        changed: list[list[Any]] = []
        for some in _portions(list(sessions)):
            rows = Session.objects.filter(pk__in=some).exclude(assigned_to=to)
            before = [list(row) for row in rows.values_list("pk", "assigned_to")]
            Session.objects.filter(pk__in=[row[0] for row in before]).update(assigned_to=to)
            changed += before
        data = {"rows": changed, "after": {"assigned_to": to}}
        return _done(who, "assigned", changed, data, "assign")


def add_note(session: Session, text: str, who: str, event_id: int | None = None) -> Undo | None:
    """Write something about a session, or about one of its messages."""
    text = required("note", text, 4000)
    with transaction.atomic():
        note = Note.objects.create(session=session, text=text, by=who, event_id=event_id)
        return _done(who, "noted", [session.pk], {"note": note.pk, "after": {}}, "note")


def remove_note(note: Note, who: str) -> Undo | None:
    """Take one's own note away; its text is kept for as long as that can be undone."""
    with transaction.atomic():
        note.removed_at = clock.now()
        note.save(update_fields=["removed_at"])
        data = {"note": note.pk, "after": {}}
        return _done(who, "note_removed", [note.session_id], data, "note removed")


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
        now = Correction.objects.filter(event_id=message.pk).first()
        data["after"] = _as_data(now, _CORRECTION) if now else None
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
        after = {
            str(row.pk): _as_data(row, _QUESTION) for row in Question.objects.filter(pk__in=before)
        }
        data = {"before": list(before.items()), "after": after}
        return Undo.objects.create(by=who, kind="sorted", data=data)


def hold(conversation_id: str, who: str, on: bool) -> Undo | None:
    """Keep all of a conversation as part of a client's record, or not."""
    values: dict[str, Any] = {
        "hold": on,
        "hold_by": who if on else "",
        "hold_at": clock.now() if on else None,
    }
    with transaction.atomic():
        rows = Session.objects.filter(conversation_id=conversation_id).exclude(hold=on)
        before = [[row.pk, _as_data(row, _HOLD)] for row in rows.order_by("number")]
        if not before:
            return None
        rows.update(**values)
        log.note(who, Action.HOLD, f"conversation {before[0][0]}", detail="on" if on else "off")
        data = {"rows": before, "after": _plain(values)}
        return Undo.objects.create(by=who, kind="held", data=data)


@dataclass(frozen=True)
class TakenBack:
    """How many things are as they were before, and how many were changed since and left alone."""

    back: int
    left: int


def take_back(undo: Undo, who: str, now: datetime) -> TakenBack | None:
    """Undo what was done; None when it is too late, done already, or somebody else's."""
    with transaction.atomic():
        ours = Undo.objects.select_for_update().filter(
            pk=undo.pk, by=who, done_at=None, at__gt=now - UNDO
        )
        # Without "after" it was noted by a version that did not look at what is there now.
        if "after" not in undo.data or not ours.update(done_at=now):
            return None
        done = _BACK[undo.kind](undo.data)
        log.note(who, Action.UNDO, detail=undo.kind, count=done.back)
    return done


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
_HOLD = ("hold", "hold_by", "hold_at")
_DECIDED = ("state", "topic", "decided_by", "decided_at", "decided_event")
_QUESTION = (*_DECIDED, "exported_at")


def _as_data(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """Values of a row as JSON has them."""
    return _plain({name: getattr(row, name) for name in names})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
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


# Taking back, each only where what was done then still stands. A session can have been erased
# meanwhile: then there is nothing to take back.


def _reviewed(data: dict[str, Any]) -> TakenBack:
    back = 0
    for (by, at), sessions in _same_before(data["rows"]).items():
        moment = datetime.fromisoformat(at) if at else None
        for some in _portions(sessions):
            rows = Session.objects.filter(pk__in=some, **_from_data(data["after"]))
            back += rows.update(reviewed_by=by, reviewed_at=moment)
    return TakenBack(back, _there([row[0] for row in data["rows"]]) - back)


def _same_before(rows: Iterable[list[Any]]) -> dict[tuple[Any, ...], list[int]]:
    """The sessions by what they had before, so that thousands are a few statements."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for pk, *before in rows:
        found.setdefault(tuple(before), []).append(pk)
    return found


def _tagged(data: dict[str, Any]) -> TakenBack:
    back = left = 0
    for some in _portions(data["sessions"]):
        rows = SessionTag.objects.filter(tag__name=data["tag"], session__in=some)
        back += rows.filter(**data["after"]).delete()[0]
        left += rows.count()
    return TakenBack(back, left)


def _untagged(data: dict[str, Any]) -> TakenBack:
    tag, _ = Tag.objects.get_or_create(name=data["tag"])
    back = 0
    for session in Session.objects.filter(pk__in=data["sessions"]):
        _, new = SessionTag.objects.get_or_create(
            tag=tag, session=session, defaults={"by": data["by"]}
        )
        back += new
    return TakenBack(back, _there(data["sessions"]) - back)


def _assigned(data: dict[str, Any]) -> TakenBack:
    back = 0
    for (to,), sessions in _same_before(data["rows"]).items():
        for some in _portions(sessions):
            rows = Session.objects.filter(pk__in=some, **data["after"])
            back += rows.update(assigned_to=to)
    return TakenBack(back, _there([row[0] for row in data["rows"]]) - back)


def _noted(data: dict[str, Any]) -> TakenBack:
    # Nobody else can change a note.
    return TakenBack(Note.objects.filter(pk=data["note"]).delete()[0], 0)


def _note_removed(data: dict[str, Any]) -> TakenBack:
    return TakenBack(Note.objects.filter(pk=data["note"]).update(removed_at=None), 0)


def _held(data: dict[str, Any]) -> TakenBack:
    back = 0
    for pk, values in data["rows"]:
        rows = Session.objects.filter(pk=pk, **_from_data(data["after"]))
        back += rows.update(**_from_data(values))
    ids = [row[0] for row in data["rows"]]
    # And what has become part of the record since because the rest is.
    theirs = Session.objects.filter(pk__in=ids).values("conversation_id")
    since = Session.objects.filter(conversation_id__in=theirs, **_from_data(data["after"]))
    since.exclude(pk__in=ids).update(**_from_data(data["rows"][0][1]))
    return TakenBack(back, _there(ids) - back)


def _corrected(data: dict[str, Any]) -> TakenBack:
    there = Correction.objects.filter(event_id=data["event"]).first()
    if (_as_data(there, _CORRECTION) if there else None) != data["after"]:
        return TakenBack(0, 1)
    # What it decided has been handed on since.
    handed_on = Question.objects.filter(decided_event=data["event"]).exclude(exported_at=None)
    if handed_on.exists():
        return TakenBack(0, 1)
    if there is not None:
        there.delete()
    if data["before"] and Session.objects.filter(pk=data["session"]).exists():
        Correction.objects.create(
            session_id=data["session"], event_id=data["event"], **_from_data(data["before"])
        )
    collecting.follow_correction(data["event"])
    return TakenBack(1, 0)


def _sorted(data: dict[str, Any]) -> TakenBack:
    back = 0
    for pk, values in data["before"]:
        rows = Question.objects.filter(pk=pk, **_from_data(data["after"][str(pk)]))
        back += rows.update(**_from_data(values))
    asked = [pk for pk, _ in data["before"]]
    return TakenBack(back, Question.objects.filter(pk__in=asked).count() - back)


def _there(sessions: list[int]) -> int:
    """How many of these are not erased."""
    return sum(Session.objects.filter(pk__in=some).count() for some in _portions(sessions))


_BACK: dict[str, Callable[[dict[str, Any]], TakenBack]] = {
    "reviewed": _reviewed,
    "tagged": _tagged,
    "untagged": _untagged,
    "assigned": _assigned,
    "noted": _noted,
    "note_removed": _note_removed,
    "held": _held,
    "corrected": _corrected,
    "sorted": _sorted,
}
