"""Which shape is in use: one process with everything in it, or replicas over servers that they
share; and whether each of these answers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Engine, text

from chatbot.adapters.database import transaction
from chatbot.errors import CountersignError
from chatbot.settings import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of data is kept in: `ready` or `failed`, and what to know about it."""

    name: str
    state: str
    detail: str


def parts_of(settings: Settings, engine: Engine) -> list[Part]:
    """Database, vectors and answer cache, each asked once."""
    return [_database(engine), _vectors(settings, engine), _answers(settings)]


def _database(engine: Engine) -> Part:
    if engine.dialect.name == "sqlite":
        return Part("database", "ready", f"SQLite at {engine.url.database}")
    where = f"PostgreSQL at {engine.url.render_as_string()}"  # without the password
    try:
        with transaction(engine) as connection:
            version = connection.scalar(text("SHOW server_version"))
    except CountersignError as error:
        return Part("database", "failed", f"{where}: {error}")
    return Part("database", "ready", f"{where}, version {version}")


def _vectors(settings: Settings, engine: Engine) -> Part:
    if not settings.chroma_url:
        return Part("vectors", "ready", f"Chroma in this process, {settings.home / 'chroma'}")
    from chatbot.adapters.chroma_server import Server

    where = f"Chroma server at {settings.chroma_url}"
    try:
        server = Server(settings.chroma_url, engine, settings.chroma_key)
        count = server.ask("count")
        server.close()
    except CountersignError as error:
        return Part("vectors", "failed", f"{where}: {error}")
    return Part("vectors", "ready", f"{where}, {count} vectors")


def _answers(settings: Settings) -> Part:
    if settings.cache in ("disk", "none"):
        where = {"disk": f"disk, {settings.home / 'cache'}", "none": "none"}[settings.cache]
        return Part("answer cache", "ready", where)
    import redis

    from chatbot.adapters.redis_client import open_redis

    parts = urlsplit(settings.cache)
    where = f"Redis at {parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    try:
        client = open_redis(settings.cache)
        client.ping()
        client.close()
    except (CountersignError, redis.RedisError) as error:
        return Part("answer cache", "failed", f"{where}: {error}")
    return Part("answer cache", "ready", where)
