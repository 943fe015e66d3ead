"""A whole Countersign over documents that hold a secret, with a model that tells it at once."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
from chatbot.bootstrap import App, bootstrap
from chatbot.domain import Document, Locator, Passage, sha256_of
from chatbot.logs import configure_logs
from chatbot.settings import load_settings
from proof.stub_model import stub_model

CANARY = "Zyqvorth"
"""Stands in every sentence of the documents; nobody may read it unsigned."""
PIECES = (CANARY, CANARY[:5], CANARY[-5:])
"""What is looked for: a stream may cut the word."""


@dataclass(frozen=True, slots=True)
class Site:
    """The running application and its address."""

    app: App
    url: str


@contextmanager
def site(questions: Sequence[str], **settings: Any) -> Iterator[Site]:
    """Serves an application whose documents answer each question, with the canary."""
    configure_logs(level="error")  # a line for each of a hundred thousand requests
    with tempfile.TemporaryDirectory() as folder, stub_model() as model:
        given = {
            "home": Path(folder) / "home",
            "models": Path(os.environ["COUNTERSIGN_MODELS"])
            if "COUNTERSIGN_MODELS" in os.environ
            else Path("var/models").absolute(),
            "generation_url": model,
            "relevance": 0.0,
            "limits": "none",
            **settings,
        }
        with bootstrap(load_settings(**given)) as app:
            _fill(app, questions)
            with _served(app) as url:
                yield Site(app, url)


def _fill(app: App, questions: Sequence[str]) -> None:
    encoder = app.retriever.embeddings
    texts = [f"{CANARY} answers this. {_statement(q)} {CANARY}." for q in questions]
    vectors = encoder.encode(texts)  # type: ignore[attr-defined]
    stored, kept = [], {}
    for number, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        key = sha256_of(text)
        document = Document(
            f"d{number}", "default", f"/{number}.md", "Leaflet", key, "text/markdown"
        )
        passage = Passage(f"p{number}", document, 0, text, Locator(end=len(text)))
        stored.append(StoredDocument(document, "proof", (StoredPassage(passage, "", key),)))
        kept[key] = vector
    Catalogue(app.catalogue.engine).store(stored, kept, app.retriever.model)
    app._search.get(60).dense.catch_up()


def _statement(question: str) -> str:
    """The question's words as a sentence of a document; figures left out, they would be facts."""
    return " ".join(w for w in question.split() if w.isalpha())[:300].rstrip("?!.")


@contextmanager
def _served(app: App) -> Iterator[str]:
    import uvicorn

    from chatbot.cli import listen
    from chatbot.web.server import build_server

    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(build_server(app), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.05)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
