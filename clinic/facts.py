"""The clinic's own facts, read from ``clinic.yml`` and checked when the assistant starts.

``load()`` gives a :class:`Facts`; a file that cannot be used raises :class:`ClinicFileError`, whose
text names the file, the line, the key, the value and what is allowed, one sentence a problem.

``Facts.variables()`` are the texts that answers may contain, ``Facts.known()`` the names an answer
may list under ``needs``. A fact the owner left empty is None in the first and absent from the
second, so that nothing is ever guessed.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml

from clinic import clock, hours
from clinic.booking.handoff import chosen
from clinic.booking.handoff.chosen import BookingSystem
from clinic.hours import OpeningTimes, say

logger = logging.getLogger(__name__)

DEFAULT_PATH = Path(__file__).resolve().parent.parent / "clinic.yml"

#: Every key of clinic.yml, nested ones with a dot. ``docs/clinic-yml.md`` explains each.
KEYS = (
    "sample",
    "name",
    "address",
    "phone",
    "email",
    "time_zone",
    "province",
    "opening_hours",
    "opening_hours_in_words",
    "services",
    "services.name",
    "services.minutes",
    "services.prices",
    "price_note",
    "insurance",
    "cancelling",
    "parking",
    "transit",
    "accessibility",
    "therapists",
    "therapists.name",
    "therapists.title",
    "therapists.role",
    "therapists.trained_in",
    "therapists.approach",
    "therapists.helps_with",
    "therapists.gender",
    "therapists.hours",
    "booking",
    "booking.horizon_days",
    "booking.notice_hours",
    "booking.buffer_minutes",
    "booking.step_minutes",
    "booking.system",
    "booking.system.way",
    "booking.system.program",
    "booking.system.address",
    "booking.system.prefill",
    "booking.system.business",
    "booking.system.therapists",
    "booking.system.services",
    "privacy",
    "privacy.keep_conversations_days",
    "privacy.contact",
    "help_numbers",
    "help_numbers.emergency",
    "help_numbers.nurse_line",
    "help_numbers.crisis_line",
    "help_numbers.poison_line",
    "help_numbers.violence_line",
    "help_numbers.youth_line",
    "website",
    "website.allowed_origins",
    "website.resume_days",
    "live_chat",
    "live_chat.wait_minutes",
    "live_chat.idle_minutes",
)


class ClinicFileError(ValueError):
    """clinic.yml cannot be used. ``problems`` holds one sentence for each mistake."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Service:
    """Something that can be booked. ``prices`` maps each length in minutes to dollars."""

    name: str
    minutes: tuple[int, ...]
    prices: dict[int, Decimal] | None


@dataclass(frozen=True)
class Therapist:
    """Someone who treats patients; empty fields are None or ().

    ``name`` is unique. ``hours`` is when this person works, in the notation of the opening hours.
    """

    name: str
    title: str | None
    role: str | None
    trained_in: tuple[str, ...]
    approach: str | None
    helps_with: tuple[str, ...]
    gender: str | None = None
    hours: str | None = None


@dataclass(frozen=True)
class Booking:
    """The rules for asking for an appointment.

    ``buffer`` is kept free between two appointments, ``step`` is the grid of clock times offered.
    """

    horizon: timedelta
    notice: timedelta
    buffer: timedelta
    step: timedelta = timedelta(minutes=15)
    system: BookingSystem = field(default_factory=BookingSystem)


@dataclass(frozen=True)
class Privacy:
    """How long conversations are kept, and who answers for it."""

    keep_conversations: timedelta
    contact: str | None


@dataclass(frozen=True)
class LiveChat:
    """Chats with a person at the clinic.

    ``wait``: a patient who has waited longer for a person is told; None: no chats with a person.
    ``idle``: a person who does nothing for longer has gone, and the assistant goes on.
    """

    wait: timedelta | None = None
    idle: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class HelpNumbers:
    """Numbers for a patient who may be in danger, as they are dialled.

    ``violence_line`` and ``youth_line`` are a name with its number, or None.
    """

    emergency: str
    nurse_line: str
    crisis_line: str
    poison_line: str
    violence_line: str | None
    youth_line: str | None


