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

from chatbot.adapters.rates import Caller
from chatbot.errors import NotFound
from chatbot.web.api_server import add_api
from chatbot.web.bounds import Bounds
from chatbot.web.chat import AT_ONCE, build_blocks
from chatbot.web.desk import build_desk
from chatbot.web.desk_cache import add_cache
from chatbot.web.desk_faq import add_faq
from chatbot.web.desk_insights import add_insights
from chatbot.web.desk_login import add_doors
from chatbot.web.desk_page import desk_head
from chatbot.web.desk_people import add_people
from chatbot.web.desk_read import add_reading
from chatbot.web.desk_usage import add_usage
from chatbot.web.desk_votes import add_votes
from chatbot.web.desk_widget import add_preview
from chatbot.web.guard import Guard
from chatbot.web.health import health
from chatbot.web.hosts import Hosts
from chatbot.web.identity import Identity
from chatbot.web.login import add_login
from chatbot.web.operator import add_operator
from chatbot.web.page import rewrite
from chatbot.web.requests import Requests
from chatbot.web.session import Sessions
from chatbot.web.viewer import document_page, may_read, not_found_page
from chatbot.web.widget_api import build_widget

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_QUEUE = 500  # events that wait in Gradio; the line before the answers is shorter
_LOOKS = 0.01  # seconds
_STATIC = Path(__file__).parent / "static"


def build_server(app: App) -> FastAPI:
    """The application as ASGI, to be served by uvicorn.

    Args:
        app: the wired application; its models may still be loading.
    """
    identity = Identity(app, Sessions(app.secret))
    server = FastAPI(title=app.settings.title, docs_url=None, redoc_url=None, openapi_url=None)
    # Gradio leaves out its own, laxer rules only if it finds exactly this class here.
    server.add_middleware(CORSMiddleware, allow_origins=[])
    most = app.settings.request_kb * 1024
    server.add_middleware(Bounds, rates=app.rates, visits=app.visits, most=most)
    doors = add_doors(server, app)
    title = app.settings.title
    server.add_middleware(
        Guard,
        identity=identity,
        hosts=Hosts(app.settings.host, app.settings.public_url),
        pages={
            "/": partial(rewrite, title=title),
            "/desk/": partial(rewrite, title=f"Desk · {title}", own=desk_head()),
        },
        secure=app.settings.site_url.startswith("https:"),
        site=title,
        embedders=frozenset((app.settings.widget_origins or "").split()),
    )
    server.add_middleware(Requests, responded=app.telemetry.responded)
    add_operator(server, app)
    add_login(server, app, identity)
    add_people(server, app, identity)
    add_reading(server, app, identity)
    add_insights(server, app, doors)
    add_usage(server, app, doors)
    add_votes(server, app, doors)
    add_faq(server, app, doors)
    add_cache(server, app, doors)
    add_preview(server, app, doors)
    _add_routes(server, app, identity)
    server.mount("/ui", StaticFiles(directory=_STATIC), name="ui")
    return _in_loop(lambda: _mount_pages(server, app, identity))


def _mount_pages(server: FastAPI, app: App, identity: Identity) -> FastAPI:
    _mount(server, add_api(server, app, identity), "/api", app)
    _mount(server, build_desk(app), "/desk", app)  # before "/", which takes all that is left
    _mount(server, build_widget(app, lambda o, a: app.rates.asks(Caller(a, o))), "/widget", app)
    return _mount(server, build_blocks(app, identity), "/", app)


def _mount(server: FastAPI, blocks: gr.Blocks, path: str, app: App) -> FastAPI:
    blocks.queue(api_open=False, max_size=_QUEUE, default_concurrency_limit=AT_ONCE)
    # Each page's queue looks a thousand times a second whether there is work: four of them would
    # take a tenth of a core from the answers, and from a laptop's battery.
    waiting = blocks._queue
    waiting.sleep_when_free, waiting.progress_update_sleep_when_free = _LOOKS, 10 * _LOOKS
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


def _add_routes(server: FastAPI, app: App, identity: Identity) -> None:
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
        person = identity.who(request)
        # Absent and forbidden look alike: whether a document exists is itself not for everyone.
        if found is None or not may_read(person, found):
            return HTMLResponse(not_found_page(title), 404, headers)
        passages = app.catalogue.passages_of(document_id)
        return HTMLResponse(document_page(title, found, passages, passage, at, c), 200, headers)
