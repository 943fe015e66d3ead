"""A small model of the embedded one's family and adapters for it, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.models import LANGUAGE, find

LAYERS, WIDE, INNER, WORDS = 2, 64, 128, 2000
_CHANGED = {
    "block_count": LAYERS,
    "embedding_length": WIDE,
    "feed_forward_length": INNER,
    "attention.head_count": 2,
    "attention.head_count_kv": 2,
    "rope.dimension_count": WIDE // 2,
    "vocab_size": WORDS,
}
_SHAPES = {
    "attn_q": (WIDE, WIDE),
    "attn_k": (WIDE, WIDE),
    "attn_v": (WIDE, WIDE),
    "attn_output": (WIDE, WIDE),
    "ffn_gate": (INNER, WIDE),
    "ffn_up": (INNER, WIDE),
    "ffn_down": (WIDE, INNER),
}


def write_model(file: Path) -> Path:
    """A model of random numbers with the first words of the embedded one: it answers at once."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    drawn = np.random.default_rng(0)
    writer = GGUFWriter(file, "llama")
    for field in GGUFReader(find(LANGUAGE)).fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] is GGUFValueType.ARRAY else None
        value: Any = _CHANGED.get(field.name.removeprefix("llama."))
        if inner is not None:  # of the words, their kinds and merges; each merge makes a word
            most = WORDS - 300 if field.name.endswith("merges") else WORDS
            value = [_read(field, index, inner) for index in field.data[:most]]
        elif value is None:
            value = field.contents()
        writer.add_key_value(field.name, value, field.types[0], sub_type=inner)
    ones = np.ones(WIDE, np.float32)
    words = drawn.normal(size=(WORDS, WIDE)).astype(np.float16)
    writer.add_tensor("token_embd.weight", words)
    writer.add_tensor("output_norm.weight", ones)
    for layer in range(LAYERS):
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)
        for part, shape in _SHAPES.items():
            numbers = 0.2 * drawn.normal(size=shape)
            writer.add_tensor(f"blk.{layer}.{part}.weight", numbers.astype(np.float16))
    return _closed(writer, file)


def _read(field: Any, index: int, kind: Any) -> Any:
    part = field.parts[index]
    return bytes(part).decode("utf-8") if kind.name == "STRING" else part[0].item()


def write_adapter(file: Path, seed: int, loud: float = 1.0) -> Path:
    """An adapter of random numbers for it; with `loud` 0 all its changes are zero."""
    from gguf import GGUFWriter

    drawn = np.random.default_rng(seed)
    writer = GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for layer in range(LAYERS):
        for part in ("attn_v", "ffn_down"):
            gives, reads = _SHAPES[part]
            a, b = drawn.normal(size=(4, reads)), loud * drawn.normal(size=(gives, 4))
            writer.add_tensor(f"blk.{layer}.{part}.weight.lora_a", a.astype(np.float16))
            writer.add_tensor(f"blk.{layer}.{part}.weight.lora_b", b.astype(np.float16))
    return _closed(writer, file)


def _closed(writer: Any, file: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
