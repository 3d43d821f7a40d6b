"""What the assistant runs with takes at most 1.0 GB on disk."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

from assistant.project import ROOT

LARGEST = 1.0e9


def runtime_packages() -> set[str]:
    """Names of the packages in uv.lock that are reached without the group "dev"."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    packages: dict[str, list[dict[str, Any]]] = {}
    for package in lock["package"]:
        packages.setdefault(package["name"], []).append(package)
    found: set[str] = set()
    waiting = ["sciatica-clinic-assistant"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for package in packages.get(name, []):
            waiting += [needed["name"] for needed in package.get("dependencies", [])]
            for extra in package.get("optional-dependencies", {}).values():
                waiting += [needed["name"] for needed in extra]
    return found


def size(distribution: importlib.metadata.Distribution) -> int:
    """Bytes of a package's files and of their compiled forms, where these were made."""
    total = 0
    for file in distribution.files or []:
        place = Path(str(distribution.locate_file(file)))
        compiled = Path(importlib.util.cache_from_source(str(place)))
        for path in (place, compiled) if place.suffix == ".py" else (place,):
            total += path.stat().st_size if path.is_file() else 0
    return total


def test_the_environment_is_small() -> None:
    wanted = runtime_packages()
    sizes = {}
    for distribution in importlib.metadata.distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        if name in wanted:
            sizes[name] = size(distribution)
    assert {"rasa", "spacy", "django", "onnxruntime"} <= set(sizes)
    assert "tensorflow" not in sizes
    largest = sorted(sizes.items(), key=lambda entry: -entry[1])[:8]
    assert sum(sizes.values()) <= LARGEST, f"{sum(sizes.values()) / 1e9:.2f} GB: {largest}"
