"""The numbers that an answer is made within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatbot.policy import Action

if TYPE_CHECKING:
    from chatbot.policy import Policy
    from chatbot.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may take and must reach; `chatbot.settings` describes each."""

    passages: int = 4
    relevance: float = 0.30
    support: float = 0.55
    quote: float = 0.30
    context_tokens: int = 2048
    answer_tokens: int = 256
    deadline: float = 120.0
    condense_with_model: bool = False
    check_seconds: float = 5.0
    weak_relevance: float = 0.0
    hold_weak: bool = False


def limits_of(settings: Settings, policy: Policy) -> Limits:
    """The numbers that an answer is made within."""
    return Limits(
        settings.passages,
        settings.relevance,
        settings.support,
        settings.quote,
        settings.generation_context,
        settings.answer_tokens,
        settings.answer_deadline,
        bool(settings.generation_url),
        settings.check_timeout,
        settings.weak_relevance,
        policy.weak_retrieval is Action.HOLD,
    )
