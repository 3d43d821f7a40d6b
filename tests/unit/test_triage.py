"""The safety triage on the tables in tests/safety, and the table of signs itself."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from assistant.nlu import english
from assistant.nlu.sentence_encoder import SentenceEncoder
from assistant.safety import meaning, table
from assistant.safety.together import assess_together
from assistant.safety.triage import Assessment, Triage

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "safety"
CASES = ROOT / "tests" / "safety"
RANK = {None: 0, "check": 1, "urgent": 2, "emergency": 3}
HALVES = ("tuned", "untuned")


def read(name: str) -> Any:
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))


SIGNS = read("signs.yml")
LOOK_ALIKES = read("look_alikes.yml")


@pytest.fixture(scope="session")
def triage() -> Triage:
    return Triage.load(FOLDER, english.load(), SentenceEncoder().encode)


def signs_of(half: str) -> list[tuple[str, str]]:
    return [(level, text) for level, texts in SIGNS[half].items() for text in texts]


def look_alikes_of(half: str) -> list[str]:
    return [text for texts in LOOK_ALIKES[half].values() for text in texts]


def test_the_tables_are_large_and_share_no_line() -> None:
    signs = [text for half in HALVES for _, text in signs_of(half)]
    look_alikes = [text for half in HALVES for text in look_alikes_of(half)]
    assert len(signs) >= 250
    assert len(look_alikes) >= 250
    every = [text.lower() for text in signs + look_alikes]
    assert len(every) == len(set(every))


def test_no_line_of_the_tests_is_part_of_the_table_of_signs() -> None:
    wordings, _ = meaning.wordings(table.load(FOLDER))
    known = {_bare(text) for text in wordings}
    untuned = [text for _, text in signs_of("untuned")] + look_alikes_of("untuned")
    assert [text for text in untuned if _bare(text) in known and len(text.split()) > 4] == []


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


@pytest.mark.parametrize("half", HALVES)
def test_every_sign_is_found(triage: Triage, half: str) -> None:
    missed = [text for _, text in signs_of(half) if triage.assess(text).level is None]
    assert missed == []


def test_clear_signs_of_the_tuned_half_escalate_to_their_level(triage: Triage) -> None:
    weak = [
        (level, text, found)
        for level, text in signs_of("tuned")
        if RANK[found := triage.assess(text).level] < RANK[level]
    ]
    assert weak == []


def test_clear_signs_of_the_untuned_half_escalate(triage: Triage) -> None:
    clear = [text for level, text in signs_of("untuned") if level != "check"]
    weak = [text for text in clear if triage.assess(text).level == "check"]
    assert len(weak) <= 0.05 * len(clear), weak


@pytest.mark.parametrize("half", HALVES)
def test_look_alikes_rarely_alarm(triage: Triage, half: str) -> None:
    texts = look_alikes_of(half)
    levels = {text: triage.assess(text).level for text in texts}
    escalated = [text for text, level in levels.items() if level in ("urgent", "emergency")]
    asked = [text for text, level in levels.items() if level == "check"]
    assert len(escalated) <= 0.05 * len(texts), escalated
    assert len(asked) <= 0.06 * len(texts), asked


FRESH = yaml.safe_load(
    (ROOT / "tests" / "evaluation" / "fresh-2026-11.yml").read_text(encoding="utf-8")
)["questions"]


def test_a_fresh_set_written_by_others(triage: Triage) -> None:
    """Floors as measured when it was added."""
    signs = [triage.assess(one["text"]).level for one in FRESH if one["expected"] == "red_flag"]
    others = [triage.assess(one["text"]).level for one in FRESH if one["expected"] != "red_flag"]
    assert signs.count(None) == 0
    assert signs.count("check") <= 5
    assert len(others) - others.count(None) - others.count("check") <= 0.05 * len(others)
    assert others.count("check") <= 9


@pytest.mark.parametrize("name", ["strangers-2026-11", "strangers-2026-12", "unseen-2026-12"])
def test_everyday_messages_are_left_in_peace(triage: Triage, name: str) -> None:
    """Of what strangers to the table wrote without any danger in it, a few in a hundred."""
    file = ROOT / "tests" / "evaluation" / f"{name}.yml"
    texts = [one["text"] for one in yaml.safe_load(file.read_text("utf-8"))["questions"]]
    troubled = [text for text in texts if triage.assess(text).level is not None]
    assert len(troubled) <= 0.035 * len(texts), troubled


PARTS = [
    pytest.param(part, id=f"{name}-{number}")
    for name in ("texted", "unseen")
    for number, part in read(f"{name}.yml").items()
]


@pytest.mark.parametrize("part", PARTS)
def test_messages_written_before_the_triage_was_seen_with_any(
    triage: Triage, part: dict[str, Any]
) -> None:
    signs = [(level, text) for level, texts in part["signs"].items() for text in texts]
    levels = {text: triage.assess(text).level for _, text in signs}
    clear = [text for level, text in signs if level != "check"]
    asked = [text for text in clear if levels[text] == "check"]
    assert [text for text, level in levels.items() if level is None] == []
    assert len(asked) <= 0.06 * len(clear), asked
    others = {text: triage.assess(text).level for text in part["look_alikes"]}
    alarms = [text for text, level in others.items() if level in ("urgent", "emergency")]
    checks = [text for text, level in others.items() if level == "check"]
    assert len(alarms) <= 0.04 * len(others), alarms
    assert len(checks) <= 0.1 * len(others), checks


@pytest.mark.parametrize("case", read("context.yml"), ids=lambda case: case["text"])
def test_negation_time_and_subject(triage: Triage, case: dict[str, Any]) -> None:
    found = triage.assess(case["text"])
    assert found.level == case["level"]
    if case.get("net"):
        assert found.safety_net
    if "response" in case:
        assert found.response == case["response"]


@pytest.mark.parametrize(
    ("expected", "text"),
    [(kind, text) for kind, texts in read("replies.yml").items() for text in texts],
)
def test_replies_to_a_check_question(triage: Triage, expected: str, text: str) -> None:
    assert triage.assess(text).reply == (None if expected == "unclear" else expected)


def test_examples_of_the_table_hold(triage: Triage) -> None:
    """A clinician reads the examples as a promise."""
    entries = triage.table.entries
    missed = [
        (entry.id, text)
        for entry in entries
        for text in entry.examples
        if triage.assess(text).level is None
    ]
    alarmed = [
        (entry.id, text)
        for entry in entries
        for text in entry.not_a_sign
        if triage.assess(text).level in ("urgent", "emergency")
    ]
    asked = [text for text in triage.table.ordinary if triage.assess(text).level is not None]
    assert missed == []
    assert alarmed == []
    assert asked == []


def test_an_emergency_answers_with_the_emergency_response(triage: Triage) -> None:
    found = triage.assess("I can't pee since yesterday and my back hurts")
    assert found.response == "utter_emergency"
    assert found.signs[0] == "bladder_cannot_empty"
    assert found.why is not None
    assert found.why.endswith(".")
    assert found.escalates_to is None
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


def test_an_urgent_sign_answers_with_the_urgent_response(triage: Triage) -> None:
    found = triage.assess("my foot slaps on the ground since Monday")
    assert (found.level, found.response) == ("urgent", "utter_urgent")


def test_suicidal_words_answer_with_the_crisis_response(triage: Triage) -> None:
    found = triage.assess("the pain never stops and I don't want to live anymore")
    assert (found.level, found.response) == ("emergency", "utter_crisis")


@pytest.mark.parametrize(
    ("text", "response", "escalates_to"),
    [
        ("bladder problems", "utter_check_bladder", "emergency"),
        ("numb buttocks", "utter_check_saddle", "emergency"),
        ("my legs feel weak", "utter_check_legs", "emergency"),
        ("my leg feels weak", "utter_check_weakness", "urgent"),
        ("my leg is swollen", "utter_check_swelling", "urgent"),
        ("fever and my sciatica is bad", "utter_check_fever", "urgent"),
        ("slipped and fell, back hurts", "utter_check_general", "urgent"),
    ],
)
def test_an_unclear_sign_asks_its_question(
    triage: Triage, text: str, response: str, escalates_to: str
) -> None:
    found = triage.assess(text)
    assert (found.level, found.response) == ("check", response)
    assert found.escalates_to == escalates_to


def test_the_most_serious_sign_comes_first(triage: Triage) -> None:
    found = triage.assess("My calf is swollen and hot. I also lost control of my bladder.")
    assert found.level == "emergency"
    assert found.signs[0] == "bladder_no_control"
    assert "leg_clot" in found.signs


def test_a_wording_no_pattern_knows_is_caught_by_its_likeness(triage: Triage) -> None:
    found = triage.assess("underpants feel peculiar, like on another person's body")
    assert found.signs == ("resembles_saddle_numbness",)
    assert found.level in ("check", "emergency")


def test_a_likeness_with_a_no_in_it_only_asks(triage: Triage) -> None:
    found = triage.assess("underpants don't feel like mine, like on another person's body")
    assert (found.level, found.signs) == ("check", ("resembles_saddle_numbness",))


def test_words_that_may_mean_a_wish_to_die_are_asked_about_directly(triage: Triage) -> None:
    found = triage.assess("I don't think I'm meant to be alive")
    assert (found.level, found.response) == ("check", "utter_check_mood")
    assert found.escalates_with == "utter_crisis"


def test_somebody_who_does_not_wake_up_is_no_wish_to_die(triage: Triage) -> None:
    found = triage.assess("my dad collapsed in the bathroom, he won't wake up")
    assert (found.response, found.signs) == ("utter_emergency", ("collapse",))


def test_an_ordinary_message_is_nothing(triage: Triage) -> None:
    found = triage.assess("How much is an hour?")
    assert found == Assessment(None, (), None, None, None, False, None, speaks=found.speaks)


@pytest.mark.parametrize(
    "case", read("two_messages.yml"), ids=lambda case: " / ".join(case["messages"])
)
def test_a_sign_told_in_two_messages(triage: Triage, case: dict[str, Any]) -> None:
    *before, text = case["messages"]
    earlier = [(one, triage.assess(one).as_dict()) for one in before]
    alone = triage.assess(text).as_dict()
    found = assess_together(triage.assess, earlier, text, alone)
    assert found["level"] == case["level"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I can't pee and my back hurts", ["trouble passing or feeling urine"]),
        ("fever of 39 and back pain", ["fever or feeling very unwell with back pain"]),
        ("underpants feel peculiar, like on another person's body", []),
    ],
)
def test_signs_are_named_once_and_only_when_told(
    triage: Triage, text: str, names: list[str]
) -> None:
    assert list(triage.assess(text).named.values()) == names


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("my nephew drives me. I haven't been able to pee since noon", True),
        ("I need to go and nothing comes out, my daughter is with me", True),
        ("my nephew can't pee", False),
        ("I think he can't pee", False),
        ("how much is it", False),
    ],
)
def test_where_the_sign_is_told_says_whose_it_is(triage: Triage, text: str, own: bool) -> None:
    assert triage.assess(text).of_the_writer is own


def test_every_sign_has_a_name_that_fits_into_a_sentence() -> None:
    for entry in table.load(FOLDER).entries:
        assert len(entry.named.split()) <= 14, entry.id
        assert not re.search(r"\b(?:you|your|my)\b(?! life)", entry.named), entry.id


@pytest.mark.parametrize(
    "text", ["that was 3 years ago", "I'm at home", "it was a friday", "that is enough"]
)
def test_everyday_words_speak_of_no_sign(triage: Triage, text: str) -> None:
    assert not triage.assess(text).speaks


def test_a_failure_inside_asks_instead_of_raising(
    triage: Triage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: list[str]) -> Any:
        raise RuntimeError("a secret the patient typed")

    monkeypatch.setattr(triage._model, "likeness", fail)
    found = triage.assess("my leg, something harmless")
    assert (found.level, found.response) == ("check", "utter_check_general")
    assert "secret" not in caplog.text
    assert "harmless" not in caplog.text


# The table itself.


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "safety"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.npz", ".gitignore"))
    return folder


SIGN = """
signs:
  - id: test_sign
    level: urgent
    check: general
    why: This should be checked by a doctor today.
    named: a sign of the test
    source: [A guideline]
    clear: [numb with saddle]
    examples: [an example]
