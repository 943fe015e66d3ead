"""The catalogue: which documents, versions and passages exist. The truth that indexes follow.

Every change to a passage is noted in `index_changes` in the same transaction, so that a derived
index knows from its last sequence number what it has missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, bindparam, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from chatbot.adapters.database import Turn, transaction, writing
from chatbot.adapters.schema import documents, index_changes, passages, vectors
from chatbot.domain import Document, Locator, Passage
from chatbot.errors import NotFound
from chatbot.steps.examples import example_question

_AT_ONCE = 500  # SQLite takes 32,766 variables a statement; smaller pieces cost nothing
_HEADING_BREAK = "\x1f"


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage on its way into the catalogue.

    Attributes:
        context: words that help to find it and are not part of it, such as a table's header.
        embedded: SHA-256 of the text that its vector was made from.
    """

    passage: Passage
    context: str
    embedded: str


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document on its way into the catalogue; `pipeline` names the code that split it."""

    document: Document
    pipeline: str
    passages: tuple[StoredPassage, ...]


class Catalogue:
    """Reads and writes the catalogue's tables."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def documents(self, collections: Collection[str] | None = None) -> list[Document]:
        """The documents in those collections (None: all), by title."""
        query = select(documents).order_by(documents.c.title, documents.c.uri)
        if collections is not None:
            query = query.where(documents.c.collection.in_(collections))
        return [_document(row) for row in self._rows(query)]

    def count_documents(self, collections: Collection[str] | None = None) -> int:
        """How many documents there are in those collections (None: all)."""
        query = select(func.count()).select_from(documents)
        if collections is not None:
            query = query.where(documents.c.collection.in_(collections))
        return int(self._rows(query)[0][0])

    def collections(self, readable: Collection[str] | None = None) -> list[str]:
        """Those of the collections (None: all) that have documents, by name."""
        query = select(documents.c.collection).distinct().order_by(documents.c.collection)
        if readable is not None:
            query = query.where(documents.c.collection.in_(readable))
        return [row.collection for row in self._rows(query)]

    def document(self, document_id: str) -> Document:
        """One document.

        Raises:
            NotFound: there is none with that id.
        """
        rows = self._rows(select(documents).where(documents.c.id == document_id))
        if not rows:
            raise NotFound(f"There is no document {document_id!r}.", "It may have been deleted.")
        return _document(rows[0])

    def pipelines(self, collection: str) -> dict[str, tuple[str, str]]:
        """uri → (content hash, pipeline) of each document in a collection."""
        query = select(documents.c.uri, documents.c.version, documents.c.pipeline)
        rows = self._rows(query.where(documents.c.collection == collection))
        return {row.uri: (row.version, row.pipeline) for row in rows}

    def passages_of(self, document_id: str) -> list[Passage]:
        """A document's passages in reading order."""
        query = _PASSAGES.where(passages.c.document_id == document_id)
        return [_passage(row) for row in self._rows(query.order_by(passages.c.ordinal))]

    def passages(self, ids: Sequence[str]) -> dict[str, Passage]:
        """id → passage, for those of the ids that exist."""
        found: dict[str, Passage] = {}
        for some in _batches(ids):
            with transaction(self.engine) as connection:
                for row in connection.execute(_THESE_PASSAGES, {"ids": some}):
                    found[row.id] = _passage(row)
        return found

    def every_passage(self) -> dict[str, Passage]:
        """id → passage."""
        return {row.id: _passage(row) for row in self._rows(_PASSAGES)}

    def not_counting(self, day: date) -> frozenset[str]:
        """Passages of documents that may not be answered from on that day."""
        early, late = documents.c.effective > day, documents.c.expires < day
        mine = select(passages.c.id).join(documents).where(or_(early, late))
        return frozenset(row.id for row in self._rows(mine))

    def example_questions(self, n: int, collections: Collection[str] | None) -> list[str]:
        """Questions that the documents in those collections (None: all) hold answers to, at most
        one a document, at most n."""
        today = datetime.now(UTC).date()
        questions: list[str] = []
        # By id: a steady order that mixes the documents' titles.
        for document in sorted(self.documents(collections), key=lambda d: d.id)[: n * 4]:
            if document.counts_on(today) and (passages := self.passages_of(document.id)):
                question = example_question(passages)
                questions += [question] if question and question not in questions else []
            if len(questions) == n:
                break
        return questions

    def count(self) -> int:
        """How many passages there are."""
        return int(self._rows(select(func.count()).select_from(passages))[0][0])

    def version(self) -> int:
        """A number that grows with each change to the set of passages."""
        return int(self._rows(_VERSION)[0][0])

    def changes_since(self, seq: int) -> dict[str, bool]:
        """passage id → whether it should be there now, for each that changed after `seq`."""
        query = select(index_changes.c.passage_id, index_changes.c.present)
        rows = self._rows(query.where(index_changes.c.seq > seq).order_by(index_changes.c.seq))
        return {row.passage_id: bool(row.present) for row in rows}

    def missing_vectors(self, embedded: Collection[str], model: str) -> set[str]:
        """Those of the text hashes for which the catalogue has no vector of that model."""
        have: set[str] = set()
        for some in _batches(list(embedded)):
            query = select(vectors.c.embedded).where(vectors.c.embedded.in_(some))
            have.update(r.embedded for r in self._rows(query.where(vectors.c.model == model)))
        return set(embedded) - have

    def vectors(
        self, ids: Sequence[str] | None, model: str
    ) -> tuple[list[str], list[str], np.ndarray]:
        """Passage ids, their collections, and their unit vectors (n x dimensions, float32).

        Args:
            ids: the passages wanted; None: all. Passages without a vector are left out.
        """
        query = (
            select(passages.c.id, documents.c.collection, vectors.c.vector)
            .join(vectors, vectors.c.embedded == passages.c.embedded)
            .join(documents, documents.c.id == passages.c.document_id)
            .where(vectors.c.model == model)
            .order_by(passages.c.number)
        )
        rows: list[Row[Any]] = []
        for some in [None] if ids is None else _batches(ids):
            rows += self._rows(query if some is None else query.where(passages.c.id.in_(some)))
        matrix = np.frombuffer(b"".join(r.vector for r in rows), dtype=np.float32)
        shaped = matrix.reshape(len(rows), -1) if rows else np.zeros((0, 0), np.float32)
        return [r.id for r in rows], [r.collection for r in rows], shaped

    def vectors_of(self, ids: Sequence[str], model: str) -> tuple[list[str], np.ndarray]:
        """Those of the passages that have a vector of that model, and the vectors, in one order."""
        query = (
            select(passages.c.id, vectors.c.vector)
            .join(vectors, vectors.c.embedded == passages.c.embedded)
            .where(vectors.c.model == model, passages.c.id.in_(ids))
        )
        rows = self._rows(query) if ids else []
        joined = np.frombuffer(b"".join(r.vector for r in rows), dtype=np.float32)
        return [r.id for r in rows], joined.reshape(len(rows), -1) if rows else np.zeros((0, 0))

    def store(
        self, stored: Sequence[StoredDocument], new_vectors: Mapping[str, np.ndarray], model: str
    ) -> None:
        """Puts documents in, in place of their former versions: all of them or none.

        Args:
            new_vectors: text hash → unit vector, for the texts that had none.
        """
        with self._changing() as connection:
            before = _drop(connection, [s.document.id for s in stored])
            _put_vectors(connection, new_vectors, model)
            for one in stored:
                _put(connection, one)
            _forget(connection, before)

    def drop(self, document_ids: Sequence[str]) -> None:
        """Takes documents out, with vectors that nothing else uses."""
        with self._changing() as connection:
            _forget(connection, _drop(connection, document_ids))

    def _changing(self) -> AbstractContextManager[Connection]:
        """In turns: a change that was numbered first is then there first, so that whoever has
        seen the last number has missed none."""
        return writing(self.engine, Turn.CATALOGUE)

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with transaction(self.engine) as connection:
            return connection.execute(query).all()


