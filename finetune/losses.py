"""What a training makes small, each for answers that went through a model at once: sums, not means.

How they go through is another matter: as a tree (`tree_answers`), or through an encoder
(`finetune.encoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from finetune.tree import IGNORED, Branch, Tree, tree_of


@dataclass(frozen=True, slots=True)
class Answers:
    """Prompts and answers that go through a model at once.

    Attributes:
        tokens: that go through it.
        learned: those of answers.
        losses: of a model; for each answer its tokens' cross-entropies, in order.
    """

    tokens: int
    learned: int
    losses: Callable[[Any], Sequence[Any]]


def answer_loss(model: Any, answers: Answers) -> Any:
    """Cross-entropy of the answers' tokens."""
    import torch

    return torch.cat([*answers.losses(model)]).sum()


def preference_loss(model: Any, pair: Answers, reference: float, beta: float) -> Any:
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290, equation 7).

    Args:
        pair: what is preferred, then the other.
        reference: `margin` of the model that is not to be left far behind.
        beta: how strongly it is held to that one.
    """
    import torch

    return -torch.nn.functional.logsigmoid(beta * (margin(model, pair) - reference))


def margin(model: Any, pair: Answers) -> Any:
    """By how much the first answer is likelier than the second: of logarithms."""
    first, second = pair.losses(model)
    return second.sum() - first.sum()


def tree_answers(branches: Sequence[Branch]) -> Answers:
    """Several questions over one list of passages, for a model that reads and writes in one."""
    tree = tree_of(branches)
    learned = int((tree.labels != IGNORED).sum())
    return Answers(len(tree.tokens), learned, partial(_tree_losses, tree=tree))


def _tree_losses(model: Any, tree: Tree) -> Sequence[Any]:
    """Only where an answer stands are words worked out: a vocabulary is wider than a model."""
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
    wanted = torch.tensor(tree.labels[learned], device=device)
    lost = torch.nn.functional.cross_entropy(base.lm_head(hidden).float(), wanted, reduction="none")
    ends = np.searchsorted(learned, np.cumsum(tree.lengths))  # the first part holds no answer
    return list(lost.split(np.diff(ends).tolist()))
