"""The checker finds nothing in the project as it is, and finds each mistake made on purpose."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from assistant import cli
from assistant.data_checker import check_project
from assistant.project import ROOT
from clinic.text import fold

LOOKED_AT = ("data", "actions", "assistant", "clinic", "tests/nlu", "tests/safety")
FILES = ("domain.yml", "clinic.yml", ".env.example", "tests/evaluation/questions.yml")


def copy_project(to: Path) -> Path:
    """What the checker reads, to be changed at will."""
    for folder in LOOKED_AT:
        shutil.copytree(
            ROOT / folder,
            to / folder,
            ignore=shutil.ignore_patterns("__pycache__", "minilm", ".meaning*"),
        )
    for file in FILES:
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, to / file)
    return to


@lru_cache(maxsize=1)
def before() -> list[str]:
    """The problems of the project itself; the first test says that there are none."""
    return check_project()


class Copy:
    """A copy of the project, and ways to damage it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        self.write(path, (self.root / path).read_text(encoding="utf-8") + text)

    def delete(self, path: str) -> None:
        (self.root / path).unlink()

    def rename(self, path: str, new: str) -> None:
        (self.root / path).rename(self.root / new)

    def replace(self, path: str, pattern: str, new: str, count: int = 1) -> None:
        """Replaces the first match of a pattern; there has to be one."""
        text = (self.root / path).read_text(encoding="utf-8")
        changed, found = re.subn(pattern, new, text, count=count, flags=re.MULTILINE)
        assert found, f"{path} has no {pattern}"
        self.write(path, changed)

    def examples(self, path: str) -> list[str]:
        text = (self.root / path).read_text(encoding="utf-8")
        return re.findall(r"^    - (.+)$", text, flags=re.MULTILINE)

    def response(self, name: str, file: str = "added.yml", **wording: object) -> None:
        """Adds a response with one sound wording, changed as told, that code names."""
        sound = {"text": "Words.", "metadata": {"source": ["dialogue"]}, **wording}
        content = {"version": "3.1", "responses": {name: [sound]}}
        self.write(f"data/responses/{file}", yaml.safe_dump(content))
        self.append("assistant/labels.py", f'\nADDED = "{name}"\n')

    def button(self, payload: str) -> None:
        self.response("utter_added", buttons=[{"title": "Press", "payload": payload}])

    def new_problems(self) -> list[str]:
        """What the checker says of the copy and does not say of the project."""
        return [problem for problem in check_project(self.root) if problem not in before()]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(copy_project(tmp_path))


def test_the_project_is_in_order() -> None:
    assert check_project() == []


def test_a_copy_is_in_order(copy: Copy) -> None:
    assert copy.new_problems() == []


def test_an_addition_that_is_sound_is_taken(copy: Copy) -> None:
    copy.response("utter_added", buttons=[{"title": "Prices", "payload": "/faq/cost"}])
    assert copy.new_problems() == []


Breakage = Callable[[Copy], None]
BREAKAGES: list[tuple[str, Breakage, str]] = []


def breaks(expected: str) -> Callable[[Breakage], Breakage]:
    """A function that damages the copy, and what the checker has to say then."""

    def register(breakage: Breakage) -> Breakage:
        BREAKAGES.append((breakage.__name__, breakage, expected))
        return breakage

    return register


# examples


@breaks(r"domain.yml: goodbye has no examples. Write data/nlu/goodbye.yml")
def intent_without_a_file(copy: Copy) -> None:
    copy.delete("data/nlu/goodbye.yml")


@breaks(r"data/nlu/goodbye.yml: goodbye has no examples")
def intent_without_examples(copy: Copy) -> None:
    copy.replace("data/nlu/goodbye.yml", r"^    - .+\n", "", count=0)


@breaks(r"data/nlu/astrology.yml: domain.yml has no intent astrology")
def intent_that_the_domain_does_not_have(copy: Copy) -> None:
    copy.write(
        "data/nlu/astrology.yml",
        'version: "3.1"\nnlu:\n- intent: astrology\n  examples: |\n    - read the stars for me\n',
    )