def documents_of(connection: Connection, ids: Collection[str]) -> dict[str, Document]:
    """Id → the document as it is now, for those of the ids that exist."""
    rows: list[Row[Any]] = []
    for some in _batches(sorted(ids)):
        rows += connection.execute(select(documents).where(documents.c.id.in_(some))).all()
    return {row.id: _document(row) for row in rows}


_VERSION = select(func.coalesce(func.max(index_changes.c.seq), 0))
_PASSAGES = select(
    passages,
    documents.c.collection,
    documents.c.uri,
    documents.c.version,
    documents.c.media_type,
    documents.c.effective,
    documents.c.expires,
).join(documents, documents.c.id == passages.c.document_id)
# Made once: making it anew would take as long as the database does.
_THESE_PASSAGES = _PASSAGES.where(passages.c.id.in_(bindparam("ids", expanding=True)))


def _batches(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[i : i + _AT_ONCE] for i in range(0, len(ids), _AT_ONCE))


def _document(row: Row[Any], document_id: str | None = None) -> Document:
    return Document(
        id=document_id or row.id,
        collection=row.collection,
        uri=row.uri,
        title=row.title,
        version=row.version,
        media_type=row.media_type,
        effective=row.effective,
        expires=row.expires,
    )


def _passage(row: Row[Any]) -> Passage:
    heading = tuple(row.heading.split(_HEADING_BREAK)) if row.heading else ()
    locator = Locator(heading, row.page, row.anchor, row.start, row.end)
    document = _document(row, row.document_id)
    return Passage(row.id, document, row.ordinal, row.text, locator, row.kind)


