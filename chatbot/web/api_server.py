"""Adds the API to the server: its addresses, its errors, its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from chatbot.errors import CountersignError
from chatbot.web.api import Api
from chatbot.web.api_errors import Refused, invalid_to, refusal_to, response_to
from chatbot.web.api_gradio import build_api
from chatbot.web.api_openai import openai_router
from chatbot.web.api_routes import api_router
from chatbot.web.identity import Identity
from chatbot.web.who import Who

if TYPE_CHECKING:
    from chatbot.bootstrap import App

DESCRIPTION = "/api/openapi.json"


def add_api(server: FastAPI, app: App, identity: Identity) -> gr.Blocks:
    """The plain addresses; gives the Gradio application that is to be mounted at `/api`."""
    api = Api(app)
    who = Who(app.keys, identity, anonymous=app.settings.api_anonymous)
    routers = api_router(api, who), openai_router(api, who)
    for router in routers:
        server.include_router(router)
    _add_errors(server)
    described = get_openapi(
        title=app.settings.title,
        version="1",
        summary="Answers from an organisation's own documents, with the passage behind each.",
        routes=[route for router in routers for route in router.routes],
    )
    described["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"key": []}]

    @server.get(DESCRIPTION, include_in_schema=False)
    def description() -> JSONResponse:
        return JSONResponse(described)

    return build_api(app, api, who)


def _add_errors(server: FastAPI) -> None:
    @server.exception_handler(CountersignError)
    async def failed(request: Request, error: CountersignError) -> JSONResponse:
        return response_to(request.url.path, error)

    @server.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return refusal_to(request.url.path, error.refusal)

    @server.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return invalid_to(request.url.path, list(error.errors()))
