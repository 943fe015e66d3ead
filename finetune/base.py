"""The model that an adapter is trained on: the embedded one, a GGUF file, a folder, or a hub id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatbot.adapters.models import LANGUAGE, locate
from chatbot.errors import ModelUnusable

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")


def load_base(name: str, dtype: str = "bfloat16") -> tuple[Any, Any]:
    """Model and tokenizer.

    Args:
        name: `embedded`, a GGUF file, a folder, or a repository on the hub.
        dtype: of the weights: `bfloat16` or `float32`.

    Raises:
        ModelUnusable: it is missing, or transformers cannot load it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    path = locate(LANGUAGE) if name == "embedded" else Path(name)
    where: dict[str, Any] = {"pretrained_model_name_or_path": name}
    if path.is_file():
        where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(**where)
        if "gguf_file" in where:  # packed weights are read anew in each product: slow to train on
            where["quantization_config"] = GgufConfig(dequantize=True)
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=getattr(torch, dtype))
    except (OSError, ValueError) as error:
        raise ModelUnusable(
            f"The model {name} cannot be loaded ({error}).",
            "Name `embedded`, a GGUF file, a folder, or a repository on the hub.",
        ) from error
    return model, tokenizer