@breaks(r"data/nlu/red_flag.yml: red_flag is never learnt from examples")
def examples_of_a_red_flag(copy: Copy) -> None:
    copy.write(
        "data/nlu/red_flag.yml",
        'version: "3.1"\nnlu:\n- intent: red_flag\n  examples: |\n    - numb all over the place\n',
    )


@breaks(r"data/nlu/cost.yml: faq/cost has 29 examples. A topic needs at least 30")
def topic_with_too_few_examples(copy: Copy) -> None:
    kept = "".join(f"    - {text}\n" for text in copy.examples("data/nlu/cost.yml")[:29])
    copy.write(
        "data/nlu/cost.yml",
        f'version: "3.1"\nnlu:\n- intent: faq/cost\n  examples: |\n{kept}',
    )


@breaks(r"out_of_scope, greet, thank, goodbye have \d+ examples together")
def too_little_small_talk(copy: Copy) -> None:
    for intent in ("out_of_scope", "greet", "thank", "goodbye"):
        kept = "".join(f"    - {text}\n" for text in copy.examples(f"data/nlu/{intent}.yml")[:9])
        copy.write(
            f"data/nlu/{intent}.yml",
            f'version: "3.1"\nnlu:\n- intent: {intent}\n  examples: |\n{kept}',
        )


@breaks(r"data/nlu/cost.yml: '.+' stands in data/nlu/cost.yml twice")
def example_twice_in_a_file(copy: Copy) -> None:
    first = copy.examples("data/nlu/cost.yml")[0]
    copy.append("data/nlu/cost.yml", f"    - {first.upper()}?!\n")


@breaks(r"data/nlu/insurance.yml: '.+' stands in data/nlu/cost.yml too")
def example_in_two_files(copy: Copy) -> None:
    first = copy.examples("data/nlu/cost.yml")[0]
    copy.append("data/nlu/insurance.yml", f"    - {first.title()}.\n")


@breaks(r"data/nlu/cost.yml: '\?!' has no letters or digits")
def example_without_words(copy: Copy) -> None:
    copy.append("data/nlu/cost.yml", "    - ?!\n")


# tests


@breaks(r"tests/nlu/stop.yml: stop is tested by 0 messages. At least 5")
def intent_without_tests(copy: Copy) -> None:
    copy.delete("tests/nlu/stop.yml")


@breaks(r"tests/nlu/stop.yml: stop is tested by 2 messages. At least 5")
def intent_with_two_tests(copy: Copy) -> None:
    copy.write("tests/nlu/stop.yml", "intent: stop\nmessages: [no more of it, stop all that]\n")


@breaks(r"tests/nlu/cost.yml: faq/cost is tested by 0 messages. At least 5")
def topic_that_no_question_asks_for(copy: Copy) -> None:
    copy.replace("tests/evaluation/questions.yml", r"expected: cost$", "expected: insurance", 0)
    copy.replace("tests/evaluation/questions.yml", r"^  - cost$", "  - insurance", 0)


@breaks(r"tests/nlu/greet.yml: greet is tested by 0 messages")
def intent_whose_label_others_share(copy: Copy) -> None:
    copy.delete("tests/nlu/greet.yml")


@breaks(r"tests/evaluation/questions.yml: '.+' is also an example in data/nlu/cost.yml")
def question_that_was_taught(copy: Copy) -> None:
    text = copy.examples("data/nlu/cost.yml")[0]
    copy.replace("tests/evaluation/questions.yml", r"^  text: .+", f'  text: "{text.upper()}!"')


@breaks(r"questions.yml: '.+' is also an example in data/safety/ordinary.yml")
def question_that_the_triage_was_taught(copy: Copy) -> None:
    copy.append("data/safety/ordinary.yml", "  - a sentence nobody else would write\n")
    copy.replace(
        "tests/evaluation/questions.yml",
        r"^  text: .+",
        "  text: A sentence nobody else would write.",
    )


@breaks(r"tests/safety/signs.yml: '.+' is also an example in data/nlu/symptoms.yml")
def safety_message_that_was_taught(copy: Copy) -> None:
    text = copy.examples("data/nlu/symptoms.yml")[0]
    copy.append("tests/safety/signs.yml", f"added: [{{text: '{text}'}}]\n")


