"""How much each passage has of a word, as the database knows it, and the BM25 score of that.

Columns are title, heading, text: a word in a heading says more about a passage than one in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Connection, text

_HEADING = 1.5
_K1, _B = 1.2, 0.75  # FTS5's
_LEAST = 1e-6  # a word that most passages have still counts for something, as in FTS5


Found = tuple[np.ndarray, np.ndarray]
"""Row numbers of the passages that have a word, and what `Words.scores` makes scores of."""


class Words(Protocol):
    """One database's index of words."""

    def passages(self, connection: Connection) -> Sequence[Any]:
        """Row number, id, collection and length of every passage, in steady order."""

    def found(self, connection: Connection, words: Sequence[str]) -> list[Found]:
        """What the passages have of each word."""

    def scores(self, found: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Their BM25 scores.

        Args:
            lengths: words of every passage.
            places: where those that were found are among them.
        """


class Fts5:
    """SQLite's, which knows BM25 itself."""

    _PASSAGES = text(
        "SELECT number, passages.id, collection, 0 FROM passages "
        "JOIN documents ON documents.id = passages.document_id"
    )
    _FOUND = (
        "SELECT {}, rowid, -bm25(passages_fts, 1.0, ?, 1.0) FROM passages_fts "
        "WHERE passages_fts MATCH ?"
    )

    def passages(self, connection: Connection) -> Sequence[Any]:
        """Row number, id and collection of every passage; lengths it keeps to itself."""
        return connection.execute(self._PASSAGES).all()

    def found(self, connection: Connection, words: Sequence[str]) -> list[Found]:
        """Row numbers, and the scores: one statement for all, each costs as much as a word does."""
        query = " UNION ALL ".join(self._FOUND.format(place) for place in range(len(words)))
        values = tuple(value for word in words for value in (_HEADING, f'"{word}"'))
        rows: list[list[Any]] = [[] for _ in words]
        for place, *row in connection.exec_driver_sql(query, values):
            rows[place].append(row)
        return [_columns(some) for some in rows]

    def scores(self, found: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> np.ndarray:
        """What was found."""
        return found


class Postgresql:
    """PostgreSQL's GIN index over `passages.words` finds the passages; where a word stands in them
    gives its weight, and that the score which FTS5 would give."""

    _PASSAGES = text(
        "SELECT number, passages.id, collection, length FROM passages "
        "JOIN documents ON documents.id = passages.document_id ORDER BY number"
    )
    # Words that stand together count as often as the rarest of them.
    _FOUND = text(
        "SELECT number, min(cardinality(positions) + :more * "
        "  coalesce(cardinality(array_positions(weights, 'A')), 0)) "
        "FROM passages, unnest(words) "
        "WHERE words @@ phraseto_tsquery('countersign', countersign_plain(:word)) "
        "AND lexeme = ANY (tsvector_to_array("
        "  to_tsvector('countersign', countersign_plain(:word)))) "
        "GROUP BY number"
    )

    def passages(self, connection: Connection) -> Sequence[Any]:
        """Row number, id, collection and length of every passage."""
        return connection.execute(self._PASSAGES).all()

    def found(self, connection: Connection, words: Sequence[str]) -> list[Found]:
        """Row numbers, and how often the word is there, in a heading half as often again."""
        asked = ({"word": word, "more": _HEADING - 1.0} for word in words)
        return [_columns(connection.execute(self._FOUND, each).all()) for each in asked]

    def scores(self, found: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> np.ndarray:
        """BM25 with FTS5's constants."""
        have, count = len(found), len(lengths)
        if not have:
            return found
        rarity = max(np.log((count - have + 0.5) / (have + 0.5)), _LEAST)
        long = _K1 * (1 - _B + _B * lengths[places] / lengths.mean())
        scores: np.ndarray = rarity * found * (_K1 + 1) / (found + long)
        return scores.astype(np.float32)


def words_of(dialect: str) -> Words:
    """The index of words that such a database has."""
    return Postgresql() if dialect == "postgresql" else Fts5()


def _columns(rows: Sequence[Sequence[Any]]) -> Found:
    numbers = np.array([row[0] for row in rows], np.int64)
    return numbers, np.array([row[1] for row in rows], np.float32)
