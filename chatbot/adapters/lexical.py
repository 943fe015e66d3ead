"""BM25 over the passages' words: SQLite's FTS5, kept in step with the catalogue by triggers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from sqlalchemy import Engine, bindparam, text

from chatbot.adapters.database import transaction
from chatbot.steps.words import STOP_WORDS

_WORD = re.compile(r"\w+", re.UNICODE)
_MOST_WORDS = 64  # a question's words beyond these add time, not sense
# Columns are title, heading, text: a word in a heading says more about a passage than one in it.
_SEARCH = """
SELECT passages.id, -bm25(passages_fts, 1.0, 1.5, 1.0) AS score
FROM passages_fts JOIN passages ON passages.number = passages_fts.rowid
JOIN documents ON documents.id = passages.document_id
WHERE passages_fts MATCH :words {only}
ORDER BY bm25(passages_fts, 1.0, 1.5, 1.0) LIMIT :k
"""


class LexicalIndex:
    """Searches the words of the passages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(
        self, query: str, k: int, collections: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """The k best passages: (id, BM25 score, larger is better), best first."""
        only = "" if collections is None else "AND documents.collection IN :allowed"
        return self._run(query, k, only, allowed=collections)

    def scores(self, query: str, ids: Sequence[str]) -> dict[str, float]:
        """BM25 scores of these passages; those without any word of the query are left out."""
        return dict(self._run(query, len(ids), "AND passages.id IN :allowed", allowed=ids))

    def _run(
        self, query: str, k: int, only: str, allowed: Collection[str] | None
    ) -> list[tuple[str, float]]:
        words = match_expression(query)
        if not words or (allowed is not None and not allowed):
            return []
        statement = text(_SEARCH.format(only=only))
        values: dict[str, object] = {"words": words, "k": k}
        if allowed is not None:
            statement = statement.bindparams(bindparam("allowed", expanding=True))
            values["allowed"] = list(allowed)
        with transaction(self._engine) as connection:
            return [(row.id, row.score) for row in connection.execute(statement, values)]


def match_expression(query: str) -> str:
    """An FTS5 expression that asks for any of the question's content words, each quoted.

    Quoting makes operators and punctuation in a question plain words.
    """
    words = [w.lower() for w in _WORD.findall(query)]
    content = [w for w in words if w not in STOP_WORDS] or words
    return " OR ".join(f'"{w}"' for w in list(dict.fromkeys(content))[:_MOST_WORDS])
