"""What a training makes small, each for one piece of its material: sums, not means.

Only where an answer stands are words worked out: a vocabulary is wider than a model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from finetune.tree import IGNORED, Tree


def answer_loss(model: Any, tree: Tree) -> Any:
    """Cross-entropy of the answers' tokens."""
    import torch

    logits, wanted = _at_answers(model, tree)
    return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")


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
