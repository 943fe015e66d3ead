"""Looks at what the stores hold for drift, and keeps what was found, without anybody's words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from sqlalchemy import Engine, select

from chatbot.adapters.database import transaction
from chatbot.adapters.known_questions import KnownQuestions, vectors_of
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.queue_figures import Statistics
from chatbot.adapters.schema import answers, conversations, feedback
from chatbot.domain import AnswerRecord
from chatbot.steps.drift import Asked, Figure, Window, asked_of, compare, distinct
from chatbot.steps.topics import Topic, new_topics

FILE = "drift.jsonl"
REFERENCE_DAYS, LATEST_DAYS = 28, 7
_MOST_QUESTIONS = 500  # of a window, drawn by chance: their vectors are the work of a look


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found.

    Attributes:
        days: of the reference window, and of the latest one, which follows it up to `at`.
        topics: subjects that are new, where questions drifted; not kept.
    """

    at: datetime
    days: tuple[int, int]
    figures: tuple[Figure, ...]
    topics: tuple[Topic, ...] = ()

    @property
    def alerts(self) -> list[Figure]:
        """The figures that call for somebody."""
        return [f for f in self.figures if f.state == "alert"]

    @property
    def state(self) -> str:
        """`alert`, `steady`, or `too few` where no figure could be judged."""
        states = {f.state for f in self.figures}
        return next((s for s in ("alert", "steady") if s in states), "too few")

    @property
    def words(self) -> str:
        """What was found, in one line."""
        windows = f"the {self.days[1]} days to {self.at:%Y-%m-%d} and the {self.days[0]} before"
        if self.alerts:
            changes = "; ".join(f"{f.name}{_change(f)}" for f in self.alerts)
            return f"{changes} ({windows})"
        if self.state == "steady":
            return f"no drift between {windows}"
        return f"too few answers to tell, in {windows}"


def look(
    queue: ReviewQueue,
    embeddings: Embeddings,
    known: KnownQuestions | None,
    now: datetime,
    days: tuple[int, int] = (REFERENCE_DAYS, LATEST_DAYS),
) -> Look:
    """Holds the latest days against the ones before.

    Args:
        embeddings: the model that `known` is of.
        known: what the serving model was trained on, where that is known.
    """
    begins = now - timedelta(days=days[1])
    starts = begins - timedelta(days=days[0])
    before, after = _asked(queue.engine, starts, begins, now)
    all_, late = queue.statistics(starts), queue.statistics(begins)
    desk = np.subtract(_decisions(all_), _decisions(late)).tolist(), _decisions(late)
    reference = _window(before, embeddings, known, desk[0])
    latest = _window(after, embeddings, known, desk[1])
    figures = compare(reference, latest)
    drifted = any(f.state == "alert" and f.name.startswith("questions") for f in figures)
    topics: list[Topic] = []
    if drifted:
        topics = new_topics(latest.questions, latest.vectors, reference.vectors)
    return Look(now, days, tuple(figures), tuple(topics))


def keep(folder: Path, found: Look) -> None:
    """Adds a look to the file of all looks."""
    line = {"at": found.at.isoformat(timespec="seconds"), "days": list(found.days),
            "figures": [asdict(f) for f in found.figures]}  # fmt: skip
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def kept(folder: Path) -> list[Look]:
    """The looks that were kept, oldest first; a line that cannot be read is passed over."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [found for line in lines if (found := _look(line)) is not None]


def fresh(found: Look, before: Look | None) -> tuple[Figure, ...]:
    """The alerts of a look that the one before did not have."""
    known = {f.name for f in before.alerts} if before else set()
    return tuple(f for f in found.alerts if f.name not in known)


def news(looks: Sequence[Look]) -> list[Look]:
    """The looks that found a new alert, with those alerts alone."""
    before = [None, *looks[:-1]]
    pairs = zip(looks, map(fresh, looks, before), strict=True)
    return [replace(one, figures=new) for one, new in pairs if new]


def _change(figure: Figure) -> str:
    if figure.values is None:
        return " are about something else"
    return f" went from {figure.values[0]:.2f} to {figure.values[1]:.2f}"


def _look(line: str) -> Look | None:
    try:
        raw = json.loads(line)
        figures = tuple(_figure(f) for f in raw["figures"])
        return Look(datetime.fromisoformat(raw["at"]), tuple(raw["days"]), figures)
    except (ValueError, KeyError, TypeError):  # a line that a full disk cut short
        return None


def _figure(raw: dict[str, Any]) -> Figure:
    values = tuple(raw["values"]) if raw["values"] else None
    return Figure(**{**raw, "counts": tuple(raw["counts"]), "values": values})


def _asked(
    engine: Engine, starts: datetime, begins: datetime, ends: datetime
) -> tuple[list[Asked], list[Asked]]:
    """What was asked in each of the two windows."""
    query = (
        select(
            answers.c.conversation_id, answers.c.current, answers.c.asked_at, answers.c.record,
            conversations.c.owner, feedback.c.value,
        )
        .join(conversations, conversations.c.id == answers.c.conversation_id)
        .outerjoin(feedback, feedback.c.answer_id == answers.c.id)
        .where(answers.c.asked_at >= starts, answers.c.asked_at < ends)
        .order_by(answers.c.conversation_id, answers.c.ordinal)
        .execution_options(yield_per=200)
    )  # fmt: skip
    windows: tuple[list[Asked], list[Asked]] = [], []
    with transaction(engine) as connection:
        for _, rows in groupby(connection.execute(query), key=lambda r: r.conversation_id):
            for record, asked in _conversation(list(rows)):
                windows[record.asked_at >= begins].append(asked)
    return windows


def _conversation(rows: Sequence[Any]) -> Iterator[tuple[AnswerRecord, Asked]]:
    """A turn that was taken out, and its question asked once more, was asked again."""
    later: set[str] = set()
    for row in reversed(rows):
        record = AnswerRecord.from_json(row.record)
        again = not row.current and record.question in later
        later.add(record.question)
        yield record, asked_of(record, row.owner, row.value or 0, again)


def _window(
    asked: Sequence[Asked],
    embeddings: Embeddings,
    known: KnownQuestions | None,
    desk: Sequence[int],
) -> Window:
    questions = distinct(asked)
    if len(questions) > _MOST_QUESTIONS:
        drawn = np.random.default_rng(0).choice(len(questions), _MOST_QUESTIONS, replace=False)
        questions = [questions[n] for n in drawn]
    vectors = vectors_of([a.question for a in questions], embeddings)
    far = known.are_far(vectors) if known is not None else None
    return Window(asked, questions, vectors, desk[0], desk[1], far)


def _decisions(found: Statistics) -> tuple[int, int]:
    """Drafts that were decided on, and those that were edited or rejected."""
    changed = sum(r.edited + r.rejected for r in found.decided)
    return changed + sum(r.approved for r in found.decided), changed
