"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clinic.environment import EnvironmentProblem
from clinic.facts import ClinicFileError

if TYPE_CHECKING:
    from assistant.conversation import Assistant


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns the exit code. Expected errors end in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m assistant", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ask = commands.add_parser("ask", help="chat in the terminal")
    ask.add_argument("--json", action="store_true", help="messages from standard input, one a line")
    ask.add_argument("--session", action="store_true", help="all lines are one conversation")
    evaluate = commands.add_parser("evaluate", help="measure the understanding")
    evaluate.add_argument("file", type=Path, help="questions in YAML")
    evaluate.add_argument("--report", type=Path, metavar="DIR", help="also write a page there")
    commands.add_parser("check", help="check the language data")
    commands.add_parser("questions", help="group the questions inbox of the staff desk by meaning")
    channels = commands.add_parser("channels", help="check and connect the messaging apps")
    todo = channels.add_subparsers(dest="todo", required=True)
    todo.add_parser("check", help="what is set, who answers, and whom the providers call")
    connect = todo.add_parser("connect", help="have a provider call this server")
    connect.add_argument("name", help="telegram, for example; check names them all")
    options = parser.parse_args(arguments)
    logging.disable(logging.ERROR)
    try:
        return _run(options)
    except KeyboardInterrupt:
        return 130
    except (ClinicFileError, EnvironmentProblem, OSError, ValueError, RuntimeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "ask":
        return asyncio.run(_ask(_load(), options.json, options.session))
    if options.command == "evaluate":
        return asyncio.run(_evaluate(_load(), options.file, options.report))
    if options.command == "questions":
        from assistant.grouping import group_questions

        # Nobody waits for it: who is being answered and who reads at the desk go first.
        os.nice(10)
        groups = group_questions()
        print("1 group" if groups == 1 else f"{groups} groups")
        return 0
    if options.command == "channels":
        return asyncio.run(_channels(options.name if options.todo == "connect" else None))
    from assistant.data_checker import check_project

    problems = check_project()
    for problem in problems:
        print(problem)
    if problems:
        print("1 problem" if len(problems) == 1 else f"{len(problems)} problems")
    else:
        print("The data are in order.")
    return 1 if problems else 0


def _load() -> Assistant:
    from assistant.conversation import Assistant

    return Assistant.load()


async def _ask(assistant: Assistant, as_json: bool, one_session: bool) -> int:
    from assistant.conversation import new_conversation

    conversation = new_conversation()
    if as_json:
        for line in sys.stdin:
            text = line.rstrip("\r\n")
            reply = await assistant.say(conversation if one_session else new_conversation(), text)
            print(json.dumps(reply.as_dict(), ensure_ascii=False), flush=True)
        return 0
    print("Write a message and press Enter. An empty line ends the chat.")
    while True:
        try:
            text = await asyncio.to_thread(input, "\nYou: ")
        except EOFError:
            return 0
        if not text.strip():
            return 0
        for message in (await assistant.say(conversation, text)).messages:
            print(f"\nAssistant: {message.get('text', '')}")
            for button in message.get("buttons") or []:
                print(f"   [{button['title']}]")


async def _channels(name: str | None) -> int:
    from assistant.channels.apps import checking
    from assistant.channels.apps.app import NoAnswer
    from clinic import env_file

    env_file.read_env_file()
    if name is None:
        return 0 if await checking.check() else 1
    try:
        print(await checking.connect(name))
    except NoAnswer as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _evaluate(assistant: Assistant, file: Path, report: Path | None) -> int:
    from assistant.conversation import new_conversation
    from assistant.evaluation import evaluate, load_questions, render_text

    questions = load_questions(file)
    predictions = [
        (await assistant.say(new_conversation(), question.text)).as_dict() for question in questions
    ]
    result = evaluate(questions, predictions)
    print(render_text(result))
    if report:
        from assistant.evaluation_report import write_report

        print(f"Report: {write_report(result, report)}")
    return 0
