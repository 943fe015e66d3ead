"""A local page to look at a dataset's rows, to sift them, and to say what is right.

Plain forms, served to this machine alone. A change is written at once, the whole file in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import chatbot.web
from chatbot.clock import utc_now
from chatbot.domain import sha256_of
from chatbot.errors import BadInput, CountersignError, NotAllowed, NotFound
from chatbot.web.guard import misdirected, secured
from chatbot.web.hosts import Hosts
from finetune.browse_page import Look, Sift, page_html
from finetune.relabel import labelled, objections, signed
from finetune.rows import ROWS, Row, Split, plain_row, read_about, read_rows, stored, write_rows

_STATIC = Path(__file__).parent / "static"
_SHARED = Path(chatbot.web.__path__[0]) / "static"
_FRESH = {"Cache-Control": "no-store"}


class Book:
    """A dataset's rows, read anew when another program has written them.

    Args:
        by: who changes rows; stands in their notes.

    Raises:
        BadInput: the folder holds no dataset.
    """

    def __init__(self, folder: Path, by: str) -> None:
        self.folder, self.by = folder, by
        self._lock = Lock()
        self._rows: list[Row] = []
        self._read_at = -1
        self.rows()

    def rows(self) -> list[Row]:
        """All rows, those that wait for a label too."""
        with self._lock:
            return self._fresh()

    def relabel(self, key: str, seen: str, said: Mapping[str, str]) -> Row:
        """Changes a row as a form says, and writes the dataset.

        Args:
            seen: stamp of the row that the form was filled in for.

        Raises:
            NotFound: there is no such row any more.
            NotAllowed: somebody has changed it since, or the change may not be.
            BadInput: the answer does not hold.
        """
        with self._lock:
            rows = self._fresh()
            before = next((row for row in rows if row.id == key), None)
            if before is None:
                raise NotFound("This row is not in the dataset.", "Choose another one.")
            if stamp(before) != seen:
                raise NotAllowed("Somebody has changed this row since.", "Look at it again.")
            after = _changed(before, said)
            if after == before and not before.waits:
                return before
            after = signed(before, after, self.by, utc_now().date().isoformat())
            for why in objections(rows, {key: after}).values():
                raise NotAllowed(f"This cannot be: {why}.", "Nothing was changed.")
            changed = [after if row.id == key else row for row in rows]
            write_rows(self.folder, changed, read_about(self.folder))
            self._rows, self._read_at = changed, self._written_at()
            return after

    def _fresh(self) -> list[Row]:
        written = self._written_at()
        if written != self._read_at:
            self._rows, self._read_at = read_rows(self.folder, waiting=True), written
        return self._rows

    def _written_at(self) -> int:
        try:
            return stored(self.folder / ROWS).stat().st_mtime_ns
        except OSError as error:
            raise BadInput(
                f"{self.folder} holds no dataset.", "Make one with `finetune dataset`."
            ) from error


def stamp(row: Row) -> str:
    """Names a row's state."""
    return sha256_of(str(plain_row(row)))[:16]


def _changed(row: Row, said: Mapping[str, str]) -> Row:
    try:
        marker = int(said["marker"])
        answer = said.get("answer", "") if marker else ""
        after = labelled(row, answer, marker, said.get("accepted", "").splitlines())
        return replace(after, split=Split(said["split"]))
    except (KeyError, ValueError) as error:
        raise BadInput(
            f"This is no label: {error}.", "Choose a passage, and say what is right."
        ) from error


def shown(book: Book, query: Mapping[str, str]) -> str:
    """The page at an address."""
    rows, sift = book.rows(), Sift.of(query)
    row = next((r for r in rows if r.id == query.get("row")), None)
    done = "Saved." if query.get("done") else ""
    return page_html(_look(book, sift, row, done=done))


def sent(book: Book, query: Mapping[str, str], said: Mapping[str, str]) -> tuple[str, str]:
    """Takes a form; the address to go on to, or the page that says why it was refused."""
    sift, key = Sift.of(query), said.get("row", "")
    listed = [row.id for row in sift.chosen(book.rows())]
    try:
        book.relabel(key, said.get("seen", ""), said)
    except CountersignError as error:
        row = next((r for r in book.rows() if r.id == key), None)
        return "", page_html(_look(book, sift, row, typed=said, problem=str(error)))
    at = listed.index(key) if key in listed else -1
    onward = {"row": listed[at + 1]} if at + 1 < len(listed) else {}
    return sift.address(done="1", **onward), ""


def _look(
    book: Book,
    sift: Sift,
    row: Row | None,
    typed: Mapping[str, str] | None = None,
    problem: str = "",
    done: str = "",
) -> Look:
    rows = book.rows()
    mark = stamp(row) if row else ""
    return Look(
        book.folder.name, book.by, rows, sift.chosen(rows), sift, row, mark, typed, problem, done
    )


def build(book: Book) -> ASGIApp:
    """The page as ASGI, for a server that listens on this machine alone."""

    def look(request: Request) -> Response:
        return HTMLResponse(shown(book, request.query_params), headers=_FRESH)

    async def send(request: Request) -> Response:
        body = await request.body()
        said = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        address, page = await run_in_threadpool(sent, book, request.query_params, said)
        return RedirectResponse(address, 303) if address else HTMLResponse(page, 422, _FRESH)

    pages = Starlette(
        routes=[
            Route("/", look),
            Route("/", send, methods=["POST"]),
            Mount("/ui/rows", StaticFiles(directory=_STATIC)),
            Mount("/ui", StaticFiles(directory=_SHARED)),
        ]
    )
    hosts = Hosts("127.0.0.1", None)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        app = (misdirected(scope, hosts) if scope["type"] == "http" else None) or pages
        await app(scope, receive, secured(send))

    return guarded
