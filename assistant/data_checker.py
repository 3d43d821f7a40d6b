"""Checks what the assistant knows: examples, answers, names, tests.

``python -m assistant check`` prints the problems. Each is one sentence that names the file,
what is wrong there, and what is allowed or to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from assistant.checks import messages, names, signs, wordings
from assistant.checks.project import Project, UnreadableFileError
from assistant.project import ROOT

CHECKS: tuple[Callable[[Project], Iterator[str]], ...] = (
    messages.check_files,
    messages.check_examples,
    messages.check_tests,
    messages.check_duplicates,
    messages.check_leaks,
    wordings.check_texts,
    wordings.check_files,
    wordings.check_sources,
    wordings.check_variables,
    wordings.check_needs,
    wordings.check_mentions,
    wordings.check_shorthand,
    wordings.check_buttons,
    names.check_answers,
    names.check_responses,
    names.check_titles,
    names.check_fields,
    names.check_follow_ups,
    names.check_domain,
    names.check_settings,
    signs.check_table,
)


def check_project(root: Path = ROOT) -> list[str]:
    """Returns the problems of the project under ``root``, in the order of the checks.

    A file that cannot be read is a problem too, told once; what depends on it is not checked.
    """
    project = Project(root)
    problems: list[str] = []
    for check in CHECKS:
        try:
            problems += check(project)
        except UnreadableFileError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))
