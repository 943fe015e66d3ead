"""An OpenID Connect provider in this process, which can be made to do each wrong thing.

Written for the tests alone; that our side gets on with a real one is shown with `tests/oidc`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT = "countersign"
SECRET = "only-for-tests-and-nothing-else-000"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Issuer:
    """The provider; `wrong` says what it does wrong.

    Attributes:
        codes: code → nonce and PKCE challenge of the login that it was made for.
        seen: paths that were asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.wrong = ""
        self.claims: dict[str, Any] = {
            "sub": "s-1", "email": "anna@example.org", "email_verified": True,
            "groups": ["hr", "nowhere"],
        }  # fmt: skip
        self.codes: dict[str, tuple[str, str]] = {}
        self.seen: list[str] = []

    def code(self, leaving: dict[str, str]) -> str:
        """A code, as the reader brings it back after logging in."""
        code = f"code-{len(self.seen)}-{time.monotonic_ns()}"
        self.codes[code] = (leaving["nonce"], leaving["code_challenge"])
        return code

    def discovery(self) -> dict[str, Any]:
        at = "http://192.0.2.1" if self.wrong == "endpoint without https" else self.url
        named = "https://other.example" if self.wrong == "discovery names another" else self.url
        return {
            "issuer": named,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{self.url}/jwks",
            "authorization_response_iss_parameter_supported": True,
        } | ({"userinfo_endpoint": f"{self.url}/me"} if self.wrong == "userinfo of another" else {})

    def token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers; a code works once, and for its verifier alone."""
        nonce, challenge = self.codes.pop(form.get("code", [""])[0], ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "t", "token_type": "Bearer", "expires_in": 60,
            "id_token": self.id_token(nonce),
        }  # fmt: skip

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce,
            **self.claims,
        }  # fmt: skip
        changes: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "https://other.example"},
            "audience": {"aud": "another-client"},
            "audiences without azp": {"aud": [CLIENT, "another-client"]},
            "azp": {"aud": [CLIENT, "another-client"], "azp": "another-client"},
            "nonce": {"nonce": "another"},
            "expired": {"iat": now - 4000, "exp": now - 3700},
            "of tomorrow": {"iat": now + 90_000, "exp": now + 95_000},
            "subject empty": {"sub": ""},
            "at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        }
        claims |= changes.get(self.wrong, {})
        for gone in ("nonce", "exp", "sub", "iss", "aud"):
            if self.wrong == f"without {gone}":
                del claims[gone]
        return self.signed(claims)

    def signed(self, claims: dict[str, Any]) -> str:
        if self.wrong == "alg none":
            return _unsigned(claims)
        if self.wrong == "signed with the public key":
            public = OctKey.import_key(KEY.as_pem(private=False))
            return jwt.encode({"alg": "HS256", "kid": "one"}, claims, public, algorithms=["HS256"])
        if self.wrong == "signed with the client's secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = OTHER_KEY if self.wrong == "signed by another" else KEY
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        if self.wrong == "changed afterwards":
            head, _, signature = token.split(".")
            body = _b64({**claims, "sub": "s-2"})
            return f"{head}.{body}.{signature}"
        return "nonsense" if self.wrong == "no token at all" else token


def _b64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(claims: dict[str, Any]) -> str:
    return f"{_b64({'alg': 'none'})}.{_b64(claims)}."


@contextmanager
def issuer() -> Iterator[Issuer]:
    """One that is served on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen.append(self.path)
            told: dict[str, Any] = {}
            if self.path == "/.well-known/openid-configuration":
                told = found.discovery()
            elif self.path == "/jwks":
                told = {"keys": [KEY.as_dict(private=False)]}
            elif self.path == "/me":
                told = {"sub": "s-2", "groups": ["admins"]}
            self._send(200, told)

        def do_POST(self) -> None:
            found.seen.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*found.token(parse_qs(body)))

        def _send(self, status: int, told: dict[str, Any]) -> None:
            if found.wrong == "sent elsewhere":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                return
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
