"""What `/metrics` reads from the stores when somebody asks: the desk, the outbox, the cache."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sqlalchemy import Connection, func, select

from chatbot.adapters.database import transaction
from chatbot.adapters.drift import kept
from chatbot.adapters.outbox_rows import CHAT, FAILED, WAITING
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.schema import documents, feedback, index_changes
from chatbot.adapters.schema_cache import cached_answers
from chatbot.adapters.schema_review import outbox, review_items
from chatbot.adapters.telemetry import Reading
from chatbot.pings import Ping
from chatbot.settings import Settings
from chatbot.steps.review_item import State

_I = review_items.c


@dataclass(frozen=True, slots=True)
class Live:
    """What the process alone knows.

    Attributes:
        waiting: askers who wait for an answer.
        line: questions that wait for their turn.
        models: `model`, `adapter`, `embedding_model` and `policy`.
        breaker_open: whether the model server is left alone.
    """

    pings: Sequence[Ping]
    waiting: int
    line: int
    models: Mapping[str, str]
    breaker_open: bool


def store_figures(queue: ReviewQueue, settings: Settings, live: Live) -> Iterator[Reading]:
    """All of it, as it is now; of replicas on one database each tells the same of the stores."""
    yield Reading("build_info", 1, {"version": program_version(), "python": _PYTHON})
    yield Reading("model_info", 1, live.models)
    yield Reading("answering", live.waiting)
    yield Reading("line_waiting", live.line)
    yield Reading("breaker_open", live.breaker_open)
    yield Reading("price_hour", settings.price_hour)
    for ping in live.pings:
        yield Reading("ready", ping.state in ("ready", "empty"), {"part": ping.name})
    looks = kept(settings.home)
    yield Reading("drift_alerts", len(looks[-1].alerts) if looks else 0)
    counts = queue.counts()
    for state in State:
        yield Reading("queue_items", counts.states.get(state, 0), {"state": state.value})
    for category, n in counts.categories.items():
        yield Reading("queue_waiting", n, {"category": category})
    yield Reading("queue_overdue", counts.overdue)
    with transaction(queue.engine) as connection:
        oldest = connection.scalar(select(func.min(_I.created_at)).where(_I.open == 1))
        age = (queue.clock() - oldest).total_seconds() if oldest else 0.0
        yield Reading("queue_oldest_seconds", max(0.0, age))
        yield from _stored(connection)


def program_version() -> str:
    """The program's version; `unknown` where it is not installed."""
    try:
        return version("countersign")
    except PackageNotFoundError:
        return "unknown"


def _stored(connection: Connection) -> Iterator[Reading]:
    def number(of: object) -> float:
        return float(connection.scalar(of) or 0)  # type: ignore[call-overload]

    delivered = select(func.count()).where(_I.delivered_at.is_not(None))
    yield Reading("delivered_total", number(delivered))
    for state in (WAITING, FAILED):
        sent = select(func.count()).where(outbox.c.state == state, outbox.c.channel != CHAT)
        yield Reading("messages", number(sent), {"state": state})
    for name, value in (("up", 1), ("down", -1)):
        thumbs = select(func.count()).where(feedback.c.value == value)
        yield Reading("ratings", number(thumbs), {"value": name})
    usable = cached_answers.c.suspended.is_(None)
    yield Reading("cached_answers", number(select(func.count()).where(usable)))
    yield Reading("cached_bytes", number(select(func.sum(cached_answers.c.bytes)).where(usable)))
    yield Reading("documents", number(select(func.count()).select_from(documents)))
    yield Reading("index_version", number(select(func.max(index_changes.c.seq))))


_PYTHON = platform.python_version()
