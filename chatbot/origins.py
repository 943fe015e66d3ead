"""Origins of websites as browsers write them: `https://www.example.org:8443`. Pure."""

from __future__ import annotations

import re

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?")
_USUAL = {"http": "80", "https": "443"}


def normal_origins(text: str | None) -> str | None:
    """Origins between blanks or commas, each as a browser would send it, without repetition.

    Raises:
        ValueError: one is no origin: it has a path, a wildcard or no scheme, or is `null`.
    """
    names = (text or "").replace(",", " ").split()
    return " ".join(sorted({normal_origin(name) for name in names})) or None


def normal_origin(text: str) -> str:
    """Scheme, host and port in small letters, without the port that goes without saying.

    Raises:
        ValueError: it is not an origin.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if found is None or not any(c.isalnum() for c in found[2]) or int(found[3] or 0) > 65535:
        raise ValueError(
            f"{text!r} is no origin: write scheme, host and port alone, as https://www.example.org "
            "(a name with other letters in its xn-- form)"
        )
    scheme, host, port = found.groups()
    port = str(int(port)) if port else ""
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL[scheme] else "")
