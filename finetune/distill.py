"""A teacher's answers as what a smaller model is to learn, where the passages support them. Pure.

Each sentence is checked as the chain checks what it releases. Where no passage is known to hold the
answer, a refusal is right and anything else is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from chatbot.domain import Decision, Draft, Passage, join_sentences
from chatbot.steps.evidence import evidence_of, quotable
from chatbot.steps.fragment import is_fragment
from chatbot.steps.verify import Asked, check, split_markers
from chatbot.steps.words import content_stems, sentences
from finetune.prompting import passage_of
from finetune.rows import Row, Split
from finetune.scores import Answered

_BY_PEOPLE = {"outcome", "relabelled_by"}
Encode = Callable[[Sequence[str]], np.ndarray]


class Checker:
    """Checks answers against a row's passages.

    Args:
        encode: unit vectors of texts.
        least: least cosine of a sentence and its source.
    """

    def __init__(self, encode: Encode, least: float) -> None:
        self._encode = encode
        self._least = least
        self._quotes = lru_cache(maxsize=4096)(self._embedded)

    def supported(self, row: Row, text: str) -> tuple[Draft, ...]:
        """The sentences with markers that hold; none, where any of them is not supported."""
        passages = [passage_of(source) for source in row.sources]
        evidence = [evidence_of(n, p, self._quotes(p)) for n, p in enumerate(passages, 1)]
        drafts: list[Draft] = []
        for sentence in sentences(text):
            claim, _ = split_markers(sentence)
            inside = is_fragment(claim, evidence)
            vectors = self._encode([claim, f"{row.question} {claim}"] if inside else [claim])
            asked = Asked(row.question, vectors[1]) if inside else None
            said = content_stems(" ".join(draft.text for draft in drafts))
            draft, verdict = check(sentence, vectors[0], evidence, self._least, said, asked)
            if verdict.decision is not Decision.RELEASE:
                return ()
            drafts.append(draft)
        return tuple(drafts)

    def _embedded(self, passage: Passage) -> np.ndarray:
        return self._encode(quotable(passage))


def pupils(rows: Sequence[Row]) -> dict[str, Row]:
    """The rows that a teacher is asked, by their ids: those that are learned from, but for those
    that a person has answered."""
    return {
        row.id: row
        for row in rows
        if row.split is Split.TRAIN and not row.waits and not row.notes.keys() & _BY_PEOPLE
    }


def distilled(
    rows: Sequence[Row], answers: Mapping[str, str], checker: Checker, teacher: str
) -> tuple[list[Row], dict[str, int]]:
    """The dataset with the teacher's answers in the training rows, and how many came to what.

    Args:
        rows: of a whole dataset; those that the teacher was not asked stay as they are.
        answers: the teacher's, by the ids of `pupils`.
    """
    kept: list[Row] = []
    outcomes: Counter[str] = Counter()
    for row in rows:
        if row.id not in answers:
            kept.append(row)
            continue
        outcome, taught = _taught(row, answers[row.id], checker)
        outcomes[outcome] += 1
        if taught:
            notes = {**row.notes, "teacher": teacher, "before": row.target}
            kept.append(replace(taught, notes=notes))
    return kept, dict(sorted(outcomes.items()))


def _taught(row: Row, text: str, checker: Checker) -> tuple[str, Row | None]:
    if Answered(row, text).refused:
        return ("refused as is right", row) if not row.marker else ("refused, has an answer", None)
    if not row.marker:
        return "answered, has none", None
    drafts = checker.supported(row, text)
    if not drafts:
        return "not supported", None
    written = join_sentences(draft.text for draft in drafts)
    taught = replace(
        row,
        answer=split_markers(written)[0],
        marker=drafts[0].citations[0].marker,
        accepted=tuple(dict.fromkeys((row.answer, *row.accepted))),
        written=written,
    )
    return "supported", taught
