"""Settings from the environment: checked, named, and each listed in .env.example."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clinic import environment
from clinic.environment import EnvironmentProblem

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_is_made_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_VAR", str(tmp_path / "a" / "var"))
    folder = environment.var_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    monkeypatch.setenv("CLINIC_VAR", str(file / "var"))
    with pytest.raises(EnvironmentProblem, match=r'CLINIC_VAR is ".*var".*Allowed: a folder'):
        environment.var_folder()


def test_the_key_is_made_once_and_nobody_else_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIC_SECRET_KEY", raising=False)
    key = environment.secret_key(tmp_path)
    assert len(key) >= 50
    assert environment.secret_key(tmp_path) == key
    file = tmp_path / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    file.chmod(0o644)
    environment.secret_key(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("short", encoding="ascii")
    with pytest.raises(EnvironmentProblem, match="delete the file"):
        environment.secret_key(tmp_path)


def test_a_key_of_ones_own_must_be_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_SECRET_KEY", "secret")
    with pytest.raises(EnvironmentProblem, match=r"CLINIC_SECRET_KEY has 6.*at least 50") as caught:
        environment.secret_key(tmp_path)
    assert "secret " not in str(caught.value)
    monkeypatch.setenv("CLINIC_SECRET_KEY", "k" * 50)
    assert environment.secret_key(tmp_path) == "k" * 50
    assert not list(tmp_path.iterdir())


def test_the_database_is_sqlite_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIC_DATABASE_URL", raising=False)
    settings = environment.database(tmp_path)
    assert settings["NAME"] == str(tmp_path / "clinic.sqlite3")
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert stat.S_IMODE((tmp_path / "clinic.sqlite3").stat().st_mode) == 0o600


def test_a_postgresql_address_is_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CLINIC_DATABASE_URL",
        "postgresql://us%40er:p%2Fw@db.example.com:6543/clinic?sslmode=require",
    )
    settings = environment.database(tmp_path)
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert [settings[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "clinic", "us@er", "p/w", "db.example.com", "6543",
    ]  # fmt: skip
    assert settings["OPTIONS"]["sslmode"] == "require"
    monkeypatch.setenv("CLINIC_DATABASE_URL", "postgres:///clinic?host=/run/postgresql")
    assert environment.database(tmp_path)["HOST"] == "/run/postgresql"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://u:hidden@h/clinic", 'scheme is "mysql"'),
        ("clinic.sqlite3", 'scheme is ""'),
        ("postgresql://u:hidden@h", 'database name is ""'),
        ("postgresql://u:hidden@h:port/clinic", "host or port"),
        ("postgresql://u:hidden@h/clinic?color=red", 'option is "color"'),
    ],
)
def test_a_wrong_database_address_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, named: str
) -> None:
    monkeypatch.setenv("CLINIC_DATABASE_URL", url)
    with pytest.raises(EnvironmentProblem, match=r"^CLINIC_DATABASE_URL: ") as caught:
        environment.database(tmp_path)
    assert named in str(caught.value)
    assert "Allowed: " in str(caught.value)
    assert "hidden" not in str(caught.value)


# Read by the programs underneath, or set by us for them alone.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "OPENBLAS_NUM_THREADS", "PATH", "HOME", "TMPDIR"}


def test_every_setting_the_code_reads_is_in_env_example() -> None:
    documented = set(
        re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.M)
    )
    python = re.compile(
        r"""(?:environ(?:\.get|\.setdefault|\.pop)?\s*[\[(]|getenv\()\s*["']([A-Z][A-Z0-9_]+)["']"""
    )
    shell = re.compile(r"\$\{?((?:CLINIC|RASA|ASSISTANT|ACTIONS?|WIDGET)_[A-Z0-9_]+)")
    missing = []
    for folder, ending, pattern in (
        ("clinic", "*.py", python),
        ("actions", "*.py", python),
        ("assistant", "*.py", python),
        ("script", "*", python),
        ("script", "*", shell),
        (".ci", "*", shell),
    ):
        for path in (ROOT / folder).rglob(ending):
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            for name in pattern.findall(path.read_text("utf-8", errors="ignore")):
                if name not in documented | NOT_OURS:
                    missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert not missing, f"not in .env.example: {sorted(set(missing))}"


def test_a_wrong_setting_ends_a_command_with_its_sentence_only(tmp_path: Path) -> None:
    broken = tmp_path / "clinic.yml"
    broken.write_text((ROOT / "clinic.yml").read_text("utf-8").replace("ON", "XX"), "utf-8")
    for extra, sentence in (
        ({"CLINIC_YML": str(broken)}, "province is"),
        ({"CLINIC_DATABASE_URL": "nonsense"}, "CLINIC_DATABASE_URL: the scheme"),
        ({"CLINIC_NOW": "soon"}, 'CLINIC_NOW is "soon"'),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "clinic", "check"],
            cwd=ROOT,
            env={"CLINIC_VAR": str(tmp_path), **extra},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


def test_a_command_by_hand_uses_the_settings_of_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic import __main__, env_file

    read: list[bool] = []
    monkeypatch.setattr(env_file, "read_env_file", lambda: read.append(True))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "clinic.desk.settings")
    monkeypatch.setenv("CLINIC_VAR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["clinic", "check"])
    __main__.main()
    assert not read
    monkeypatch.delenv("CLINIC_VAR")
    __main__.main()
    assert read


def test_the_help_shows_the_clinic_s_own_commands_and_no_others_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from clinic import __main__

    own = {
        path.stem.replace("_", "-")
        for path in (ROOT / "clinic").glob("*/management/commands/*.py")
        if path.stem != "__init__"
    }
    for ask in ([], ["--help"], ["-h"], ["help"]):
        assert __main__.main(["clinic", *ask]) == 0
        listed = set(re.findall(r"^  (\S+)  ", capsys.readouterr().out, re.MULTILINE))
        assert listed == own | {"migrate", "check", "when", "makemigrations"}
    for other in ("flush", "createsuperuser", "changepassword", "nonsense", "--version"):
        assert __main__.main(["clinic", other]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f'"{other}" is no command of the clinic. Allowed: migrate, ')
        assert said.err.count("\n") == 1


def test_the_environment_wins_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic import env_file

    file, example = tmp_path / ".env", tmp_path / ".env.example"
    example.write_text("# CLINIC_PORT=5005\n# CLINIC_DESK_PORT=8010\n", "utf-8")
    file.write_text("# a note\nCLINIC_PORT='5006' # why\nexport CLINIC_DESK_PORT=8011\n", "utf-8")
    monkeypatch.setenv("CLINIC_PORT", "5007")
    monkeypatch.setenv("CLINIC_DESK_PORT", "")  # or what is read below stays for later tests
    monkeypatch.delenv("CLINIC_DESK_PORT")
    env_file.read_env_file(file, example)
    assert os.environ["CLINIC_PORT"] == "5007"
    assert os.environ["CLINIC_DESK_PORT"] == "8011"
    monkeypatch.delenv("CLINIC_DESK_PORT")
    file.write_text("CLINIC_DESK_PROT=1\n", "utf-8")
    with pytest.raises(EnvironmentProblem, match="Did you mean CLINIC_DESK_PORT"):
        env_file.read_env_file(file, example)
