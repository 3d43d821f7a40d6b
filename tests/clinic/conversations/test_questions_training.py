"""What staff sort in the inbox is read by Rasa as examples, and changes the answer."""

from __future__ import annotations

import time
from pathlib import Path

from fabricated import Events, Talk
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

from assistant.checks.project import Project
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.project import ROOT
from clinic.conversations.projection import Tail
from clinic.questions import collecting, exporting, inbox
from clinic.questions.models import Question

# A few topics train in seconds.
LABELS = {"faq/location", "faq/techniques", "greet"}
ASKED = "do you reserve a stall for my bicycle"
ALIKE = ("is there a rack for bicycles", "where does my bicycle go", "can I lock my bicycle there")


def test_the_patch_changes_the_answer(database: Path, events: Events, tail: Tail) -> None:
    taught = [
        (each.text, str(each.label)) for each in Project(ROOT).examples if each.label in LABELS
    ]
    before = _likeliest(taught)
    wanted = min(LABELS - {before})
    for number, text in enumerate(ALIKE):
        talk = Talk(time.time() - 9000).start().patient(text, before, 0.1)
        events.write(f"c{number}", talk.assistant("?", "utter_not_understood_1").listen())
    tail.step()
    collecting.collect()
    ids = Question.objects.values_list("pk", flat=True)
    assert inbox.decide(ids, "topic", "natalie", wanted) == len(ALIKE)
    read = RasaYAMLReader().reads(exporting.patch())
    new = [(each.get("text"), each.get_full_intent()) for each in read.intent_examples]
    assert sorted(new) == sorted((text, wanted) for text in ALIKE)
    assert _likeliest(taught + new) == wanted


def _likeliest(examples: list[tuple[str, str]]) -> str:
    texts, labels = zip(*examples, strict=True)
    model = IntentModel.train(list(texts), list(labels), shared_encoder().encode)
    return model.rank([ASKED])[0][0][0]
