"""The web application: guard, health, reading pages, static files, chat at `/`, desk at `/desk`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from chatbot.domain import Person
from chatbot.errors import NotFound
from chatbot.web.chat import AT_ONCE, build_blocks
from chatbot.web.desk import build_desk
from chatbot.web.desk_cache import add_cache
from chatbot.web.desk_faq import add_faq
from chatbot.web.desk_insights import add_insights
from chatbot.web.desk_login import Doors, add_doors
from chatbot.web.desk_page import desk_head
from chatbot.web.desk_votes import add_votes
from chatbot.web.desk_widget import add_preview
from chatbot.web.guard import LOOPBACK, Guard
from chatbot.web.health import health
from chatbot.web.page import rewrite
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions
from chatbot.web.viewer import document_page, may_read, not_found_page
from chatbot.web.widget_api import build_widget

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_STATIC = Path(__file__).parent / "static"


def build_server(app: App) -> FastAPI:
    """The application as ASGI, to be served by uvicorn.

    Args:
        app: the wired application; its models may still be loading.
    """
    sessions = Sessions(app.secret)
    server = FastAPI(title=app.settings.title, docs_url=None, redoc_url=None, openapi_url=None)
    # Gradio leaves out its own, laxer rules only if it finds exactly this class here.
    server.add_middleware(CORSMiddleware, allow_origins=[])
    doors = add_doors(server, app)
    title = app.settings.title
    server.add_middleware(
        Guard,
        sessions=sessions,
        loopback=app.settings.host in LOOPBACK,
        pages={
            "/": partial(rewrite, title=title),
            "/desk/": partial(rewrite, title=f"Desk · {title}", own=desk_head()),
        },
        admit=doors.admit,
        embedders=frozenset((app.settings.widget_origins or "").split()),
    )
    add_insights(server, app, doors)
    add_votes(server, app, doors)
    add_faq(server, app, doors)
    add_cache(server, app, doors)
    add_preview(server, app, doors)
    _add_routes(server, app, sessions, doors)
    server.mount("/ui", StaticFiles(directory=_STATIC), name="ui")
    return _in_loop(lambda: _mount_pages(server, app, sessions))


def _mount_pages(server: FastAPI, app: App, sessions: Sessions) -> FastAPI:
    _mount(server, build_desk(app), "/desk", app)  # before "/", which takes all that is left
    _mount(server, build_widget(app), "/widget", app)
    return _mount(server, build_blocks(app, sessions), "/", app)


def _mount(server: FastAPI, blocks: gr.Blocks, path: str, app: App) -> FastAPI:
    blocks.queue(api_open=False, default_concurrency_limit=AT_ONCE)
    system = ["system-ui", "sans-serif"]
    return gr.mount_gradio_app(  # type: ignore[no-any-return]
        server,
        blocks,
        path=path,
        server_name=app.settings.host,
        server_port=app.settings.port,
        footer_links=[],
        run_history=False,
        show_error=True,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=system, font_mono=["ui-monospace", "monospace"]),
    )


def _in_loop(make: Callable[[], FastAPI]) -> FastAPI:
    """Runs `make` inside an event loop: without one, Gradio makes several and closes none."""

    async def made() -> FastAPI:
        return make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(made())
    return make()


def _add_routes(server: FastAPI, app: App, sessions: Sessions, doors: Doors) -> None:
    title = app.settings.title

    @server.get("/healthz")
    def healthz() -> JSONResponse:
        # 200 whatever the state: without its language model it still answers with quotations.
        return JSONResponse(health(app), headers={"Cache-Control": "no-store"})

    @server.get("/favicon.ico")
    def favicon() -> FileResponse:
        return FileResponse(_STATIC / "favicon.svg", media_type="image/svg+xml")

    @server.get("/widget.js")
    def widget() -> FileResponse:
        kept = {"Cache-Control": "public, max-age=300"}
        return FileResponse(_STATIC / "widget.js", headers=kept, media_type="text/javascript")

    @server.get("/documents/{document_id:path}")
    def document(
        request: Request, document_id: str, passage: str = "", at: str = "", c: str = ""
    ) -> HTMLResponse:
        headers = {"Cache-Control": "private, no-store"}
        try:
            found = app.catalogue.document(document_id)
        except NotFound:
            found = None
        person = sessions.read(request.cookies.get(COOKIE))
        if person is None and (account := doors.admit(request.cookies.get(DESK_COOKIE))):
            person = Person(account.name)
        # Absent and forbidden look alike: whether a document exists is itself not for everyone.
        if found is None or not may_read(person, found):
            return HTMLResponse(not_found_page(title), 404, headers)
        passages = app.catalogue.passages_of(document_id)
        return HTMLResponse(document_page(title, found, passages, passage, at, c), 200, headers)
