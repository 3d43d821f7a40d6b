"""The stand-ins for TensorFlow cover what Rasa imports, and nothing more."""

# ruff: noqa: S603 (our own programs, on this computer)
from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rasa
from rasa_without_tensorflow import COMPONENTS, STAND_INS

RASA = Path(rasa.__file__).parent
TENSORFLOW = ("tensorflow", "keras")


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"RASA_TELEMETRY_ENABLED": "false"} | environment,
        capture_output=True,
        text=True,
    )


def statements_that_run_on_import(tree: ast.Module) -> Iterator[ast.stmt]:
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            continue
        yield statement
        waiting += [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)]


def imported(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom) and statement.level == 0:
        return [statement.module or ""]
    return []


def test_there_is_a_stand_in_for_each_module_of_rasa_that_imports_tensorflow() -> None:
    need_it = {
        ".".join(["rasa", *file.relative_to(RASA).with_suffix("").parts])
        for file in RASA.rglob("*.py")
        for statement in statements_that_run_on_import(ast.parse(file.read_text("utf-8")))
        for name in imported(statement)
        if name.startswith(TENSORFLOW)
    }
    assert need_it == STAND_INS


def test_rasa_imports_without_tensorflow_and_without_a_fake_of_it() -> None:
    done = python(
        "import rasa.server, rasa.core.agent, rasa.engine.recipes.default_components, sys\n"
        "print([name for name in sys.modules if name.startswith(('tensorflow', 'keras'))])"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_a_component_that_needs_tensorflow_says_so_when_it_is_used(name: str) -> None:
    done = python(
        "from rasa.engine.recipes import default_components as components\n"
        f"component = components.{name}\n"
        "for use in (component, lambda: component.create):\n"
        "    try:\n"
        "        use()\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    first, second = done.stdout.strip().splitlines()
    assert first == second
    assert first.startswith("RasaException")
    assert name in first
    assert "TensorFlow" in first


def test_with_a_tensorflow_installed_the_stand_ins_step_aside(tmp_path: Path) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("marker = 'the real one'\n")
    done = python(
        "import importlib.util as util\n"
        "from rasa_without_tensorflow import STAND_INS, _Finder\n"
        "print(any(_Finder().find_spec(name) for name in STAND_INS))\n"
        "print(util.find_spec('rasa.utils.tensorflow.models').origin)",
        PYTHONPATH=str(tmp_path),
    )
    steps_in, origin = done.stdout.split()
    assert steps_in == "False"
    assert origin.endswith("rasa/utils/tensorflow/models.py")


def test_other_modules_are_left_alone() -> None:
    done = python(
        "from rasa_without_tensorflow import _Finder\n"
        "names = ['tensorflow', 'rasa', 'rasa.server', 'rasa.utils.tensorflow', 'numpy', 'thinc']\n"
        "print([name for name in names if _Finder().find_spec(name)])"
    )
    assert done.stdout.strip() == "[]", done.stderr
