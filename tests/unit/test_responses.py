"""What a patient reads: form, sources, facts and the words that a clinic may not use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.article_coverage import RESPONSES, load_article, wordings
from assistant.checks.project import Project
from assistant.nlg import FROM_THE_ALARM, FROM_THE_CHAT, FROM_THE_MESSAGE
from assistant.policies import alarm
from assistant.project import DATA, ROOT
from clinic import facts


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOPICS = _words(
    """
    what_is_sciatica symptoms how_massage_helps techniques benefits_circulation_recovery
    when_recommended alongside_other_treatments underlying_condition
    medication_or_surgery_alternative does_it_hurt how_many_sessions home_exercises
    safety_contraindications what_to_wear therapist_info cost insurance opening_hours location
    medical_advice medication_question bot_identity privacy
    """
)
ASKED_OFTEN = _words(
    """
    what_is_sciatica symptoms how_massage_helps when_recommended does_it_hurt how_many_sessions
    cost insurance opening_hours location medical_advice safety_contraindications
    """
)
# No step towards a booking may stand beside these: the advice is to see somebody else first.
NO_BOOKING = re.compile(
    r"utter_(emergency|urgent|crisis|alarm_\w+|check_\w+|safety_\w+|minor|distress|booking_blocked_red_flag"
    r"|(faq/|more_|because_|how_long_)(safety_contraindications|medical_advice|medication_question))$"
)
# The only questions with more than three choices: what is to be changed.
MANY_BUTTONS = {
    "utter_ask_change_kind": 4,
    "utter_invalid_change_kind": 4,
    # one of them only when the address given looks mistyped
    "utter_ask_confirm_booking": 5,
    "utter_ask_confirm_booking_again": 5,
    "utter_ask_confirm_message": 4,
    "utter_ask_confirm_message_again": 4,
    "utter_ask_which_field": 8,
    "utter_invalid_confirm_booking": 4,
    "utter_ask_which_message_field": 4,
    "utter_feedback_thanks_down": 4,
}
MAX_WORDS = 75
MAX_TITLE = 24

# What may be named under `metadata: source`, beside article headings and keys of clinic.yml.
SOURCES = frozenset(yaml.safe_load((DATA / "sources.yml").read_text(encoding="utf-8"))["sources"])

FORBIDDEN = {
    r"!": "an exclamation mark",
    r"(?<!not a )\bcures?\b|\bcured\b": "a cure, promised",
    r"\bguarantee": "a promise",
    r"\bdefinite(ly)?\b|\bfor sure\b|\b100 ?%": "a certainty nobody has",
    r"\bbest\b|\bbetter than (any|other)|\bnumber one\b|\btop[- ]rated\b": "a superiority claim",
    r"\bspeciali[sz]|\bspecialist|\bexpert": "an implied specialty",
    r"\btestimonial|\bour patients (say|love)|\bhappy patients|\bfive[- ]star|\bsuccess rate": (
        "a testimonial"
    ),
    r"\bpain[- ]free\b|\bmiracle|\bproven\b|\beliminate": "an outcome, promised",
    r"\b(is|are|it's) (completely |perfectly |totally |quite )?safe\b": "a promise of safety",
    r"\byou (probably|likely|surely) have\b|\bit is probably\b": "a diagnosis",
    r"\b\d+ ?mg\b|\bibuprofen|\bnaproxen|\bparacetamol|\btylenol|\badvil": "a medicine by name",
    r"\$ ?\d": "a price, which belongs in clinic.yml",
    r"\b(she|her|hers|he|his)\b": "a pronoun for the therapist, which the article does not give",
    r"[\U0001F300-\U0001FAFF\u2600-\u27BF]": "an emoji",
}

# Facts that are always there; every other one has to be named under `needs`. Whether the clinic is
# open now goes with its hours.
ALWAYS_KNOWN = _words(
    """
    clinic_name clinic_phone clinic_contact therapist_name booking_notice booking_horizon
    emergency_number nurse_line crisis_line poison_line clinic_open_now signs patient
    get_help later told
    """
)
# Owners write these as whole sentences.
SENTENCES_OF_THE_OWNER = re.compile(r"{(insurance|parking|transit|accessibility)}")


@dataclass(frozen=True)
class Wording:
    """One wording of a response."""

    file: str
    response: str
    number: int
    content: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.content["text"])

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self.content.get("metadata", {}))

    @property
    def needs(self) -> set[str]:
        return set(self.metadata.get("needs", []))

    @property
    def buttons(self) -> list[dict[str, str]]:
        return list(self.content.get("buttons", []))

    @property
    def topic(self) -> str | None:
        match = re.fullmatch(r"utter_(?:faq/|more_|because_|how_long_)(\w+)", self.response)
        return match[1] if match else None

    def __str__(self) -> str:
        return f"{self.response}-{self.number}"


WORDINGS = [
    Wording(file.name, response, number, content)
    for file, response, number, content in wordings(RESPONSES)
]
BY_RESPONSE: dict[str, list[Wording]] = {}
for _wording in WORDINGS:
    BY_RESPONSE.setdefault(_wording.response, []).append(_wording)
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))

every_wording = pytest.mark.parametrize("wording", WORDINGS, ids=str)
every_response = pytest.mark.parametrize("response", sorted(BY_RESPONSE))
every_topic = pytest.mark.parametrize("topic", sorted(TOPICS))


def texts(response: str) -> Iterator[str]:
    return (wording.text for wording in BY_RESPONSE[response])


def general(response: str) -> Iterator[str]:
    """Wordings for whoever has mentioned nothing in particular."""
    return (w.text for w in BY_RESPONSE[response] if not w.metadata.get("about"))


def count_sentences(text: str) -> int:
    """Ends of sentences: a full stop or question mark, perhaps quoted, before a gap or the end."""
    whole = SENTENCES_OF_THE_OWNER.sub("A fact.", text)
    return len(re.findall(r"[.?][\"”)]?(?=\s|$)", whole))


def test_sentences_are_counted_as_a_reader_would() -> None:
    assert count_sentences("One. Two? Three, at 8 am.") == 3
    assert count_sentences('Call {clinic_phone}. Or write "delete my data".') == 2
    assert count_sentences("Parking: {parking}\nAsk at {clinic_phone}.") == 2


@every_topic
def test_a_topic_has_an_answer_in_the_file_of_its_name(topic: str) -> None:
    answers = BY_RESPONSE.get(f"utter_faq/{topic}", [])
    assert answers, f"data/responses/{topic}.yml has no utter_faq/{topic}"
    assert {answer.file for answer in answers} == {f"{topic}.yml"}
    more = BY_RESPONSE.get(f"utter_more_{topic}", [])
    assert {part.file for part in more} <= {f"{topic}.yml"}


def test_topics_are_those_with_examples() -> None:
    named = {
        match[1]
        for file in (DATA / "nlu").glob("*.yml")
        for match in re.finditer(r"intent: faq/(\w+)", file.read_text(encoding="utf-8"))
    }
    assert named == TOPICS
    answered = {wording.topic for wording in WORDINGS if wording.topic}
    assert answered == TOPICS


@pytest.mark.parametrize("topic", sorted(ASKED_OFTEN))
@pytest.mark.parametrize("known", ["sample", "nothing"])
def test_what_is_asked_often_has_two_wordings(topic: str, known: str) -> None:
    filled_in = facts.load(ROOT / "clinic.yml").known() if known == "sample" else set()
    # of wordings for something mentioned, one is enough
    answers = [w for w in BY_RESPONSE[f"utter_faq/{topic}"] if not w.metadata.get("about")]
    usable = [w for w in answers if w.needs <= filled_in]
    most = max(len(wording.needs) for wording in usable)
    assert len([wording for wording in usable if len(wording.needs) == most]) >= 2


@every_response
def test_a_response_stands_in_one_file(response: str) -> None:
    assert len({wording.file for wording in BY_RESPONSE[response]}) == 1


@pytest.mark.parametrize("file", sorted(RESPONSES.glob("*.yml")), ids=lambda file: file.name)
def test_a_response_is_written_once_in_its_file(file: Path) -> None:
    # YAML would quietly keep the last of two
    names = re.findall(r"^  (utter_[\w/]+):", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert (
        len(names) == len(set(names)) == len({w.response for w in WORDINGS if w.file == file.name})
    )


@every_response
def test_no_two_wordings_are_the_same(response: str) -> None:
    assert len(set(texts(response))) == len(BY_RESPONSE[response])


@every_wording
def test_a_wording_has_sources(wording: Wording) -> None:
    source = wording.metadata.get("source")
    assert isinstance(source, list), f"{wording}: metadata.source has to be a list"
    assert source, f"{wording} has no source"
    headings = {sentence.heading for sentence in load_article(DATA / "article.yml").sentences}
    for name in source:
        kind, _, rest = name.partition(": ")
        known = (
            name in SOURCES
            or (kind == "article" and rest in headings)
            or (kind == "clinic.yml" and facts.is_key(rest))
        )
        assert known, f"{wording}: {name!r} is no source this project knows"


@every_wording
def test_a_wording_carries_sentences_of_the_sections_it_names(wording: Wording) -> None:
    heading = {s.id: s.heading for s in load_article(DATA / "article.yml").sentences}
    for sentence in wording.metadata.get("carries", []):
        assert f"article: {heading[sentence]}" in wording.metadata["source"], (
            f'{wording} carries {sentence} and does not name "{heading[sentence]}" as a source'
        )


@pytest.mark.parametrize("wording", [w for w in WORDINGS if "utter_faq/" in w.response], ids=str)
def test_an_answer_is_short(wording: Wording) -> None:
    sentences, words = count_sentences(wording.text), len(wording.text.split())
    assert 2 <= sentences <= 4, f"{wording} has {sentences} sentences: {wording.text}"
    assert words <= MAX_WORDS, f"{wording} has {words} words: {wording.text}"


@every_wording
def test_a_text_is_tidy(wording: Wording) -> None:
    assert wording.text == wording.text.strip()
    assert "  " not in wording.text
    assert count_sentences(wording.text) <= 6


@every_wording
def test_no_forbidden_words(wording: Wording) -> None:
    shown = [wording.text, *(button["title"] for button in wording.buttons)]
    for text in shown:
        for pattern, meaning in FORBIDDEN.items():
            found = re.search(pattern, text, re.IGNORECASE)
            assert not found, f"{wording} has {meaning}: {found and found[0]!r} in {text!r}"


@every_wording
def test_buttons(wording: Wording) -> None:
    buttons = wording.buttons
    assert len(buttons) <= MANY_BUTTONS.get(wording.response, 3), f"{wording}: buttons"
    assert len({button["payload"] for button in buttons}) == len(buttons), f"{wording}: twice"
    for button in buttons:
        assert set(button) - {"needs"} == {"title", "payload"}
        assert 1 < len(button["title"]) <= MAX_TITLE, f"{wording}: {button['title']!r} is too long"
        problem = payload_problem(button["payload"], button["title"])
        assert not problem, f"{wording}: {problem}"
        assert button["payload"] != f"/faq/{wording.topic}" or wording.response.startswith(
            "utter_more_"
        ), f"{wording} offers itself"
        assert not (
            NO_BOOKING.match(wording.response) and button["payload"].startswith("/book_appointment")
        ), f"{wording}: no booking here"


def payload_problem(payload: str, title: str = "") -> str | None:
    """Says what is wrong with a button's payload, or None.

    A payload is /intent, /faq/<topic> or /intent{{entities}}, or words for the patient to say,
    which are then the words on the button.
    """
    if payload.lower() == title.lower():
        return None
    match = re.fullmatch(r"/([a-z_]+(?:/[a-z_]+)?)(?:{({.*})})?", payload)
    if not match:
        return f"{payload!r} is not of the form /intent"
    intents = set(DOMAIN["intents"]) - {"faq", "red_flag", "nlu_fallback", "no_words"}
    if match[1] not in intents | {f"faq/{topic}" for topic in TOPICS}:
        return f"{payload!r} names no intent that a button may send"
    entities = json.loads(match[2]) if match[2] else {}
    if not set(entities) <= set(DOMAIN["entities"]):
        return f"{payload!r} names an unknown entity"
    fields = {slot for form in DOMAIN["forms"].values() for slot in form["required_slots"]}
    if "field" in entities and entities["field"] not in fields:
        return f"{payload!r} names no field of a form"
    return None


def test_a_payload_that_nothing_understands_is_found() -> None:
    assert payload_problem("/faq/cost") is None
    assert payload_problem("cost") is not None
    assert payload_problem("/faq/astrology") is not None
    assert payload_problem("/red_flag") is not None
    assert payload_problem('/correct_booking{{"field":"note"}}') is None
    assert payload_problem('/correct_booking{{"field":"shoe_size"}}') is not None
    assert payload_problem('/correct_booking{"field":"note"}') is not None
    assert payload_problem("any time", "Any time") is None


SIGNS = (
    "If you have new numbness between your legs, new bladder or bowel trouble or weakness in both"
    ' legs, do not send it: press "One of these applies".'
)
# What patients have agreed to by sending, by the version that is stored with their requests: other
# words are another version.
CONSENT = {
    "2026-11-22": (
        "By sending it you agree that the clinic keeps these details to arrange your appointment."
    )
}


@pytest.mark.parametrize(
    "wording",
    [w for w in WORDINGS if re.match(r"utter_(ask|invalid)_confirm_booking", w.response)],
    ids=str,
)
def test_whenever_it_is_asked_whether_to_send_the_signs_are_named(wording: Wording) -> None:
    """In the same words, with the button to say that one of them is there."""
    assert SIGNS in wording.text
    assert "/sign_applies" in [button["payload"] for button in wording.buttons]


def test_the_version_of_the_consent_is_that_of_its_words() -> None:
    (whole,) = texts("utter_ask_confirm_booking")
    words = yaml.safe_load((DATA / "booking_words.yml").read_text(encoding="utf-8"))
    assert CONSENT[words["consent_version"]] in whole
    (agreed,) = re.findall(r"[^.\n]*\byou agree\b[^.]*\.", whole)
    assert agreed.strip() in CONSENT.values()


@every_wording
def test_variables_are_known_and_needed_where_the_owner_may_leave_them_out(
    wording: Wording,
) -> None:
    of_the_clinic = set(facts.load(ROOT / "clinic.yml").variables())
    used = set(re.findall(r"{(\w+)}", wording.text))
    of_the_clinic |= FROM_THE_MESSAGE | FROM_THE_ALARM
    given = of_the_clinic | FROM_THE_CHAT | set(DOMAIN["slots"]) | Project(ROOT).given_by_actions
    assert used <= given, f"{wording}: unknown variable"
    known = of_the_clinic | set(DOMAIN["slots"])
    assert wording.needs <= known, f"{wording}: needs something that is no fact"
    optional = (used & of_the_clinic) - ALWAYS_KNOWN
    assert optional <= wording.needs, f"{wording}: {sorted(optional - wording.needs)} not in needs"


@every_response
def test_there_is_a_wording_without_needs(response: str) -> None:
    assert any(
        not wording.needs and not wording.metadata.get("about") for wording in BY_RESPONSE[response]
    ), f"{response} says nothing when the owner has left the facts out"


@pytest.mark.parametrize("topic", ["cost", "insurance", "opening_hours", "location"])
def test_an_unknown_fact_is_said_to_be_unknown_with_a_way_to_ask(topic: str) -> None:
    for wording in BY_RESPONSE[f"utter_faq/{topic}"]:
        if not wording.needs:
            admits = re.search(r"don't (have|know)|have not been given", wording.text)
            assert admits, f"{wording} has to say that it does not know: {wording.text}"
            assert "{clinic_" in wording.text, f"{wording} does not say how to ask"


# What clinicians asked for, answer by answer.


@pytest.mark.parametrize("topic", ["symptoms", "safety_contraindications", "medical_advice"])
def test_danger_signs_are_named_in_every_general_wording(topic: str) -> None:
    for text in general(f"utter_faq/{topic}"):
        assert re.search(r"medical care at once|emergency|{emergency_number}", text), text
        assert "groin" in text, text


def test_toxins_are_never_told_as_a_fact() -> None:
    for wording in WORDINGS:
        if re.search(r"toxin|oxygen", wording.text):
            assert re.search(r"no good evidence|without good evidence", wording.text), wording
    assert all("toxin" in text for text in general("utter_faq/benefits_circulation_recovery"))


def test_nobody_promises_a_number_of_sessions() -> None:
    for text in texts("utter_faq/how_many_sessions"):
        assert not re.search(r"\d+ (sessions|visits|times)", text), text
    for text in general("utter_faq/how_many_sessions"):
        assert re.match(r"Nobody can promise|I can't give you a number", text), text


def test_medicines_are_for_the_pharmacist_or_prescriber() -> None:
    for text in texts("utter_faq/medication_question"):
        assert "pharmacist" in text
        assert "prescribed" in text


def test_the_therapist_assesses_and_does_not_diagnose() -> None:
    assert all("doctor" in text for text in texts("utter_faq/medical_advice"))
    for text in general("utter_faq/medical_advice"):
        assert "assess" in text
        assert "not\ndiagnose" in text or "not diagnose" in text
        assert "doctor" in text


@pytest.mark.parametrize(
    ("response", "first_line"),
    [
        ("utter_emergency", "lease {get_help}."),
        ("utter_overdose", "call Poison Control Canada at {poison_line}"),
        ("utter_violence", "If you are in danger now, call {emergency_number}."),
        ("utter_urgent", "see a doctor or go to urgent care today"),
        ("utter_crisis", "call or text {crisis_line} now"),
        ("utter_crisis_means", "out of"),
    ],
)
def test_an_alarm_begins_with_what_to_do(response: str, first_line: str) -> None:
    for text in texts(response):
        assert first_line in text.split("\n")[0]
        assert re.search(r"{(?:emergency_number|get_help)}", text)
        assert not re.search(r"probably|perhaps|might be", text), text
    assert not any(wording.buttons for wording in BY_RESPONSE[response])


@pytest.mark.parametrize("response", ["utter_emergency", "utter_urgent"])
def test_an_alarm_says_why_and_that_nothing_is_lost(response: str) -> None:
    for text in texts(response):
        _, why, later = text.split("\n\n")
        assert why == "{why}"
        assert later.endswith("{later}")


@pytest.mark.parametrize("whose", ["get_help", "get_help_for_other"])
def test_what_to_do_at_once_names_a_number_for_each_kind(whose: str) -> None:
    told = alarm.words()[whose]
    assert set(told) == {"medical", "ambulance", "overdose"}
    assert all("{emergency_number}" in words for words in told.values())
    assert "emergency department" not in told["ambulance"]


@pytest.mark.parametrize("response", [r for r in BY_RESPONSE if r.startswith("utter_check_")])
def test_a_check_is_one_question_with_yes_and_no(response: str) -> None:
    if response == "utter_check_cleared":
        return
    for wording in BY_RESPONSE[response]:
        assert wording.text.count("?") == 1
        assert [button["payload"] for button in wording.buttons] == ["/affirm", "/deny"]
        assert "not sure" in wording.buttons[0]["title"]


def test_a_request_is_never_called_booked_or_confirmed() -> None:
    for wording in WORDINGS:
        if wording.file in {"booking.yml", "fallback.yml"}:
            said = re.sub(r"Nothing is booked|(?:not|before it is) confirmed", "", wording.text)
            assert not re.search(r"\b(confirmed|booked)\b", said), wording
    assert all("requested" in text for text in texts("utter_booking_requested"))


def test_references_are_told() -> None:
    for response in ("utter_booking_requested", "utter_message_saved"):
        assert all("{reference}" in text for text in texts(response))


@pytest.mark.parametrize(
    "response", ["utter_booking_not_saved", "utter_message_not_saved", "utter_technical_problem"]
)
def test_a_failure_gives_the_clinics_contact(response: str) -> None:
    assert all("{clinic_phone}" in text for text in texts(response))
