"""Errors of the API: their HTTP status, and their shape below `/api` and below `/v1`."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from chatbot.errors import BadInput, Busy, CountersignError, NotAllowed, NotFound, TooMany
from chatbot.web.who import Refusal

NO_STORE = {"Cache-Control": "no-store"}
_OPENAI = "/v1/"
_TYPES = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error",
}  # fmt: skip
_CODES = {429: "rate_limit_exceeded", 503: "server_busy"}


class Refused(Exception):
    """Somebody is not let in."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


def response_to(path: str, error: CountersignError, status: int | None = None) -> JSONResponse:
    """An error of ours as that address would tell it."""
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, Busy) else {}
    return _told(path, status or _status(error), error.what, error.remedy, headers=headers)


def refusal_to(path: str, refusal: Refusal) -> JSONResponse:
    """A refusal as that address would tell it."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    told = (refusal.what, refusal.remedy, refusal.code)
    return _told(path, refusal.status, *told, headers=headers)


def invalid_to(path: str, faults: list[Any]) -> JSONResponse:
    """A request with fields that do not hold. What they held is not repeated."""
    names = ((".".join(map(str, f["loc"][1:])) or "the body", f["msg"]) for f in faults)
    wrong = "; ".join(f"{name}: {said}" for name, said in names)
    status = 400 if path.startswith(_OPENAI) else 422
    return _told(path, status, f"The request does not hold ({wrong}).", "See /api/openapi.json.")


def openai_body(what: str, remedy: str, status: int, code: str = "") -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    told = f"{what} {remedy}".strip()
    code = code or _CODES.get(status, kind)
    return {"error": {"message": told, "type": kind, "param": None, "code": code}}


def _status(error: CountersignError) -> int:
    kinds = ((TooMany, 429), (BadInput, 400), (NotFound, 404), (NotAllowed, 403))
    return next((status for kind, status in kinds if isinstance(error, kind)), 503)


def _told(
    path: str,
    status: int,
    what: str,
    remedy: str,
    code: str = "",
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body = {"error": what, "remedy": remedy}
    if path.startswith(_OPENAI):
        body = openai_body(what, remedy, status, code)
    return JSONResponse(body, status, {**NO_STORE, **(headers or {})})
