"""Logging in with an OpenID Connect provider: authorization code, PKCE, state and nonce.

By OpenID Connect Core 1.0 and RFC 9700's advice on security; the protocol's parts are Authlib's.
Only the issuer that the settings name is believed: its discovery document has to name it, its keys
have to have signed the token, and where it says so it must also have sent the reader back (RFC
9207). Whatever is amiss, nobody is logged in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog

from chatbot.errors import BadSettings, NotAllowed, where
from chatbot.settings import LOOPBACK, Settings

log = structlog.get_logger()
_T = TypeVar("_T")

_SECONDS = 10.0
_LEEWAY = 60
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519")
"""Signed with a key that only the provider has. Not `none`, and no secret shared with clients."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_REMEDY = "Try again; if it happens once more, tell whoever runs this site."


@dataclass(frozen=True, slots=True)
class Flow:
    """What has to come back the same, between leaving for the provider and coming back.

    Attributes:
        state: binds the way back to the browser that left.
        nonce: binds the token to this login.
        verifier: shows the provider that whoever brings the code asked for it (PKCE).
    """

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identified:
    """Somebody, as the provider knows them.

    Attributes:
        subject: their id there, which is never given to another.
        name: what to call an account of theirs.
        groups: what the provider says they are in.
    """

    issuer: str
    subject: str
    name: str
    groups: tuple[str, ...]


class Provider:
    """The provider that the settings name.

    Args:
        back: address of ours to which the provider sends people back.

    Raises:
        BadSettings: the issuer or the client id cannot be used, or nobody could log in.
    """

    def __init__(self, settings: Settings, back: str) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer or ""
        self._back = back
        self._local = urlsplit(self._issuer).hostname in LOOPBACK
        if not self._trusted(self._issuer) or not settings.oidc_client:
            raise BadSettings(
                "The identity provider needs an https issuer and a client id.",
                "Set COUNTERSIGN_OIDC_ISSUER and COUNTERSIGN_OIDC_CLIENT.",
            )
        if not settings.oidc_domains and not settings.oidc_claims:
            raise BadSettings(
                "Nobody could log in with the identity provider: no domain or claim is named.",
                'Set COUNTERSIGN_OIDC_DOMAINS, as ["example.org"], or ["*"] for everybody there.',
            )

    def leave(self) -> tuple[str, Flow]:
        """The provider's address to send somebody to, and what has to come back.

        Raises:
            NotAllowed: the provider cannot be reached, or is not the one that was named.
        """
        flow = Flow(*(secrets.token_urlsafe(32) for _ in range(3)))

        def leaving() -> tuple[str, Flow]:
            with self._client() as client:
                told = self._discovered(client)
                url, _ = client.create_authorization_url(
                    told["authorization_endpoint"],
                    state=flow.state,
                    code_verifier=flow.verifier,
                    nonce=flow.nonce,
                )
            return url, flow

        return _guarded(leaving)

    def identify(self, answer: Mapping[str, str], flow: Flow) -> Identified:
        """Who came back.

        Args:
            answer: what the provider put into the address: code, state, issuer.
            flow: what `leave` gave, as the same browser kept it.

        Raises:
            NotAllowed: anything about it is amiss, or they are not among those who may.
        """
        return _guarded(lambda: self._identified(answer, flow))

    def _identified(self, answer: Mapping[str, str], flow: Flow) -> Identified:
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise _refused("the login was not begun in this browser")
        if "code" not in answer:
            raise _refused("the provider did not let you in")
        with self._client() as client:
            told = self._discovered(client)
            sure = told.get("authorization_response_iss_parameter_supported") is True
            if answer.get("iss", None if sure else self._issuer) != self._issuer:
                raise _refused("the answer is another provider's")
            token = client.fetch_token(
                told["token_endpoint"],
                grant_type="authorization_code",
                code=answer["code"],
                code_verifier=flow.verifier,
            )
            claims = self._claims(client, told, token, flow.nonce)
        self._admit(claims)
        groups = claims.get(self._settings.oidc_groups)
        named = tuple(g for g in groups if isinstance(g, str)) if isinstance(groups, list) else ()
        return Identified(self._issuer, claims["sub"], _name(claims), named)

    def _claims(self, client: Any, told: Any, token: Any, nonce: str) -> dict[str, Any]:
        """What the provider says of them, its signature and addressee checked."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jwk import KeySet

        read_keys: Any = _json(client, told["jwks_uri"])
        keys = KeySet.import_key_set(read_keys)
        read = jwt.decode(token["id_token"], keys, algorithms=list(_ALGORITHMS))
        mine = {"iss": self._issuer, "aud": self._settings.oidc_client}
        checked = CodeIDToken(
            read.claims,
            read.header,
            {key: {"essential": True, "value": value} for key, value in mine.items()},
            {
                "nonce": nonce,
                "client_id": mine["aud"],
                "access_token": token.get("access_token"),
            },
        )
        checked.validate(leeway=_LEEWAY)
        claims = dict(checked)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise _refused("the provider named nobody")
        more = told.get("userinfo_endpoint")
        if not more or not self._trusted(more):
            return claims
        told_more = client.request("GET", more).raise_for_status().json()
        if told_more.get("sub") != claims["sub"]:
            raise _refused("the provider spoke of two people")
        return {**told_more, **claims}

    def _admit(self, claims: Mapping[str, Any]) -> None:
        """Whether the settings let them in.

        Raises:
            NotAllowed: they do not.
        """
        domains, wanted = self._settings.oidc_domains, self._settings.oidc_claims
        if domains and "*" not in domains:
            _, _, domain = _email(claims).rpartition("@")
            if domain.lower() not in {d.lower() for d in domains}:
                raise _refused("accounts like yours are not let in here")
        for key, value in wanted.items():
            said = claims.get(key)
            if value not in ([str(s) for s in said] if isinstance(said, list) else [str(said)]):
                raise _refused("accounts like yours are not let in here")

    def _discovered(self, client: Any) -> dict[str, Any]:
        told = _json(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != self._issuer:
            raise _refused("the provider is not the one that the settings name")
        if not all(self._trusted(told.get(key)) for key in _ENDPOINTS):
            raise _refused("the provider names an address without https")
        return told

    def _trusted(self, url: object) -> bool:
        """Whether what is said to that address can be read by nobody else."""
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        if self._local and parts.scheme == "http":
            return parts.hostname in LOOPBACK
        return parts.scheme == "https" and bool(parts.hostname)

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        secret = self._settings.oidc_secret
        return OAuth2Client(
            self._settings.oidc_client,
            secret.get_secret_value() if secret else None,
            scope="openid email profile",
            redirect_uri=self._back,
            code_challenge_method="S256",
            leeway=0,
            timeout=_SECONDS,
        )


def _json(client: Any, url: str) -> dict[str, Any]:
    told = client.request("GET", url, withhold_token=True).raise_for_status().json()
    return told if isinstance(told, dict) else {}


def _guarded(act: Callable[[], _T]) -> _T:
    """Whatever goes wrong, in words for the person and with its place for the log."""
    try:
        return act()
    except NotAllowed:
        raise
    except Exception as error:  # what a provider may answer has no end
        log.warning("a login with the identity provider failed", **where(error))
        raise _refused("the provider's answer does not hold") from error


def _refused(why: str) -> NotAllowed:
    return NotAllowed(f"You are not logged in: {why}.", _REMEDY)


def _email(claims: Mapping[str, Any]) -> str:
    """Their address, if the provider has checked that it is theirs."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else ""


def _name(claims: Mapping[str, Any]) -> str:
    return str(_email(claims) or claims.get("preferred_username") or claims["sub"])
