"""What a model could do before it was tuned: numbers, facts, context, language.

Each item in `ability.jsonl` is the beginning of a text and three ways to go on; the model has it
right where the right one is likelier than the others. They were written for this project and are
free of rights (CC0 1.0).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.domain import sha256_of
from chatbot.figures import bootstrap
from finetune.evaluate import Ability, Told, at_once

if TYPE_CHECKING:
    from chatbot.adapters.generation import ServedChat

ITEMS = Path(__file__).with_suffix(".jsonl")


@dataclass(frozen=True, slots=True)
class Item:
    """The beginning of a text, how it goes on, and how it does not."""

    id: str
    kind: str
    text: str
    right: str
    others: tuple[str, ...]


@cache
def kept_items() -> tuple[tuple[Item, ...], str]:
    """The items, and the fingerprint of their file."""
    text = ITEMS.read_text(encoding="utf-8")
    raw = [json.loads(line) for line in text.splitlines()]
    return tuple(Item(**{**r, "others": tuple(r["others"])}) for r in raw), sha256_of(text)


def ability_of(model: ServedChat, told: Told = lambda _: None) -> Ability:
    """Asks the model how each item goes on.

    Raises:
        GenerationFailed: it does not answer, or its server does not tell likelihoods.
    """
    items, test = kept_items()
    found = at_once(lambda item: chosen(model.following(item.text), item), items, told)
    return Ability(test, dict(zip((i.id for i in items), found, strict=True)))


def chosen(tokens: Sequence[str], item: Item) -> bool:
    """Whether the likeliest token that begins one of the options, and no other, begins the right
    one; not so where none of them does.

    Args:
        tokens: those likeliest to come next, likeliest first.
    """
    for token in filter(None, (t.strip() for t in tokens)):
        begun = [option for option in (item.right, *item.others) if option.startswith(token)]
        if len(begun) == 1:
            return begun[0] == item.right
    return False


def ability_scores(found: Ability) -> dict[str, dict[str, float]]:
    """The share that is right, of all and by kind, with intervals."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for item, right in found.right.items():
        kinds["ability"].append(float(right))
        kinds[f"ability_{item.partition('-')[0]}"].append(float(right))
    return {kind: bootstrap(rights) for kind, rights in kinds.items()}


def ability_change(now: Ability, before: Ability) -> Mapping[str, float]:
    """By how much more of the same items are right now, with its interval."""
    return bootstrap([float(r) - float(before.right[i]) for i, r in now.right.items()])
