"""Chroma as a server that replicas share, in a network of their own.

Chroma's server asks nobody who they are, and CVE-2026-45829 lets whoever reaches its Python version
run code: it belongs on loopback or in a private network. An address that the whole world can reach
is refused, unless it is spoken to by TLS. It holds vectors and ids, never a passage's text.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Engine

from chatbot.adapters.chroma import CONFIGURATION, NAME, Note
from chatbot.adapters.database import Turn, alone
from chatbot.errors import BadSettings, IndexUnusable

_CONNECT_SECONDS, _SECONDS = 3.0, 30.0
_PORTS = {"http": 8000, "https": 443}


class Server:
    """A Chroma server. It is spoken to when it is first needed, and again after it was away.

    Args:
        url: http://HOST:PORT.
        engine: the database that all replicas share, whose lock says which one may change Chroma.
        token: sent as a bearer token, for a proxy that stands before it.

    Raises:
        BadSettings: this is no such URL, or one that others could reach, too.
    """

    def __init__(self, url: str, engine: Engine, token: str | None = None) -> None:
        self._scheme, self._host, self._port = address_of(url)
        self._engine = engine
        self._token = token
        self._lock = threading.Lock()
        self._client: Any = None
        self._collection: Any = None

    def ask(self, method: str, **arguments: Any) -> Any:
        """Calls a method of the collection."""
        with self._translated():
            collection = self._collection or self._found()
            return getattr(collection, method)(**arguments)

    def note(self) -> Note:
        """What was noted last, looked up anew; with it a collection that another process made."""
        with self._translated():
            return dict(self._found().metadata or {})

    def write_note(self, note: Note) -> None:
        """Notes how far the vectors have come, in the collection's metadata."""
        self.ask("modify", metadata=note)

    def wipe(self) -> None:
        """Throws the collection away and begins a new one."""
        with self._translated():
            self._found()
            self._client.delete_collection(NAME)
            self._found()

    def turn(self) -> AbstractContextManager[bool]:
        """Whether this process may change the vectors; the others may not until the end."""
        return alone(self._engine, Turn.CHROMA)

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()
            for session in _sessions(client):
                session.close()

    def _found(self) -> Any:
        """The collection as the server has it now; made where there is none."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            self._collection = self._client.get_or_create_collection(
                NAME, embedding_function=None, configuration=CONFIGURATION
            )
            return self._collection

    def _connected(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        knock(f"{self._scheme}://{self._netloc}", self._token)  # Chroma's client waits for ever
        client = chromadb.HttpClient(
            self._host,
            self._port,
            self._scheme == "https",
            _headers(self._token),
            Settings(anonymized_telemetry=False),
        )
        for session in _sessions(client):
            session.timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
        return client

    @property
    def _netloc(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, httpx.HTTPError, ValueError, OSError) as error:
            self._collection = None  # it may be another one by now
            raise IndexUnusable(
                f"The Chroma server at {self._netloc} cannot be used "
                f"({type(error).__name__}: {error}).",
                "Check that it runs, and that COUNTERSIGN_CHROMA_URL names it. Until then every "
                "vector is compared with, in memory.",
            ) from error


def _sessions(client: Any) -> list[httpx.Client]:
    """Its connections, and those with which it made sure that the database is there."""
    return [part._server._session for part in (client, client._admin_client)]


def knock(url: str, token: str | None) -> None:
    """Asks a Chroma server whether it is there.

    Raises:
        httpx.HTTPError: it is not.
    """
    asked = f"{url.rstrip('/')}/api/v2/heartbeat"
    httpx.get(asked, headers=_headers(token), timeout=_CONNECT_SECONDS).raise_for_status()


def _headers(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def address_of(url: str, lookup: Callable[..., Any] = socket.getaddrinfo) -> tuple[str, str, int]:
    """Scheme, host and port of a Chroma server that only those may reach who should.

    Raises:
        BadSettings: it is no such URL, or its host is one that the whole world can reach.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _PORTS or parts.path.strip("/") or parts.username:
        raise BadSettings(
            "COUNTERSIGN_CHROMA_URL is no address of a Chroma server.", "Write http://HOST:PORT."
        )
    if parts.scheme == "http" and any(ip_address(a).is_global for a in _addresses(host, lookup)):
        raise BadSettings(
            f"The Chroma server {host} has an address that the whole world can reach.",
            "Its server has no login: put it on loopback or in a private network, or speak to a "
            "proxy before it by https:// and with COUNTERSIGN_CHROMA_TOKEN.",
        )
    return parts.scheme, host, port or _PORTS[parts.scheme]


def _addresses(host: str, lookup: Callable[..., Any]) -> set[str]:
    """Where that name leads; nowhere while it cannot be looked up."""
    try:
        return {found[4][0].split("%")[0] for found in lookup(host, None)}
    except OSError:
        return set()
