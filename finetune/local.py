"""A trained adapter in this process, through transformers: its loss, its answers, itself merged.

For figures without quantisation, and for models with an encoder, which llama.cpp does not serve.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from finetune.attention import use_tree_attention
from finetune.base import encodes, load_base, team
from finetune.pieces import answer_pieces, autocast
from finetune.plan import RECORD, Plan
from finetune.prompting import asked_of
from finetune.rows import Row


class LocalChat(BaseChatModel):
    """A model in this process that always writes its likeliest token."""

    model: Any
    tokenizer: Any

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        max_tokens: int = 256,
        **_: Any,
    ) -> ChatResult:
        import torch

        two = encodes(self.model)
        text = asked_of(messages, self.tokenizer, encodes=two)
        given = self.tokenizer(text, add_special_tokens=two, return_tensors="pt")
        with torch.no_grad():
            out = self.model.generate(
                **given.to(self.model.device), max_new_tokens=max_tokens, do_sample=False,
                eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
            )  # fmt: skip
        said = out[0] if two else out[0, given["input_ids"].shape[1] :]
        text = self.tokenizer.decode(said, skip_special_tokens=True)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def load_trained(folder: Path) -> tuple[Any, Any, Plan]:
    """A model with the adapter that `finetune train` wrote, its tokenizer, and its plan.

    Raises:
        BadInput: the folder holds no trained adapter.
        ModelUnusable: its base cannot be loaded.
    """
    from peft import PeftModel

    plan = _plan(folder)
    device = team().device
    base, tokenizer = load_base(plan.base, plan.dtype, device, four_bit=plan.four_bit)
    return PeftModel.from_pretrained(base, folder).eval(), tokenizer, plan


def write_merged(folder: Path, out: Path) -> Path:
    """A trained adapter worked into its base, as safetensors with its tokenizer; gives their file.

    Raises:
        BadInput: the folder holds no trained adapter.
        ModelUnusable: its base cannot be loaded.
    """
    from peft import PeftModel

    plan = _plan(folder)
    base, tokenizer = load_base(plan.base, plan.dtype)  # whole, also where 4 bits were trained on
    merged = PeftModel.from_pretrained(base, folder).merge_and_unload()
    merged.save_pretrained(out, max_shard_size="1TB")  # one file: one hash in its card
    tokenizer.save_pretrained(out)
    return out / "model.safetensors"


def _plan(folder: Path) -> Plan:
    try:
        return Plan(**json.loads((folder / RECORD).read_text(encoding="utf-8"))["plan"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{folder} holds no trained adapter ({type(error).__name__}: {error}).",
            "Give a folder that `finetune train` wrote.",
        ) from error


def mean_loss(model: Any, tokenizer: Any, rows: Sequence[Row], plan: Plan) -> float:
    """Cross-entropy of the rows' right answers, a mean over their tokens."""
    import torch

    if not encodes(model):
        use_tree_attention(model)
    pieces = answer_pieces(rows, model, tokenizer, load_prompt("answer"), plan.longest)
    with torch.no_grad(), autocast(model, plan.dtype):
        total = sum(float(piece.loss(model)) for piece in pieces)
    return total / max(1, sum(piece.weight for piece in pieces))


def chat_of(model: Any, tokenizer: Any) -> LocalChat:
    """It as a chat model."""
    if not encodes(model):
        model.set_attn_implementation("sdpa")
    return LocalChat(model=model.get_base_model(), tokenizer=tokenizer)
