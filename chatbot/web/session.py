"""Who is at the other end: a signed cookie, made by the server, read again in every event.

The cookie holds a random id and nothing else. It says that the same browser came back; it is no
login, which has a cookie of its own. Whatever cannot be verified counts as absent, and an absent
session gets a new, empty one.
"""

from __future__ import annotations

import re
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.responses import Response

from chatbot.adapters.tokens import LONGEST
from chatbot.domain import Person

COOKIE = "countersign_session"
DESK_COOKIE = "countersign_desk"
"""An account's, a random token: see `Accounts`. Neither cookie stands for the other."""
MAX_AGE = 400 * 24 * 3600  # the longest that browsers keep a cookie
_SALT = "countersign.web.session"
_ID = re.compile(r"[A-Za-z0-9_-]{20,64}")


class Sessions:
    """Makes and reads session cookies.

    Args:
        secret: key that cookies are signed with; a new key ends every session.
        max_age: seconds after which a cookie no longer counts.
    """

    def __init__(self, secret: bytes, max_age: int = MAX_AGE) -> None:
        if len(secret) < 16:
            raise ValueError("The key for signing cookies is too short: give at least 16 bytes.")
        self._signer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._max_age = max_age

    def read(self, cookie: str | None) -> Person | None:
        """The person whom the cookie names, or None if it is absent, forged or too old."""
        if not cookie:
            return None
        try:
            person_id = self._signer.loads(cookie, max_age=self._max_age)
        except BadData:
            return None
        if not isinstance(person_id, str) or not _ID.fullmatch(person_id):
            return None
        return Person(person_id)

    def write(self, person: Person) -> str:
        """A cookie value for this person, dated now."""
        return str(self._signer.dumps(person.id))

    def header(self, person: Person, *, secure: bool) -> str:
        """The whole `Set-Cookie` header. `secure` where the page itself came by https."""
        parts = [
            f"{COOKIE}={self.write(person)}",
            "Path=/",
            f"Max-Age={self._max_age}",
            "HttpOnly",
            "SameSite=Lax",
        ]
        return "; ".join([*parts, "Secure"] if secure else parts)


def new_person() -> Person:
    """Someone whom nobody has seen before."""
    return Person(secrets.token_urlsafe(24))


def begin(answer: Response, token: str, *, secure: bool) -> None:
    """Hands an account's new session to the browser.

    Lax, because the way back from an identity provider and a link in a mail begin on another
    website: a strict cookie would not come along. No GET changes anything here, and each POST is
    compared with the page that it comes from.
    """
    answer.set_cookie(
        DESK_COOKIE, token, max_age=int(LONGEST.total_seconds()), path="/", httponly=True,
        samesite="lax", secure=secure,
    )  # fmt: skip


def end(answer: Response) -> None:
    """Takes it back."""
    answer.delete_cookie(DESK_COOKIE, path="/", httponly=True, samesite="lax")
