"""The larger shape on this machine: PostgreSQL, Redis and a Chroma server, empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proof import chroma, postgres, redis


@contextmanager
def larger(*, safe: bool = True) -> Iterator[dict[str, str]]:
    """Starts them and gives the settings that name them, as environment variables.

    Args:
        safe: whether PostgreSQL waits for the disk at each commit, as in production.
    """
    with (
        postgres.server(safe=safe) as database,
        redis.server() as cache,
        chroma.server() as vectors,
    ):
        yield {
            "COUNTERSIGN_DATABASE": postgres.new_database(database),
            "COUNTERSIGN_CACHE": cache,
            "COUNTERSIGN_CHROMA_URL": vectors,
        }


def missing() -> str:
    """The server program that is not on this machine; empty: all are."""
    found = {"PostgreSQL": postgres.programs(), "redis-server": redis.program()}
    return next((name for name, where in found.items() if where is None), "")
