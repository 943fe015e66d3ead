"""Puts a low-rank adapter on a model: a new one, or one to go on from.

LoRA (arXiv:2106.09685) or DoRA (arXiv:2402.09353).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatbot.errors import BadInput
from finetune.attention import use_tree_attention
from finetune.base import ATTENTION, FEED_FORWARD
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
    use_tree_attention(model)
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=0.0,
        target_modules=[*ATTENTION, *FEED_FORWARD],
        layers_to_transform=list(range(plan.first_layer, model.config.num_hidden_layers)),
        use_dora=plan.method == "dora",
        task_type="CAUSAL_LM",
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