@breaks(r"tests/nlu/stop.yml: '.+' is also an example in data/nlu/stop.yml")
def test_message_that_was_taught(copy: Copy) -> None:
    copy.append("tests/nlu/stop.yml", f"- '{copy.examples('data/nlu/stop.yml')[0]}'\n")


@breaks(r"tests/nlu/thank.yml: 'Abort the whole thing' stands in tests/nlu/stop.yml too")
def test_message_twice(copy: Copy) -> None:
    copy.append("tests/nlu/thank.yml", "- Abort the whole thing\n")


# names of files


@breaks(r"data/nlu/prices.yml is about faq/cost. Its place is data/nlu/cost.yml")
def examples_in_a_file_of_another_name(copy: Copy) -> None:
    copy.rename("data/nlu/cost.yml", "data/nlu/prices.yml")


@breaks(r"data/nlu/cost.yml has 2 intents. Write one intent a file")
def two_intents_in_a_file(copy: Copy) -> None:
    copy.append("data/nlu/cost.yml", "- intent: greet\n  examples: |\n    - a long hello\n")


@breaks(r"tests/nlu/halt.yml is about stop. Its place is tests/nlu/stop.yml")
def tests_in_a_file_of_another_name(copy: Copy) -> None:
    copy.rename("tests/nlu/stop.yml", "tests/nlu/halt.yml")


@breaks(r"tests/nlu/astrology.yml tests astrology, which no file in data/nlu teaches")
def tests_of_nothing(copy: Copy) -> None:
    copy.write("tests/nlu/astrology.yml", "intent: astrology\nmessages: [read my stars]\n")


@breaks(r"data/responses/prices.yml: the place of utter_faq/cost is data/responses/cost.yml")
def answer_in_a_file_of_another_name(copy: Copy) -> None:
    copy.rename("data/responses/cost.yml", "data/responses/prices.yml")


@breaks(r"data/responses/fallback.yml: utter_help stands in data/responses/added.yml too")
def response_in_two_files(copy: Copy) -> None:
    copy.replace("data/responses/greeting.yml", r"^  utter_help:", "  utter_thanks:")
    copy.response("utter_help")
    copy.append(
        "data/responses/fallback.yml",
        "\n  utter_help:\n  - text: Help.\n    metadata: {source: [dialogue]}\n",
    )


# wordings


@breaks(r"added.yml: utter_added, wording 1 has no source")
def wording_without_a_source(copy: Copy) -> None:
    copy.response("utter_added", metadata={})


@breaks(r"added.yml: utter_added, wording 1 has no source")
def source_that_is_no_list(copy: Copy) -> None:
    copy.response("utter_added", metadata={"source": "dialogue"})


@pytest.mark.parametrize(
    "source",
    ["guideline: my neighbour", "article: No Such Heading", "clinic.yml: shoe_size", "rumour"],
)
def test_an_unknown_source_is_found(copy: Copy, source: str) -> None:
    copy.response("utter_added", metadata={"source": [source]})
    (problem,) = copy.new_problems()
    assert f"utter_added, wording 1 has the source {source!r}" in problem


@breaks(r"added.yml: utter_added, wording 1 has the variable {clinic_fax}, which nothing fills")
def variable_that_nothing_fills(copy: Copy) -> None:
    copy.response("utter_added", text="Send a fax to {clinic_fax}.")


@breaks(r"utter_added, wording 1 has the variable {fax}")
def variable_in_a_button(copy: Copy) -> None:
    copy.response("utter_added", buttons=[{"title": "Fax {fax}", "payload": "/help"}])


@breaks(r"added.yml: utter_added, wording 1 needs 'clinic_fax'. Allowed: .*clinic_phone")
def need_that_is_no_fact(copy: Copy) -> None:
    copy.response("utter_added", metadata={"source": ["dialogue"], "needs": ["clinic_fax"]})


@breaks(r"added.yml: utter_added has no wording without needs")
def needs_without_a_fallback(copy: Copy) -> None:
    copy.response("utter_added", metadata={"source": ["dialogue"], "needs": ["prices"]})


