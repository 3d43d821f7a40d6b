"""The pictures of the documentation are made from what tests take, and all are shown."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "script"), str(ROOT / "tests" / "clinic" / "desk")]

import pictures  # noqa: E402
from desk_browser import SCREENS  # noqa: E402
from test_desk_browser import PAGES  # noqa: E402
from test_widget_screens import SCREENS as CHAT_SCREENS  # noqa: E402
from test_widget_screens import STATES  # noqa: E402


def taken() -> set[str]:
    """What the tests in the browser take."""
    source = (ROOT / "tests/clinic/desk/test_desk_browser.py").read_text("utf-8")
    by_name = re.findall(r'PICTURES / "([\w-]+)\.png"', source)
    return {
        *(f"desk/{name}" for name in by_name),
        *(f"desk/{page}-{screen}" for page in PAGES for screen in SCREENS),
        *(
            f"screens/{state.__name__}-{screen}-{scheme}"
            for state in STATES
            for screen in CHAT_SCREENS
            for scheme in ("light", "dark")
        ),
    }


def test_each_is_made_from_what_a_test_takes() -> None:
    assert set(pictures.PICTURES.values()) <= taken()
    files = {file.name for file in pictures.SHOWN.iterdir()}
    assert files == {f"{name}.webp" for name in pictures.PICTURES}


def test_each_is_shown_and_described() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {
        match[1]: match[2]
        for page in pages
        for match in re.finditer(
            r'<img src="(?:docs/|\.\./)?images/([\w-]+)\.webp"[^>]* alt="([^"]*)"',
            page.read_text("utf-8"),
        )
    }
    assert shown.keys() == pictures.PICTURES.keys()
    assert all(len(words) > 20 for words in shown.values())


def test_a_long_page_is_cut(tmp_path: Path) -> None:
    Image.new("RGB", (1280, 3000), "red").save(tmp_path / "long.png")
    with Image.open(pictures.make("short", "long", tmp_path, tmp_path)) as made:
        assert (made.format, made.size) == ("WEBP", (1280, pictures.HIGHEST))
    with pytest.raises(FileNotFoundError):
        pictures.make("short", "none", tmp_path, tmp_path)
