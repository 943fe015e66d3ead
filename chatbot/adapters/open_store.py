"""Opens the place where the settings have answers kept."""

from __future__ import annotations

from chatbot.adapters.answer_store import SealedStore, Store
from chatbot.adapters.secret import secret_of
from chatbot.errors import BadSettings
from chatbot.settings import Settings


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
