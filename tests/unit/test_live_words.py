"""What a window in another language says of live chats goes with the assistant's own wordings."""

from __future__ import annotations

import string

import pytest
import yaml

from assistant.channels.apps.sentences import words as app_words
from assistant.channels.live import SAID_FOR
from assistant.channels.wording import LOCALES, in_language, words
from assistant.project import ROOT

WORDINGS = yaml.safe_load((ROOT / "data/responses/live.yml").read_text("utf-8"))["responses"]
# Of a window, and of an app.
OTHERS = sorted({*LOCALES, *app_words()["sentences"]} - {"en"})


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("name", SAID_FOR.values())
def test_each_has_text_and_as_many_buttons(locale: str, name: str) -> None:
    for wording in WORDINGS[name]:
        said = in_language(name, wording, locale, {"person_name": "Natalie Yeo"})
        assert said["text"] != wording["text"]
        assert "{" not in said["text"]
        payloads = [button["payload"] for button in said["buttons"]]
        assert payloads == [button["payload"] for button in wording.get("buttons", [])]
        titles = {button["title"] for button in said["buttons"]}
        assert not titles & {button["title"] for button in wording.get("buttons", [])}
    named = {
        field for _, field, *_ in string.Formatter().parse(words()["live"][locale][name]["text"])
    }
    assert named <= {None, "person_name", "phone"}


def test_what_has_no_other_wording_stays() -> None:
    message = {"text": "Hello", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    assert in_language("utter_offer_booking_form", message, "fr", {}) is message
    assert in_language("utter_live_left", message, "en", {}) is message
