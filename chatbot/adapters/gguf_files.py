"""Models as GGUF files: an adapter worked into the weights, and the weights in another form.

Run as `python -m chatbot.adapters.gguf_files MODEL OUT KIND` it writes a model in another form.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import BadInput

_FILE_TYPES = {
    "F32": "ALL_F32",
    "F16": "MOSTLY_F16",
    "Q8_0": "MOSTLY_Q8_0",
    "Q4_0": "MOSTLY_Q4_0",
    "Q4_1": "MOSTLY_Q4_1",
}
KINDS = tuple(_FILE_TYPES)
_WORDS = "token_embd.weight"


def merge(base: Path, adapter: Path | None, out: Path, kind: str) -> None:
    """A model's GGUF file with a GGUF adapter worked into its weights, written as `kind`.

    Args:
        adapter: what `write_adapter` wrote; None: the weights as they are, written anew.
        kind: one of `KINDS`; what has one dimension stays in single precision, and
            the words' vectors, which are looked up rather than multiplied, in 8 bits at least.

    Raises:
        BadInput: the adapter does not fit the model, or the kind is unknown.
    """
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
    from gguf.quants import dequantize, quantize

    if kind not in KINDS:
        raise BadInput(f"{kind} cannot be written.", f"Choose one of {', '.join(KINDS)}.")
    reader = GGUFReader(base)
    changes = _changes(GGUFReader(adapter)) if adapter else {}
    writer = GGUFWriter(out, "llama")
    _copy_fields(reader, writer, kind)
    for tensor in reader.tensors:
        weights = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if (change := changes.pop(tensor.name, None)) is not None:
            weights = weights + change
        form = GGMLQuantizationType[_form(tensor.name, weights.ndim, kind)]
        writer.add_tensor(tensor.name, quantize(weights, form), raw_dtype=form)
    if changes:
        out.unlink(missing_ok=True)
        raise BadInput(
            f"The adapter {adapter} changes {next(iter(changes))}, which {base.name} lacks.",
            "Export it onto the model that it was trained on.",
        )
    close_writer(writer)


def _form(name: str, dimensions: int, kind: str) -> str:
    if dimensions == 1:
        return "F32"
    return "Q8_0" if name == _WORDS and kind.startswith("Q4") else kind


def _changes(adapter: Any) -> dict[str, np.ndarray]:
    """By how much a GGUF adapter changes each weight."""
    from gguf.quants import dequantize

    parts = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in adapter.tensors}
    alpha = float(adapter.fields["adapter.lora.alpha"].contents())
    names = {name.rpartition(".lora_")[0] for name in parts}
    found = {}
    for name in names:
        a, b = parts[f"{name}.lora_a"], parts[f"{name}.lora_b"]
        found[name] = alpha / len(a) * (b @ a)
    return found


def _copy_fields(reader: Any, writer: Any, kind: str) -> None:
    """What is written of the model beside its weights, as it was."""
    from gguf import GGUFValueType, LlamaFileType

    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        types = field.types
        inner = types[-1] if types[0] is GGUFValueType.ARRAY else None
        value = field.contents()
        if field.name == "general.file_type":
            value = int(LlamaFileType[_FILE_TYPES[kind]])
        writer.add_key_value(field.name, value, types[0], sub_type=inner)


def close_writer(writer: Any) -> None:
    """Writes what a `GGUFWriter` was given."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    merge(Path(sys.argv[1]), None, Path(sys.argv[2]), sys.argv[3])
