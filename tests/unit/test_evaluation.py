"""The evaluation: reading question files, counting, and the page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluation import (
    LABELS,
    TOPICS,
    PredictionError,
    Question,
    QuestionFileError,
    Result,
    Share,
    evaluate,
    load_questions,
    render_text,
)
from assistant.evaluation_report import write_report

OWN_SET = Path(__file__).parents[1] / "evaluation" / "questions.yml"

WHOLE_FILE = """
version: 1
questions:
- id: q1
  text: 'Ça coûte combien ? 💆'
  source: written for this test
  origin: chat
  expected: cost
- id: q2
  text: numb down there
  source: written for this test
  origin: search
  expected: [red_flag, medical_advice]
  urgency: emergency
  tags: [ambiguous]
  note: unclear since when
"""


def line(**changes: Any) -> str:
    """A file with one question, in which keys are replaced or (None) left out."""
    entry: dict[str, Any] = {
        "id": "q1",
        "text": "how much",
        "source": "written for this test",
        "origin": "chat",
        "expected": "cost",
        **changes,
    }
    keys = "\n  ".join(f"{key}: {value}" for key, value in entry.items() if value is not None)
    return f"version: 1\nquestions:\n- {keys}\n"


def question(question_id: str, *expected: str, **changes: Any) -> Question:
    values: dict[str, Any] = {"text": f"text of {question_id}", "origin": "chat", **changes}
    return Question(id=question_id, source="test", expected=expected, **values)


def answer(asked: Question, topic: str, **changes: Any) -> dict[str, Any]:
    return {
        "text": asked.text,
        "intent": topic,
        "topic": topic,
        "confidence": 0.5,
        "alternatives": [],
        "red_flag": None,
        "topics": [topic],
        **changes,
    }


def judged(*pairs: tuple[Question, dict[str, Any]]) -> Result:
    return evaluate([asked for asked, _ in pairs], [given for _, given in pairs])


def pair(asked: Question, topic: str, **changes: Any) -> tuple[Question, dict[str, Any]]:
    return asked, answer(asked, topic, **changes)


# Reading


def test_a_whole_file_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "questions.yml"
    path.write_text(WHOLE_FILE, encoding="utf-8")

    first, second = load_questions(path)

    assert first == Question(
        id="q1",
        text="Ça coûte combien ? 💆",
        source="written for this test",
        origin="chat",
        expected=("cost",),
    )
    assert second.expected == ("red_flag", "medical_advice")
    assert (second.urgency, second.tags) == ("emergency", ("ambiguous",))
    assert second.note == "unclear since when"


def test_a_remark_under_a_key_of_ones_own_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "questions.yml"
    path.write_text(line(reviewed_by="somebody"), encoding="utf-8")

    assert load_questions(path)[0].id == "q1"


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        pytest.param("", ["is empty"], id="empty"),
        pytest.param("# only a remark\n", ["is empty"], id="only a comment"),
        pytest.param("- a\n- b\n", ["holds a list", "'questions'"], id="a list"),
        pytest.param("questions: [", ["is not YAML", "line 1"], id="not YAML"),
        pytest.param("version: 2\nquestions: []\n", ["version is 2", "allowed: 1"], id="version"),
        pytest.param("version: true\nquestions: []\n", ["version is True"], id="version true"),
        pytest.param("version: 1\n", ["questions is None"], id="no questions"),
        pytest.param("version: 1\nquestions: []\n", ["questions is []"], id="no question"),
        pytest.param("version: 1\nquestions: [hi]\n", ["question 1 is a text"], id="bare text"),
        pytest.param(line(id=None), ["question 1: id is missing"], id="no id"),
        pytest.param(line(id=7), ["question 1: id is 7", "quotes"], id="a number as id"),
        pytest.param(line(text=None), ["q1: text is missing"], id="no text"),
        pytest.param(line(text="yes"), ["q1: text is True", "quotes"], id="a truth as text"),
        pytest.param(line(text="' '"), ["q1: text is ' '"], id="blank text"),
        pytest.param(line(source=None), ["q1: source is missing"], id="no source"),
        pytest.param(line(origin="[chat]"), ["q1: origin is ['chat']"], id="origin a list"),
        pytest.param(line(expected=None), ["q1: expected is missing"], id="no label"),
        pytest.param(line(expected="[]"), ["q1: expected is empty"], id="empty labels"),
        pytest.param(
            line(expected="price"), ["q1: expected contains 'price'", "cost"], id="unknown label"
        ),
        pytest.param(
            line(expected="[cost, faq/cost]"), ["contains 'faq/cost'", "allowed"], id="one bad of 2"
        ),
        pytest.param(line(expected="{cost: 1}"), ["q1: expected is {'cost': 1}"], id="a mapping"),
        pytest.param(line(expected="[cost, cost]"), ["names a label twice"], id="label twice"),
        pytest.param(
            line(expected="red_flag", urgency="soon"),
            ["q1: urgency is 'soon'", "allowed: emergency, urgent"],
            id="unknown urgency",
        ),
        pytest.param(line(urgency="urgent"), ["does not contain red_flag"], id="urgent price"),
        pytest.param(line(tags="dvt"), ["q1: tags is 'dvt'", "list"], id="tags not a list"),
        pytest.param(line(tags="[1]"), ["q1: tags is [1]"], id="a number as tag"),
        pytest.param(line(tag="[dvt]"), ["'tag' is not a key", "'tags'"], id="misspelt key"),
        pytest.param(line(note="[a]"), ["q1: note is ['a']"], id="note a list"),
        pytest.param(line(set="[a]"), ["q1: set is ['a']"], id="set a list"),
        pytest.param(
            line() + line().split("questions:\n")[1], ["q1: id is used 2 times"], id="same id twice"
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, content: str, parts: list[str]
) -> None:
    path = tmp_path / "questions.yml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(QuestionFileError) as error:
        load_questions(path)

    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert [part for part in parts if part not in message] == []
    assert "\n" not in message


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.yml"
    path.write_bytes("version: 1 # café".encode("latin-1"))

    with pytest.raises(QuestionFileError, match="is not UTF-8"):
        load_questions(path)


def test_a_file_that_is_not_there_raises_what_open_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_questions(tmp_path / "none.yml")


# Counting


def test_a_list_is_met_by_any_of_its_labels_and_counts_under_the_first() -> None:
    result = judged(
        pair(question("a", "cost", "insurance"), "insurance"),
        pair(question("b", "cost"), "insurance"),
        pair(question("c", "location", origin="search"), "location"),
    )

    assert result.accuracy == Share(2, 3)
    assert result.by_topic == {"cost": Share(1, 2), "location": Share(1, 1)}
    assert result.by_origin == {"chat": Share(1, 2), "search": Share(1, 1)}


def test_topics_come_in_the_order_of_the_labels() -> None:
    result = judged(
        pair(question("a", "out_of_scope"), "out_of_scope"),
        pair(question("b", "what_is_sciatica"), "cost"),
        pair(question("c", "cost"), "cost"),
    )

    assert list(result.by_topic) == ["what_is_sciatica", "cost", "out_of_scope"]


@pytest.mark.parametrize(
    ("level", "met"), [("emergency", True), ("urgent", True), ("check", False), (None, False)]
)
def test_an_alarm_meets_red_flag_whatever_the_topic(level: str | None, met: bool) -> None:
    flag = question("a", "medical_advice", "red_flag")

    assert judged(pair(flag, "cost", red_flag=level)).lines[0].met is met


def test_an_alarm_does_not_meet_a_line_that_is_no_red_flag() -> None:
    assert judged(pair(question("a", "cost"), "location", red_flag="urgent")).accuracy.hits == 0


def test_a_second_answer_counts_only_in_the_figure_that_says_so() -> None:
    result = judged(
        pair(question("a", "cost"), "location", topics=["location", "cost"]),
        pair(question("b", "cost"), "location", topics=["location", "insurance"]),
    )

    assert result.accuracy == Share(0, 2)
    assert result.accuracy_any_topic == Share(1, 2)


def test_recall_is_counted_on_lines_whose_only_label_is_red_flag() -> None:
    result = judged(
        pair(question("escalated", "red_flag"), "red_flag", red_flag="emergency"),
        pair(question("asked", "red_flag"), "red_flag", red_flag="check"),
        pair(question("missed", "red_flag"), "symptoms"),
        pair(question("either", "red_flag", "symptoms"), "symptoms"),
    )

    assert result.red_flags_escalated == Share(1, 3)
    assert result.red_flags_caught == Share(2, 3)
    assert [miss.question.id for miss in result.red_flag_misses] == ["missed", "asked"]


def test_urgency_is_judged_when_escalated_and_known_and_too_low_comes_first() -> None:
    result = judged(
        pair(question("right", "red_flag", urgency="urgent"), "red_flag", red_flag="urgent"),
        pair(question("high", "red_flag", urgency="urgent"), "red_flag", red_flag="emergency"),
        pair(question("low", "red_flag", urgency="emergency"), "red_flag", red_flag="urgent"),
        pair(question("asked", "red_flag", urgency="urgent"), "red_flag", red_flag="check"),
        pair(question("unknown", "red_flag"), "red_flag", red_flag="urgent"),
        pair(question("list", "red_flag", "cost", urgency="urgent"), "cost", red_flag="emergency"),
    )

    assert result.right_urgency == Share(1, 3)
    assert [wrong.question.id for wrong in result.wrong_urgency] == ["low", "high"]


def test_false_alarms_are_counted_on_hard_negatives_that_are_not_ambiguous() -> None:
    hard, ambiguous = ("hard_negative",), ("hard_negative", "ambiguous")
    result = judged(
        pair(question("quiet", "symptoms", tags=hard), "symptoms"),
        pair(question("asked", "symptoms", tags=hard), "symptoms", red_flag="check"),
        pair(question("alarm", "symptoms", tags=hard), "red_flag", red_flag="urgent"),
        pair(question("either", "symptoms", tags=ambiguous), "red_flag", red_flag="urgent"),
        pair(question("flag", "red_flag"), "red_flag", red_flag="emergency"),
        pair(question("price", "cost"), "red_flag", red_flag="emergency"),
        pair(question("price asked", "cost"), "cost", red_flag="check"),
    )

    assert result.false_alarm_share == Share(1, 3)
    assert [alarm.question.id for alarm in result.false_alarms] == ["alarm"]
    assert result.needless_check_share == Share(1, 3)
    assert [check.question.id for check in result.needless_checks] == ["asked"]
    assert [alarm.question.id for alarm in result.alarms_elsewhere] == ["price"]


def test_out_of_scope_is_counted_both_ways() -> None:
    result = judged(
        pair(question("a", "out_of_scope"), "out_of_scope"),
        pair(question("b", "out_of_scope"), "cost"),
        pair(question("c", "out_of_scope", "cost"), "out_of_scope"),
        pair(question("d", "cost"), "out_of_scope"),
        pair(question("e", "cost"), "cost"),
    )

    assert result.out_of_scope_rejected == Share(1, 2)
    assert result.wrongly_rejected == Share(1, 2)


def test_the_worst_mistakes_are_the_surest_ten_that_are_wrong() -> None:
    wrong = [pair(question(f"w{n}", "cost"), "location", confidence=n / 20) for n in range(12)]
    right = pair(question("right", "cost"), "cost", confidence=1.0)

    worst = judged(right, *wrong).worst_mistakes

    assert [mistake.question.id for mistake in worst] == [f"w{n}" for n in range(11, 1, -1)]


def test_the_confusion_puts_a_met_line_on_the_diagonal() -> None:
    result = judged(
        pair(question("a", "cost", "insurance"), "insurance"),
        pair(question("b", "cost", "insurance"), "location"),
        pair(question("c", "symptoms", "red_flag"), "cost", red_flag="urgent"),
    )

    assert result.confusion == {
        ("insurance", "insurance"): 1,
        ("cost", "location"): 1,
        ("red_flag", "red_flag"): 1,
    }


def test_no_lines_give_no_rates() -> None:
    result = evaluate([], [])

    assert result.accuracy.rate is None
    assert result.red_flags_escalated.rate is None
    assert "Topic accuracy: none to count" in render_text(result)


def test_a_share_says_its_numbers() -> None:
    assert str(Share(1, 8)) == "1 of 8 (12.5 %)"
    assert Share(0, 4).rate == 0


# Predictions that cannot be used


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"text": "another message"}, "text is 'another message'"),
        ({"red_flag": "high"}, "red_flag is 'high'; allowed: None, check, urgent, emergency"),
        ({"topic": None}, "topic is None"),
        ({"topic": ""}, "topic is ''"),
        ({"confidence": "0.9"}, "confidence is '0.9'"),
        ({"confidence": True}, "confidence is True"),
        ({"confidence": 1.2}, "confidence is 1.2; allowed: 0 to 1"),
        ({"confidence": float("nan")}, "confidence is nan"),
    ],
)
def test_a_bad_prediction_is_refused_by_name(changes: dict[str, Any], part: str) -> None:
    asked = question("q9", "cost")

    with pytest.raises(PredictionError) as error:
        judged((asked, answer(asked, "cost") | changes))

    assert str(error.value).startswith("prediction for q9: ")
    assert part in str(error.value)


@pytest.mark.parametrize(
    "key", ["text", "intent", "topic", "confidence", "alternatives", "red_flag", "topics"]
)
def test_a_prediction_without_a_value_is_refused(key: str) -> None:
    asked = question("q9", "cost")
    given = answer(asked, "cost")
    del given[key]

    with pytest.raises(PredictionError, match=f"prediction for q9: {key} is missing"):
        evaluate([asked], [given])


def test_as_many_predictions_as_questions_are_needed() -> None:
    with pytest.raises(PredictionError, match="1 questions but 0 predictions"):
        evaluate([question("a", "cost")], [])


def test_line_breaks_lost_on_the_way_do_not_matter() -> None:
    asked = question("a", "cost", text="Hello.\nHow much? ")

    assert judged((asked, answer(asked, "cost", text="Hello. How much?"))).accuracy.hits == 1


# Printing


@pytest.fixture
def mixed() -> Result:
    """One line of everything that is listed by name."""
    return judged(
        pair(question("missed", "red_flag", text="numb <there>\n& cold"), "cost", confidence=0.9),
        pair(question("asked", "red_flag", text="can't go 😖"), "red_flag", red_flag="check"),
        pair(question("low", "red_flag", urgency="emergency"), "red_flag", red_flag="urgent"),
        pair(question("alarm", "symptoms", tags=("hard_negative",)), "red_flag", red_flag="urgent"),
        pair(question("checked", "symptoms", tags=("hard_negative",)), "cost", red_flag="check"),
        pair(question("price", "cost"), "red_flag", red_flag="emergency"),
        pair(question("joke", "out_of_scope"), "unheard_of"),
    )


def test_the_text_holds_every_figure_and_lists_every_line(mixed: Result) -> None:
    text = render_text(mixed)

    assert "Topic accuracy: 2 of 7 (28.6 %)" in text
    assert re.search(r"^ {2}red_flag +2 of 3 \(66\.7 %\)$", text, re.MULTILINE)
    assert re.search(r"^ {2}chat +2 of 7", text, re.MULTILINE)
    assert "escalated (urgent or emergency): 1 of 3 (33.3 %)" in text
    assert "caught (escalated or asked):     2 of 3 (66.7 %)" in text
    assert "right urgency when escalated:    0 of 1 (0.0 %)" in text
    assert "missed [missed -> cost] numb <there> & cold\n" in text
    assert "asked [asked only] can't go 😖\n" in text
    assert "low [emergency -> urgent] text of low" in text
    assert re.search(r"false alarms: +1 of 2 \(50\.0 %\)", text)
    assert re.search(r"checks asked: +1 of 2 \(50\.0 %\)", text)
    assert "alarm [urgent] text of alarm" in text
    assert "checked [check] text of checked" in text
    assert "price [emergency] text of price" in text
    assert re.search(r"rejected: +0 of 1 \(0\.0 %\)", text)
    assert "missed [0.90 red_flag -> cost]" in text


def test_lists_that_are_empty_are_left_out() -> None:
    text = render_text(judged(pair(question("a", "cost"), "cost")))

    assert "Not escalated" not in text
    assert "False alarms:" not in text
    assert "Worst mistakes" not in text


# The page


class _Page(HTMLParser):
    """Collects tags, the addresses they point to, and the text outside the style."""

    void = frozenset({"meta", "source", "img"})

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.addresses += [str(v) for name, v in attrs if name in {"src", "srcset", "href"}]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def test_the_page_holds_the_figures_and_points_to_the_plots_only(
    mixed: Result, tmp_path: Path
) -> None:
    path = write_report(mixed, tmp_path / "new" / "report")

    content = path.read_text(encoding="utf-8")
    page = _Page(content)
    assert path == tmp_path / "new" / "report" / "index.html"
    assert page.open == []
    assert "script" not in page.seen
    assert "url(" not in content
    assert "prefers-color-scheme: dark" in content
    assert sorted(page.addresses) == ["confusion-dark.png", "confusion.png"]
    for name in page.addresses:
        plot = (path.parent / name).read_bytes()
        assert plot.startswith(b"\x89PNG\r\n")
    assert "28.6 %" in page.text
    assert "2 of 3 (66.7 %)" in page.text
    for question_id in ("missed", "asked", "low", "alarm", "checked", "price", "joke"):
        assert re.search(rf"<th scope=\"row\">{question_id}</th>", content)
    assert "unheard_of" in page.text


def test_a_message_is_shown_in_the_page_as_typed(mixed: Result, tmp_path: Path) -> None:
    content = write_report(mixed, tmp_path).read_text(encoding="utf-8")

    assert "<there>" not in content
    assert "numb <there>\n& cold" in _Page(content).text
    assert "can't go 😖" in _Page(content).text


def test_the_two_plots_differ_and_an_old_report_is_replaced(mixed: Result, tmp_path: Path) -> None:
    write_report(evaluate([], []), tmp_path)
    empty = (tmp_path / "confusion.png").read_bytes()
    write_report(mixed, tmp_path)

    light = (tmp_path / "confusion.png").read_bytes()
    dark = (tmp_path / "confusion-dark.png").read_bytes()
    assert len({empty, light, dark}) == 3


def test_neither_rasa_nor_matplotlib_is_loaded_to_count() -> None:
    script = (
        "import sys, assistant.evaluation, assistant.evaluation_report\n"
        "print([name for name in ('rasa', 'matplotlib', 'spacy') if name in sys.modules])"
    )
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert run.stdout.strip() == "[]"


# The project's own set


@pytest.fixture(scope="module")
def own_set() -> list[Question]:
    return load_questions(OWN_SET)


def test_the_own_set_is_large_and_says_nothing_twice(own_set: list[Question]) -> None:
    texts = {" ".join(re.findall(r"[^\W_]+|[^\w\s]", q.text.lower())) for q in own_set}

    assert len(own_set) >= 420
    assert len(texts) == len(own_set)
    assert {q.source for q in own_set} == {"written for this project"}
    assert {q.origin for q in own_set} == {
        "chat",
        "search",
        "long_story",
        "dialogue_turn",
        "voice_note",
    }


def test_the_own_set_has_enough_of_each_kind(own_set: list[Question]) -> None:
    preferred = Counter(q.expected[0] for q in own_set)
    least = {
        **dict.fromkeys(TOPICS, 8),
        "out_of_scope": 50,
        "booking_request": 25,
        "reschedule_cancel": 15,
        "speak_to_human": 15,
        "greeting_thanks_goodbye": 20,
        "red_flag": 80,
    }

    assert set(least) == set(LABELS)
    assert {label: preferred[label] for label in LABELS if preferred[label] < least[label]} == {}
    assert sum(q.is_strict_red_flag for q in own_set) >= 80
    assert sum(q.is_strict_hard_negative for q in own_set) >= 80


def test_every_kind_of_red_flag_is_in_the_own_set(own_set: list[Question]) -> None:
    tags = {tag for q in own_set if q.is_strict_red_flag for tag in q.tags}
    kinds = (
        "saddle bladder bowel sexual both_legs weakness foot_drop trauma chest_pain dvt breathless "
        "stroke collapse suicide fever weight_loss night_pain lump cancer immune bones"
    )
    manners = "third_party typo fragment euphemism with_booking minimising long"

    assert set(f"{kinds} {manners}".split()) - tags == set()


def test_the_own_sets_labels_agree_with_its_tags(own_set: list[Question]) -> None:
    for q in own_set:
        assert (q.urgency is not None) == ("red_flag" in q.expected), q.id
        if "ambiguous" in q.tags:
            assert len(q.expected) > 1, q.id
            assert "red_flag" in q.expected, q.id
        if q.is_strict_hard_negative:
            assert "red_flag" not in q.expected, q.id
