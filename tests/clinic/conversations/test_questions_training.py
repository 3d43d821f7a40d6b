"""What staff sort in the inbox is read by Rasa as examples, and changes the answer."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
from fabricated import Events, Talk
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

from assistant.checks.project import Project
from assistant.nlu.intent_model import Encode, IntentModel
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.project import ROOT
from clinic.conversations.projection import Tail
from clinic.questions import collecting, exporting, inbox
from clinic.questions.models import Question

# So many examples of each intent and topic: training with all 10,000 takes 76 s of one core,
# and it is trained twice.
EACH = 40
WANTED = ("faq/location", "faq/techniques")
ASKED = "do you reserve a stall for my bicycle"
ALIKE = ("is there a rack for bicycles", "where does my bicycle go", "can I lock my bicycle there")


def test_the_patch_changes_the_answer(database: Path, events: Events, tail: Tail) -> None:
    taught = examples()
    assert len({label for _, label in taught}) > 40
    encode = remembering(shared_encoder().encode)
    before = likeliest(taught, encode)
    wanted = next(label for label in WANTED if label != before)
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
    assert likeliest(taught + new, encode) == wanted


def examples() -> list[tuple[str, str]]:
    """Some of the project's examples, of every intent and topic."""
    count: Counter[str] = Counter()
    chosen = []
    for each in Project(ROOT).examples:
        label = str(each.label)
        count[label] += 1
        if count[label] <= EACH:
            chosen.append((each.text, label))
    return chosen


def remembering(encode: Encode) -> Encode:
    """Works out the meaning of each text once."""
    known: dict[str, np.ndarray] = {}

    def vectors(texts: list[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, encode(new), strict=True) if new else ())
        return np.stack([known[text] for text in texts])

    return vectors


def likeliest(taught: list[tuple[str, str]], encode: Encode) -> str:
    texts, labels = zip(*taught, strict=True)
    return IntentModel.train(list(texts), list(labels), encode).rank([ASKED])[0][0][0]
