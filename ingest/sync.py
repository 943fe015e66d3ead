"""Makes the index equal a folder: gather, decide (`ingest.plan`), apply.

Applied in groups of documents, each one transaction: stopped at any moment, the index is whole,
and the next run goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
from chatbot.adapters.embeddings import TextEncoder
from chatbot.domain import Document, Locator, Passage, sha256_of
from chatbot.errors import LoadFailed
from ingest.document import Loaded
from ingest.gather import Gathered
from ingest.plan import Plan
from ingest.split import Piece, split

VERSION = "1"
"""Raised when loading or splitting changes, so that the next sync does every file again."""

GROUP = 512
"""Passages that are embedded and stored together."""


@dataclass
class Report:
    """What a sync did; `chunks` passages were stored, `embedded` of them needed a new vector."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    ignored: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0
    dry_run: bool = False


LoadedFiles = Iterator[tuple[Path, Loaded | LoadFailed]]
Load = Callable[[Sequence[Path]], LoadedFiles]


@dataclass(frozen=True, slots=True)
class Progress:
    """Told while a sync runs: a file was read, passages were embedded."""

    read: Callable[[str], None] = lambda _: None
    embedded: Callable[[int], None] = lambda _: None


def pipeline_name(embedding_name: str) -> str:
    """What a document's passages were made with."""
    return f"{VERSION} {embedding_name}"


def report_of(plan: Plan, gathered: Gathered) -> Report:
    """The report before anything is done: what would happen if every file can be read."""
    failed = [{"path": path, "error": why} for path, why in gathered.failed.items()]
    return Report(
        added=len(plan.add),
        updated=len(plan.replace),
        unchanged=len(plan.keep),
        deleted=len(plan.delete),
        failed=failed,
        ignored=len(gathered.ignored),
    )


class Sync:
    """Applies a plan.

    Args:
        load: reads files, in order; gives for each its content or why it cannot be read.
        encoder: opened only when a passage is to be embedded.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        load: Load,
        encoder: Callable[[], TextEncoder],
        collection: str,
        progress: Progress,
    ) -> None:
        self._catalogue = catalogue
        self._load = load
        self._encoder = encoder
        self._collection = collection
        self._progress = progress

    def apply(self, plan: Plan, gathered: Gathered, report: Report) -> None:
        """Reads, splits, embeds and stores; notes in the report what came of it."""
        if plan.delete:
            self._catalogue.drop([document_id(self._collection, uri) for uri in plan.delete])
        wanted = [*plan.add, *plan.replace]
        group: list[tuple[Document, list[Piece]]] = []
        if wanted:
            for path, loaded in self._load([Path(uri) for uri in wanted]):
                self._progress.read(str(path))
                if isinstance(loaded, LoadFailed):
                    self._note_failure(str(path), loaded, plan, report)
                    continue
                document = self._document(str(path), loaded, gathered.found[str(path)])
                group.append((document, split(loaded, self._encoder().count_tokens)))
                if sum(len(pieces) for _, pieces in group) >= GROUP:
                    self._store(group, report)
                    group = []
        self._store(group, report)

    def _note_failure(self, uri: str, why: LoadFailed, plan: Plan, report: Report) -> None:
        report.failed.append({"path": uri, "error": str(why)})
        if uri in plan.add:
            report.added -= 1
        else:
            report.updated -= 1

    def _document(self, uri: str, loaded: Loaded, digest: str) -> Document:
        return Document(
            document_id(self._collection, uri),
            self._collection,
            uri,
            loaded.title,
            digest,
            loaded.media_type,
            loaded.effective,
            loaded.expires,
        )

    def _store(self, group: list[tuple[Document, list[Piece]]], report: Report) -> None:
        if not group:
            return
        encoder = self._encoder()
        stored, texts = [], {}
        for document, pieces in group:
            passages = []
            for ordinal, piece in enumerate(pieces):
                text = searched_text(document.title, piece)
                key = sha256_of(text)
                texts[key] = text
                passages.append(
                    StoredPassage(_passage(document, ordinal, piece), piece.context, key)
                )
            stored.append(StoredDocument(document, pipeline_name(encoder.name), tuple(passages)))
        new = sorted(self._catalogue.missing_vectors(texts, encoder.name))
        vectors = encoder.encode([texts[key] for key in new], self._progress.embedded)
        self._catalogue.store(stored, dict(zip(new, vectors, strict=True)), encoder.name)
        report.chunks += sum(len(s.passages) for s in stored)
        report.embedded += len(new)


def document_id(collection: str, uri: str) -> str:
    """A document's id: the same as long as it stays where it is."""
    return sha256_of(f"{collection}\n{uri}")[:32]


def searched_text(title: str, piece: Piece) -> str:
    """What a passage is found by: where it stands, then its words."""
    where = " › ".join(dict.fromkeys((title, *piece.heading)))
    return "\n".join(part for part in (where, piece.context, piece.text) if part)


def _passage(document: Document, ordinal: int, piece: Piece) -> Passage:
    identity = f"{document.id}\n{document.version}\n{ordinal}\n{piece.text}"
    locator = Locator(piece.heading, piece.page, piece.anchor, piece.start, piece.end)
    return Passage(
        sha256_of(identity)[:32], document, ordinal, piece.text, locator, piece.kind.value
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return dict(vars(report))
