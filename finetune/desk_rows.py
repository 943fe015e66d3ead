"""What people have signed or found good, as rows to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatbot.domain import AnswerRecord, Passage, Status
from chatbot.steps.ground import where_of
from chatbot.steps.personal_data import redacted
from chatbot.steps.review_item import SIGNED, ReviewItem
from chatbot.steps.verify import split_markers
from finetune.rows import Row, Source
from finetune.split import split_of

_LICENCE = "own"


def signed_rows(items: Iterable[ReviewItem]) -> Iterator[Row]:
    """Answers that a reviewer has signed, as they were signed, over what the reviewer saw."""
    for item in items:
        if item.state in SIGNED and item.kind == "answer" and item.answer:
            text, evidence = item.answer.text, item.answer.evidence
            changed = any(s.decision == "edit" for s in item.signatures)
            outcome = "edited" if changed else "signed"
            yield from _row(item.question, text, evidence, "desk", {"outcome": outcome})


def liked_rows(records: Iterable[AnswerRecord]) -> Iterator[Row]:
    """Released answers that their askers found good. Quotes are no answers to learn from."""
    for record in records:
        if record.status is Status.RELEASED and record.mode == "generated":
            passages = [p.passage for p in record.passages]
            notes = {"outcome": "liked", "model": record.model}
            yield from _row(record.standalone, record.answer, passages, "feedback", notes)


def _row(
    question: str, text: str, passages: Sequence[Passage], origin: str, notes: dict[str, str]
) -> Iterator[Row]:
    known = "\n".join(p.text for p in passages)
    written = redacted(text, known)
    claim, cited = split_markers(written)
    if not cited or max(cited) > len(passages):
        return
    sources = tuple(_source(p) for p in passages)
    document = sources[cited[0] - 1].document
    yield Row(
        redacted(question, known), sources, claim, cited[0], origin, _LICENCE,
        split_of(document), written=written, notes=notes,
    )  # fmt: skip


def _source(passage: Passage) -> Source:
    document = passage.document
    return Source(where_of(passage), passage.text, document.id, document.version)
