"""What the widget costs a page: size, work, layout, globals."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from fake_clinic import BUNDLE, ROOT
from playwright.sync_api import Browser, expect
from widget_node import MODULES, install, node
from widget_visitor import NewVisitor, Visitor

LARGEST = 40_000  # bytes, gzipped
LONGEST_WORK = 50  # milliseconds of the page's main thread before the launcher is used
WORDING = ROOT / "widget" / "wording"


def test_the_file_is_small() -> None:
    size = len(gzip.compress(BUNDLE.read_bytes(), 9, mtime=0))
    assert size <= LARGEST


def test_the_file_is_what_the_source_makes(tmp_path: Path) -> None:
    fresh = tmp_path / "clinic-chat.js"
    built = node("build.mjs", str(fresh))
    assert built.returncode == 0, built.stderr
    assert fresh.read_bytes() == BUNDLE.read_bytes(), "run: script/widget"


def test_the_types_fit() -> None:
    checked = node("node_modules/typescript/bin/tsc", "--noEmit")
    assert checked.returncode == 0, checked.stdout


def test_both_languages_say_the_same_things() -> None:
    english, french = (
        yaml.safe_load((WORDING / f"{name}.yml").read_text(encoding="utf-8"))
        for name in ("en", "fr")
    )
    assert list(english) == list(french)
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", french[key]))
        assert "!" not in text + french[key]


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    said = set(yaml.safe_load((WORDING / "en.yml").read_text(encoding="utf-8")))
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "widget" / "src").rglob("*.ts")
    )
    quoted = set(re.findall(r"\"([a-z_0-9]+)\"", source))
    # Put together from a beginning and a state of the protocol.
    made = {
        *("assistant", "person"),
        *(f"status_{state}" for state in ("requested", "confirmed", "changed", "expired")),
        *(f"status_{state}" for state in ("cancelled", "declined")),
        *(f"handoff_{state}" for state in ("requested", "joined", "joined_unnamed", "left")),
        *(f"{view}_{part}" for view in ("restart", "delete") for part in ("title", "text", "yes")),
        *("apps_title", "apps_text"),
    }
    assert said - quoted - made == set()
    assert set(re.findall(r"\bsay\(\"([a-z_0-9]+)\"", source)) - said == set()


def test_the_licences_of_what_is_inside_are_named() -> None:
    install()
    named = (ROOT / "widget" / "LICENSES.md").read_text(encoding="utf-8")
    package = json.loads((ROOT / "widget" / "package.json").read_text())
    for name, version in package["dependencies"].items():
        assert f"{name} {version}" in named
        assert (MODULES / name / "package.json").exists()


def test_nothing_moves_and_nothing_else_is_fetched(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.visit()
    expect(visitor.launcher).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert visitor.page.evaluate("window.shifts") == []
    names = [address.removeprefix(visitor.url) for address in asked]
    assert sorted(names) == ["/page.css", "/page.html", "/page.js", "/widget/clinic-chat.js"]


def test_the_page_stays_as_it_was(visitor: Visitor, new_visitor: NewVisitor) -> None:
    bare = new_visitor()
    bare.page.route("**/clinic-chat.js", lambda route: route.fulfill(body=""))
    bare.visit()
    visitor.open().say("hello").sees("You wrote: hello")
    globals_of = "Object.getOwnPropertyNames(window).filter(name => !/^\\d+$/.test(name)).sort()"
    # What Lit leaves for other copies of itself to be found.
    lit = {
        "litHtmlVersions",
        "litElementVersions",
        "reactiveElementVersions",
        "litIssuedWarnings",
        "litPropertyMetadata",
    }
    more = set(visitor.page.evaluate(globals_of)) - set(bare.page.evaluate(globals_of)) - lit
    assert more == set()
    assert visitor.page.evaluate("[window.onerror, window.onmessage, document.onclick]") == [
        *(None, None, None)
    ]


def test_two_copies_of_the_tag_do_no_harm(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit()
    visitor.page.evaluate(
        """() => new Promise(done => {
          const script = document.createElement("script");
          const policy = { createScriptURL: text => text };
          script.onload = done;
          script.onerror = done;
          document.head.append(script);
          document.querySelector("clinic-chat").remove();
          document.body.append(document.createElement("clinic-chat"));
          done();
        })"""
    )
    visitor.open().say("hello").sees("You wrote: hello")
    assert len(visitor.texts()) == 2


@pytest.mark.parametrize("path", ["/page.html", "/"])
def test_little_work_before_it_is_used(browser: Browser, path: str, clinic: object) -> None:
    """Of the main thread: compiling and running the file, drawing the launcher."""
    page = browser.new_page()
    url = clinic.url + path  # type: ignore[attr-defined]
    page.goto(url)  # the file is in the browser's cache now, as for a page's second visitor
    browser.start_tracing(
        page=page, categories=["devtools.timeline", "v8", "disabled-by-default-v8.compile"]
    )
    page.goto(url)
    expect(page.locator("clinic-chat #launcher")).to_be_visible()
    page.wait_for_load_state("networkidle")
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    page.close()
    work = milliseconds(trace)
    print(f"{work:.1f} ms of the main thread for {path}")
    assert 0 < work < LONGEST_WORK


def milliseconds(trace: list[dict[str, object]]) -> float:
    """Processor time of what the widget's file did, from Chromium's trace.

    Processor time and not the clock's, so that a busy computer does not change it.
    """
    spans = [
        (event["ts"], event["ts"] + event["dur"], event.get("tdur", event["dur"]))
        for event in trace
        if event.get("ph") == "X"
        and event["name"] in ("EvaluateScript", "v8.compile", "FunctionCall", "TimerFire")
        and "clinic-chat.js" in json.dumps(event.get("args", {}))
    ]
    outer: list[tuple[float, float, float]] = []
    for begin, end, spent in sorted(spans):  # type: ignore[type-var]
        if not outer or begin >= outer[-1][1]:
            outer.append((begin, end, spent))
    assert all(first[1] <= second[0] for first, second in pairwise(outer))
    return sum(spent for _, _, spent in outer) / 1000