@dataclass(frozen=True)
class Facts:
    """Everything clinic.yml says. Empty keys are None (or () for lists)."""

    path: Path
    sample: bool
    name: str
    address: str | None
    phone: str
    phone_e164: str
    email: str | None
    time_zone: str
    province: str
    opening_hours: str
    opening_hours_in_words: str | None
    services: tuple[Service, ...]
    price_note: str | None
    insurance: str | None
    cancelling: str | None
    parking: str | None
    transit: str | None
    accessibility: str | None
    therapists: tuple[Therapist, ...]
    booking: Booking
    privacy: Privacy
    help_numbers: HelpNumbers
    allowed_origins: tuple[str, ...] = field(default=())
    resume_days: int = 7
    live_chat: LiveChat = field(default_factory=LiveChat)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def times(self) -> OpeningTimes:
        """The opening hours, holidays of the province taken out."""
        return OpeningTimes(self.opening_hours, self.zone, self.province)

    @cached_property
    def working_times(self) -> dict[str, OpeningTimes | None]:
        """When each therapist works, by name; None: whenever the clinic is open.

        Appointments are possible while this person works and the clinic is open.
        """
        return {
            person.name: OpeningTimes(person.hours, self.zone, self.province)
            if person.hours
            else None
            for person in self.therapists
        }

    def variables(self, now: datetime | None = None) -> dict[str, str | None]:
        """The texts that answers may contain, by name; None where the owner said nothing.

        ``now`` is an aware moment, by default :func:`clinic.clock.now`; it decides
        ``clinic_open_now`` and which coming exceptions ``clinic_hours`` names.
        """
        # Opening hours have no seconds, and every answer asks.
        minute = (now or clock.now()).replace(second=0, microsecond=0)
        return self._fixed_variables | self._variables_of_minute(minute)

    @cached_property
    def _variables_of_minute(self) -> Callable[[datetime], dict[str, str | None]]:
        return lru_cache(maxsize=8)(self._moving_variables)

    def _moving_variables(self, now: datetime) -> dict[str, str | None]:
        return {
            "clinic_hours": self._hours_words(now.astimezone(self.zone).date()),
            "clinic_open_now": self.times.now_in_words(now),
        }

    def known(self) -> set[str]:
        """The names of the variables that have a value, for ``needs`` of an answer."""
        return {name for name, value in self.variables().items() if value is not None}

    def _hours_words(self, today: date) -> str:
        words = self.opening_hours_in_words or self.times.in_words(today)
        # load() refuses hours without a regular week unless the owner gave the words. A rule
        # for a coming year can still make the week irregular later: then the notation is true.
        return words or self.opening_hours

    @cached_property
    def _fixed_variables(self) -> dict[str, str | None]:
        lead = self.therapists[0]
        return {
            "clinic_name": self.name,
            "clinic_phone": self.phone,
            "clinic_email": self.email,
            "clinic_contact": (
                say("contact_both", phone=self.phone, email=self.email)
                if self.email
                else self.phone
            ),
            "clinic_address": self.address,
            "therapist_name": hours.join([person.name for person in self.therapists]),
            "therapists_to_choose": (
                hours.join([person.name for person in self.therapists])
                if len(self.therapists) > 1
                else None
            ),
            "therapist_genders": _genders_words(self.therapists),
            "therapist_title": lead.title,
            "therapist_role": lead.role,
            "therapist_training": hours.join(list(lead.trained_in)) or None,
            "therapist_approach": lead.approach,
            "therapist_helps_with": hours.join(list(lead.helps_with)) or None,
            "services": _services_words(self.services),
            "prices": _prices_words(self.services, self.price_note),
            "insurance": self.insurance,
            "cancelling": self.cancelling,
            "parking": self.parking,
            "transit": self.transit,
            "accessibility": self.accessibility,
            "booking_notice": _hours_count(self.booking.notice),
            "booking_horizon": _days_count(self.booking.horizon),
            "retention": _days_count(self.privacy.keep_conversations),
            "privacy_contact": self.privacy.contact,
            "emergency_number": self.help_numbers.emergency,
            "nurse_line": self.help_numbers.nurse_line,
            "crisis_line": self.help_numbers.crisis_line,
            "poison_line": self.help_numbers.poison_line,
            "violence_line": self.help_numbers.violence_line,
            "youth_line": self.help_numbers.youth_line,
        }


