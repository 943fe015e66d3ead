"""Puts a low-rank adapter on a model: a new one, or one to go on from.

What `finetune.plan.METHODS` names are low-rank adapters, all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatbot.errors import BadInput
from finetune.attention import use_tree_attention
from finetune.base import ATTENTION, FEED_FORWARD, encodes
from finetune.plan import Plan

WEIGHTS = "adapter_model.safetensors"


def adapted(model: Any, plan: Plan) -> Any:
    """The model with the adapter that the plan starts with; the seed says what a new one is.

    Raises:
        BadInput: the adapter to go on from does not fit.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(plan.seed)
    parts: dict[str, Any] = {"target_modules": "all-linear", "task_type": "SEQ_2_SEQ_LM"}
    if not encodes(model):
        use_tree_attention(model)
        layers = model.config.num_hidden_layers
        parts = {
            "target_modules": [*ATTENTION, *FEED_FORWARD],
            "layers_to_transform": [*range(min(plan.first_layer, layers // 2), layers)],
            "task_type": "CAUSAL_LM",
        }
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=0.0,
        use_dora=plan.method == "dora",
        **parts,
    )
    found = get_peft_model(model, config)
    if plan.start:
        _go_on_from(found, Path(plan.start))
    return found


def _go_on_from(adapted: Any, start: Path) -> None:
    from peft import load_peft_weights, set_peft_model_state_dict

    try:
        left = set_peft_model_state_dict(adapted, load_peft_weights(str(start), device="cpu"))
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{start} cannot be gone on from ({error}).",
            "Name a folder that `finetune train` wrote, with the same rank and base.",
        ) from error
    if left.unexpected_keys:
        raise BadInput(
            f"{start} adapts other parts of the model.", "Train with the settings it was made with."
        )