@breaks(r"added.yml: utter_added has no wording without needs")
def about_something_without_a_fallback(copy: Copy) -> None:
    copy.response("utter_added", metadata={"source": ["dialogue"], "about": "pregnancy"})


@breaks(r"added.yml: utter_added, wording 1 is about 'astrology'. Allowed: the keys of data/ment")
def about_something_unknown(copy: Copy) -> None:
    copy.response("utter_added", metadata={"source": ["dialogue"], "about": "astrology"})


@breaks(r"data/mentions.yml: the words of parking cannot be read: ")
def mention_that_cannot_be_read(copy: Copy) -> None:
    copy.replace("data/mentions.yml", r'words: \["park", "garage"\]', 'words: ["park("]')


@breaks(r"data/mentions.yml: parking has no name")
def mention_without_a_name(copy: Copy) -> None:
    copy.replace("data/mentions.yml", r"named: parking$", "named:")


@breaks(r"data/follow_ups.yml: entry 1 follows astrology, which is no topic")
def follow_up_of_no_topic(copy: Copy) -> None:
    copy.replace("data/follow_ups.yml", r"^- after: \[cost\]", "- after: [astrology]")


@breaks(r"data/follow_ups.yml: the words of entry \d+ cannot be read: ")
def follow_up_that_cannot_be_read(copy: Copy) -> None:
    copy.append("data/follow_ups.yml", "- words: '<lead>(which'\n  says: utter_how_common\n")


@breaks(r"data/follow_ups.yml says utter_added, which is in no file of data/responses")
def follow_up_without_a_response(copy: Copy) -> None:
    copy.append("data/follow_ups.yml", "- words: which\n  says: utter_added\n")


@breaks(r"data/texting.yml: pair 1 of the shorthand cannot be read: ")
def shorthand_that_cannot_be_read(copy: Copy) -> None:
    copy.replace("data/texting.yml", r"- \['\(able", "- ['((able")


@breaks(r"added.yml: utter_added has a wording without text")
def wording_without_text(copy: Copy) -> None:
    copy.response("utter_added", text=" ")


# buttons


@pytest.mark.parametrize(
    "payload",
    [
        "/astrology",
        "/faq/astrology",
        "/faq",
        "/greet/cost",
        "/red_flag",
        "/nlu_fallback",
        "/no_words",
        "/book appointment",
        '/correct_booking{"field":"note"}',
        "/correct_booking{{field}}",
        '/correct_booking{{"shoe":"note"}}',
        '/correct_booking{{"field":"shoe_size"}}',
        "",
    ],
)
def test_a_button_that_nothing_understands_is_found(copy: Copy, payload: str) -> None:
    copy.button(payload)
    (problem,) = copy.new_problems()
    assert "added.yml: utter_added, wording 1: the button 'Press' sends" in problem


@pytest.mark.parametrize(
    "payload",
    ["/help", "/faq/cost", '/correct_booking{{"field":"note"}}', "as soon as possible"],
)
def test_a_button_that_is_understood_is_taken(copy: Copy, payload: str) -> None:
    copy.button(payload)
    assert copy.new_problems() == []


# names that one file gives and another uses


@breaks(r"data/responses/cost.yml: utter_faq/cost is missing")
def topic_without_an_answer(copy: Copy) -> None:
    copy.delete("data/responses/cost.yml")


@breaks(r"domain.yml: nothing answers greet. Write a rule in data/rules")
def intent_without_an_answer(copy: Copy) -> None:
    copy.replace("data/rules/answers.yml", r"- intent: greet$", "- intent: thank")


@breaks(r"data/rules/answers.yml: domain.yml has no intent astrology")
def rule_for_an_unknown_intent(copy: Copy) -> None:
    copy.replace("data/rules/answers.yml", r"- intent: greet$", "- intent: astrology")


@breaks(r"data/rules/answers.yml says utter_stars, which is in no file of data/responses")
def rule_with_an_unknown_response(copy: Copy) -> None:
    copy.replace("data/rules/answers.yml", r"- action: utter_greet$", "- action: utter_stars")