def _genders_words(therapists: tuple[Therapist, ...]) -> str | None:
    """Who is a woman and who is a man, or None while that is unknown of somebody."""
    if not all(person.gender for person in therapists):
        return None
    return hours.join(
        [say("therapist_gender", name=one.name, gender=one.gender) for one in therapists]
    )


def is_key(name: str) -> bool:
    """Whether ``name`` is a key of clinic.yml, whole ("services.prices") or its last part."""
    return name in KEYS or any(key.rsplit(".", 1)[-1] == name for key in KEYS)


_read: dict[Path, tuple[tuple[int, int], Facts]] = {}


def load(path: str | os.PathLike[str] | None = None) -> Facts:
    """Read and check clinic.yml; unchanged files are read once.

    ``path`` defaults to the environment's ``CLINIC_YML``, then to clinic.yml at the root of the
    project. Raises :class:`ClinicFileError` naming every mistake.
    """
    place = Path(path or os.environ.get("CLINIC_YML") or DEFAULT_PATH).absolute()
    try:
        stat = place.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        if place in _read and _read[place][0] == version:
            return _read[place][1]
        text = place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClinicFileError(
            [
                f"{place.name}: the file is not saved as UTF-8 (byte {error.start}). "
                "Allowed: UTF-8; choose it in your editor's Save As."
            ]
        ) from None
    except OSError as error:
        raise ClinicFileError(
            [
                f"{place}: the clinic's facts cannot be read ({error.strerror}). Allowed: a "
                "readable file; set CLINIC_YML to its path, for example CLINIC_YML=clinic.yml."
            ]
        ) from None
    facts = _check(place, text)
    _read[place] = (version, facts)
    return facts


def current() -> Facts:
    """The facts for a process that is already running: a mistake saved meanwhile does no harm.

    Follows changes of the file; while the changed file cannot be used, the last good one counts
    and the problem is logged. Raises :class:`ClinicFileError` when there is no last good one.
    """
    place = Path(os.environ.get("CLINIC_YML") or DEFAULT_PATH).absolute()
    try:
        return load(place)
    except ClinicFileError as error:
        if place not in _read:
            raise
        logger.error("clinic.yml was changed and cannot be used; keeping the old facts: %s", error)
        return _read[place][1]


# Reading YAML. Every value is read as text: YAML itself would make a truth value of the province
# "ON", a number of minutes of the time "10:30", and lose the zero of "0800".


class _Text(NamedTuple):
    value: str
    line: int


class _Items(NamedTuple):
    items: list[Any]
    line: int


class _Group(NamedTuple):
    entries: dict[str, tuple[Any, int]]
    line: int


def _tree(node: yaml.Node, file: str, problems: list[str]) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        value = node.value.strip()
        if node.style is None and value in ("", "~", "null", "Null", "NULL"):
            return None
        return _Text(value, line) if value else None
    if isinstance(node, yaml.SequenceNode):
        return _Items([_tree(child, file, problems) for child in node.value], line)
    entries: dict[str, tuple[Any, int]] = {}
    for key_node, value_node in node.value:
        key, at = str(key_node.value), key_node.start_mark.line + 1
        if key in entries:
            problems.append(
                f'{file} line {at}: the key "{key}" stands twice, first in line '
                f"{entries[key][1]}. Allowed: each key once; delete one of the two."
            )
        entries[key] = (_tree(value_node, file, problems), at)
    return _Group(entries, line)


