"""Redis, for whatever replicas share that may be lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatbot.adapters.breaker import Breaker
from chatbot.errors import BadSettings

_SECONDS = 1.0
_FAILURES, _PAUSE = 3, 10.0
Found = TypeVar("Found")


def open_redis(url: str) -> redis.Redis:
    """A client of that server, with text in and out; it connects when it is first asked.

    Args:
        url: redis://, rediss:// or unix://. A server that does not answer within a second counts
            as one that is down.

    Raises:
        BadSettings: the URL cannot be used.
    """
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="surrogatepass",
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            # A connection that was closed is opened again; a silent server is not asked twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
    except ValueError as error:
        raise BadSettings("The Redis URL cannot be used.", "Write redis://HOST:PORT/NUMBER.") from (
            error
        )


class Sparing:
    """Leaves a server alone for some seconds once it has not answered several times in a row.

    Without it every question would wait for a server that hangs, a second for each thing that is
    asked of it.
    """

    def __init__(self, breaker: Breaker | None = None) -> None:
        self._breaker = breaker or Breaker(_FAILURES, _PAUSE)

    def ask(self, attempt: Callable[[], Found]) -> Found:
        """What the attempt gives.

        Raises:
            redis.ConnectionError, redis.TimeoutError: it does not answer, or is left alone.
        """
        if not self._breaker.allows():
            raise redis.ConnectionError("it did not answer lately and is left alone a while")
        try:
            found = attempt()
        except (redis.ConnectionError, redis.TimeoutError):
            self._breaker.failed()
            raise
        except (redis.RedisError, UnicodeDecodeError):  # it has answered
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return found
