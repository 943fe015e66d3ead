"""Countersign, wired as `chatbot` and `ingest` wire it; nothing of it is replaced or tuned."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.timing import Clock

_PERSON = "bench"


class Side:
    """Countersign's half of each measurement."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._open = ExitStack()
        self._app: Any = None
        self._encoder: Any = None

    def embed(self, texts: list[str]) -> float:
        """Seconds to embed the texts."""
        encoder = self._model()
        clock = Clock()
        encoder.embed_documents(texts)
        return clock.lap()

    def vectors(self, passages: list[str], questions: list[str]) -> dict[str, Any]:
        """Vectors of passages and of questions, for the ranking scores."""
        encoder = self._model()
        return {
            "passages": encoder.encode(passages).tolist(),
            "questions": encoder.encode(questions).tolist(),
        }

    def hybrid(self, passages: list[str], questions: list[str], k: int) -> list[list[int]]:
        """For each question the numbers of the k best passages, by the product's own retriever."""
        from bench.quality import hybrid_retriever

        home = self._home / "ranking"
        shutil.rmtree(home, ignore_errors=True)
        with hybrid_retriever(home, self._model(), passages) as retriever:
            return [
                [int(s.passage.document.uri) for s in retriever.find(question, k)]
                for question in questions
            ]

    def open(self) -> None:
        """Opens the application."""
        from chatbot.bootstrap import bootstrap
        from chatbot.settings import load_settings

        self._app = self._open.enter_context(bootstrap(load_settings()))
        _ = self._app.retriever

    def retrieve(self, question: str) -> float:
        """Seconds from a question to its passages."""
        if self._app is None:
            self.open()
        retriever = self._app.retriever
        clock = Clock()
        assert retriever.invoke(question)
        return clock.lap()

    def answer(self, question: str) -> dict[str, Any]:
        """Seconds to the first released sentence and to the end, and what was said."""
        from chatbot.domain import Finished, Person, Refused
        from chatbot.gate import Sentence, shown

        if self._app is None:
            self.open()
        person = Person(_PERSON)
        talk = self._app.conversations.create(person.id).id
        start = time.perf_counter()
        first, record = None, None
        for event in self._app.chain.answer(question, talk, person, fresh=True):
            if first is None and isinstance(event, Sentence | Refused):
                first = time.perf_counter() - start
            if isinstance(event, Finished):
                record = event.record
        whole = time.perf_counter() - start
        assert record is not None
        generated = record.status.value == "released" and record.mode
        return {
            "first_sentence": first or whole,
            "whole": whole,
            "text": shown(record).text,
            "mode": generated or record.status.value,
            "timings": dict(record.timings),
            "dropped": len(record.dropped),
        }

    def close(self) -> None:
        """Lets go of the application."""
        self._open.close()

    def _model(self) -> Any:
        if self._encoder is None:
            from chatbot.adapters.embeddings import open_embeddings
            from chatbot.bootstrap import silence_vendors
            from chatbot.settings import load_settings

            silence_vendors()
            self._encoder = open_embeddings(load_settings())
        return self._encoder