class _Reader:
    """Takes values out of one group of keys and collects a sentence for each that is wrong."""

    def __init__(
        self, file: str, group: _Group, problems: list[str], prefix: str = "", shown: str = ""
    ) -> None:
        self.file = file
        self.group = group
        self.problems = problems
        self.prefix = prefix
        self.shown = shown
        known = [key[len(prefix) :] for key in KEYS if key.startswith(prefix)]
        self._allowed = [key for key in known if "." not in key]
        # Keys that stand here with a slip of spelling, which is told of and enough.
        self._meant: set[str] = set()
        for key, (_, line) in group.entries.items():
            if key not in self._allowed:
                self._unknown(key, line)

    def _unknown(self, key: str, line: int) -> None:
        close = difflib.get_close_matches(key, self._allowed, 1, 0.6)
        elsewhere = [k for k in KEYS if k.rsplit(".", 1)[-1] == key]
        if close:
            self._meant.add(close[0])
            hint = f'Did you mean "{self.shown}{close[0]}"?'
        elif elsewhere:
            hint = f'It belongs at "{elsewhere[0]}".'
        else:
            hint = f"Allowed here: {', '.join(self._allowed)}."
        self.problems.append(
            f'{self.file} line {line}: "{self.shown}{key}" is not a key of this file. {hint}'
        )

    def wrong(self, key: str, value: Any, allowed: str, example: str, line: int = 0) -> None:
        if value is None and key in self._meant:
            return
        line = line or self.group.entries.get(key, (None, self.group.line))[1]
        shown = "empty" if value is None else f'"{value}"'
        self.problems.append(
            f"{self.file} line {line}: {self.shown}{key} is {shown}. "
            f"Allowed: {allowed}, for example {example}."
        )

    def get(self, key: str) -> Any:
        return self.group.entries.get(key, (None, 0))[0]

    def text(self, key: str, allowed: str, example: str, *, needed: bool = False) -> str | None:
        value = self.get(key)
        if value is None:
            if needed:
                self.wrong(key, None, allowed, example)
            return None
        if not isinstance(value, _Text):
            self.wrong(key, "a list or a group", allowed, example)
            return None
        if re.search(r"[{}]", value.value):
            # Braces would be read as the place of a variable in an answer.
            self.wrong(key, value.value, f"{allowed}, without curly brackets", example)
            return None
        return re.sub(r"\s+", " ", value.value)

    def whole(self, key: str, low: int, high: int, example: int, unit: str) -> int:
        value = self.get(key)
        allowed = f"a whole number of {unit} from {low} to {high}"
        text = value.value if isinstance(value, _Text) else None
        if text is None or not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
            shown = text if isinstance(value, _Text) or value is None else "a list or a group"
            self.wrong(key, shown, allowed, str(example))
            return example
        return int(text)

    def texts(self, key: str, allowed: str, example: str) -> tuple[str, ...]:
        value = self.get(key)
        if value is None:
            return ()
        if isinstance(value, _Items) and all(isinstance(item, _Text) for item in value.items):
            return tuple(re.sub(r"\s+", " ", item.value) for item in value.items)
        shown = value.value if isinstance(value, _Text) else "not a plain list"
        self.wrong(key, shown, f"a list of {allowed}, each on a line after a dash", example)
        return ()

    def leaves(
        self, key: str, allowed: str, example: str
    ) -> dict[tuple[str, ...], tuple[str, int]]:
        """The texts in the group under ``key``, whose keys are names the owner chose.

        Each by the names that lead to it, with its line; empty ones are left out.
        """
        found: dict[tuple[str, ...], tuple[str, int]] = {}

        def walk(value: Any, path: tuple[str, ...], line: int) -> None:
            if isinstance(value, _Group):
                for name, (inner, at) in value.entries.items():
                    walk(inner, (*path, name), at)
            elif isinstance(value, _Text) and path:
                found[path] = (value.value, line)
            elif value is not None:
                shown = value.value if isinstance(value, _Text) else "a list"
                self.wrong(".".join((key, *path)), shown, allowed, example, line)

        value, line = self.group.entries.get(key, (None, self.group.line))
        walk(value, (), line)
        return found

    def has(self, key: str, *names: str) -> bool:
        """Whether something stands under ``key`` and the names the owner chose below it."""
        value = self.get(key)
        for name in names:
            value = value.entries.get(name, (None, 0))[0] if isinstance(value, _Group) else None
        return value is not None

    def inner(self, key: str, example: str, *, needed: bool = True) -> _Reader:
        """The group under ``key``; an empty one where it is missing or no group."""
        value, line = self.group.entries.get(key, (None, self.group.line))
        if isinstance(value, _Group):
            group = value
        else:
            group = _Group({}, line)
            if value is not None or needed:
                shown = value.value if isinstance(value, _Text) else value and "a list"
                self.wrong(key, shown, "a group of keys, each on an indented line", example)
        return _Reader(
            self.file, group, self.problems, f"{self.prefix}{key}.", f"{self.shown}{key}."
        )

    def each(self, key: str, example: str) -> list[_Reader]:
        """One reader for each group in the list under ``key``, which needs at least one."""
        value = self.get(key)
        if not (
            isinstance(value, _Items)
            and value.items
            and all(isinstance(item, _Group) for item in value.items)
        ):
            shown = None if value is None else getattr(value, "value", "not a list of groups")
            self.wrong(key, shown, "a list with at least one entry", example)
            return []
        return [
            _Reader(
                self.file,
                item,
                self.problems,
                f"{self.prefix}{key}.",
                f"{self.shown}{key}[{number}].",
            )
            for number, item in enumerate(value.items, 1)
        ]


