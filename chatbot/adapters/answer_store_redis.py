"""The answer cache's texts in Redis, for replicas."""

from __future__ import annotations

from collections.abc import Collection

import redis

from chatbot.adapters.redis_client import Sparing, open_redis

_PREFIX = "countersign:"
_AT_ONCE = 1000


class RedisStore:
    """Texts in a Redis database, behind a prefix of their own.

    A server that does not answer is as good as none: the answer is made anew. After a few failures
    it is asked for nothing for some seconds; what has to go is tried all the same.

    Args:
        url: redis://, rediss:// or unix://.

    Raises:
        BadSettings: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._redis = open_redis(url)
        self._sparing = Sparing()

    def get(self, key: str) -> str | None:
        """The text there; what is no text is taken away."""
        try:
            found = self._sparing.ask(lambda: self._redis.get(_PREFIX + key))
        except (redis.ResponseError, UnicodeDecodeError):
            self.drop([key])
            return None
        return found if isinstance(found, str) else None

    def put(self, key: str, text: str, seconds: float) -> None:
        """Puts a text there, for so long."""
        self._set(key, text, seconds, new=False)

    def add(self, key: str, text: str, seconds: float) -> bool:
        """Puts a text there if there is none."""
        return self._set(key, text, seconds, new=True)

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

    def _set(self, key: str, text: str, seconds: float, *, new: bool) -> bool:
        milliseconds = max(1, int(seconds * 1000))
        name = _PREFIX + key
        return bool(self._sparing.ask(lambda: self._redis.set(name, text, px=milliseconds, nx=new)))

    def close(self) -> None:
        """Lets go of the connections."""
        self._redis.close()
