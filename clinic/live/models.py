"""Who is talking in a conversation, and what a person at the clinic does there.

The Rasa server reads and writes these tables too (``assistant/live/store.py``). All moments are
kept in UTC.
"""

from __future__ import annotations

from django.db import models

from clinic import clock


class State(models.TextChoices):
    """Who answers in a conversation.

    ``bot``: the assistant. ``waiting``: the assistant, and the patient waits for a person.
    ``person``: the person, and the assistant is silent. ``closed``: the assistant again, after a
    person has ended the live chat.
    """

    BOT = "bot"
    WAITING = "waiting"
    PERSON = "person"
    CLOSED = "closed"


#: On the list of the staff desk.
OPEN = (State.WAITING, State.PERSON)


class Kind(models.TextChoices):
    """What is done in a conversation, in the order of the steps.

    ``joined``, ``said``, ``left``, ``closed``: by a person. ``vanished``: the person did nothing
    for long, and the assistant goes on. ``long_wait``: nobody came. ``news``: what the clinic has
    decided about an appointment, whoever is in the conversation.
    """

    JOINED = "joined"
    SAID = "said"
    LEFT = "left"
    CLOSED = "closed"
    VANISHED = "vanished"
    LONG_WAIT = "long_wait"
    NEWS = "news"


class Chat(models.Model):
    """One conversation in which a person was asked for, has joined, or the clinic told something.

    ``person`` is the login of who is there or was there last, ``person_name`` what the patient
    reads. ``asked_at`` is when the patient asked for a person, ``joined_at`` when one came,
    ``staff_at`` when that person last did something, ``patient_at`` when the patient last wrote
    while waiting or with a person there, ``alarm_at`` when the assistant last saw a danger sign
    meanwhile, of the kind ``alarm``, ``told_at`` when the patient was told that nobody has come
    yet, ``dismissed_at`` when staff took the chat off the list without joining. ``staff_typing_at``
    and ``patient_typing_at`` are when the person and the patient last typed.
    """

    conversation_id = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.BOT)
    person = models.CharField(max_length=150, blank=True)
    person_name = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    staff_at = models.DateTimeField(null=True, blank=True)
    patient_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    alarm_at = models.DateTimeField(null=True, blank=True)
    alarm = models.CharField(max_length=16, blank=True)
    staff_typing_at = models.DateTimeField(null=True, blank=True)
    patient_typing_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = (models.Index(fields=("state", "changed_at"), name="chat_state_changed"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="chat_state_known"
            ),
        )

    def __str__(self) -> str:
        return f"live chat {self.pk} ({self.state})"


class Ask(models.Model):
    """One time that a patient asked for a person. ``joined_at`` is when one came; None: nobody."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="asks")
    asked_at = models.DateTimeField()
    joined_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"asked in live chat {self.chat_id}"


class Step(models.Model):
    """One thing a person does in a live chat, until the patient's window has it.

    The Rasa server carries steps out in order, each once, and notes ``done_at`` with what became of
    it: ``done``, ``gone`` (the patient had closed or deleted the chat) or ``failed`` (given up).
    ``text`` is what was said and ``attached`` what else the message has, such as ``card`` and
    ``buttons``, as JSON; both are emptied when it is done, because the conversation has them then.
    ``key`` is made by the page, so that a form that is sent twice is one step.
    """

    class Outcome(models.TextChoices):
        """What became of a step."""

        DONE = "done"
        GONE = "gone"
        FAILED = "failed"

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=9, choices=Kind)
    key = models.CharField(max_length=64, unique=True)
    who = models.CharField(max_length=150, blank=True)
    name = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    attached = models.TextField(blank=True)
    at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=6, choices=Outcome, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=("id",), condition=models.Q(done_at__isnull=True), name="step_to_do"
            ),
        )
        constraints = (
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="step_known"),
        )

    def __str__(self) -> str:
        return f"{self.kind} in live chat {self.chat_id}"


class Duty(models.Model):
    """Whether someone at the clinic takes live chats now.

    ``seen_at`` is when a page of the staff desk was last open in their browser: whoever has closed
    it takes no chats.
    """

    who = models.CharField(max_length=150, unique=True)
    name = models.CharField(max_length=200)
    available = models.BooleanField(default=False)
    seen_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.who} ({'available' if self.available else 'not available'})"
