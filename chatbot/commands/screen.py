"""`chatbot screen`: what would happen to questions, without answering them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from chatbot.commands.routing import router_by
from chatbot.console import guarded
from chatbot.domain import Decision, Screening
from chatbot.errors import BadQuestion
from chatbot.steps.screen import clean_question

PolicyName = Annotated[
    str | None, typer.Option("--policy", help="`default`, `strict` or a policy file.")
]


@guarded
def screen(policy: PolicyName = None) -> None:
    """Screen the questions on standard input, one a line: one JSON document a line comes out.

    Example: echo "Can I take ibuprofen with warfarin?" | chatbot screen
    """
    router = router_by(policy)
    for question in questions():
        try:
            screening = router.screen(clean_question(question))
        except BadQuestion as error:  # nobody gets an answer to it
            screening = Screening(Decision.REFUSE, reasons=(error.what,))
        result = as_json(question, screening)
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def questions() -> Iterator[str]:
    """The lines of standard input that hold something; bytes that are no UTF-8 are replaced."""
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.strip():
            yield text


def as_json(question: str, screening: Screening) -> dict[str, Any]:
    """A screening as the commands print it."""
    return {
        "question": question,
        "decision": screening.decision.value,
        "category": screening.category,
        "score": screening.score,
        "reasons": list(screening.reasons),
        "support": screening.support,
    }
