"""Models that read with an encoder and write with a decoder, such as FLAN-T5.

The encoder gets the prompt, the decoder the answer. Prompts are filled up to one length, side by
side: an encoder looks both ways, so the questions over one list of passages share nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from finetune.losses import Answers
from finetune.tree import IGNORED, Branch


def padded_answers(branches: Sequence[Branch]) -> Answers:
    """Prompts and answers as one batch."""
    asked = [b.tokens[: b.prompt] for b in branches]
    said = [b.tokens[b.prompt :] for b in branches]
    batch = {
        "input_ids": _filled(asked, 0),
        "attention_mask": _filled([[1] * len(a) for a in asked], 0),
        "labels": _filled(said, IGNORED),
    }
    learned = sum(map(len, said))
    return Answers(batch["input_ids"].size + learned, learned, partial(_losses, batch=batch))


def _losses(model: Any, batch: Mapping[str, np.ndarray]) -> Sequence[Any]:
    import torch

    device = next(model.parameters()).device
    given = {name: torch.tensor(value, device=device) for name, value in batch.items()}
    logits, labels = model(**given).logits.float(), given["labels"]
    lost = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="none", ignore_index=IGNORED
    ).view_as(labels)
    return [row[wanted != IGNORED] for row, wanted in zip(lost, labels, strict=True)]


def _filled(rows: Sequence[Sequence[int]], value: int) -> np.ndarray:
    wide = max(map(len, rows))
    return np.array([[*row, *[value] * (wide - len(row))] for row in rows])
