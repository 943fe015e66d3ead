"""Whether the parts are ready, in the words of the page and of `/healthz`.

Everybody may read it: paths, counts and a library's messages are for `chatbot doctor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_WORST_FIRST = ("failed", "loading", "empty", "ready")


class Part(TypedDict):
    """One part of the application."""

    name: str
    state: str


class Health(TypedDict):
    """All of it. `state` is that of the worst part."""

    state: str
    parts: list[Part]


def health(app: App) -> Health:
    """What state the application is in now."""
    parts = [Part(name=s.name, state=str(s.state)) for s in app.status()]
    states = {part["state"] for part in parts}
    worst = next((state for state in _WORST_FIRST if state in states), "ready")
    return Health(state=worst, parts=parts)


def loading(app: App) -> str:
    """Name of a part that an answer has to wait for, or nothing."""
    return next((p["name"] for p in health(app)["parts"] if p["state"] == "loading"), "")
