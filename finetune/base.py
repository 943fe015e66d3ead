"""The model that an adapter is trained on: the embedded one, a GGUF file, a folder, or a hub id.

With an encoder (T5 and its kind) or without, whole or in 4 bits.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatbot.adapters.models import LANGUAGE, locate
from chatbot.errors import BadInput, ModelUnusable

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")


def load_base(
    name: str, dtype: str = "bfloat16", device: Any = "cpu", *, four_bit: bool = False
) -> tuple[Any, Any]:
    """Model and tokenizer.

    Args:
        name: `embedded`, a GGUF file, a folder, or a repository on the hub.
        dtype: of the weights: `bfloat16` or `float32`.
        four_bit: the weights are kept in 4 bits (NF4), and `dtype` is what is reckoned in.

    Raises:
        BadInput: 4 bits are wanted, and bitsandbytes is not installed.
        ModelUnusable: it is missing, or transformers cannot load it.
    """
    import torch
    from transformers import AutoTokenizer, GgufConfig

    # Without a package that fetches kernels it warns that it has none; ours is not to fetch any.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    if four_bit and find_spec("bitsandbytes") is None:
        raise BadInput(
            "A base in 4 bits needs bitsandbytes, which is not installed.",
            "Install it with `make finetune`, or train with lora: the adapter is of the same kind.",
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


def team() -> Any:
    """The processes that train together (`torchrun`) as accelerate knows them, with the device of
    this one: a GPU where there is one, else the CPU."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())


def encodes(model: Any) -> bool:
    """Whether a model reads with an encoder."""
    return bool(model.config.is_encoder_decoder)


def _loaded(**where: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    source = {k: v for k, v in where.items() if k in ("pretrained_model_name_or_path", "gguf_file")}
    encodes = AutoConfig.from_pretrained(**source).is_encoder_decoder
    kind = AutoModelForSeq2SeqLM if encodes else AutoModelForCausalLM
    return kind.from_pretrained(**where)


def _in_four_bits(where: dict[str, Any], dtype: Any, device: Any) -> Any:
    from transformers import BitsAndBytesConfig

    how = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )  # fmt: skip
    packed = {"quantization_config": how, "dtype": dtype, "device_map": {"": device}}
    if "gguf_file" not in where:
        return _loaded(**where, **packed)
    with TemporaryDirectory() as folder:  # a GGUF file cannot be read into another packing
        _loaded(**where, dtype=dtype).save_pretrained(folder)
        model = _loaded(pretrained_model_name_or_path=folder, **packed)
    model.name_or_path = where["pretrained_model_name_or_path"]  # an adapter's file names its base
    return model
