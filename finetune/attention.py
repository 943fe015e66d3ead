"""Attention over a tree (`finetune.tree`): each part with what it sees, without a mask.

The shared part attends to itself, each branch to the shared part and to itself. A mask over the
whole sequence would work out three times as much, most of it to be thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NAME = "tree"


def use_tree_attention(model: Any) -> None:
    """Has the model attend so; `lengths` is then to be given with each sequence."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    model.set_attn_implementation(NAME)


def _no_mask(*_: Any, **__: Any) -> None:
    return None


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    lengths: Sequence[int],
    scaling: float | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """Like `scaled_dot_product_attention`, for one sequence.

    Args:
        lengths: tokens of the shared part, then of each branch.
    """
    import torch

    kind = query.dtype
    if query.device.type == "cpu":  # where half-precision attention is slower than single
        query, key, value = query.float(), key.float(), value.float()
    attend = torch.nn.functional.scaled_dot_product_attention
    same = {"scale": scaling, "enable_gqa": query.shape[1] != key.shape[1]}
    shared = lengths[0]
    root = slice(0, shared)
    parts = [attend(query[:, :, root], key[:, :, root], value[:, :, root], is_causal=True, **same)]
    at = shared
    for length in lengths[1:]:
        own = slice(at, at + length)
        seen = [torch.cat((x[:, :, root], x[:, :, own]), dim=2) for x in (key, value)]
        mask = torch.ones(length, shared + length, dtype=torch.bool, device=query.device)
        parts.append(attend(query[:, :, own], *seen, attn_mask=mask.tril(shared), **same))
        at += length
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous().to(kind), None
