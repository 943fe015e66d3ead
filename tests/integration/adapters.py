"""GGUF adapters for the embedded model, made without training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chatbot.adapters.models import LANGUAGE, locate

PARTS = ("attn_q", "ffn_down")


def write_loud(file: Path, seed: int, loud: float = 0.05) -> Path:
    """An adapter of random numbers; with `loud` 0 its changes are all zero."""
    from gguf import GGUFReader, GGUFWriter

    shapes = {t.name: t.shape for t in GGUFReader(locate(LANGUAGE)).tensors}
    drawn = np.random.default_rng(seed)
    writer = GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for layer in range(4, 20):
        for part in PARTS:
            name = f"blk.{layer}.{part}.weight"
            reads, gives = (int(n) for n in shapes[name])
            a = drawn.normal(size=(4, reads)).astype(np.float16)
            b = (loud * drawn.normal(size=(gives, 4))).astype(np.float16)
            writer.add_tensor(f"{name}.lora_a", a)
            writer.add_tensor(f"{name}.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
