"""clinic.yml: the sample, the variables made of it, and a sentence for every mistake."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clinic import facts
from clinic.facts import ClinicFileError, load

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "clinic.yml").read_text(encoding="utf-8")
MONDAY_NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clinic.yml"


def changed(file: Path, *changes: tuple[str, str]) -> Path:
    text = SAMPLE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(file: Path, *changes: tuple[str, str]) -> tuple[str, ...]:
    with pytest.raises(ClinicFileError) as caught:
        load(changed(file, *changes))
    return caught.value.problems


def test_the_sample_says_it_is_one_and_leaves_out_what_must_not_be_guessed() -> None:
    sample = load(ROOT / "clinic.yml")
    assert sample.sample
    assert (sample.time_zone, sample.province) == ("America/Toronto", "ON")
    assert sample.opening_hours == "Mo-Sa 08:00-20:00; PH off"
    assert [(s.minutes, s.prices) for s in sample.services] == [((30, 45, 60), None)]
    assert sample.insurance is None
    assert [(t.name, t.title) for t in sample.therapists] == [("Natalie Yeo", "RMT")]
    assert sample.booking == facts.Booking(
        horizon=timedelta(days=90), notice=timedelta(hours=2), buffer=timedelta(minutes=15)
    )
    assert sample.phone_e164.startswith("+1")
    assert sample.phone_e164[-7:-2] == "55501"
    assert sample.email
    assert sample.email.endswith("example.com")


def test_variables_of_the_sample() -> None:
    said = load(ROOT / "clinic.yml").variables(MONDAY_NOON)
    assert said["clinic_hours"] == "Monday to Saturday 8 am to 8 pm, closed on statutory holidays"
    assert said["clinic_open_now"] == "open now, until 8 pm"
    assert said["services"] == "30, 45 or 60 minutes"
    assert said["retention"] == "90 days"
    assert said["booking_notice"] == "2 hours"
    assert said["therapist_name"] == "Natalie Yeo"
    assert said["clinic_contact"] == f"{said['clinic_phone']} or {said['clinic_email']}"
    assert said["prices"] is None
    assert said["insurance"] is None


def test_known_has_exactly_the_variables_with_a_value() -> None:
    sample = load(ROOT / "clinic.yml")
    known = sample.known()
    assert {"clinic_hours", "clinic_address", "clinic_phone", "clinic_email", "services"} <= known
    assert {"retention", "privacy_contact"} <= known
    assert not known & {"prices", "insurance", "parking", "transit", "accessibility"}
    assert known == {name for name, value in sample.variables().items() if value}


def test_filled_in_facts_become_known(file: Path) -> None:
    own = load(
        changed(
            file,
            (
                "      30:\n      45:\n      60:\n",
                "      30: 75\n      45: $100.50\n      60: 130\n",
            ),
            ("\nprice_note:\n", "\nprice_note: plus HST\n"),
            ("\nparking:\n", '\nparking: "Behind the house: two places"\n'),
            ("sample: true\n", ""),
        )
    )
    assert not own.sample
    assert own.services[0].prices == {30: Decimal(75), 45: Decimal("100.50"), 60: Decimal(130)}
    assert own.variables()["prices"] == (
        "30 minutes for $75, 45 minutes for $100.50 and 60 minutes for $130 (plus HST)"
    )
    assert own.variables()["parking"] == "Behind the house: two places"
    assert {"prices", "parking"} <= own.known()


def test_chats_with_a_person_and_none(file: Path) -> None:
    sample = load(ROOT / "clinic.yml").live_chat
    assert (sample.wait, sample.idle) == (timedelta(minutes=5), timedelta(minutes=10))
    changes = (("wait_minutes: 5", "wait_minutes:"), ("idle_minutes: 10", "idle_minutes:"))
    none = load(changed(file, *changes)).live_chat
    assert (none.wait, none.idle) == (None, timedelta(minutes=10))


def test_several_services_are_told_apart(file: Path) -> None:
    own = load(
        changed(
            file,
            (
                "services:\n  - name: massage therapy\n",
                "services:\n  - name: first visit\n    minutes: [60]\n    prices: {60: 140}\n"
                "  - name: massage therapy\n",
            ),
            ("      30:\n      45:\n      60:\n", "      30: 75\n      45: 100\n      60: 130\n"),
        )
    )
    said = own.variables()
    assert said["services"] == "first visit of 60 minutes; massage therapy of 30, 45 or 60 minutes"
    assert said["prices"] == (
        "first visit: 60 minutes for $140; massage therapy: 30 minutes for $75, "
        "45 minutes for $100 and 60 minutes for $130"
    )


def test_when_therapists_work_and_the_grid_of_times(file: Path) -> None:
    sample = load(ROOT / "clinic.yml")
    assert sample.booking.step == timedelta(minutes=15)
    assert sample.working_times == {"Natalie Yeo": None}
    own = load(
        changed(
            file,
            ("    gender:\n    # When", "    gender: woman\n    # When"),
            ("    hours:\n", "    hours: Mo 09:00-12:00\n  - name: Sam Lee\n"),
            ("  step_minutes: 15\n", ""),
        )
    )
    assert own.booking.step == timedelta(minutes=15)
    assert [person.gender for person in own.therapists] == ["woman", None]
    assert own.working_times["Sam Lee"] is None
    monday_morning = own.working_times["Natalie Yeo"]
    assert monday_morning is not None
    assert not monday_morning.is_open(MONDAY_NOON)


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "allowed"),
    [
        ("name: Sorrel Lane Massage Therapy", "name:", "name", "empty", "what patients call"),
        ("phone: 416-555-0142", "phone: 555-0142", "phone", '"555-0142"', "area code"),
        ("phone: 416-555-0142", "phone: call us", "phone", '"call us"', "416-555-0142"),
        ("phone: 416-555-0142", "phone: 416-555-CALL", "phone", '"416-555-CALL"', "area code"),
        ("phone: 416-555-0142", "phone:", "phone", "empty", "area code"),
        ("email: hello@sorrel", "email: hello.sorrel", "email", '"hello.sorrel', "e-mail address"),
        ("zone: America/Toronto", "zone: Toronto", "time_zone", '"Toronto"', "America/Toronto"),
        ("zone: America/Toronto", "zone: America", "time_zone", '"America"', "time zone"),
        ("zone: America/Toronto", "zone: ../etc/passwd", "time_zone", '"../etc', "time zone"),
        ("province: ON", "province: on", "province", '"on"', "AB, BC"),
        ("province: ON", "province: Ontario", "province", '"Ontario"', "for example ON"),
        ("hours: Mo-Sa 08:00-20:00; PH off", "hours: Mo-Sa 8-20", "opening_hours", "8-20", "PH"),
        ("hours: Mo-Sa 08:00-20:00; PH off", "hours: 9 to 5", "opening_hours", '"9 to 5"', "Mo-Sa"),
        ("hours: Mo-Sa 08:00-20:00; PH off", "hours: off", "opening_hours", '"off"', "not open"),
        (
            "hours: Mo-Sa 08:00-20:00; PH off",
            "hours: Mo 08:00-09:00; SH off",
            "opening_hours",
            "SH off",
            "not supported",
        ),
        (
            "hours: Mo-Sa 08:00-20:00; PH off",
            "hours: Mo-Sa 08:00-20:00, PH off",
            "opening_hours",
            ", PH off",
            "rule of its own",
        ),
        (
            "minutes: [30, 45, 60]",
            "minutes: [30, an hour]",
            "services[1].minutes",
            '"an hour"',
            "from 5 to 480",
        ),
        ("minutes: [30, 45, 60]", "minutes: [3]", "services[1].minutes", '"3"', "5 to 480"),
        ("minutes: [30, 45, 60]", "minutes:", "services[1].minutes", "empty", "[30, 45, 60]"),
        ("      45:\n", "      45: 100\n", "services[1].prices.30", "empty", "none at all"),
        ("      45:\n", "      50: 100\n", "services[1].prices", '"50"', "none of them"),
        ("      45:\n", "      45: a lot\n", "services[1].prices.45", '"a lot"', "75.50"),
        ("    title: RMT", "    title: [RMT]", "therapists[1].title", "a list", "letters"),
        (
            "      - stress\n",
            "      - [stress]\n",
            "therapists[1].helps_with",
            "plain list",
            "after a dash",
        ),
        ("horizon_days: 90", "horizon_days: 400", "booking.horizon_days", '"400"', "1 to 365"),
        ("horizon_days: 90", "horizon_days: ninety", "booking.horizon_days", '"ninety"', "365"),
        ("notice_hours: 2", "notice_hours: -1", "booking.notice_hours", '"-1"', "0 to 168"),
        ("step_minutes: 15", "step_minutes: 25", "booking.step_minutes", '"25"', "15, 20, 30"),
        ("step_minutes: 15", "step_minutes: [15]", "booking.step_minutes", "list", "15, 20, 30"),
        ("wait_minutes: 5", "wait_minutes: 61", "live_chat.wait_minutes", '"61"', "1 to 60"),
        ("idle_minutes: 10", "idle_minutes: 0", "live_chat.idle_minutes", '"0"', "1 to 60"),
        ("    gender:\n", "    gender: cat\n", "therapists[1].gender", '"cat"', "woman, man"),
        ("    hours:\n", "    hours: mornings\n", "therapists[1].hours", '"mornings"', "Map"),
        (
            "    hours:\n",
            "    hours:\n  - name: Natalie Yeo\n",
            "therapists[2].name",
            '"Natalie Yeo"',
            "no other",
        ),
        ("buffer_minutes: 15", "buffer_minutes: 1.5", "booking.buffer_minutes", '"1.5"', "120"),
        (
            "conversations_days: 90",
            "conversations_days: 0",
            "privacy.keep_conversations_days",
            '"0"',
            "1 to 3650",
        ),
        (
            "emergency: 911",
            "emergency: nine one one",
            "help_numbers.emergency",
            '"nine one one"',
            "911",
        ),
        ("sample: true\n", "sample: perhaps\n", "sample", '"perhaps"', "sample: true"),
        ("address: 12 Sorrel", "address: 12 {Sorrel}", "address", "{Sorrel}", "curly brackets"),
    ],
)
def test_a_wrong_value_is_named_with_key_value_and_what_is_allowed(
    file: Path, old: str, new: str, key: str, value: str, allowed: str
) -> None:
    (problem,) = mistakes(file, (old, new))
    start, rest = problem.split(": ", 1)
    assert start.startswith("clinic.yml line ")
    assert rest.startswith(f"{key} is ")
    assert value in rest
    assert "Allowed: " in rest
    assert allowed in rest
    assert "for example" in rest


@pytest.mark.parametrize(
    "origin", ["www.example.com", "https://example.com/chat", "https://*", "*", "javascript:x"]
)
def test_a_web_origin_is_scheme_and_host(file: Path, origin: str) -> None:
    end = "website:\n  allowed_origins:\n"
    (problem,) = mistakes(file, (end, f"{end}    - '{origin}'\n"))
    assert "website.allowed_origins is" in problem
    assert origin in problem
    good = load(changed(file, (end, f"{end}    - https://www.example.com\n")))
    assert good.allowed_origins == ("https://www.example.com",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\nphone:", "\nphon:", 'Did you mean "phone"?'),
        ("  horizon_days:", "  horizon_day:", 'Did you mean "booking.horizon_days"?'),
        ("    trained_in:", "    trained:", '"therapists[1].trained" is not a key'),
        ("\nprovince:", "\nminutes: 30\nprovince:", 'It belongs at "services.minutes".'),
        ("\nprovince:", "\nfavourite_colour: red\nprovince:", "Allowed here: sample, name,"),
    ],
)
def test_an_unknown_key_is_named_with_what_was_probably_meant(
    file: Path, old: str, new: str, said: str
) -> None:
    assert any(said in problem for problem in mistakes(file, (old, new)))


def test_a_slip_in_the_name_of_a_key_is_one_mistake(file: Path) -> None:
    (problem,) = mistakes(file, ("\nname:", "\nnmae:"))
    assert 'Did you mean "name"?' in problem


def test_all_mistakes_are_named_at_once_in_the_order_of_the_lines(file: Path) -> None:
    problems = mistakes(
        file,
        ("buffer_minutes: 15", "buffer_minutes: many"),
        ("province: ON", "province: XX"),
        ("phone: 416-555-0142", "phone: 1"),
    )
    assert [problem.split(": ")[1].split(" is ")[0] for problem in problems] == [
        "phone",
        "province",
        "booking.buffer_minutes",
    ]


def test_the_line_is_the_one_in_the_file(file: Path) -> None:
    (problem,) = mistakes(file, ("province: ON", "province: XX"))
    line = int(problem.split("line ")[1].split(":")[0])
    assert file.read_text(encoding="utf-8").splitlines()[line - 1] == "province: XX"


def test_words_that_yaml_would_turn_into_something_else_stay_text(file: Path) -> None:
    own = load(
        changed(
            file,
            ("name: Sorrel Lane Massage Therapy", "name: Yes"),
            ("emergency: 911", 'emergency: "0911"'),
            ("\ntransit:", "\ntransit: 10:30"),
        )
    )
    assert (own.name, own.help_numbers.emergency, own.transit) == ("Yes", "0911", "10:30")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nname: b\n", 'the key "name" stands twice, first in line 1'),
        ("name: Clinic: Massage\n", "line 1: the file cannot be read"),
        ("name: a\n\tphone: b\n", "no tabs"),
        ("", "holds no keys"),
        ("- a\n- b\n", "holds no keys"),
        ("just words\n", "holds no keys"),
        ("booking: soon\n", "booking is"),
        ("therapists: Natalie\n", "therapists is"),
    ],
)
def test_a_file_that_is_no_clinic_yml_says_why(file: Path, text: str, said: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ClinicFileError, match=r"clinic\.yml") as caught:
        load(file)
    assert said in str(caught.value)


def test_other_encodings_and_missing_files_say_so(file: Path) -> None:
    file.write_bytes("name: Clinique Él\n".encode("latin-1"))
    with pytest.raises(ClinicFileError, match="not saved as UTF-8"):
        load(file)
    with pytest.raises(ClinicFileError, match="CLINIC_YML"):
        load(file.with_name("absent.yml"))
    file.write_bytes(b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode())
    assert load(file).name == "Sorrel Lane Massage Therapy"


def test_hours_that_change_with_the_season_need_words_of_the_owner(file: Path) -> None:
    hours = ("hours: Mo-Sa 08:00-20:00; PH off", "hours: Mo-Fr 09:00-17:00; Jul-Aug 09:00-12:00")
    (problem,) = mistakes(file, hours)
    assert "opening_hours_in_words is empty" in problem
    words = ("\nopening_hours_in_words:\n", "\nopening_hours_in_words: weekdays, shorter in July\n")
    own = load(changed(file, hours, words))
    assert own.variables()["clinic_hours"] == "weekdays, shorter in July"


def test_a_running_process_keeps_the_last_good_facts(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CLINIC_YML", str(file))
    with pytest.raises(ClinicFileError):
        facts.current()
    changed(file)
    assert facts.current().name == "Sorrel Lane Massage Therapy"
    file.write_text("name: broken: now\n", encoding="utf-8")
    assert facts.current().name == "Sorrel Lane Massage Therapy"
    assert "keeping the old facts" in caplog.text
    changed(file, ("name: Sorrel Lane Massage Therapy", "name: Another"))
    assert facts.current().name == "Another"


def test_every_key_is_in_the_sample_and_explained() -> None:
    page = (ROOT / "docs" / "clinic-yml.md").read_text(encoding="utf-8")
    for key in facts.KEYS:
        assert f"| `{key}` |" in page, key
        assert f"{key.rsplit('.', 1)[-1]}:" in SAMPLE, key
    assert facts.is_key("services.prices")
    assert facts.is_key("prices")
    assert not facts.is_key("services.price")


def test_reading_the_facts_needs_neither_django_nor_rasa() -> None:
    code = (
        "import sys; from clinic import facts; facts.load().variables(); "
        "sys.exit(any(m.split('.')[0] in ('django', 'rasa', 'rasa_sdk') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0  # noqa: S603
