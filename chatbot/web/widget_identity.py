"""Who is at the other end of a widget: a signed token that the embedding page keeps.

A cookie of ours would be a third party's there, which browsers block. So the server signs a random
id together with the origin of the page, and the page keeps that in its own storage. The token
counts only in requests from that origin; it is no cookie, and no cookie stands for it.
"""

from __future__ import annotations

import re
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer

from chatbot.domain import Person

MAX_AGE = 180 * 24 * 3600
"""Seconds; counted anew at each visit."""
_SALT = "countersign.web.widget"
_ID = re.compile(r"w-[A-Za-z0-9_-]{32}")
_MOST = 10


class Tokens:
    """Makes and reads the tokens.

    Args:
        secret: key that they are signed with.
        max_age: seconds after which one no longer counts.
    """

    def __init__(self, secret: bytes, max_age: int = MAX_AGE) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._max_age = max_age

    def read(self, token: str, origin: str) -> str | None:
        """The id that the token names, or None if it is forged, too old, or another origin's."""
        try:
            found = self._signer.loads(token, max_age=self._max_age)
        except BadData:
            return None
        if not (isinstance(found, list) and len(found) == 2 and origin and found[1] == origin):
            return None
        return found[0] if isinstance(found[0], str) and _ID.fullmatch(found[0]) else None

    def renewed(self, token: str, origin: str) -> str:
        """A token dated now, for the same id, or for a new one where this token does not count."""
        return self.sign(self.read(token, origin) or f"w-{secrets.token_urlsafe(24)}", origin)

    def sign(self, known: str, origin: str) -> str:
        """A token for that id on that website."""
        return str(self._signer.dumps([known, origin]))


def person_of(known: str, wanted: str, may: frozenset[str] | None = None) -> Person:
    """The person with that id, who reads no more than the page asks for.

    Args:
        wanted: the page's `data-collection`: names with commas between; empty for all that may be
            read. It is a claim, so it narrows and never widens.
        may: what people without a login may read; None means everything.
    """
    names = frozenset(n.strip() for n in wanted.split(",")[:_MOST] if n.strip())
    if not names:
        return Person(known, may)
    return Person(known, names if may is None else names & may)
