"""Conversations as staff read them, and what patients thought of the answers.

:class:`Session`, :class:`Message` and :class:`SessionTopic` are a projection of Rasa's events
(:mod:`clinic.conversations.projection`) and can be made again from them. What people at the clinic
add, reviews, tags, notes, corrections and holds, is kept here only. All moments are kept in UTC;
people are named by their user name.
"""

from __future__ import annotations

from django.db import models

from clinic import clock


class Session(models.Model):
    """One session of a conversation: from its first message to the break that ended it.

    ``conversation_id`` is Rasa's ``sender_id`` and ``number`` counts its sessions from 1.
    ``first_event_id``, by which a session is known, and ``last_event_id`` are rows of Rasa's
    ``events``. ``lowest_confidence`` is
    that of the patient's words, without clicks and answers to a form's questions. ``opening`` is
    the beginning of the first thing the patient said. ``began_hour`` is the hour of the clinic's
    clock at its first event, 0 to 23; ``booking_step`` how far a booking came: the place in
    :data:`clinic.conversations.reading.BOOKING_STEPS`, counted from 1, and 0 without one.
    """

    class Outcome(models.TextChoices):
        """How it ended, the most serious first. A chat that is still going on has one, too."""

        RED_FLAG = "red_flag"
        HANDED_TO_PERSON = "handed_to_person"
        REQUESTED_BOOKING = "requested_booking"
        NOT_UNDERSTOOD = "not_understood"
        ABANDONED = "abandoned"
        ANSWERED = "answered"

    conversation_id = models.CharField(max_length=255)
    number = models.PositiveIntegerField()
    channel = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    first_event_id = models.BigIntegerField()
    last_event_id = models.BigIntegerField(db_index=True)
    messages = models.PositiveIntegerField()
    patient_messages = models.PositiveIntegerField()
    not_understood = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome)
    triage_level = models.CharField(max_length=9, blank=True)
    lowest_confidence = models.FloatField(null=True)
    feedback_up = models.BooleanField(default=False)
    feedback_down = models.BooleanField(default=False)
    topics = models.JSONField(default=list)
    opening = models.CharField(max_length=200, blank=True)
    began_hour = models.PositiveSmallIntegerField(default=0)
    booking_step = models.PositiveSmallIntegerField(default=0)

    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    #: When it had been reviewed before something came that made it one to look at again.
    reviewed_before = models.DateTimeField(null=True)
    assigned_to = models.CharField(max_length=150, blank=True)
    #: Part of a client's health record: not deleted when its days are over.
    hold = models.BooleanField(default=False)
    hold_by = models.CharField(max_length=150, blank=True)
    hold_at = models.DateTimeField(null=True)
    tags = models.ManyToManyField("Tag", through="SessionTag", related_name="sessions")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("conversation_id", "first_event_id"), name="session_once"
            ),
        )
        # Lists are read along this one, newest first. It holds all that a list can be filtered by,
        # so that rare ones are found without reading the rows. An index of a single one of these
        # would be used in its place, and what it finds be sorted.
        indexes = (
            models.Index(
                fields=(
                    *("last_activity_at", "id", "channel", "outcome", "triage_level"),
                    *("lowest_confidence", "feedback_up", "feedback_down", "reviewed_at"),
                    *("assigned_to", "hold", "not_understood", "began_hour", "booking_step"),
                ),
                name="session_list",
            ),
        )

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.number}"


