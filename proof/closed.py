"""Whatever fails in a check, nothing is released: `python -m proof.closed`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from chatbot.adapters.fakes import (
    HashedEmbeddings,
    ListRetriever,
    MemoryConversations,
    ScriptedChat,
)
from chatbot.adapters.fakes_desk import ListDesk, ScriptedRouter
from chatbot.chain import Chain
from chatbot.domain import Document, Finished, Held, Locator, Passage, Person, Screening, Status
from chatbot.gate import Sentence
from chatbot.journey import Steps
from chatbot.limits import Limits
from chatbot.prompts import load_prompt
from chatbot.trace import Voice
from proof.report import Report

_SLOW = 0.2
_PATIENCE = 0.02
_ABOUT = {
    "model": "scripted", "adapter": None, "embedding_model": "hashed", "index_version": 1,
    "policy": "", "searched": "one document",
}  # fmt: skip


class Broken(Exception):
    """What a killed part looks like from outside."""


class SlowRouter(ScriptedRouter):
    """Answers too late."""

    def screen(self, question: str, history: Sequence[Any]) -> Screening:
        """Too late."""
        time.sleep(_SLOW)
        return super().screen(question, history)


class SlowOnAnswers(ScriptedRouter):
    """Reads the question in time and the answer too late."""

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """Too late."""
        time.sleep(_SLOW)
        return super().screen_answer(sentence, cited)


class BrokenOnAnswers(ScriptedRouter):
    """Dies when it reads an answer."""

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """Dies."""
        raise Broken


class BrokenEmbeddings(HashedEmbeddings):
    """The verifier's eyes: dead."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Dies."""
        raise Broken


class SlowEmbeddings(HashedEmbeddings):
    """The verifier's eyes: slow."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Too late."""
        time.sleep(_SLOW)
        return super().embed_documents(texts)


_FAULTS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "router killed": lambda: (ScriptedRouter(fails=Broken()), HashedEmbeddings()),
    "router out of memory": lambda: (ScriptedRouter(fails=MemoryError()), HashedEmbeddings()),
    "router slow": lambda: (SlowRouter(), HashedEmbeddings()),
    "router killed at the answer": lambda: (BrokenOnAnswers(), HashedEmbeddings()),
    "router slow at the answer": lambda: (SlowOnAnswers(), HashedEmbeddings()),
    "verifier killed": lambda: (ScriptedRouter(), BrokenEmbeddings()),
    "verifier slow": lambda: (ScriptedRouter(), SlowEmbeddings()),
}


def main() -> int:
    """Breaks each check in turn, over many questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="questions")
    parser.add_argument("--unbroken", action="store_true", help="break nothing: all are released")
    asked = parser.parse_args()
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    report = Report(f"answers released while a check was broken ({len(_FAULTS)} ways)")
    faults = list(_FAULTS)
    for number in range(asked.count):
        fault = faults[number % len(faults)]
        router, embeddings = _FAULTS[fault]()
        if asked.unbroken:
            router, embeddings = ScriptedRouter(), HashedEmbeddings()
        report.count(_released(number, router, embeddings) and f"{fault}, question {number}")
    return report.end(least=asked.count)


def _released(number: int, router: Any, embeddings: Any) -> str:
    """What was released of one answer; empty: nothing."""
    text = f"The fee of plan {number} is EUR {number + 10}."
    document = Document("d", "default", "/d.md", "Fees", "v", "text/markdown")
    passage = Passage("p", document, 0, text, Locator(end=len(text)))
    store, desk = MemoryConversations(), ListDesk()
    chat = ScriptedChat(replies=(f"{text[:-1]} [1].",))

    def model(_: str) -> Voice:
        return Voice(chat)

    steps = Steps(
        router,
        ListRetriever(passages=[passage], embeddings=HashedEmbeddings()),
        embeddings,
        model,
        {name: load_prompt(name) for name in ("answer", "condense")},
        Limits(relevance=0.0, support=0.3, quote=0.005, check_seconds=_PATIENCE),
        lambda _: _ABOUT,
    )
    me = Person("me")
    talk = store.create(me.id).id
    events = list(
        Chain(steps, store, desk, lambda _: _ABOUT).answer(
            f"What is the fee of plan {number}?", talk, me
        )
    )
    sentences = [event.text for event in events if isinstance(event, Sentence)]
    last = events[-1]
    held = any(isinstance(event, Held) for event in events) and len(desk.held) == 1
    ended = isinstance(last, Finished) and last.record.status is Status.HELD and held
    return " ".join(sentences) or ("" if ended else "not held")


if __name__ == "__main__":
    sys.exit(main())
