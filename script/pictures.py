"""Makes the pictures of the documentation from those that tests take. Called by script/pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
TAKEN, SHOWN = ROOT / "results", ROOT / "docs" / "images"
#: Pictures of docs/images, and those of results/ that they are made from.
PICTURES = {
    "chat-desktop": "screens/answered-desktop-light",
    "chat-phone": "screens/alarmed-phone-light",
    "desk-today": "desk/today-desktop",
    "desk-booking": "desk/monday-2-proposed",
    "desk-conversation": "desk/transcript-desktop",
    "desk-questions": "desk/questions-desktop",
    "desk-insights": "desk/insights-desktop",
}
# Of long pages their beginning is enough.
HIGHEST = 1040
QUALITY = 80


def make(name: str, source: str, taken: Path = TAKEN, shown: Path = SHOWN) -> Path:
    """Makes one picture, a WebP file. Raises FileNotFoundError when no test has taken it."""
    with Image.open(taken / f"{source}.png") as picture:
        part = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, HIGHEST)))
        file = shown / f"{name}.webp"
        part.save(file, quality=QUALITY, method=6)
        return file


if __name__ == "__main__":
    for name, source in PICTURES.items():
        print(make(name, source).relative_to(ROOT))
