"""How much one person, key, address or website may ask in a while: the `limits` library.

Counted by its sliding window counter, two numbers for each caller: of 200 callers with 100 hits
each it keeps 0.07 MB, the exact window 3 MB, and a hit takes 7 microseconds (docs/adr/0028).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from chatbot.domain import sha256_of
from chatbot.errors import BadSettings, TooMany
from chatbot.settings import Settings

log = structlog.get_logger()

_SAYS = {
    "person": "You have asked a lot in a short time.",
    "key": "This key has asked a lot in a short time.",
    "address": "A lot of requests came from your network in a short time.",
    "origin": "A lot of requests came from this website in a short time.",
}
_WITHOUT = 10.0  # seconds after which a Redis that failed is tried again
_PATIENCE = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from: its network address, and the website whose page sent it."""

    address: str = ""
    origin: str = ""


class Rates:
    """Counts, and says when it is too much.

    While Redis does not answer, each process counts for itself: nobody is let through uncounted.

    Args:
        allowed: `person`, `key`, `address`, `origin` → limits such as `20/minute; 500/day`.
        storage: where it is counted: `memory`, `none`, or a Redis URL, which replicas share.

    Raises:
        BadSettings: a limit or the storage cannot be read.
    """

    def __init__(self, allowed: Mapping[str, str], storage: str = "memory") -> None:
        self._items = {} if storage == "none" else {k: _parsed(k, v) for k, v in allowed.items()}
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if storage not in ("memory", "none"):
            self._shared = SlidingWindowCounterRateLimiter(_opened(storage))
        self._again_at = 0.0

    def ping(self) -> None:
        """Asks whether the storage that replicas share is there.

        Raises:
            StorageError: it is not.
        """
        if self._shared is not None and not self._shared.storage.check():
            raise StorageError(ConnectionError("it does not answer"))

    def asks(self, caller: Caller) -> None:
        """Counts a request from there.

        Raises:
            TooMany: too many came from there.
        """
        for kind, who in (("address", caller.address), ("origin", caller.origin)):
            self.hit(kind, who)

    def hit(self, kind: str, who: str) -> None:
        """Counts one for that caller.

        Raises:
            TooMany: it is one too many.
        """
        for item in self._items.get(kind, ()) if who else ():
            wait = self._wait(item, kind, sha256_of(f"{kind}:{who}")[:32])
            if wait:
                raise TooMany(_SAYS[kind], wait)

    def _wait(self, item: RateLimitItem, *names: str) -> float:
        """Seconds until one more is allowed; 0: this one is."""
        if self._shared is not None and time.monotonic() >= self._again_at:
            try:
                return _hit(self._shared, item, *names)
            except StorageError as error:
                self._again_at = time.monotonic() + _WITHOUT
                log.error("limits are counted here: Redis fails", error=type(error).__name__)
        return _hit(self._here, item, *names)


def rates_of(settings: Settings) -> Rates:
    """The limits that the settings name."""
    kinds = ("person", "key", "address", "origin")
    return Rates({kind: getattr(settings, f"limit_{kind}") for kind in kinds}, settings.limits)


def _hit(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, *names: str) -> float:
    if limiter.hit(item, *names):
        return 0.0
    return max(1.0, limiter.get_window_stats(item, *names).reset_time - time.time())


def _parsed(kind: str, text: str) -> list[RateLimitItem]:
    try:
        return parse_many(text) if text.strip() else []
    except ValueError as error:
        raise BadSettings(
            f"{text!r} is no limit (limit_{kind}).", "Write it as `20/minute; 500/day`."
        ) from error


def _opened(url: str) -> Storage:
    if url.startswith("unix://"):  # as Redis's own library writes a socket's address
        url = f"redis+{url}"
    try:
        made = storage_from_string(url, wrap_exceptions=True, key_prefix="countersign", **_PATIENCE)
    except (ConfigurationError, ValueError) as error:
        raise BadSettings(
            "The place where limits are counted cannot be used (limits).",
            "Write `memory`, `none` or `redis://HOST:PORT/NUMBER`.",
        ) from error
    assert isinstance(made, Storage)  # another kind is for event loops, and has another scheme
    return made
