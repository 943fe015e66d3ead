"""How each part is that an answer needs, tried now, and whether readers can be sent here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chatbot.background import Background
from chatbot.deadline import within
from chatbot.errors import where

_SECONDS = 2.0
STOPS = frozenset({"failed", "loading"})
"""States of a part in which nobody should be sent here; one that is `degraded` is done without."""


@dataclass(frozen=True, slots=True)
class Ping:
    """How one part is: `ready`, `loading`, `empty`, `degraded` or `failed` (drift: `steady`,
    `alert` or `too few`), and what to know about it."""

    name: str
    state: str
    detail: str


def tried(name: str, attempt: Callable[[], object], otherwise: str = "failed") -> Ping:
    """The part after one attempt of two seconds at most.

    Args:
        otherwise: its state where that does not succeed.
    """
    try:
        within(_SECONDS, attempt)
    except Exception as error:  # whatever is wrong with it, it does not answer
        return Ping(name, otherwise, where(error)["error"])
    return Ping(name, "ready", "")


def loaded(parts: Iterable[Background[Any]]) -> list[Ping]:
    """The parts that are loaded in the background, as they are."""
    return [Ping(part.name, part.state, part.detail) for part in parts]


def not_ready(pings: Iterable[Ping]) -> list[str]:
    """Names of the parts for which nobody should be sent here."""
    return [ping.name for ping in pings if ping.state in STOPS]
