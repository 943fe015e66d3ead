"""What a training makes small, each for one piece of its material: sums, not means.

Only where an answer stands are words worked out: a vocabulary is wider than a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from finetune.tree import IGNORED, Tree


def answer_loss(model: Any, tree: Tree) -> Any:
    """Cross-entropy of the answers' tokens."""
    import torch

    logits, wanted = _at_answers(model, tree)
    return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")


def sequence_loss(model: Any, batch: Mapping[str, np.ndarray]) -> Any:
    """The same for an encoder-decoder: `labels` are the answers, `IGNORED` behind their end."""
    import torch

    device = next(model.parameters()).device
    given = {name: torch.tensor(value, device=device) for name, value in batch.items()}
    logits = model(**given).logits.flatten(0, 1).float()
    wanted = given["labels"].flatten()
    return torch.nn.functional.cross_entropy(
        logits, wanted, reduction="sum", ignore_index=IGNORED
    )


def preference_loss(model: Any, tree: Tree, reference: float, beta: float) -> Any:
    """Direct preference optimisation (arXiv:2305.18290, equation 7).

    Args:
        tree: one prompt with two branches: what is preferred, then the other.
        reference: `margin` of the model that is not to be left far behind.
    """
    import torch

    return -torch.nn.functional.logsigmoid(beta * (margin(model, tree) - reference))


def margin(model: Any, tree: Tree) -> Any:
    """By how much the first branch's answer is likelier than the second's: of logarithms."""
    import torch

    logits, wanted = _at_answers(model, tree)
    lost = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
    ends = [*accumulate(tree.lengths)]
    of_first = np.flatnonzero(tree.labels != IGNORED) < ends[1]
    first = torch.tensor(of_first, device=lost.device)
    return lost[~first].sum() - lost[first].sum()


def _at_answers(model: Any, tree: Tree) -> tuple[Any, Any]:
    """Logits before each token of an answer, and those tokens."""
    import torch

    base = model.get_base_model()
    device = next(model.parameters()).device
    learned = np.flatnonzero(tree.labels != IGNORED)
    hidden = base.model(
        input_ids=torch.tensor(tree.tokens[None], device=device),
        position_ids=torch.tensor(tree.positions[None], device=device),
        use_cache=False,
        lengths=tree.lengths,
    ).last_hidden_state[0, torch.tensor(learned, device=device)]
    return base.lm_head(hidden).float(), torch.tensor(tree.labels[learned], device=device)