def _check(path: Path, text: str) -> Facts:
    file = path.name
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it is not YAML"
        raise ClinicFileError(
            [
                f"{file}{line}: the file cannot be read ({reason}). Allowed: lines of "
                '"key: value", nested ones indented by two spaces, no tabs, a text with a '
                'colon in "quotation marks", for example name: "Clinic: Massage".'
            ]
        ) from None
    problems: list[str] = []
    tree = _tree(node, file, problems) if node is not None else None
    if not isinstance(tree, _Group):
        raise ClinicFileError(
            [f"{file}: the file holds no keys. Allowed: lines of key: value, as in the sample."]
        )
    top = _Reader(file, tree, problems)

    name = top.text("name", "what patients call the clinic", "Sorrel Lane Massage", needed=True)
    phone = _phone(top)
    email = _email(top)
    time_zone = _time_zone(top)
    province = _province(top)
    opening_hours, in_words = _opening_hours(top, time_zone, province)
    services = tuple(_service(reader) for reader in top.each("services", "- name: massage"))
    therapists = _therapists(top, time_zone, province)
    booking = top.inner("booking", "horizon_days: 90")
    privacy = top.inner("privacy", "keep_conversations_days: 90")
    numbers = top.inner("help_numbers", "emergency: 911")
    website = top.inner("website", "allowed_origins:", needed=False)
    live_chat = top.inner("live_chat", "wait_minutes: 5", needed=False)
    facts = Facts(
        path=path,
        sample=_sample(top),
        name=name or "",
        address=top.text("address", "the clinic's address or empty", "12 Sorrel Lane, Toronto"),
        phone=phone[0],
        phone_e164=phone[1],
        email=email,
        time_zone=time_zone or "UTC",
        province=province or "ON",
        opening_hours=opening_hours,
        opening_hours_in_words=in_words,
        services=services,
        price_note=top.text("price_note", "a short remark or empty", "plus HST"),
        insurance=top.text("insurance", "a sentence or empty", "We give you a receipt."),
        cancelling=top.text("cancelling", "a sentence or empty", "Please tell us a day before."),
        parking=top.text("parking", "a sentence or empty", "There is parking on the street."),
        transit=top.text("transit", "a sentence or empty", "The 29 bus stops at the door."),
        accessibility=top.text("accessibility", "a sentence or empty", "The door has no step."),
        therapists=therapists,
        booking=Booking(
            horizon=timedelta(days=booking.whole("horizon_days", 1, 365, 90, "days")),
            notice=timedelta(hours=booking.whole("notice_hours", 0, 168, 2, "hours")),
            buffer=timedelta(minutes=booking.whole("buffer_minutes", 0, 120, 15, "minutes")),
            step=_step(booking),
            system=chosen.read(
                booking.inner("system", "way: requests", needed=False), services, therapists, email
            ),
        ),
        privacy=Privacy(
            keep_conversations=timedelta(
                days=privacy.whole("keep_conversations_days", 1, 3650, 90, "days")
            ),
            contact=privacy.text("contact", "a name or an address or empty", "jo@example.com"),
        ),
        help_numbers=HelpNumbers(
            emergency=_short_number(numbers, "emergency", "911"),
            nurse_line=_short_number(numbers, "nurse_line", "811"),
            crisis_line=_short_number(numbers, "crisis_line", "988"),
            poison_line=_short_number(numbers, "poison_line", "1-844-764-7669", needed=False),
            violence_line=numbers.text(
                "violence_line",
                "who to call, with the number, or empty",
                "Assaulted Women's Helpline, 1-866-863-0511",
            ),
            youth_line=numbers.text(
                "youth_line",
                "who to call, with the number, or empty",
                "Kids Help Phone, 1-800-668-6868",
            ),
        ),
        allowed_origins=_origins(website),
        resume_days=website.whole("resume_days", 1, 90, 7, "days")
        if website.get("resume_days") is not None
        else 7,
        live_chat=_live_chat(live_chat),
    )
    if problems:
        # In the order of the lines, whatever order they were found in.
        raise ClinicFileError(sorted(problems, key=_line_of))
    return facts