def _drop(connection: Connection, document_ids: Sequence[str]) -> set[str]:
    """Takes documents out; gives the hashes of the texts that they were embedded from."""
    embedded: set[str] = set()
    for some in _batches(document_ids):
        gone = select(passages.c.id, passages.c.embedded).where(passages.c.document_id.in_(some))
        rows = connection.execute(gone).all()
        embedded.update(row.embedded for row in rows)
        if rows:
            notes = [{"passage_id": row.id, "present": 0} for row in rows]
            connection.execute(insert(index_changes), notes)
        # Deleted here, not by the foreign key: SQLite runs the lexical index's trigger either way,
        # and other databases then need no cascade.
        connection.execute(delete(passages).where(passages.c.document_id.in_(some)))
        connection.execute(delete(documents).where(documents.c.id.in_(some)))
    return embedded


def _forget(connection: Connection, embedded: Collection[str]) -> None:
    """Takes those texts' vectors out, where no passage has such a text any more."""
    used = select(passages.c.embedded)
    for some in _batches(sorted(embedded)):
        gone = vectors.c.embedded.in_(some) & vectors.c.embedded.not_in(used)
        connection.execute(delete(vectors).where(gone))


def _put_vectors(connection: Connection, new: Mapping[str, np.ndarray], model: str) -> None:
    rows = [
        {"embedded": key, "model": model, "vector": np.asarray(v, np.float32).tobytes()}
        for key, v in new.items()
    ]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(vectors).on_conflict_do_nothing(), rows)


def _put(connection: Connection, stored: StoredDocument) -> None:
    document = stored.document
    connection.execute(
        insert(documents).values(
            id=document.id,
            collection=document.collection,
            uri=document.uri,
            title=document.title,
            version=document.version,
            media_type=document.media_type,
            effective=document.effective,
            expires=document.expires,
            pipeline=stored.pipeline,
            indexed_at=datetime.now(UTC),
        )
    )
    rows = [_passage_row(s, document) for s in stored.passages]
    if rows:
        connection.execute(insert(passages), rows)
        notes = [{"passage_id": row["id"], "present": 1} for row in rows]
        connection.execute(insert(index_changes), notes)


def _passage_row(stored: StoredPassage, document: Document) -> dict[str, Any]:
    passage, locator = stored.passage, stored.passage.locator
    return {
        "id": passage.id,
        "document_id": document.id,
        "ordinal": passage.ordinal,
        "kind": passage.kind,
        "title": document.title,
        "heading": _HEADING_BREAK.join(locator.heading),
        "text": passage.text,
        "context": stored.context,
        "page": locator.page,
        "anchor": locator.anchor,
        "start": locator.start,
        "end": locator.end,
        "embedded": stored.embedded,
    }
