"""Questions that a model writes about indexed passages, and which of them are kept. Pure.

Kept is what can be checked: the answer stands in the passage word for word, and retrieval finds the
passage again by the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chatbot.domain import Passage
from chatbot.steps.words import content_stems
from finetune.desk_rows import source_of
from finetune.split import SAME, key_of

_PAIR = re.compile(r"^\W*Q[\d\W]*:\s*(.+?)\s*\n+\W*A[\d\W]*:[ \t]*(.+?)\s*$", re.MULTILINE)
_FEWEST_WORDS, _LONGEST = 4, 40
_LONG_ENOUGH = 80  # characters of a passage that can be asked about

Encode = Callable[[Sequence[str]], np.ndarray]
Finds = Callable[[str, Passage], bool]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question that a model wrote about a passage, and the passage's words that answer it."""

    question: str
    answer: str
    passage: Passage


def worth_asking(passages: Iterable[Passage]) -> list[Passage]:
    """Those that say something, each text once; tables and code are left to people."""
    once = {p.text: p for p in passages if p.kind == "text" and len(p.text) >= _LONG_ENOUGH}
    return list(once.values())


def chosen(
    written: Mapping[str, str], passages: Sequence[Passage], finds: Finds, encode: Encode
) -> tuple[list[Pair], dict[str, int]]:
    """The pairs that are kept, and how many came to what.

    Args:
        written: what the model wrote, by the passages' ids.
        finds: whether retrieval gives that passage for that question.
    """
    kept: list[Pair] = []
    outcomes: Counter[str] = Counter()
    for passage in passages:
        pairs = _PAIR.findall(written[passage.id])
        outcomes["not in the form"] += not pairs
        for question, said in pairs:
            pair = Pair(question.strip("* "), _stands(said, passage.text), passage)
            fault = _fault(pair)
            if not fault and not finds(pair.question, passage):
                fault = "not found again"
            outcomes[fault] += 1
            if not fault:
                kept.append(pair)
    single = _single(kept, encode)
    outcomes["asked twice"] = len(kept) - len(single)
    outcomes["kept"] = outcomes.pop("", 0) - outcomes["asked twice"]
    return single, {name: n for name, n in sorted(outcomes.items()) if n or name == "kept"}


def line_of(pair: Pair, collection: str, model: str) -> dict[str, Any]:
    """A line of a question file; see README.md in this folder."""
    return {
        "question": pair.question,
        "answer": pair.answer,
        "passage": asdict(source_of(pair.passage)),
        "origin": f"collection {collection}",
        "licence": "own",
        "synthetic": True,
        "notes": {"written_by": model},
    }


def _stands(said: str, text: str) -> str:
    """The answer as it stands in the text; empty: it does not."""
    bare = said.strip("* \"'“”")
    tried = (bare, bare.rstrip("."))
    return next((a for a in tried if a and a in text), "")


def _fault(pair: Pair) -> str:
    words = pair.question.split()
    if not pair.question.endswith("?") or len(words) < _FEWEST_WORDS:
        return "no question"
    if not pair.answer or len(pair.answer.split()) > _LONGEST:
        return "not in the passage word for word"
    told = content_stems(pair.answer)
    return "says its answer" if told <= content_stems(pair.question) else ""


def _single(pairs: Sequence[Pair], encode: Encode) -> list[Pair]:
    """Of questions that count as one the first."""
    if not pairs:
        return []
    vectors = encode([pair.question for pair in pairs])
    kept: list[int] = []
    keys: set[str] = set()
    for n, pair in enumerate(pairs):
        near = kept and float((vectors[kept] @ vectors[n]).max()) >= SAME
        if not near and key_of(pair.question) not in keys:
            kept.append(n)
            keys.add(key_of(pair.question))
    return [pairs[n] for n in kept]