"""


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        ("signs: [", "file", "extra.yml"),
        ("- a list", "file", "a list"),
        ("sings: []", "key", "sings"),
        ("concepts: [a]", "concepts", "a"),
        ("concepts: {Bad Name: {words: [a]}}", "concepts", "Bad Name"),
        ("concepts: {saddle: {words: [a]}}", "concepts.saddle", "saddle"),
        ("concepts: {empty: {means: nothing}}", "concepts.empty", "nothing"),
        ("concepts: {odd: {word: [a]}}", "concepts.odd", "word"),
        ("concepts: {odd: {words: [yes]}}", "concepts.odd.words", "True"),
        ("concepts: {odd: {words: [my <leg> hurts]}}", "concepts.odd", "my <leg> hurts"),
        ("concepts: {odd: {includes: [nobody]}}", "concepts.odd.includes", "nobody"),
        ("concepts: {a: {words: [b]}, a: {words: [c]}}", "file", "a"),
        ("spellings: {numb: }", "spellings.numb", "None"),
        (SIGN.replace("urgent", "check"), "test_sign.level", "check"),
        (SIGN.replace("check: general", "check: belly"), "test_sign.check", "belly"),
        (SIGN.replace("today.", "today"), "test_sign.why", "today"),
        (SIGN.replace("of the test", "of the test."), "test_sign.named", "of the test."),
        (SIGN.replace("source: [A guideline]", ""), "test_sign.source", "None"),
        (SIGN.replace("numb with saddle", "numb with sadle"), "test_sign.clear", "sadle"),
        (SIGN.replace("numb with saddle", "numb with leg then foot"), "test_sign.clear", "then"),
        (SIGN.replace("clear: [numb with saddle]", ""), "test_sign", "test_sign"),
        (SIGN.replace("test_sign", "Test"), "id", "Test"),
        (SIGN.replace("test_sign", "both_legs"), "id", "both_legs"),
        (SIGN + "    even_if_general: maybe\n", "even_if_general", "maybe"),
        (SIGN + "    even_if_passed: soon\n", "even_if_passed", "soon"),
        (SIGN + "    response: panic\n", "response", "panic"),
        (SIGN + "    colour: red\n", "test_sign", "colour"),
        ("findings: [{id: x, clear: []}]", "findings.x.clear", "[]"),
        ("combinations: [{id: x, of: [fever, nobody]}]", "combinations.x.of", "nobody"),
        ("combinations: [{id: x, of: [fever]}]", "combinations.x.of", "fever"),
        ("signs: {id: x}", "signs", "x"),
        ("said_to_be_well: [flies then high]", "said_to_be_well", "flies"),
    ],
)
def test_a_broken_table_is_refused_by_name(copy: Path, content: str, key: str, value: str) -> None:
    (copy / "extra.yml").write_text(content, encoding="utf-8")
    with pytest.raises(table.SafetyTableError) as refused:
        table.load(copy)
    message = str(refused.value)
    assert key in message
    assert value in message


def test_a_missing_cue_is_refused(copy: Path) -> None:
    file = copy / "context.yml"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("  went_away:", "  went_off:"), encoding="utf-8")
    with pytest.raises(table.SafetyTableError, match="went_away"):
        table.load(copy)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(table.SafetyTableError, match=re.escape(str(tmp_path))):
        table.load(tmp_path)


def test_everything_in_the_table_is_used() -> None:
    """A concept or finding nobody asks for is a slip of the pen in a name."""
    loaded = table.load(FOLDER)
    patterns = [
        *(pattern for sign in loaded.signs for pattern in (*sign.clear, *sign.unclear, *sign.ask)),
        *(pattern for finding in loaded.findings for pattern in finding.clear),
        *loaded.said_to_be_well,
    ]
    used = set(table.CUES)
    for pattern in patterns:
        used.update(pattern.unless, *pattern.parts)
    for file in FOLDER.glob("*.yml"):
        for entry in (yaml.safe_load(file.read_text("utf-8")).get("concepts") or {}).values():
            used.update(entry.get("includes", []))
    assert set(loaded.concepts) - used == set()
    asked = {name for one in loaded.combinations for part in one.of for name in part}
    assert {finding.id for finding in loaded.findings} - asked == set()


def test_no_reason_names_a_diagnosis_as_certain_or_probable() -> None:
    loaded = table.load(FOLDER)
    for entry in loaded.entries:
        assert not re.search(r"\b(probably|likely|you have|!)", entry.why), entry.id
        assert entry.source
        assert entry.examples


def test_the_meaning_model_is_kept_and_refreshed(copy: Path) -> None:
    trained: list[int] = []

    def encoder(seed: int) -> Callable[[list[str]], Any]:
        def encode(texts: list[str]) -> Any:
            if len(texts) > 1:
                trained.append(len(texts))
            drawn = [
                np.random.default_rng([seed, zlib.crc32(text.encode())]).normal(size=384)
                for text in texts
            ]
            return np.array([one / np.linalg.norm(one) for one in drawn], dtype=np.float32)

        return encode

    for file in copy.glob("wordings_*.yml"):
        file.unlink()
    Triage.load(copy, english.load(), encoder(1))
    Triage.load(copy, english.load(), encoder(1))
    assert len(trained) == 1
    (copy / "ordinary.yml").write_text("ordinary: [hello there]", encoding="utf-8")
    Triage.load(copy, english.load(), encoder(1))
    assert len(trained) == 2
    (copy / ".meaning.npz").write_bytes(b"broken")
    Triage.load(copy, english.load(), encoder(1))
    assert len(trained) == 3
    Triage.load(copy, english.load(), encoder(2))
    assert len(trained) == 4, "trained anew for other sentence vectors"


@pytest.mark.parametrize(
    "reply",
    [
        *("shes new", "she's new here", "Joan Fielding", "its Ruby Demir", "604-555-0133"),
        *("is it on?", "nvm thurs", "Tremblay, Ngozi"),
    ],
)
def test_a_short_reply_without_a_word_of_the_table_resembles_nothing(
    triage: Triage, reply: str
) -> None:
    assert triage.assess(reply).level is None


def test_what_takes_two_things_is_not_told_after_one_of_them(triage: Triage) -> None:
    """Calf pain alone resembles calf pain after a journey or a birth; nobody told of either."""
    found = triage.assess("note, ache from bum to calf since lifting my toddler, then send it")
    assert found.level in (None, "check")
