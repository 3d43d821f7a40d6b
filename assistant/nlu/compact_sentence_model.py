"""Writes ``minilm/compact.onnx`` and ``minilm/compact.json``.

The packaged model stores its weights as int8 and turns them into float32 in the graph's first
nodes, so that onnxruntime keeps 120 MB of float32 in memory. Here the same numbers go into
operators that compute with 8-bit weights (``MatMulNBits``; the rows of the embeddings are
looked up before they are made float32). The weights are exactly those of the package; what is
multiplied with them is rounded to 8 bits in blocks of 32, which moves a sentence's vector by a
cosine of less than 0.002 (docs/decisions/0014-compact-sentence-model.md).

The graph holds no large weights. ``compact.json`` says where each lies in the package's file, so
nothing is stored twice, and whoever loads it needs no library for ONNX files. Run it again with
``python -m assistant.nlu.compact_sentence_model`` when the package changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import onnx
from onnx import helper, numpy_helper

from assistant.nlu.sentence_encoder import BLOCK, GRAPH_FILE, WEIGHTS_FILE, packaged_model

BITS = 8
# int8 activations; 1 would compute in float32, eight times as slowly.
ACCURACY_LEVEL = 4


# Weights with at least this many bytes stay in the package's file.
LARGE = 100_000


class _Weights:
    """A matrix of the packaged graph: int8 numbers, cast, times a scale."""

    def __init__(self, numbers: onnx.TensorProto, scale: onnx.TensorProto) -> None:
        self.numbers = numbers
        self.scale = scale


def compact(packaged: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """Returns the graph without its large weights, and where those are.

    Each of the latter has ``name``, ``offset`` and ``shape`` in the packaged file, ``type``
    (of numpy) and ``form``: "as it is", "packed" or "repeated" (see ``sentence_encoder``).
    Raises ValueError when the packaged model is not built as expected.
    """
    model = onnx.load_from_string(packaged)
    graph = model.graph
    weights = dict(_weights(graph))
    nodes: list[onnx.NodeProto] = []
    outside: dict[str, dict[str, Any]] = {}
    folded = {name for one in weights for name in (one, f"{one}_f")}

    def place(tensor: onnx.TensorProto, form: str, name: str = "") -> str:
        name = name or tensor.name
        array = numpy_helper.to_array(tensor)
        outside[name] = {
            "name": name,
            "offset": packaged.index(tensor.raw_data),
            "shape": list(array.shape),
            "type": str(array.dtype),
            "form": form,
        }
        return name

    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            inputs, outputs = weights[node.input[1]].numbers.dims
            if inputs % BLOCK or list(weights[node.input[1]].scale.dims) != [1, outputs]:
                raise ValueError(f"{node.input[1]}: unexpected shape of weights or scales.")
            one = weights[node.input[1]]
            packed = place(one.numbers, "packed")
            scales = place(one.scale, "repeated", f"{one.scale.name}_{inputs}")
            outside[scales]["times"] = inputs // BLOCK
            nodes.append(_multiply(node, packed, scales, inputs, outputs))
        elif node.op_type == "Gather" and node.input[0] in weights:
            nodes.extend(_look_up(node, weights[node.input[0]]))
        elif node.output[0] not in folded:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    if not outside or used & set(weights):
        raise ValueError("The sentence model's weights are not where they were expected.")
    inside = []
    for tensor in graph.initializer:
        if tensor.name in used and tensor.name not in outside:
            if len(tensor.raw_data) >= LARGE:
                place(tensor, "as it is")
            else:
                inside.append(tensor)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*inside, *(_missing(one) for one in outside.values())])
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return bytes(model.SerializeToString(deterministic=True)), list(outside.values())


def _missing(one: dict[str, Any]) -> onnx.TensorProto:
    """A tensor whose content is given when the graph is loaded."""
    shape, kind = one["shape"], onnx.TensorProto.FLOAT
    if one["form"] == "packed":
        shape, kind = [shape[1], shape[0] // BLOCK, BLOCK], onnx.TensorProto.UINT8
    elif one["form"] == "repeated":
        shape = [shape[1] * one["times"]]
    elif one["type"] == "int8":
        kind = onnx.TensorProto.INT8
    tensor = onnx.TensorProto(name=one["name"], dims=shape, data_type=kind)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.onnx")
    return tensor


def _weights(graph: onnx.GraphProto) -> Iterator[tuple[str, _Weights]]:
    stored = {one.name: one for one in graph.initializer}
    cast = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    for node in graph.node:
        if node.op_type != "Mul" or node.input[1] not in stored:
            continue
        numbers = cast.get(node.input[0])
        if numbers not in stored or stored[numbers].data_type != onnx.TensorProto.INT8:
            continue
        yield node.output[0], _Weights(stored[numbers], stored[node.input[1]])


def _multiply(
    node: onnx.NodeProto, packed: str, scales: str, inputs: int, outputs: int
) -> onnx.NodeProto:
    """``MatMulNBits`` in the place of a MatMul with weights of (inputs, outputs)."""
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], packed, scales],
        list(node.output),
        domain="com.microsoft",
        K=inputs,
        N=outputs,
        bits=BITS,
        block_size=BLOCK,
        accuracy_level=ACCURACY_LEVEL,
    )


def _look_up(node: onnx.NodeProto, weights: _Weights) -> list[onnx.NodeProto]:
    """Takes rows of int8 numbers and their scales, then makes them float32."""
    rows, name = node.input[1], node.output[0]
    return [
        helper.make_node("Gather", [weights.numbers.name, rows], [f"{name}_int8"], axis=0),
        helper.make_node("Gather", [weights.scale.name, rows], [f"{name}_scale"], axis=0),
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
    ]


def main() -> None:
    """Writes both files."""
    graph, weights = compact(packaged_model())
    GRAPH_FILE.write_bytes(graph)
    WEIGHTS_FILE.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