def _live_chat(reader: _Reader) -> LiveChat:
    wait, idle = (
        timedelta(minutes=reader.whole(key, 1, 60, example, "minutes"))
        if reader.get(key) is not None
        else None
        for key, example in (("wait_minutes", 5), ("idle_minutes", 10))
    )
    return LiveChat(wait, idle or LiveChat.idle)


def _line_of(problem: str) -> int:
    found = re.search(r" line (\d+):", problem)
    return int(found.group(1)) if found else 0


def _sample(top: _Reader) -> bool:
    value = top.get("sample")
    if value is None:
        return False
    if isinstance(value, _Text) and value.value.lower() in ("true", "false"):
        return value.value.lower() == "true"
    shown = value.value if isinstance(value, _Text) else "a list or a group"
    top.wrong("sample", shown, "true while the file holds samples, or no such line", "sample: true")
    return True


def _phone(top: _Reader) -> tuple[str, str]:
    allowed, example = "a North American phone number with its area code", "416-555-0142"
    text = top.text("phone", allowed, example, needed=True)
    if text is None:
        return "", ""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, "CA")
        # Letters are read as keypad digits by parse(), so they are refused beforehand.
        if re.search(r"[A-Za-z]", re.sub(r"(?i)\b(ext|x)\b\.?", "", text)):
            raise phonenumbers.NumberParseException(0, "letters")
    except phonenumbers.NumberParseException:
        top.wrong("phone", text, allowed, example)
        return "", ""
    if not phonenumbers.is_valid_number(number) and not re.search(
        r"^1?\d{3}55501\d{2}$", f"{number.country_code}{number.national_number}"
    ):
        top.wrong("phone", text, allowed, example)
    return text, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(top: _Reader) -> str | None:
    allowed, example = "an e-mail address or empty", "hello@clinic.example.com"
    text = top.text("email", allowed, example)
    if text is None:
        return None
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        top.wrong("email", text, allowed, example)
        return None


