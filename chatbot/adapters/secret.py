"""The installation's own secret."""

from __future__ import annotations

import os
import secrets

from chatbot.settings import Settings


def secret_of(settings: Settings) -> bytes:
    """The key that signs cookies and seals cached answers: made once, its owner's to read."""
    path = settings.home / "secret.key"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()
