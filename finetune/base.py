"""The model that an adapter is trained on: the embedded one, a GGUF file, a folder, or a hub id."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatbot.adapters.models import LANGUAGE, locate
from chatbot.errors import BadInput, ModelUnusable

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")


def load_base(
    name: str, dtype: str = "bfloat16", device: Any = "cpu", four_bit: bool = False
) -> tuple[Any, Any]:
    """Model and tokenizer.

    Args:
        name: `embedded`, a GGUF file, a folder, or a repository on the hub; with an encoder
            (`model.config.is_encoder_decoder`) or without.
        dtype: of the weights: `bfloat16` or `float32`.
        four_bit: keep the weights in 4 bits (NF4) and reckon in `dtype`.

    Raises:
        BadInput: 4 bits are wanted and bitsandbytes is not installed.
        ModelUnusable: it is missing, or transformers cannot load it.
    """
    import torch
    from transformers import AutoTokenizer, GgufConfig

    if four_bit and importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput(
            "A base in 4 bits needs bitsandbytes, which is not installed.",
            "Install it (`pip install bitsandbytes`), or train with lora, which gives the same "
            "kind of adapter.",
        )
    path = locate(LANGUAGE) if name == "embedded" else Path(name)
    where: dict[str, Any] = {"pretrained_model_name_or_path": name}
    if path.is_file():
        where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(**where)
        if "gguf_file" in where:  # packed weights are read anew in each product: slow to train on
            where["quantization_config"] = GgufConfig(dequantize=True)
        if four_bit:
            return _in_four_bits(where, getattr(torch, dtype), device), tokenizer
        return _loaded(**where, dtype=getattr(torch, dtype)).to(device), tokenizer
    except (OSError, ValueError) as error:
        raise ModelUnusable(
            f"The model {name} cannot be loaded ({error}).",
            "Name `embedded`, a GGUF file, a folder, or a repository on the hub.",
        ) from error


def _loaded(**where: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    source = {k: v for k, v in where.items() if k in ("pretrained_model_name_or_path", "gguf_file")}
    encodes = AutoConfig.from_pretrained(**source).is_encoder_decoder
    kind = AutoModelForSeq2SeqLM if encodes else AutoModelForCausalLM
    return kind.from_pretrained(**where)


def _in_four_bits(where: dict[str, Any], dtype: Any, device: Any) -> Any:
    from transformers import BitsAndBytesConfig

    packed = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )
    how = {"quantization_config": packed, "dtype": dtype, "device_map": {"": device}}
    if "gguf_file" not in where:
        return _loaded(**where, **how)
    with TemporaryDirectory() as unpacked:  # transformers packs what it reads from safetensors
        _loaded(**where, dtype=dtype).save_pretrained(unpacked)
        return _loaded(pretrained_model_name_or_path=unpacked, **how)
