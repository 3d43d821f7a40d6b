"""Measures the staff desk: a year of conversations, read, listed, searched and followed.

Called by ``script/bench --desk``, with SQLite or, with --postgresql, a server of its own. Ends with
a table of all figures, and with 1 when one is more than it may be.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench_figures import Figure, Figures

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
# After the project itself: there is a folder of tests called clinic, too.
sys.path += [
    str(ROOT / "tests" / part) for part in ("", "clinic/booking", "clinic/desk", "scenarios")
]

#: Seconds by the clock, and those in which this process computed.
Took = tuple[float, float]
#: Messages a second, and for how long, while it is measured how far behind the desk is.
RATE, SECONDS = 50, 30
#: Pages of a list, of one filter.
PAGES = 30
#: Appointments, of which every tenth is to be decided; messages, people who wait; audited deeds.
APPOINTMENTS, LEFT, WAITING, DEEDS = 5000, 1000, 300, 200_000
#: Deliveries that have not arrived, and messages in apps.
UNDELIVERED = 1500
#: The assistant is measured so often without the desk and with it, with so many messages each.
ROUNDS, MESSAGES = 5, 100
FILTERS: dict[str, dict[str, str]] = {
    "none": {},
    "channel": {"channel": "whatsapp"},
    "topic, often": {"topic": "faq/cost"},
    "topic, seldom": {"topic": "faq/lost"},
    "outcome": {"outcome": "requested_booking"},
    "confidence below 0.06": {"confidence_below": "0.06"},
    "red flag": {"red_flag": "yes"},
    "thumbs down": {"feedback": "down"},
    "not reviewed": {"reviewed": "no"},
    "reviewed": {"reviewed": "yes"},
    "tag": {"tag": "follow up"},
    "assigned": {"assigned": "natalie"},
    "a month": {"since": "2027-03-01", "until": "2027-03-31"},
    "an hour": {"hour": "9"},
    "a booking's step": {"booking": "service"},
    "until a day": {"until": "2027-02-28"},
    "client records": {"hold": "yes"},
    "no client records": {"hold": "no"},
    "missed red flags": {"wrong": "missed_red_flag"},
    "a word and a channel": {"text": "pain", "channel": "sms"},
    "a word and not reviewed": {"text": "stairs", "reviewed": "no"},
    "four at once": {
        "channel": "sms",
        "topic": "faq/privacy",
        "not_understood": "yes",
        "reviewed": "no",
    },
}
TEXTS = {
    "a word in most": "pain",
    "a word in few": "wombat",
    "two words": "pregnant stairs",
    "a phrase": '"leg pain burning"',
    "nowhere": "zebra",
}
#: What the issue of the staff desk asks for: 95 of 100 pages of a list and searches, in
#: milliseconds; seconds for 3 million events, and behind the assistant; megabytes.
LIST, SEARCH, REBUILD, BEHIND, MEMORY = 150, 300, 300, 2, 150
#: Of our own: any other page, everything of one person, and a look at what a night has erased, in
#: milliseconds.
PAGE, PERSON, LOOK = 300, 3000, 500
#: Seconds that writing the groups of the inbox may take when one question is new.
GROUPS = 10
#: Conversations that one night erases, when their days were shortened.
ERASED = 3000
#: Milliseconds of the assistant's own p50 that are nothing; when rounds without the desk differ
#: by more, so many are.
NOTHING = 1.0

figures = Figures()


def main() -> int:
    """Makes everything, then measures; 1 when a figure is more than it may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-desk-") as folder:
        os.environ["CLINIC_VAR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.desk.settings"
        cluster = None
        if options.postgresql:
            from postgres import Cluster

            cluster = Cluster()
            cluster.run("CREATE DATABASE bench")
            os.environ["CLINIC_DATABASE_URL"] = cluster.url("bench")
        try:
            measure(Path(folder), options.conversations, cluster)
        finally:
            if cluster:
                from django.db import connections

                connections.close_all()
                cluster.stop()
    print(f"\n{figures.table()}")
    return figures.exit_code()


def measure(folder: Path, conversations: int, cluster: Any) -> None:
    """Notes each figure."""
    from clinic import setup

    setup.ready(migrate=True)
    from clinic.conversations import projection
    from clinic.conversations.store import open_store

    kind = "PostgreSQL" if cluster else "SQLite"
    write = on_server(cluster.url("bench")) if cluster else in_file(folder)
    from fabricated import many

    for some in portions(many(conversations), 20_000):
        write(some)
    store = open_store()
    took, found = timed(lambda: projection.rebuild(store))
    what = f"{kind}: rebuild of {found.events:,} events of {found.conversations:,} conversations"
    seconds(what, took, REBUILD * found.events / 3_000_000)
    took, found = timed(lambda: projection.reconcile(store))
    seconds("reconcile", took)
    figures.note(
        Figure(
            "conversations that differ after it",
            found.missing + found.other + found.too_many,
            "",
            0,
        )
    )
    prepare()
    fill()
    took, found = timed(collect_all)
    seconds(f"the questions inbox, {found:,} questions collected", took)
    regroup()
    maintain()
    pages()
    memory_of_the_desk(folder)
    look_again(store)
    follow(write, projection.reconcile(store))
    if not cluster:
        beside(folder)


def prepare() -> None:
    """Reviews, tags and rare things, so that every filter has something to find."""

    from clinic import clock
    from clinic.conversations import search
    from clinic.conversations.models import Session, SessionTag, SessionTopic, Tag

    chance = random.Random(2)  # noqa: S311
    ids = list(Session.objects.values_list("pk", flat=True))
    tag = Tag.objects.create(name="follow up")
    few = chance.sample(ids, len(ids) // 100)
    Session.objects.filter(pk__in=few[:500]).update(
        assigned_to="natalie", feedback_down=True, reviewed_at=clock.now(), reviewed_by="natalie"
    )
    Session.objects.filter(pk__in=few[-200:]).update(hold=True, hold_by="omar")
    SessionTag.objects.bulk_create(SessionTag(session_id=pk, tag=tag, by="n") for pk in few[500:])
    SessionTopic.objects.bulk_create(
        SessionTopic(session_id=pk, topic="faq/lost") for pk in few[:50]
    )
    search.put([(pk, ["a wombat on the stairs"]) for pk in few[:50]])


def maintain() -> None:
    """What PostgreSQL does by itself within minutes of so many new rows."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def fill() -> None:
    """A busy front desk: appointments of a year, messages, a waiting list, deeds of its people."""
    from datetime import UTC, datetime, timedelta

    from fabricated import START

    from clinic import clock, facts
    from clinic.audit.models import Entry
    from clinic.booking.models import AppointmentRequest, StatusChange, WaitingEntry
    from clinic.handoff.models import PatientMessage
    from clinic.references import new_reference

    now = clock.now().replace(minute=0, second=0, microsecond=0)
    begin = datetime.fromtimestamp(START, UTC)
    therapist = facts.current().therapists[0].name
    contact = {
        "patient_name": "Priya Nair",
        "patient_contact_kind": "phone",
        "patient_contact": "+14165550142",
    }
    # Among so many, two are the same now and then.
    references: set[str] = set()
    while len(references) < APPOINTMENTS:
        references.add(new_reference())
    AppointmentRequest.objects.bulk_create(
        AppointmentRequest(
            **contact,
            reference=references.pop(),
            idempotency_key=f"bench-{number}",
            conversation_id=f"conversation-{number:07d}",
            status="requested" if number % 10 == 0 else "confirmed",
            therapist=therapist,
            starts_at=now + timedelta(hours=2 * number - APPOINTMENTS),
            ends_at=now + timedelta(hours=2 * number - APPOINTMENTS + 1),
            minutes=60,
        )
        for number in range(APPOINTMENTS)
    )
    every = list(AppointmentRequest.objects.order_by("pk"))
    StatusChange.objects.bulk_create(
        StatusChange(
            request=request,
            status=status,
            who=who,
            at=begin + timedelta(seconds=6307 * number + later),
        )
        for number, request in enumerate(every)
        for status, who, later in (("requested", "patient", 0), ("confirmed", "mara", 3600))
        if status == "requested" or request.status == status
    )
    PatientMessage.objects.bulk_create(
        PatientMessage(
            **contact,
            reference=new_reference(),
            idempotency_key=f"bench-{number}",
            conversation_id=f"conversation-{number:07d}",
            text="Please call me about my appointment.",
        )
        for number in range(LEFT)
    )
    WaitingEntry.objects.bulk_create(
        WaitingEntry(
            **contact,
            reference=new_reference(),
            idempotency_key=f"bench-{number}",
            conversation_id=f"conversation-{number:07d}",
            minutes=60,
            windows=[],
            until=now + timedelta(days=30),
        )
        for number in range(WAITING)
    )
    undelivered(every, now)
    Entry.objects.bulk_create(
        (
            Entry(who=f"p{number % 7}", action="view", about=f"conversation {number % 5000}")
            for number in range(DEEDS)
        ),
        batch_size=5000,
    )


def undelivered(every: list[Any], now: Any) -> None:
    """A mail server and an app that were away for a weekend, and a chat that nobody looked into."""
    from clinic.live.models import Chat, Step
    from clinic.outbox.models import Item, LateMessage

    changes = {change.request_id: change for one in every for change in one.status_changes.all()}
    Item.objects.bulk_create(
        Item(
            request=request,
            change=changes[request.pk],
            part="patient",
            sequence=0,
            state=("stuck", "failed", "waiting")[place % 3],
            reason="login",
            due_at=now,
            waiting_since=now,
        )
        for place, request in enumerate(every[:UNDELIVERED])
    )
    LateMessage.objects.bulk_create(
        LateMessage(
            conversation_id=f"conversation-{place:07d}",
            app="sms",
            state=("stuck", "failed")[place % 2],
            reason="busy",
            at=now,
        )
        for place in range(UNDELIVERED)
    )
    chats = Chat.objects.bulk_create(
        Chat(
            conversation_id=f"conversation-{place:07d}",
            state="waiting",
            asked_at=now,
            patient_at=now,
        )
        for place in range(WAITING)
    )
    Step.objects.bulk_create(
        Step(chat=chat, kind="long_wait", key=f"bench-{chat.pk}", done_at=now, outcome="done")
        for chat in chats
    )


def collect_all() -> int:
    """Everything into the questions inbox; how many there are then."""
    from clinic.questions.collecting import collect
    from clinic.questions.models import Question

    while collect():
        pass
    return Question.objects.count()


def regroup() -> None:
    """How long it takes to write the groups of the inbox when one question is new."""
    from clinic.questions import grouping
    from clinic.questions.models import Question

    keys = list(Question.objects.order_by("pk").values_list("pk", flat=True))
    understood = dict.fromkeys(keys, grouping.Understood("faq/cost", 0.5, "1"))
    meanings = dict.fromkeys(keys, bytes(768))
    groups = [keys[place : place + 4] for place in range(1, len(keys), 4)]
    grouping.write(groups, understood, meanings, {})
    took, _ = timed(lambda: grouping.write([keys[:1], *groups], {}, {}, {}))
    seconds("groups written when one question is new", took, GROUPS)


def pages() -> None:
    """The list as it is served: from the request to the finished page, without the network."""
    from desk_people import browser, person
    from django.urls import reverse

    from clinic.people.roles import Role

    desk = browser(person("rui", *Role))

    def get(query: dict[str, str]) -> Any:
        answer = desk.get("/conversations/", query)
        assert answer.status_code == 200, answer.status_code
        return answer

    def find(typed: str) -> Any:
        answer = desk.post("/privacy/person", {"person": typed, "reason": "patient_asked"})
        assert answer.status_code == 200, answer.status_code
        return answer

    get({})
    for name, query in FILTERS.items():
        milliseconds(f"list, {name}", percentile(walk(get, query)), LIST)
    for name, text in TEXTS.items():
        milliseconds(f"search, {name}", percentile(walk(get, {"text": text}, 10)), SEARCH)
    for name, query in ({"none": {}} | {name: FILTERS[name] for name in DEEP}).items():
        place = deep(query)
        for way in ("older", "newer"):
            times = [timed(lambda on=query | {way: place}: get(on))[0] for _ in range(20)]
            milliseconds(f"page 2,000, {name}, {way}", percentile(times), LIST)
    from clinic.conversations.models import Session

    numbers = Session.objects.order_by("-messages").values_list("pk", flat=True)[:20]
    times = [
        timed(lambda key=key: desk.get(reverse("transcript", args=[key])))[0] for key in numbers
    ]
    milliseconds("a conversation", percentile(times), PAGE)
    for limit, addresses in ((LIST, LISTS), (PAGE, OTHERS)):
        for name, address in addresses.items():
            # The first look also reads the templates.
            assert desk.get(address).status_code == 200, address
            times = [timed(lambda at=address: desk.get(at))[0] for _ in range(10)]
            milliseconds(name, percentile(times), limit)
    named = [timed(lambda: desk.post("/bookings/find", {"q": "priya"}))[0] for _ in range(10)]
    milliseconds("bookings, a name", percentile(named), LIST)
    for typed in ("416-555-0142", "nobody@example.com"):
        times = [timed(lambda of=typed: find(of))[0] for _ in range(3)]
        milliseconds(f"everything of a person, {typed}", percentile(times), PERSON)


LISTS = {
    "questions": "/questions/",
    "questions, page 20": "/questions/?start=950",
    "questions, a word": "/questions/?q=stairs",
    "bookings to decide": "/bookings/",
    "bookings that come": "/bookings/?show=coming",
    "bookings that are over": "/bookings/?show=over",
    "waiting list": "/bookings/waiting-list",
    "deliveries": "/bookings/deliveries",
    "messages": "/messages/",
    "live chat": "/live/",
    "who waited": "/insights/waits/request?since=2026-11-01&until=2027-10-31",
    "audit log": "/audit/",
    "audit log, one person": "/audit/?who=p3&about=conversation+77",
}
OTHERS = {
    "today": "/",
    "insights, a month": "/insights/?month=2027-03",
    "insights, a year": "/insights/?since=2026-11-01&until=2027-10-31",
    "week": "/bookings/week",
    "privacy": "/privacy/",
}
#: Filters of which page 2,000, or the last there is, is measured, too.
DEEP = ("not reviewed", "topic, often", "until a day", "a word and a channel")


def walk(
    get: Callable[[dict[str, str]], Any], query: dict[str, str], most: int = PAGES
) -> Iterator[Took]:
    """Each page, one after the other, beginning again at the end."""
    from clinic.conversations import listing
    from clinic.conversations.listing import Filters

    older = None
    for _ in range(most):
        wanted = {**query, **({"older": older} if older else {})}
        yield timed(lambda wanted=wanted: get(wanted))[0]
        older = listing.page(Filters.from_query(query), older=older).older


def deep(query: dict[str, str]) -> str:
    """Where page 2,000 of the sessions that fit begins, or nine tenths of them are over."""
    from clinic.conversations import listing
    from clinic.conversations.listing import Filters

    found = listing.matching(Filters.from_query(query))
    rows = found.order_by("-last_activity_at", "-id")
    return listing.place_of(rows[min(2000 * listing.PAGE, found.count() * 9 // 10)])


def memory_of_the_desk(folder: Path) -> None:
    """What the desk's own process takes after every list was read, with nobody else in it."""
    import http.client

    from desk_people import browser, person
    from django.conf import settings
    from scenario_servers import Server, free_port

    from clinic.people.roles import Role

    cookie = browser(person("mem", *Role)).cookies[settings.SESSION_COOKIE_NAME].value
    port = free_port()
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    desk = Server(
        "the desk",
        [sys.executable, "-m", "clinic", "desk"],
        {**own, "CLINIC_DESK_PORT": str(port)},
        f"http://127.0.0.1:{port}/health",
        folder / "desk-alone.log",
    )
    desk.start()
    try:
        desk.wait()
        process = desk.process
        assert process
        begin = resident(process.pid)
        lists = [f"/conversations/?{urlencode(query)}" for query in FILTERS.values()]
        searches = [f"/conversations/?text={quote(text)}" for text in TEXTS.values()]
        for _ in range(3):
            for address in (*lists, *searches, *LISTS.values(), *OTHERS.values()):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("GET", address, headers={"Cookie": f"desk_session={cookie}"})
                answer = connection.getresponse()
                answer.read()
                connection.close()
                if answer.status != 200:
                    raise RuntimeError(f"the desk answered {answer.status} for {address}")
        more = f"{begin:.0f} MB when it had started"
        figures.note(Figure("memory of the desk", resident(process.pid), "MB", MEMORY, more))
    finally:
        desk.stop()


def look_again(store: Any) -> None:
    """How long the worker looks at what was erased, every few seconds for an hour."""
    from datetime import timedelta

    from clinic import clock
    from clinic.conversations.models import Recheck
    from clinic.conversations.projection import Tail

    tail = Tail(store)
    while tail.step():
        pass
    until = clock.now() + timedelta(hours=1)
    Recheck.objects.bulk_create(
        Recheck(conversation_id=f"erased-{number}", until=until, erase_events=True)
        for number in range(ERASED)
    )
    for what in (f"a look at {ERASED:,} erased conversations", "half a second after it"):
        (took, _), _ = timed(tail.step)
        figures.note(Figure(what, took * 1000, "ms", LOOK))
    Recheck.objects.all().delete()


def follow(write: Callable[[list[tuple[str, Any]]], None], before: Any) -> None:
    """How far the worker is behind while messages come in, and whether it misses any.

    ``before`` is what differed before, made up by ``prepare``.
    """
    from django.db import connection
    from fabricated import question

    from clinic.conversations import projection
    from clinic.conversations.models import Message
    from clinic.conversations.store import open_store

    worker = subprocess.Popen(
        [sys.executable, "-m", "clinic", "deliver"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "clinic.settings"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    written: dict[str, float] = {}
    lags: list[float] = []
    try:
        # It has started when it reads something.
        write([("first", event) for event in question(text="first").events])
        while not Message.objects.filter(session__conversation_id="first").exists():
            time.sleep(0.5)

        def writer() -> None:
            begin = time.monotonic()
            for number in range(RATE * SECONDS):
                time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
                talk = question(text=f"lag {number}", at=time.time())
                write([(f"lag-{number % 200}", event) for event in talk.events])
                written[f"lag {number}"] = time.monotonic()

        thread = threading.Thread(target=writer)
        thread.start()
        known: set[str] = set()
        seen = Message.objects.order_by("-event_id").values_list("event_id", flat=True)[0]
        ends = time.monotonic() + SECONDS + 30
        while len(lags) < RATE * SECONDS and time.monotonic() < ends:
            rows = Message.objects.filter(event_id__gt=seen - 500, author="patient")
            found = dict(rows.values_list("text", "event_id"))
            now = time.monotonic()
            new = {text for text in found.keys() - known if text.startswith("lag ")}
            lags += [now - written.get(text, now) for text in new]
            known |= new
            seen = max([seen, *found.values()])
            time.sleep(0.1)
        thread.join()
        memory = resident(worker.pid)
    finally:
        worker.terminate()
        worker.wait(30)
    after = projection.reconcile(open_store())
    more = f"half of them {statistics.median(lags):.2f} s"
    what = f"behind, {RATE} messages a second for {SECONDS} s"
    figures.note(Figure(what, max(lags), "s", BEHIND, more))
    figures.note(Figure("of them missed", RATE * SECONDS - len(lags), "", 0))
    new = max(after.missing - before.missing, 0) + max(after.other - before.other, 0)
    figures.note(Figure("conversations that differ afterwards", new, "", 0))
    figures.note(Figure("memory of the worker", memory, "MB"))
    connection.close()


def beside(folder: Path) -> None:
    """What the desk and the worker add to the assistant's own time, on the same computer.

    One after the other: messages without them, then with them and with somebody who has the pages
    open that stay up to date by themselves.
    """
    from bench import Client
    from desk_people import browser, person
    from django.conf import settings
    from scenario_servers import Server, current_model, free_port, servers_in

    cookie = browser(person("mara", "front_desk")).cookies[settings.SESSION_COOKIE_NAME].value
    servers = servers_in(folder, current_model())
    # By the real clock, and each program with its own settings.
    apart = ("CLINIC_NOW", "DJANGO_SETTINGS_MODULE")
    environment = {
        name: value for name, value in servers.rasa.environment.items() if name not in apart
    }
    servers.rasa.environment = servers.actions.environment = environment
    port = free_port()
    clinic = [sys.executable, "-m", "clinic"]
    at_desk = {**environment, "CLINIC_DESK_PORT": str(port)}
    health = f"http://127.0.0.1:{port}/health"
    desk = Server("the desk", [*clinic, "desk"], at_desk, health, folder / "desk.log")
    worker = Server("the worker", [*clinic, "deliver"], environment, "", folder / "worker.log")
    times: dict[bool, list[list[float]]] = {False: [], True: []}
    memory = 0.0
    assistant = int(servers.rasa_url.rpartition(":")[2])
    servers.start()
    try:
        # The first round only warms up.
        for number in range(-1, 2 * ROUNDS):
            with_desk = number % 2 == 1 and number > 0
            if with_desk:
                desk.start()
                worker.start()
                desk.wait()
                settle(worker.process)
            done = threading.Event()
            watcher = threading.Thread(target=watch, args=(port, cookie, done))
            if with_desk:
                watcher.start()
            client = Client(assistant, f"beside-{number}")
            took = [client.send() for _ in range(MESSAGES)]
            if number >= 0:
                times[with_desk].append(took)
            done.set()
            if with_desk:
                watcher.join()
                memory = max(memory, resident(desk.process.pid))
                desk.stop()
                worker.stop()
    finally:
        desk.stop()
        worker.stop()
        servers.stop()
    without, beside_it = (
        statistics.median(itertools.chain(*times[each])) for each in (False, True)
    )
    rounds = [statistics.median(took) for took in times[False]]
    figures.note(
        Figure(
            f"added to the assistant's own p50 of {ROUNDS * MESSAGES} messages",
            max(beside_it - without, 0.0),
            "ms",
            max(NOTHING, max(rounds) - min(rounds)),
            f"{without:.1f} ms without desk and worker, {beside_it:.1f} ms with both",
        )
    )
    figures.note(Figure("memory of the desk with two pages open", memory, "MB", MEMORY))


def settle(worker: Any) -> None:
    """Wait until the worker has done what it does at its start, and so have its own programs."""
    calm = 0.1  # of a core
    while True:
        mine = [worker.pid, *children(worker.pid)]
        before, begin = sum(map(busy, mine)), time.monotonic()
        time.sleep(3)
        spent = sum(map(busy, mine)) - before
        if len(mine) == 1 and spent < calm * (time.monotonic() - begin):
            return


def children(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    tasks = Path(f"/proc/{pid}/task")
    started = [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]
    return [child for child in started if fields(child)[:1] not in ([], ["Z"])]


def fields(pid: int) -> list[str]:
    """What the system tells of a process, from its state on; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return []


def busy(pid: int) -> float:
    """Seconds that a process has computed; 0 for one that is gone."""
    return sum(map(int, fields(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def watch(port: int, cookie: str, done: threading.Event) -> None:
    """Somebody at the front desk with Today and the live chats open."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in itertools.count():
        # As often as the pages ask by themselves: every three seconds, and every thirty.
        for page in ("/live/?poll=1", "/?poll=1")[: 1 + (number % 10 == 0)]:
            headers = {"Cookie": f"desk_session={cookie}", "HX-Request": "true"}
            connection.request("GET", page, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the desk answered {answer.status}")
        if done.wait(3.0):
            return


def in_file(folder: Path) -> Callable[[list[tuple[str, Any]]], None]:
    """Writes events into Rasa's SQLite file."""
    from fabricated import INSERT, Events

    events = Events(folder / "conversations.sqlite3")
    events.connection.close()

    def write(rows: list[tuple[str, Any]]) -> None:
        import sqlite3

        with closing(sqlite3.connect(events.file, timeout=30)) as connection, connection:
            connection.executemany(INSERT, [(who, *event) for who, event in rows])

    return write


def on_server(url: str) -> Callable[[list[tuple[str, Any]]], None]:
    """Writes events into Rasa's table on PostgreSQL."""
    import psycopg2
    from fabricated import INSERT, ServerEvents
    from psycopg2.extras import execute_values

    ServerEvents(url).close()

    def write(rows: list[tuple[str, Any]]) -> None:
        with (
            closing(psycopg2.connect(url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            insert = INSERT.partition("VALUES")[0] + "VALUES %s"
            execute_values(cursor, insert, [(who, *event) for who, event in rows], page_size=2000)

    return write


def portions(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """The rows in lists of this size."""
    while some := list(islice(rows, size)):
        yield some


def timed(work: Callable[[], Any]) -> tuple[Took, Any]:
    """How long it took, and the result."""
    begin, computing = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - begin, time.process_time() - computing), result


def percentile(times: Iterable[Took]) -> Took:
    """The 95th percentile."""
    both = [sorted(each) for each in zip(*times, strict=True)]
    wall, computing = (each[min(len(each) - 1, int(len(each) * 0.95))] for each in both)
    return wall, computing


def resident(pid: int) -> float:
    """Memory of a process in megabytes."""
    pages_of = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages_of * os.sysconf("SC_PAGE_SIZE") / 1e6


def seconds(what: str, took: Took, limit: float | None = None) -> None:
    """Notes how long something took, by the clock, and in which this process computed."""
    figures.note(Figure(what, took[0], "s", limit, f"computing {took[1]:.1f} s"))


def milliseconds(what: str, took: Took, limit: float) -> None:
    """The same of 95 of 100 pages."""
    wall, computing = (each * 1000 for each in took)
    figures.note(Figure(f"{what}, p95", wall, "ms", limit, f"computing {computing:.0f} ms"))


if __name__ == "__main__":
    sys.exit(main())
