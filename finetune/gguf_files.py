"""PEFT adapters as GGUF adapters, for llama.cpp.

llama.cpp keeps the rows of the Llama family's query and key projections in another order than
transformers does: pairs that rotate together are halves there, neighbours here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.gguf_files import close_writer
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
    close_writer(writer)


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

    if _config(adapter).get("task_type") == "SEQ_2_SEQ_LM":
        raise BadInput(
            f"{adapter} adapts a model with an encoder: there is no GGUF file of that here.",
            "Write it as a model for transformers: `finetune export --merged safetensors`.",
        )
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


def _config(adapter: Path) -> dict[str, Any]:
    try:
        text = (adapter / "adapter_config.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{adapter} holds no adapter ({error}).", "Give a folder that `finetune train` wrote."
        ) from error
