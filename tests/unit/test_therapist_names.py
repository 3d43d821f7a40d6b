"""Word lists know the therapists by their names in clinic.yml, whoever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.nlu import mentions
from assistant.nlu.therapists import naming
from assistant.policies import checked
from assistant.policies.wishes import note_in, says, therapist_wish
from assistant.project import DATA, ROOT


@pytest.fixture
def with_priya(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    file = tmp_path / "clinic.yml"
    file.write_text(text.replace("Natalie Yeo", "Priya Nair"), encoding="utf-8")
    monkeypatch.setenv("CLINIC_YML", str(file))


@pytest.mark.usefixtures("with_priya")
def test_another_therapist_is_known_by_every_name() -> None:
    assert note_in("please let priya know that I have a pacemaker") == "I have a pacemaker"
    assert note_in("tell Nair I am pregnant") == "I am pregnant"
    assert says("reason_only", "can I see Priya about my sciatica")
    assert therapist_wish("is priya a woman?") == "woman"
    assert "gender" in mentions.find("is Priya a she")
    assert checked.wants_appointment("can I see priya")


@pytest.mark.usefixtures("with_priya")
def test_who_does_not_work_there_is_nobody() -> None:
    assert therapist_wish("is natalie a woman?") is None
    assert not checked.wants_appointment("can I see natalie")


def test_a_name_with_signs_in_it_is_no_expression() -> None:
    assert naming("see (?:<therapist>)", ["Jo (J.) O'Hara"]) == (
        r"see (?:Jo\ \(J\.\)\ O'Hara|Jo|\(J\.\)|O'Hara)"
    )


@pytest.mark.parametrize("name", ["booking_words.yml", "mentions.yml", "been_checked.yml"])
def test_no_list_has_the_name_of_the_sample_therapist(name: str) -> None:
    assert "natalie" not in (DATA / name).read_text(encoding="utf-8").lower()