def _time_zone(top: _Reader) -> str | None:
    allowed, example = "the name of a time zone", "America/Toronto"
    text = top.text("time_zone", allowed, example, needed=True)
    if text is None:
        return None
    if re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+", text):
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
        else:
            return text
    zones = available_timezones()
    if text in zones:
        return text
    if not zones:
        top.wrong(
            "time_zone",
            text,
            "a time zone this computer knows (it knows none: install the package tzdata)",
            example,
        )
        return None
    close = difflib.get_close_matches(text, zones, 1, 0.75) or [
        zone for zone in sorted(zones) if zone.endswith("/" + text.replace(" ", "_"))
    ]
    top.wrong("time_zone", text, allowed, close[0] if close else example)
    return None


def _province(top: _Reader) -> str | None:
    allowed = f"one of {', '.join(hours.PROVINCES)}"
    text = top.text("province", allowed, "ON", needed=True)
    if text is None or text in hours.PROVINCES:
        return text
    top.wrong("province", text, allowed, text.upper() if text.upper() in hours.PROVINCES else "ON")
    return None


def _opening_hours(
    top: _Reader, time_zone: str | None, province: str | None
) -> tuple[str, str | None]:
    allowed = "opening hours in OpenStreetMap notation"
    text = top.text("opening_hours", allowed, hours.EXAMPLE, needed=True)
    in_words = top.text(
        "opening_hours_in_words", "a phrase or empty", "Monday to Friday 9 am to 5 pm"
    )
    if text is None:
        return "", in_words
    try:
        times = OpeningTimes(text, ZoneInfo(time_zone or "UTC"), province or "ON")
    except hours.HoursError as error:
        top.wrong("opening_hours", text, f"{allowed} ({error})", hours.EXAMPLE)
        return text, in_words
    if in_words is None and times.regular_week(datetime.now(times.zone).year) is None:
        top.wrong(
            "opening_hours_in_words",
            None,
            "a phrase, because the opening hours change with the season and cannot be put "
            "into one automatically",
            "Monday to Friday 9 am to 5 pm, in July until noon",
        )
    return text, in_words


def _service(reader: _Reader) -> Service:
    name = reader.text("name", "what patients call it", "massage therapy", needed=True)
    allowed, example = "whole numbers of minutes from 5 to 480", "[30, 45, 60]"
    lengths = []
    for item in reader.texts("minutes", allowed, example):
        if re.fullmatch(r"[0-9]{1,3}", item) and 5 <= int(item) <= 480:
            lengths.append(int(item))
        else:
            reader.wrong("minutes", item, allowed, example)
    if reader.get("minutes") is None:
        reader.wrong("minutes", None, allowed, example)
    return Service(name or "", tuple(sorted(set(lengths))), _prices(reader, lengths))


def _prices(reader: _Reader, lengths: list[int]) -> dict[int, Decimal] | None:
    value = reader.get("prices")
    if value is None:
        return None
    allowed = "a price in dollars for each of the minutes above, or none at all"
    if not isinstance(value, _Group):
        reader.wrong("prices", getattr(value, "value", "a list"), allowed, "30: 75.50")
        return None
    prices: dict[int, Decimal] = {}
    for key, (price, line) in value.entries.items():
        if price is None:
            continue
        if not key.isdecimal() or int(key) not in lengths:
            reader.wrong("prices", key, f"{allowed} ({key} is none of them)", "30: 75.50", line)
            continue
        text = price.value.lstrip("$").strip() if isinstance(price, _Text) else ""
        try:
            if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,2})?", text):
                raise InvalidOperation
            prices[int(key)] = Decimal(text)
        except InvalidOperation:
            reader.wrong(f"prices.{key}", text or "a list or a group", allowed, "75.50", line)
    missing = [length for length in lengths if length not in prices]
    if prices and missing:
        reader.wrong(f"prices.{missing[0]}", None, allowed, f"{missing[0]}: 75.50", value.line)
        return None
    return prices or None


def _step(booking: _Reader) -> timedelta:
    """The grid of clock times that are offered; it divides the hour, and the lock's buckets it."""
    value = booking.get("step_minutes")
    if value is None:
        return Booking.step
    text = value.value if isinstance(value, _Text) else "a list or a group"
    allowed = ("5", "10", "15", "20", "30", "60")
    if text not in allowed:
        booking.wrong("step_minutes", text, f"one of {', '.join(allowed)}, or empty for 15", "30")
        return Booking.step
    return timedelta(minutes=int(text))


