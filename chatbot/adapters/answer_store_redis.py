"""The answer cache's texts in Redis, for replicas."""

from __future__ import annotations

from collections.abc import Collection

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatbot.errors import BadSettings

_PREFIX = "countersign:"
_AT_ONCE = 1000
_SECONDS = 1.0


class RedisStore:
    """Texts in a Redis database, behind a prefix of their own.

    Args:
        url: redis://, rediss:// or unix://. A server that does not answer within a second is as
            good as none: the answer is made anew.

    Raises:
        BadSettings: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            self._redis = redis.Redis.from_url(
                url,
                decode_responses=True,
                encoding_errors="surrogatepass",
                socket_timeout=_SECONDS,
                socket_connect_timeout=_SECONDS,
                retry=Retry(NoBackoff(), 1),  # a connection that was closed is opened again
            )
        except ValueError as error:
            raise BadSettings(
                "The answer cache's Redis URL cannot be used.", "Write redis://HOST:PORT/NUMBER."
            ) from error

    def get(self, key: str) -> str | None:
        """The text there; what is no text is taken away."""
        try:
            found = self._redis.get(_PREFIX + key)
        except (redis.ResponseError, UnicodeDecodeError):
            self.drop([key])
            return None
        return found if isinstance(found, str) else None

    def put(self, key: str, text: str, seconds: float) -> None:
        """Puts a text there, for so long."""
        self._redis.set(_PREFIX + key, text, px=max(1, int(seconds * 1000)))

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Puts a text there if there is none."""
        milliseconds = max(1, int(seconds * 1000))
        return bool(self._redis.set(_PREFIX + key, text, px=milliseconds, nx=True))

    def drop(self, keys: Collection[str]) -> None:
        """Takes texts away."""
        named = [_PREFIX + key for key in keys]
        for start in range(0, len(named), _AT_ONCE):
            self._redis.delete(*named[start : start + _AT_ONCE])

    def clear(self) -> None:
        """Takes everything behind the prefix away; what else is in the database stays."""
        for key in self._redis.scan_iter(f"{_PREFIX}*", count=_AT_ONCE):
            self._redis.delete(key)

    def scrub(self) -> None:
        """Nothing is left of what was taken away."""

    def close(self) -> None:
        """Lets go of the connections."""
        self._redis.close()
