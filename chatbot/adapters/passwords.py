"""Passwords as argon2 hashes, and how long they have to be."""

from __future__ import annotations

import secrets
import threading
from functools import cached_property

from pwdlib import PasswordHash

from chatbot.errors import BadInput

SHORTEST, LONGEST = 12, 1024
_AT_ONCE = 2  # each check takes 64 MiB: a flood of logins must not take all memory


class Passwords:
    """Makes hashes and compares passwords with them."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """The password's hash.

        Raises:
            BadInput: it is too short, or absurdly long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadInput(
                f"A password has {SHORTEST} to {LONGEST:,} characters.",
                "Four words that do not belong together make a good one.",
            )
        with self._room:
            return self._hasher.hash(password)

    def right(self, password: str, hashed: str | None) -> bool:
        """Whether it is the one; without a hash to compare, no, after the same time."""
        unused = self._unused  # made before it is known whether it is needed
        if len(password) > LONGEST:
            return False
        with self._room:
            return self._hasher.verify(password, hashed or unused) and hashed is not None

    @cached_property
    def _unused(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))
