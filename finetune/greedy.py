"""Whether a model's files say what the trained adapter says: always the likeliest token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chatbot.prompts import Prompt
from finetune.base import load_base
from finetune.prompting import branches_of
from finetune.rows import Row

Told = Callable[[int], None]


class Source:
    """A base with its PEFT adapter in transformers, in single precision."""

    def __init__(self, base: str, adapter: Path) -> None:
        """Loads both.

        Raises:
            ModelUnusable: the base cannot be loaded.
        """
        from peft import PeftModel

        model, self._tokenizer = load_base(base, "float32")
        self._model: Any = PeftModel.from_pretrained(model, adapter).eval()

    def answers(
        self, rows: Sequence[Row], prompt: Prompt, most: int, told: Told = lambda _: None
    ) -> list[str]:
        """What it writes to each row, `most` tokens at most."""
        import torch

        found = []
        for branch in branches_of(rows, self._tokenizer, prompt):
            asked = torch.tensor([branch.tokens[: branch.prompt]])
            ids = self._model.generate(
                input_ids=asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=most,
                do_sample=False,
                pad_token_id=self._tokenizer.eos_token_id,
            )
            text = self._tokenizer.decode(ids[0, branch.prompt :], skip_special_tokens=True)
            found.append(text.strip())
            told(len(found))
        return found

    def tokens(self, text: str) -> list[int]:
        """A text as token ids."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def equal_share(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> float:
    """Share of the tokens that are equal up to where two answers part; what follows is not."""
    longest = sum(max(len(a), len(b)) for a, b in pairs)
    return sum(_common(a, b) for a, b in pairs) / longest if longest else 1.0


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    for at, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return at
    return min(len(first), len(second))
