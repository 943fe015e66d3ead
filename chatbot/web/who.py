"""Who asks over the API: a key, else the browser that the chat page knows, else nobody."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Protocol

from chatbot.adapters.api_keys import ApiKeys
from chatbot.adapters.rates import Caller
from chatbot.domain import Person
from chatbot.web.identity import Identity

_BEARER = "bearer "


class Request(Protocol):
    """What FastAPI's and Gradio's requests have in common."""

    @property
    def headers(self) -> Any: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...
    @property
    def client(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not let in.

    Attributes:
        status: of the HTTP answer: 401, nobody is known, or 403, they may not.
        code: one word for programs, as OpenAI's API calls it.
    """

    status: int
    code: str
    what: str
    remedy: str


NO_KEY = Refusal(
    401,
    "invalid_api_key",
    "There is no API key in the request.",
    "Send `Authorization: Bearer KEY`. Whoever runs this server makes keys: `chatbot key add`.",
)
BAD_KEY = Refusal(
    401,
    "invalid_api_key",
    "This API key does not work.",
    "It may be mistyped, revoked or too old; `chatbot key list` tells whoever runs this server.",
)


class Who:
    """Tells who is at the other end of a request.

    Args:
        anonymous: whether somebody without a key may ask.
    """

    def __init__(self, keys: ApiKeys, identity: Identity, *, anonymous: bool) -> None:
        self._keys = keys
        self._identity = identity
        self._anonymous = anonymous

    def who(self, request: Request, scope: str = "") -> Person | Refusal:
        """Who asks, or why they may not.

        Args:
            scope: what they want to do, of `SCOPES`; empty: nothing that takes a scope.
        """
        shown = request.headers.get("authorization")
        if shown is not None:
            return self._by_key(str(shown), scope)
        if not self._anonymous:
            return NO_KEY
        return self._identity.who(request) or self._identity.newcomer() or NO_KEY

    def _by_key(self, shown: str, scope: str) -> Person | Refusal:
        if not shown.lower().startswith(_BEARER):
            return BAD_KEY
        key = self._keys.find(shown[len(_BEARER) :].strip())
        if key is None:
            return BAD_KEY
        if scope and scope not in key.scopes:
            return Refusal(
                403,
                "insufficient_permissions",
                f"This API key is not for that: it lacks the scope {scope}.",
                f"Make another one: `chatbot key add NAME --owner ACCOUNT --scope {scope}`.",
            )
        return self._identity.by_key(key.person) or BAD_KEY


def caller_of(request: Request) -> Caller:
    """Where a request comes from."""
    return Caller(address_of(request), str(request.headers.get("origin") or ""))


def address_of(request: Request) -> str:
    """The address that a request comes from, of IPv6 its network: whoever has one address there has
    two to the sixty-fourth. Empty: not known."""
    address = str(request.client.host or "") if request.client else ""
    with suppress(ValueError):
        return str(IPv6Network((IPv6Address(address.partition("%")[0]), 64), strict=False))
    return address