class Message(models.Model):
    """One thing that was said. ``event_id`` is its row in Rasa's ``events``.

    Of a patient's message: ``text`` is what was typed, or the title of the button when ``payload``
    names one; ``intent`` is what the assistant acted on, ``guess`` and ``confidence`` the
    likeliest intent whether or not it was acted on, ``alternatives`` the next ones as
    ``[{"name", "confidence"}]``, ``topics`` what it asked for, ``triage`` what the safety triage
    found, ``entities`` ``[{"entity", "value"}]``, ``actions`` what was done about it as
    ``[{"name", "policy"}]``, ``slots`` what was noted down as ``{name: value}``, ``form`` what ran
    when it came. ``understood`` is False when the assistant answered that it did not understand;
    ``nlu_fallback`` inside a form is no failure. ``reference`` is the message's id for the channel.

    Of an answer: ``response`` is the wording, ``source`` where it is from, ``buttons``
    ``[{"title", "payload"}]``, ``card`` the appointment shown beside it (``reference``, ``status``,
    ``starts`` and ``ends`` in ISO 8601, ``minutes``, ``service``, ``therapist``), ``feedback`` the
    patient's thumb and ``feedback_reason`` why, ``person`` who wrote it.
    """

    class Author(models.TextChoices):
        """Who said it. A note is something the patient was told about the chat itself."""

        PATIENT = "patient"
        ASSISTANT = "assistant"
        PERSON = "person"
        NOTE = "note"

    event_id = models.BigIntegerField(primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="message_set")
    at = models.DateTimeField()
    author = models.CharField(max_length=9, choices=Author)
    text = models.TextField(blank=True)
    payload = models.TextField(blank=True)
    reference = models.CharField(max_length=255, blank=True)
    intent = models.CharField(max_length=255, blank=True)
    guess = models.CharField(max_length=255, blank=True)
    confidence = models.FloatField(null=True)
    alternatives = models.JSONField(default=list)
    topics = models.JSONField(default=list)
    triage_level = models.CharField(max_length=9, blank=True)
    triage = models.JSONField(default=dict)
    entities = models.JSONField(default=list)
    actions = models.JSONField(default=list)
    slots = models.JSONField(default=dict)
    form = models.CharField(max_length=255, blank=True)
    understood = models.BooleanField(default=True)
    response = models.CharField(max_length=255, blank=True)
    source = models.JSONField(default=list)
    buttons = models.JSONField(default=list)
    card = models.JSONField(default=dict)
    feedback = models.CharField(max_length=4, blank=True)
    feedback_reason = models.TextField(blank=True)
    person = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = (
            # What goes into the questions inbox, without reading everything that was said.
            models.Index(
                fields=("event_id",),
                name="message_unsure",
                condition=models.Q(understood=False) | models.Q(confidence__lt=0.4),
            ),
            models.Index(fields=("at",), name="message_lost", condition=models.Q(understood=False)),
            models.Index(
                fields=("event_id",), name="message_rated", condition=~models.Q(feedback="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.author}"


class SessionTopic(models.Model):
    """A topic or intent that was asked about in a session."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="topic_set")
    topic = models.CharField(max_length=255)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("topic", "session"), name="topic_once_a_session"),
        )

    def __str__(self) -> str:
        return self.topic


class Tag(models.Model):
    """A word that staff put on sessions."""

    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class SessionTag(models.Model):
    """A tag on a session, and who put it there."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("tag", "session"), name="tag_once_a_session"),
        )

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.session_id}"


class Note(models.Model):
    """What somebody at the clinic wrote about a session, or about the message ``event_id``.

    One that was taken away is shown nowhere, and gone for good once that cannot be undone any more.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="notes")
    event_id = models.BigIntegerField(null=True, blank=True)
    text = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"note {self.pk}"


class Correction(models.Model):
    """ "This was wrong": what the message ``event_id`` should have been taken for.

    ``right_topic`` is an intent or ``faq/<topic>`` when the kind is ``topic``.
    """

    class Kind(models.TextChoices):
        """What was wrong."""

        TOPIC = "topic"
        OUT_OF_SCOPE = "out_of_scope"
        MISSED_RED_FLAG = "missed_red_flag"
        FALSE_ALARM = "false_alarm"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="corrections")
    event_id = models.BigIntegerField(unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    right_topic = models.CharField(max_length=255, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(kind="topic") | ~models.Q(right_topic=""),
                name="correction_names_the_topic",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.kind}"


class DayCount(models.Model):
    """What was counted of the sessions of one day, :data:`clinic.conversations.counting.Counts`.

    The day is that of their last activity by the clinic's clock. None: it is to be counted anew.
    ``token`` is of whoever is counting.
    """

    day = models.DateField(primary_key=True)
    counts = models.JSONField(null=True)
    token = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return f"sessions of {self.day}"


class Position(models.Model):
    """How far Rasa's events have been read. One row, named "events"."""

    name = models.CharField(max_length=20, primary_key=True)
    last_event_id = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} {self.last_event_id}"


class Recheck(models.Model):
    """A conversation that is to be read again as a whole: once, or until a moment.

    Until then when it is being erased: its events go a little later than what is kept here, with
    ``erase_events`` as soon as nobody talks in it. SQLite gives the numbers of erased rows to new
    ones; nothing up to ``rewind_to`` was erased, so events are read again from there once they
    are gone. ``asked`` is how often this was asked for, ``looked`` how often when it was done last.
    """

    conversation_id = models.CharField(max_length=255, unique=True)
    until = models.DateTimeField(null=True)
    rewind_to = models.BigIntegerField(null=True)
    erase_events = models.BooleanField(default=False)
    asked = models.PositiveIntegerField(default=1)
    looked = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"recheck {self.pk}"


class RatedDown(models.Model):
    """An answer whose thumb down came or was taken back, until the questions inbox has noticed.

    ``event_id`` is its row in Rasa's ``events``; the message may be gone by then. ``token`` is
    another one each time.
    """

    event_id = models.BigIntegerField(primary_key=True)
    token = models.CharField(max_length=16, blank=True)

    def __str__(self) -> str:
        return f"rated down {self.event_id}"


class Feedback(models.Model):
    """Thumbs up or down on one answer in one conversation.

    ``answer`` is the name of the response (``utter_faq/cost``), ``message_reference`` tells which
    of the conversation's messages it answered, ``reason`` is what the patient added, if anything.
    """

    class Value(models.TextChoices):
        """What the patient pressed."""

        UP = "up"
        DOWN = "down"

    conversation_id = models.CharField(max_length=255, db_index=True)
    message_reference = models.CharField(max_length=255)
    answer = models.CharField(max_length=255, db_index=True)
    value = models.CharField(max_length=4, choices=Value)
    reason = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("conversation_id", "message_reference", "answer"),
                name="feedback_once_for_each_answer",
            ),
            models.CheckConstraint(
                condition=models.Q(value__in=("up", "down")), name="feedback_value_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.answer} {self.value}"
