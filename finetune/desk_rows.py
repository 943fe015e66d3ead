"""What people have signed, rejected, found good or found bad, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatbot.domain import AnswerRecord, Passage, Status
from chatbot.steps.ground import where_of
from chatbot.steps.personal_data import redacted
from chatbot.steps.review import signed_by_all
from chatbot.steps.review_item import SIGNED, ReviewItem, State
from chatbot.steps.verify import split_markers
from finetune.rows import DRAFT, WAITS, Row, Source, Split
from finetune.split import split_of

_LICENCE = "own"
_NOT_IN_DOCUMENTS = "not-in-documents"


def signed_rows(items: Iterable[ReviewItem]) -> Iterator[Row]:
    """Answers that a reviewer has signed, as they were signed, over what the reviewer saw."""
    for item in items:
        # A rejection is delivered, too: the state alone does not say that it was signed.
        if item.state in SIGNED and item.kind == "answer" and item.answer and signed_by_all(item):
            text, evidence = item.answer.text, item.answer.evidence
            changed = any(s.decision == "edit" for s in item.signatures)
            notes = {"outcome": "edited" if changed else "signed"}
            if item.draft:
                notes |= {DRAFT: item.draft, "model": item.model}
            yield from _row(item.question, text, evidence, "desk", notes)


def liked_rows(records: Iterable[AnswerRecord]) -> Iterator[Row]:
    """Released answers that their askers found good. Quotes are no answers to learn from."""
    for record in records:
        if record.status is Status.RELEASED and record.mode == "generated":
            passages = [p.passage for p in record.passages]
            notes = {"outcome": "liked", "model": record.model}
            yield from _row(record.standalone, record.answer, passages, "feedback", notes)


def rejected_rows(items: Iterable[ReviewItem]) -> Iterator[Row]:
    """Questions whose drafts a reviewer rejected, or whose answers were recalled.

    Where the reviewer found that the documents do not answer it, a refusal is right; otherwise
    nobody has said what is, and the row waits for somebody who does. A question without passages
    cannot be asked over any, and is left out.
    """
    for item in items:
        rejected = any(s.decision == "reject" for s in item.signatures)
        if item.answer is None or not (rejected or item.state is State.RECALLED):
            continue
        outcome, why = ("rejected" if rejected else "recalled"), item.reason_code
        notes = {"outcome": outcome, "reason": why, "said": item.note,
                 DRAFT: item.draft or item.answer.text, "model": item.model}  # fmt: skip
        if not (rejected and why == _NOT_IN_DOCUMENTS):
            notes[WAITS] = f"{outcome} at the desk: {why or 'no reason'}"
        yield from _bare(item.question, item.answer.evidence, "desk", notes)


def disliked_rows(rated: Iterable[tuple[AnswerRecord, str, str]]) -> Iterator[Row]:
    """Questions whose answers (or refusals) their askers found bad: all of them wait for a label.

    Args:
        rated: records with the reason and the comment that the asker gave.
    """
    for record, reason, comment in rated:
        notes = {"outcome": "disliked", "reason": reason, "said": comment, DRAFT: record.answer,
                 "model": record.model, WAITS: f"thumbs down: {reason or 'no reason'}"}  # fmt: skip
        passages = [p.passage for p in record.passages]
        yield from _bare(record.standalone, passages, "feedback", notes)


def _bare(
    question: str, passages: Sequence[Passage], origin: str, notes: dict[str, str]
) -> Iterator[Row]:
    """A row without an answer. What waits is never a row of the frozen test; what rests on
    documents of several splits can only be learned from, if no row to measure with shares them."""
    if not passages:
        return
    known = "\n".join(p.text for p in passages)
    sources = tuple(map(source_of, passages))
    splits = {split_of(source.document) for source in sources}
    split = splits.pop() if len(splits) == 1 else Split.TRAIN
    if WAITS in notes and split is Split.TEST:
        split = Split.HARD
    told = _redacted(notes, known)
    yield Row(redacted(question, known), sources, "", 0, origin, _LICENCE, split, notes=told)


def _redacted(notes: dict[str, str], known: str) -> dict[str, str]:
    return {name: redacted(said, known) for name, said in notes.items() if said}


def _row(
    question: str, text: str, passages: Sequence[Passage], origin: str, notes: dict[str, str]
) -> Iterator[Row]:
    known = "\n".join(p.text for p in passages)
    written = redacted(text, known)
    claim, cited = split_markers(written)
    if not cited or max(cited) > len(passages):
        return
    sources = tuple(map(source_of, passages))
    document = sources[cited[0] - 1].document
    yield Row(
        redacted(question, known), sources, claim, cited[0], origin, _LICENCE,
        split_of(document), written=written, notes=_redacted(notes, known),
    )  # fmt: skip


def source_of(passage: Passage) -> Source:
    """The passage as a row keeps it."""
    document = passage.document
    return Source(where_of(passage), passage.text, document.id, document.version)
