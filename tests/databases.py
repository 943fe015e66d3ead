"""Databases for tests: SQLite in a temporary folder, PostgreSQL from a server of the session's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chatbot.adapters.database import open_database
from proof.postgres import new_database, programs, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server, for `new_database`."""
    if programs() is None:
        pytest.skip("PostgreSQL's server programs are not on this machine")
    with server(safe=False) as url:
        # What is made from now on is a copy of this, with its tables.
        open_database(url.format(name="template1")).dispose()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    opened = open_database(url)
    yield opened
    opened.dispose()
