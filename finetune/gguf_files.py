"""Adapters and models as GGUF files, for llama.cpp.

llama.cpp keeps the rows of the Llama family's query and key projections in another order than
transformers does (pairs that rotate together are halves there, neighbours here); both writers
reorder what they write accordingly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import BadInput

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_WEIGHT = re.compile(r"layers\.(?P<layer>\d+)\.(?P<part>[\w.]+)\.lora_(?P<side>[AB])\.weight$")
KINDS = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1")


@dataclass(frozen=True, slots=True)
class Heads:
    """How many heads ask, and how many are asked."""

    query: int
    key: int


@dataclass(frozen=True, slots=True)
class Factor:
    """The two matrices that a weight is changed by: `b @ a * scale`, rows in llama.cpp's order."""

    name: str
    a: np.ndarray
    b: np.ndarray


def write_adapter(adapter: Path, out: Path, heads: Heads, base: str) -> None:
    """A PEFT adapter's folder as a GGUF adapter, in half precision.

    Args:
        base: name of the model that it was trained on.

    Raises:
        BadInput: the folder holds no LoRA adapter for a model of the Llama family.
    """
    from gguf import GGUFWriter

    config = _config(adapter)
    writer = GGUFWriter(out, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    writer.add_name(adapter.name)
    writer.add_string("general.base_model.0.name", base)
    for factor in factors(adapter, heads):
        writer.add_tensor(f"{factor.name}.lora_a", factor.a.astype(np.float16))
        writer.add_tensor(f"{factor.name}.lora_b", factor.b.astype(np.float16))
    _close(writer)


def merge(base: Path, adapter: Path | None, out: Path, kind: str) -> None:
    """A model's GGUF file with a GGUF adapter worked into its weights, written as `kind`.

    Args:
        adapter: what `write_adapter` wrote; None: the weights as they are, written anew.
        kind: one of `KINDS`; what has one dimension stays in single precision.

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
        form = GGMLQuantizationType[kind if weights.ndim > 1 else "F32"]
        writer.add_tensor(tensor.name, quantize(weights, form), raw_dtype=form)
    if changes:
        out.unlink(missing_ok=True)
        raise BadInput(
            f"The adapter {adapter} changes {next(iter(changes))}, which {base.name} lacks.",
            "Export it onto the model that it was trained on.",
        )
    _close(writer)


def heads_of(model: Path) -> Heads:
    """How many heads a GGUF model has."""
    from gguf import GGUFReader

    fields = GGUFReader(model).fields
    asks = int(fields["llama.attention.head_count"].contents())
    return Heads(asks, int(fields["llama.attention.head_count_kv"].contents()))


def factors(adapter: Path, heads: Heads) -> Iterator[Factor]:
    """What a PEFT adapter changes, weight by weight.

    Raises:
        BadInput: it is none, or of another kind than plain LoRA.
    """
    from safetensors.numpy import load_file

    if _config(adapter).get("use_dora"):
        raise BadInput(
            "A DoRA adapter cannot be written as factors.", "Merge it into its model instead."
        )
    sides: dict[str, dict[str, np.ndarray]] = {}
    for key, value in load_file(adapter / "adapter_model.safetensors").items():
        found = _WEIGHT.search(key)
        if found is None or found["part"] not in _NAMES:
            raise BadInput(f"{key} is no weight of the Llama family.", "Merge the adapter instead.")
        name = f"blk.{found['layer']}.{_NAMES[found['part']]}.weight"
        sides.setdefault(name, {})[found["side"]] = value.astype(np.float32)
    for name, pair in sorted(sides.items()):
        count = {"attn_q": heads.query, "attn_k": heads.key}.get(name.split(".")[2])
        yield Factor(name, pair["A"], _reordered(pair["B"], count) if count else pair["B"])


def _reordered(rows: np.ndarray, heads: int) -> np.ndarray:
    """Each head's rows from halves to neighbours."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows.shape))


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


def _config(adapter: Path) -> dict[str, Any]:
    try:
        text = (adapter / "adapter_config.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{adapter} holds no adapter ({error}).", "Give a folder that `finetune train` wrote."
        ) from error


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


_FILE_TYPES = {
    "F32": "ALL_F32",
    "F16": "MOSTLY_F16",
    "Q8_0": "MOSTLY_Q8_0",
    "Q4_0": "MOSTLY_Q4_0",
    "Q4_1": "MOSTLY_Q4_1",
}


def _close(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
