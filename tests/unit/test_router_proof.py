"""The router's proof: holding everybody or refusing everybody is no success."""

from __future__ import annotations

from typing import Any

from chatbot.domain import Decision, Screening
from proof.router import REFUSED, Proof, own_questions


class Always:
    """A router that has one decision for all."""

    def __init__(self, decision: Decision) -> None:
        self._decided = Screening(decision)

    def screen(self, question: str) -> Screening:
        """Looks at nothing."""
        return self._decided


def missed(decision: Decision) -> list[str]:
    proof, router = Proof(), Always(decision)
    own_questions(proof, router)  # type: ignore[arg-type]
    return proof.missed


def test_refusing_everybody_is_seen(capsys: Any) -> None:
    assert missed(Decision.REFUSE) == [REFUSED.name]
    assert "MISSED own sensitive: refused" in capsys.readouterr().out


def test_releasing_everybody_is_seen() -> None:
    found = missed(Decision.RELEASE)
    assert "own: health" in found
    assert REFUSED.name not in found


def test_holding_the_sensitive_is_right() -> None:
    assert missed(Decision.HOLD) == []