def _therapists(top: _Reader, time_zone: str | None, province: str | None) -> tuple[Therapist, ...]:
    people: list[Therapist] = []
    for reader in top.each("therapists", "- name: Natalie Yeo"):
        person = _therapist(reader)
        # Appointments belong to a name, so two people cannot share one.
        if person.name and person.name in [other.name for other in people]:
            reader.wrong("name", person.name, "a name no other therapist has", "Natalie Yeo 2")
        if person.hours:
            try:
                OpeningTimes(person.hours, ZoneInfo(time_zone or "UTC"), province or "ON")
            except hours.HoursError as error:
                allowed = f"working hours in OpenStreetMap notation ({error}), or empty"
                reader.wrong("hours", person.hours, allowed, "Mo-We 09:00-17:00")
        people.append(person)
    return tuple(people)


def _therapist(reader: _Reader) -> Therapist:
    gender = reader.text("gender", "woman, man or empty", "woman")
    if gender not in (None, "woman", "man"):
        reader.wrong("gender", gender, "woman, man or empty", "woman")
    return Therapist(
        name=reader.text("name", "a person's name", "Natalie Yeo", needed=True) or "",
        title=reader.text("title", "letters after the name or empty", "RMT"),
        role=reader.text("role", "a few words or empty", "massage therapist"),
        trained_in=reader.texts("trained_in", "techniques", "- Swedish massage"),
        approach=reader.text("approach", "a few words or empty", "listens first"),
        helps_with=reader.texts("helps_with", "complaints", "- stress"),
        gender=gender,
        hours=reader.text("hours", "working hours or empty", "Mo-We 09:00-17:00"),
    )


def _short_number(reader: _Reader, key: str, example: str, *, needed: bool = True) -> str:
    text = reader.text(key, "a number to dial", example, needed=needed)
    if text is not None and not re.fullmatch(r"\+?[0-9][0-9 ()\-]{1,18}[0-9]", text):
        reader.wrong(key, text, "a number to dial", example)
    return text or example


def _origins(reader: _Reader) -> tuple[str, ...]:
    allowed = "web origins: http:// or https://, a host, perhaps a port, nothing after it"
    example = "https://www.example.com"
    found = reader.texts("allowed_origins", allowed, f"- {example}")
    for origin in found:
        if not re.fullmatch(
            r"https?://(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)*"
            r"[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?(?::[0-9]{1,5})?",
            origin,
        ):
            reader.wrong("allowed_origins", origin, allowed, example)
    return found


def _days_count(length: timedelta) -> str:
    return say("one_day") if length.days == 1 else say("many_days", number=length.days)


def _hours_count(length: timedelta) -> str:
    count = int(length.total_seconds() // 3600)
    if count == 0:
        return say("no_notice")
    return say("one_hour") if count == 1 else say("many_hours", number=count)


def _services_words(services: tuple[Service, ...]) -> str:
    def lengths(service: Service) -> str:
        return say("minutes", list=hours.join([str(m) for m in service.minutes], "list_or"))

    if len(services) == 1:
        return lengths(services[0])
    return say("service_separator").join(
        say("service_line", name=service.name, minutes=lengths(service)) for service in services
    )


def _prices_words(services: tuple[Service, ...], note: str | None) -> str | None:
    if any(service.prices is None for service in services):
        return None
    parts = []
    for service in services:
        prices = hours.join(
            [
                say("price", minutes=minutes, amount=_dollars(amount))
                for minutes, amount in sorted((service.prices or {}).items())
            ]
        )
        parts.append(
            prices
            if len(services) == 1
            else say("price_with_service", name=service.name, prices=prices)
        )
    text = say("service_separator").join(parts)
    return say("price_with_note", prices=text, note=note) if note else text


def _dollars(amount: Decimal) -> str:
    return f"${amount:.0f}" if amount == amount.to_integral_value() else f"${amount:.2f}"
