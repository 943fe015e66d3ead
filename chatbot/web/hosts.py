"""Under which names the site is served, and which pages are its own. Pure.

A name that anybody can register must be named in the settings: otherwise whoever owns one points it
here, and the reader's browser takes their page for ours (DNS rebinding). Addresses, and names
without a dot as containers have them, cannot be got that way.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from chatbot.settings import LOOPBACK

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::\d{1,5})?")
_ORIGIN = re.compile(r"https?://([^/?#@\\\s]+)")


class Hosts:
    """Compares what a request says about where it was sent, and from where.

    Args:
        bound: address that the server listens on.
        public_url: address under which people reach it, if that is another.
    """

    def __init__(self, bound: str, public_url: str | None) -> None:
        public = urlsplit(public_url or "")
        self._public = public.netloc.lower()
        self._origin = f"{public.scheme}://{self._public}"
        self._names = {*LOOPBACK, _name(self._public)} - {""}
        self._wide = bound not in LOOPBACK
        if self._wide:
            self._names.add(bound.lower())

    def serves(self, host: str) -> bool:
        """Whether that `Host` header names this site."""
        if not _HOST.fullmatch(host.lower()):
            return False
        name = _name(host.lower())
        return name in self._names or (self._wide and ("." not in name or _is_address(name)))

    def own(self, origin: str, host: str) -> bool:
        """Whether that `Origin` header names a page of the site that `host` names."""
        found = _ORIGIN.fullmatch(origin.lower())
        if found is None or found[1] != host.lower():
            return False
        return found[1] != self._public or origin.lower() == self._origin


def _name(host: str) -> str:
    """A host without its port and brackets."""
    return host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.split(":", 1)[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
