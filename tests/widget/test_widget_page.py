"""What the widget costs a page: size, work, layout, globals."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_clinic import BUNDLE, CSP, ROOT, FakeClinic
from playwright.sync_api import Browser, Page, expect
from widget_node import MODULES, install, node
from widget_visitor import NewVisitor, Visitor

LARGEST = 40_000  # bytes, gzipped
LONGEST_WORK = 50  # milliseconds of the page's main thread before the launcher is used
TRIES = 3  # of each kind; the quickest counts, so that a busy computer changes little
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
    # What stands in a type, is compared or is a state of the line is no word of the window's.
    quoted = set(re.findall(r"(?<![^|]\| )(?<!= )(?<!#set\()\"([a-z_0-9]+)\"", source))
    # Put together from a beginning and a state of the protocol.
    made = {
        *("assistant", "person", "sending", "sent", "waiting", "failed"),
        *("emergency", "urgent", "check"),
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


def test_another_element_in_its_place_does_no_harm(new_visitor: NewVisitor) -> None:
    visitor = new_visitor().visit()
    visitor.page.evaluate(
        """() => new Promise(done => {
          document.querySelector("clinic-chat").remove();
          document.body.append(document.createElement("clinic-chat"));
          done();
        })"""
    )
    visitor.open().say("hello").sees("You wrote: hello")
    assert len(visitor.texts()) == 2


def test_two_copies_of_the_file_do_no_harm(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    tag = '<script src="/widget/clinic-chat.js'
    page = (ROOT / "tests/widget/pages/page.html").read_text(encoding="utf-8")
    for name, value in (("lang", "en"), ("dir", "ltr"), ("attributes", "")):
        page = page.replace(f"{{{name}}}", value)
    loaded: list[str] = []
    visitor.page.on("request", lambda asked: loaded.append(asked.url))
    visitor.page.route(
        "**/page.html",
        lambda route: route.fulfill(
            body=page.replace(tag, f'{tag}?again" defer></script>{tag}'),
            headers={"Content-Type": "text/html", "Content-Security-Policy": CSP},
        ),
    )
    visitor.visit()
    assert len([address for address in loaded if "clinic-chat.js" in address]) == 2
    visitor.open().say("hello").sees("You wrote: hello")
    assert len(visitor.texts()) == 2


@pytest.mark.parametrize("path", ["/page.html", "/"])
@pytest.mark.parametrize("visit", ["first", "second"])
def test_little_work_before_it_is_used(
    browser: Browser, path: str, visit: str, clinic: FakeClinic
) -> None:
    """Of the main thread: compiling and running the file, drawing the launcher."""
    context = browser.new_context()
    page = context.new_page()
    if visit == "second":
        page.goto(clinic.url + path)  # the file is in the browser's cache now
    trace = traced(browser, page, clinic.url + path)
    context.close()
    work = milliseconds(trace)
    print(f"{work:.1f} ms of the main thread for the {visit} visit of {path}")
    assert 0 < work < LONGEST_WORK


@pytest.mark.parametrize("path", ["/page.html", "/"])
def test_the_page_as_a_whole_has_little_more_to_do(
    browser: Browser, path: str, clinic: FakeClinic
) -> None:
    """Everything the main thread does with the window and without it, styles and layout too."""
    spent: dict[bool, list[float]] = {False: [], True: []}
    for there in (True, False) * TRIES:
        context = browser.new_context()
        page = context.new_page()
        if not there:
            page.route("**/clinic-chat.js", lambda route: route.fulfill(body=""))
        page.goto(clinic.url + path)
        spent[there].append(all_milliseconds(traced(browser, page, clinic.url + path, there)))
        context.close()
    more = min(spent[True]) - min(spent[False])
    print(f"{more:.1f} ms more of the main thread for {path}: {spent}")
    assert more < LONGEST_WORK


def test_nothing_moves_on_the_demonstration_page(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.page.add_init_script(
        "window.shifts = []; new PerformanceObserver("
        "list => window.shifts.push(...list.getEntries().map(entry => entry.value))"
        ").observe({ type: 'layout-shift', buffered: true });"
    )
    visitor.visit("/")
    expect(visitor.launcher).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert visitor.page.evaluate("window.shifts") == []


Trace = list[dict[str, Any]]


def traced(browser: Browser, page: Page, url: str, there: bool = True) -> Trace:
    """What Chromium did until a page stood."""
    categories = ["devtools.timeline", "v8", "toplevel", "disabled-by-default-v8.compile"]
    browser.start_tracing(page=page, categories=categories)
    page.goto(url)
    if there:
        expect(page.locator("clinic-chat #launcher")).to_be_visible()
    page.wait_for_load_state("networkidle")
    trace: Trace = json.loads(browser.stop_tracing())["traceEvents"]
    return trace


def all_milliseconds(trace: Trace) -> float:
    """Processor time of the main thread of the page's process, from its outermost tasks."""
    (page,) = {
        (event["pid"], event["tid"])
        for event in trace
        if event.get("ph") == "X" and event["name"] == "ParseHTML"
    }
    tasks = [
        event.get("tdur", 0)
        for event in trace
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) == page
    ]
    assert tasks
    return sum(tasks) / 1000


def milliseconds(trace: Trace) -> float:
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
    for begin, end, spent in sorted(spans):
        if not outer or begin >= outer[-1][1]:
            outer.append((begin, end, spent))
    assert all(first[1] <= second[0] for first, second in pairwise(outer))
    return sum(spent for _, _, spent in outer) / 1000