@breaks(r"data/rules/answers.yml: domain.yml has no action or form action_read_stars")
def rule_with_an_unknown_action(copy: Copy) -> None:
    copy.replace("data/rules/answers.yml", r"- action: utter_greet$", "- action: action_read_stars")


@breaks(r"assistant/labels.py says utter_stars, which is in no file of data/responses")
def code_with_an_unknown_response(copy: Copy) -> None:
    copy.append("assistant/labels.py", '\nSTARS = "utter_stars"\n')


@breaks(r"actions/reading.py says utter_invalid_stars, which is in no file")
def problem_with_an_answer_that_has_no_wording(copy: Copy) -> None:
    copy.append("actions/reading.py", '\nSTARS = Reading(problem="invalid_stars")\n')


@pytest.mark.parametrize(
    ("file", "response"),
    [
        ("booking", "utter_ask_preferred_time"),
        ("booking", "utter_invalid_confirm_booking"),
        ("booking", "utter_ask_which_field"),
        ("forms", "utter_invalid_patient_contact_email_not_valid"),
        ("safety", "utter_check_fever"),
        ("safety", "utter_urgent"),
        ("safety", "utter_crisis"),
        ("feedback", "utter_feedback_thanks_down"),
        ("fallback", "utter_not_understood_3"),
    ],
)
def test_a_response_that_code_composes_is_missed(copy: Copy, file: str, response: str) -> None:
    copy.replace(f"data/responses/{file}.yml", rf"^  {response}:", "  utter_elsewhere:")
    problems = copy.new_problems()
    assert any(f"says {response}, which is in no file" in problem for problem in problems)


@breaks(r"added.yml: nothing says utter_spare. Delete it, or use it")
def response_that_nothing_says(copy: Copy) -> None:
    copy.response("utter_spare")
    copy.replace("assistant/labels.py", r'^ADDED = "utter_spare"$', "")


@breaks(r"added.yml: nothing says utter_ask_shoe_size_stuck")
def stuck_wording_of_no_slot(copy: Copy) -> None:
    copy.response("utter_ask_shoe_size_stuck")
    copy.replace("assistant/labels.py", r"^ADDED = .+$", "")


@breaks(r"data/titles.yml: faq/astrology is neither a topic nor an intent")
def title_of_no_topic(copy: Copy) -> None:
    copy.replace("data/titles.yml", r"^  faq/cost:", "  faq/astrology: Stars\n  faq/cost:")


@breaks(r"data/titles.yml: faq/cost has no title, so it is never offered")
def topic_without_a_title(copy: Copy) -> None:
    copy.replace("data/titles.yml", r"^  faq/cost:.+\n", "")


@breaks(r"data/titles.yml: the popular faq/stars has no title under topics")
def popular_topic_without_a_title(copy: Copy) -> None:
    copy.replace("data/titles.yml", r"^popular: \[", "popular: [faq/stars, ")


@breaks(r"data/fields.yml: no form of domain.yml has a slot shoe_size")
def field_that_is_no_slot(copy: Copy) -> None:
    copy.append("data/fields.yml", "  shoe_size: [shoe]\n")


@breaks(r"data/fields.yml: note has '\(', which is no regular expression")
def field_with_a_broken_expression(copy: Copy) -> None:
    copy.replace("data/fields.yml", r"^  note: \[", "  note: ['(', ")


@breaks(r"domain.yml: nothing uses the slot shoe_size")
def slot_that_nothing_uses(copy: Copy) -> None:
    copy.replace("domain.yml", r"^slots:\n", "slots:\n  shoe_size:\n    type: text\n")


@breaks(r"domain.yml: nothing reads the entity shoe_size")
def entity_that_nothing_reads(copy: Copy) -> None:
    copy.replace("domain.yml", r"^entities:\n", "entities:\n- shoe_size\n")


@breaks(r"domain.yml: delete_form asks for shoe_size, which is no slot")
def form_that_asks_for_no_slot(copy: Copy) -> None:
    copy.append("data/responses/forms.yml", "\n  utter_ask_shoe_size:\n  - text: Which size?\n"
                "    metadata: {source: [dialogue]}\n")  # fmt: skip
    copy.replace("domain.yml", r"^    - confirm_delete$", "    - confirm_delete\n    - shoe_size")


