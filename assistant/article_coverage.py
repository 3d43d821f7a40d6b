"""Where each sentence of the article is answered: makes docs/article-coverage.md.

Reads data/article.yml (the sentences) and ``metadata: carries`` of the wordings in
data/responses/. ``python -m assistant.article_coverage`` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistant.project import DATA, ROOT

ARTICLE = DATA / "article.yml"
RESPONSES = DATA / "responses"
PAGE = ROOT / "docs" / "article-coverage.md"

INTRODUCTION = """\
# Where each sentence of the article is answered

Made by `python -m assistant.article_coverage` from `data/article.yml` and `data/responses/`; do not
edit this page. A wording carries a sentence when it names the sentence under `metadata: carries`.
"""


class CoverageError(ValueError):
    """Article and responses do not fit together. ``problems`` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Sentence:
    """A sentence of the article.

    ``text`` is as published, ``typos`` maps misspelt words to their spelling. ``wording``
    says why answers word it more carefully, ``left_out`` why none carries it.
    """

    id: str
    heading: str
    text: str
    typos: tuple[tuple[str, str], ...] = ()
    wording: str | None = None
    left_out: str | None = None

    @property
    def corrected(self) -> str:
        """The text without its spelling mistakes."""
        text = self.text
        for wrong, right in self.typos:
            text = text.replace(wrong, right)
        return text


@dataclass(frozen=True)
class Article:
    """The article: title, author and sentences in the order published."""

    title: str
    author: str
    role: str
    sentences: tuple[Sentence, ...]


def load_article(path: Path) -> Article:
    """Reads the article; raises ``CoverageError`` when an id stands twice."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    sentences = tuple(
        Sentence(
            id=entry["id"],
            heading=section["heading"],
            text=entry["text"],
            typos=tuple(entry.get("typos", {}).items()),
            wording=entry.get("wording"),
            left_out=entry.get("left_out"),
        )
        for section in data["sections"]
        for entry in section["sentences"]
    )
    ids = [sentence.id for sentence in sentences]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise CoverageError([f"{path.name}: the id {name} stands twice." for name in twice])
    return Article(data["title"], data["author"]["name"], data["author"]["role"], sentences)


def wordings(responses_dir: Path) -> Iterator[tuple[Path, str, int, dict[str, Any]]]:
    """Yields (file, response, number of the wording from 1, wording), files by name."""
    for file in sorted(responses_dir.glob("*.yml")):
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        for response, entries in data["responses"].items():
            for number, entry in enumerate(entries, 1):
                yield file, response, number, entry


def carriers(responses_dir: Path) -> dict[str, dict[str, list[int]]]:
    """Maps each sentence id to the responses that carry it and the numbers of their wordings."""
    found: dict[str, dict[str, list[int]]] = {}
    for _, response, number, entry in wordings(responses_dir):
        for sentence in entry.get("metadata", {}).get("carries", []):
            found.setdefault(sentence, {}).setdefault(response, []).append(number)
    return found


def problems(article: Article, carried: dict[str, dict[str, list[int]]]) -> list[str]:
    """Says, one sentence each, what does not fit together."""
    known = {sentence.id for sentence in article.sentences}
    found = [
        f"{response} carries {name}, and the article has no sentence {name}."
        for name, responses in sorted(carried.items())
        if name not in known
        for response in responses
    ]
    for sentence in article.sentences:
        if sentence.id not in carried and not sentence.left_out:
            found.append(f"{sentence.id} is carried by no answer and not left out with a reason.")
        if sentence.id in carried and sentence.left_out:
            by = ", ".join(carried[sentence.id])
            found.append(f"{sentence.id} is left out, and {by} carries it.")
        found += [
            f'{sentence.id} names the typo "{wrong}", and its text does not have it.'
            for wrong, _ in sentence.typos
            if wrong not in sentence.text
        ]
    return found


def render(article_path: Path, responses_dir: Path) -> str:
    """Returns the page; raises ``CoverageError`` when a sentence is neither told nor left out."""
    article = load_article(article_path)
    carried = carriers(responses_dir)
    wrong = problems(article, carried)
    if wrong:
        raise CoverageError(wrong)
    told = sum(sentence.id in carried for sentence in article.sentences)
    lines = [
        INTRODUCTION,
        f'"{article.title}" by {article.author}, {article.role}: {len(article.sentences)} '
        f"sentences, {told} told in answers, {len(article.sentences) - told} left out on purpose.",
    ]
    heading = None
    for sentence in article.sentences:
        if sentence.heading != heading:
            heading = sentence.heading
            lines += [
                f"\n## {heading}\n",
                "| | Sentence | Told in (wordings) | Worded with care, or left out, because |",
                "|---|---|---|---|",
            ]
        lines.append(_row(sentence, carried.get(sentence.id, {})))
    return "\n".join(lines) + "\n"


def _row(sentence: Sentence, responses: dict[str, list[int]]) -> str:
    told = "<br>".join(
        f"`{response}` ({', '.join(map(str, numbers))})" for response, numbers in responses.items()
    )
    notes = [f"Left out: {sentence.left_out}"] if sentence.left_out else []
    notes += [sentence.wording] if sentence.wording else []
    notes += [f'Published as "{wrong}".' for wrong, _ in sentence.typos]
    cells = (sentence.id, sentence.corrected, told or "nowhere", " ".join(notes))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Writes docs/article-coverage.md."""
    PAGE.write_text(render(ARTICLE, RESPONSES), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
