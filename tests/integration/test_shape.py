"""Which shape is in use, as the doctor and `ingest status` say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from chatbot.adapters.database import open_database
from chatbot.adapters.shape import Part, parts_of
from chatbot.settings import Settings, load_settings
from ingest.cli import app
from proof.chroma import server as chroma_server
from proof.postgres import new_database
from proof.redis import program
from proof.redis import server as redis_server
from tests.databases import postgres

__all__ = ["postgres"]
NOWHERE = {
    "database": "postgresql+psycopg://me:hush@127.0.0.1:1/countersign",
    "cache": "redis://:hush@127.0.0.1:1/0",
    "chroma_url": "http://127.0.0.1:1",
    "chroma_token": "hush",
}


def parts(settings: Settings) -> dict[str, Part]:
    engine = open_database(settings.database_url)
    found = {part.name: part for part in parts_of(settings, engine)}
    engine.dispose()
    return found


def test_one_process(home: Path) -> None:
    found = parts(load_settings())
    assert {part.state for part in found.values()} == {"ready"}
    assert found["database"].detail == f"SQLite at {home / 'catalogue.db'}"
    assert "Chroma in this process" in found["vectors"].detail
    assert "disk" in found["answer cache"].detail
    assert parts(load_settings(cache="none"))["answer cache"].detail == "none"


@pytest.mark.skipif(program() is None, reason="the server program redis-server is missing")
def test_replicas_over_shared_servers(postgres: str) -> None:
    with redis_server() as cache, chroma_server() as vectors:
        database = new_database(postgres)
        found = parts(load_settings(database=database, cache=cache, chroma_url=vectors))
    assert {part.state for part in found.values()} == {"ready"}
    assert "version 1" in found["database"].detail
    assert found["vectors"].detail == f"Chroma server at {vectors}, 0 vectors"
    assert found["answer cache"].detail.startswith("Redis at ")


def test_what_does_not_answer_is_named_and_no_password_is_told() -> None:
    settings = load_settings(**NOWHERE)
    engine = create_engine(settings.database_url)
    found = parts_of(settings, engine)
    assert [part.state for part in found] == ["failed"] * 3
    assert "COUNTERSIGN_DATABASE" in found[0].detail
    assert not any("hush" in part.detail for part in found)
    assert "hush" not in f"{settings.database!r} {settings.chroma_token!r}"


@pytest.mark.parametrize("command", ["status", "verify"])
def test_ingest_tells_it(command: str) -> None:
    told = CliRunner().invoke(app, [command, "--json"])
    assert told.exit_code == 0
    names = [part["name"] for part in json.loads(told.stdout)["parts"]]
    assert names == ["database", "vectors", "answer cache"]
    assert "SQLite at" in CliRunner().invoke(app, [command]).stdout
