"""Opens the place where the settings have answers kept, also for those who only take out of it."""

from __future__ import annotations

from datetime import date

import structlog

from chatbot.adapters.answer_store import SealedStore, Store, answer_key
from chatbot.adapters.cards import Cards
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.retrieval import today_utc
from chatbot.adapters.secret import secret_of
from chatbot.errors import BadSettings, where
from chatbot.settings import Settings

log = structlog.get_logger()


def open_store(settings: Settings) -> Store | None:
    """Where the settings have answers kept; None: nowhere.

    Raises:
        BadSettings: they name no such place.
    """
    place = settings.cache
    if place == "none":
        return None
    store: Store
    if place == "disk":
        from chatbot.adapters.answer_store_disk import DiskStore

        store = DiskStore(settings.home.absolute() / "cache")
    elif place.startswith(("redis://", "rediss://", "unix://")):
        from chatbot.adapters.answer_store_redis import RedisStore

        store = RedisStore(place)
    else:
        raise BadSettings(
            f"COUNTERSIGN_CACHE is {place!r}, which is no place for answers.",
            "Write disk, redis://HOST:PORT/NUMBER, or none.",
        )
    return SealedStore(store, secret_of(settings))


def drop_outdated(store: Store, cards: Cards, today: date) -> list[str]:
    """Takes every answer out that rests on a document which is not what it was; gives the keys."""
    keys = cards.suspend_outdated(today)
    if keys:
        store.drop([answer_key(key) for key in keys])
        store.scrub()
    return keys


def forget_outdated(settings: Settings, catalogue: Catalogue) -> None:
    """The same, for a process that answers no questions. A store that is down is told of in the
    log: a running server takes the answers out, and none of them is ever shown."""
    try:
        store = open_store(settings)
        if store is not None:
            drop_outdated(store, Cards(catalogue.engine), today_utc())
            store.close()
    except BadSettings:
        raise
    except Exception as error:
        log.error("the answer cache could not be reached", **where(error))