@breaks(r"domain.yml: no rule in data/rules starts delete_form")
def form_that_nothing_starts(copy: Copy) -> None:
    copy.replace("data/rules/forms.yml", r"- action: delete_form$", "- action: message_form", 0)


@breaks(r"domain.yml: no class in actions/ is called action_read_stars")
def action_without_a_class(copy: Copy) -> None:
    copy.replace("domain.yml", r"^actions:\n", "actions:\n- action_read_stars\n")


@breaks(r"domain.yml: nothing calls action_read_stars")
def action_that_nothing_calls(copy: Copy) -> None:
    copy.replace("domain.yml", r"^actions:\n", "actions:\n- action_read_stars\n")
    copy.append("actions/reading.py", '\nNAME = "action_read_stars"\n')


@breaks(r"domain.yml: action_read_stars is missing under actions")
def action_that_the_domain_does_not_have(copy: Copy) -> None:
    copy.append("assistant/policies/turn.py", '\nNAME = "action_read_stars"\n')


@breaks(r"assistant/labels.py reads CLINIC_STARS, which .env.example does not explain")
def setting_without_an_explanation(copy: Copy) -> None:
    copy.append("assistant/labels.py", '\nSETTING = "CLINIC_STARS"\n')


# files that cannot be read


@breaks(r"data/responses/cost.yml, line \d+ is not YAML")
def responses_that_are_not_yaml(copy: Copy) -> None:
    copy.append("data/responses/cost.yml", "\n  utter: [\n")


@breaks(r"data/responses/cost.yml has no mapping under responses")
def responses_of_another_shape(copy: Copy) -> None:
    copy.write("data/responses/cost.yml", "- utter_faq/cost\n")


@breaks(r"data/nlu/cost.yml has no list under nlu")
def examples_of_another_shape(copy: Copy) -> None:
    copy.write("data/nlu/cost.yml", "- much\n")


@breaks(r"tests/nlu/stop.yml has to have an intent and a list of messages")
def tests_of_another_shape(copy: Copy) -> None:
    copy.write("tests/nlu/stop.yml", "- stop\n")


@breaks(r"data/titles.yml cannot be read")
def file_that_is_missing(copy: Copy) -> None:
    copy.delete("data/titles.yml")


@breaks(r"data/safety/signs_crisis.yml: findings.farewell: .even_if_passed.: unknown key")
def sign_with_an_unknown_key(copy: Copy) -> None:
    copy.replace("data/safety/signs_crisis.yml", r"even_if_past", "even_if_passed")


@breaks(r'clinic.yml line \d+: .*"XX"')
def clinic_file_that_is_wrong(copy: Copy) -> None:
    copy.replace("clinic.yml", r"^province: ON$", "province: XX")


@pytest.mark.parametrize(
    ("breakage", "expected"),
    [pytest.param(breakage, expected, id=name) for name, breakage, expected in BREAKAGES],
)
def test_a_mistake_is_found(copy: Copy, breakage: Breakage, expected: str) -> None:
    breakage(copy)
    problems = copy.new_problems()
    assert any(re.search(expected, problem) for problem in problems), problems
    assert len(problems) == len(set(problems))


def test_the_command_prints_problems_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("logging.disable", lambda level: None)
    monkeypatch.setattr("assistant.data_checker.check_project", lambda: ["a.yml: a problem."])
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().out == "a.yml: a problem.\n1 problem\n"
    monkeypatch.setattr("assistant.data_checker.check_project", lambda: [])
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out == "The data are in order.\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's DVT?", "whats dvt"),
        ("cost", "COST!!"),
        ("e-mail", "e mail"),
        ("français", "FRANÇAIS"),
        ("it\u2019s me", "its me"),
    ],
)
def test_case_and_punctuation_make_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_accents_and_words_make_a_difference() -> None:
    assert fold("a cost") != fold("cost")
    assert fold("?!") == ""
