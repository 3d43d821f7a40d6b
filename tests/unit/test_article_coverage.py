"""docs/article-coverage.md: every sentence of the article is told or left out for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assistant import article_coverage as coverage
from assistant.article_coverage import ARTICLE, PAGE, RESPONSES, CoverageError

ARTICLE_DATA = {
    "title": "Backs",
    "author": {"name": "A Writer", "role": "Therapist"},
    "sections": [
        {
            "heading": "One",
            "sentences": [
                {"id": "a01", "text": "Backs are lung.", "typos": {"lung": "long"}},
                {"id": "a02", "text": "Read on.", "left_out": "Says nothing."},
            ],
        }
    ],
}


def answers(*carries: str) -> dict[str, object]:
    wording = {"text": "Backs are long.", "metadata": {"source": ["x"], "carries": list(carries)}}
    return {"version": "3.1", "responses": {"utter_faq/backs": [wording]}}


@pytest.fixture
def render(tmp_path: Path):
    def _render(article: object, responses: object) -> str:
        article_path, responses_dir = tmp_path / "article.yml", tmp_path / "responses"
        responses_dir.mkdir()
        article_path.write_text(yaml.safe_dump(article), encoding="utf-8")
        (responses_dir / "backs.yml").write_text(yaml.safe_dump(responses), encoding="utf-8")
        return coverage.render(article_path, responses_dir)

    return _render


def test_every_sentence_is_told_or_left_out_and_the_page_says_where() -> None:
    rendered = coverage.render(ARTICLE, RESPONSES)
    assert PAGE.read_text(encoding="utf-8") == rendered, (
        "docs/article-coverage.md is out of date: run python -m assistant.article_coverage"
    )


def test_the_article_is_whole() -> None:
    article = coverage.load_article(ARTICLE)
    assert (article.title, article.author, article.role) == (
        "Massage Therapy for Sciatica Pain Relief",
        "Natalie Yeo, RMT",
        "Massage Therapist",
    )
    # 4 in the introduction, 7 and 5 under the two questions, 4 in the profile
    headings = [sentence.heading for sentence in article.sentences]
    assert [headings.count(heading) for heading in dict.fromkeys(headings)] == [4, 7, 5, 4]
    assert [s.id for s in article.sentences] == [f"a{n:02}" for n in range(1, 21)]
    assert all(sentence.text.endswith(".") for sentence in article.sentences)


def test_typos_are_noted_and_corrected_where_shown() -> None:
    article = coverage.load_article(ARTICLE)
    published = " ".join(sentence.text for sentence in article.sentences)
    shown = " ".join(sentence.corrected for sentence in article.sentences)
    assert "Myofasical" in published
    assert "a verity of" in published
    assert "myofascial" in shown
    assert "a variety of" in shown


def test_a_page_names_the_answers_and_the_reasons(render) -> None:
    page = render(ARTICLE_DATA, answers("a01"))
    assert '| a01 | Backs are long. | `utter_faq/backs` (1) | Published as "lung". |' in page
    assert "| a02 | Read on. | nowhere | Left out: Says nothing. |" in page
    assert "2 sentences, 1 told in answers, 1 left out on purpose" in page


def test_a_sentence_with_neither_answer_nor_reason_is_refused(render) -> None:
    with pytest.raises(CoverageError, match="a01 is carried by no answer"):
        render(ARTICLE_DATA, answers())


def test_an_unknown_id_is_refused(render) -> None:
    with pytest.raises(CoverageError, match="utter_faq/backs carries a99"):
        render(ARTICLE_DATA, answers("a01", "a99"))


def test_left_out_and_told_is_refused(render) -> None:
    with pytest.raises(CoverageError, match="a02 is left out, and utter_faq/backs carries it"):
        render(ARTICLE_DATA, answers("a01", "a02"))


def test_an_id_that_stands_twice_is_refused(render) -> None:
    section = ARTICLE_DATA["sections"][0]
    twice = {**ARTICLE_DATA, "sections": [section, {**section, "heading": "Two"}]}
    with pytest.raises(CoverageError, match="the id a01 stands twice"):
        render(twice, answers("a01"))


def test_a_typo_that_is_not_there_is_refused(render) -> None:
    sentence = {"id": "a01", "text": "Backs are long.", "typos": {"lung": "long"}}
    article = {**ARTICLE_DATA, "sections": [{"heading": "One", "sentences": [sentence]}]}
    with pytest.raises(CoverageError, match="its text does not have it"):
        render(article, answers("a01"))
