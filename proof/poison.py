"""The cache's files are tampered with in every way at hand: nothing in them is executed, no file
outside is touched, no forged word is shown, and the question is answered anew."""

from __future__ import annotations

import argparse
import json
import pickle
import random
import sqlite3
import sys
import tempfile
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import redis

from chatbot.adapters.answer_store_disk import DiskStore
from chatbot.adapters.answer_store_redis import RedisStore
from chatbot.domain import Person, Status
from proof.redis import server
from proof.report import Report
from proof.world import World

_ME = Person("me")
_QUESTION = "What is the waiting period of crowns?"
_RIGHT, _FORGED = "240 days", "2 days"
_PICKLE = 4


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return exec, (f"open({str(self._mark)!r}, 'w').write('executed')",)


class Rows:
    """Tampers with the rows of the cache on disk."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.mark = folder / "executed"
        self.bystander = folder / "bystander"
        self.bystander.write_text("mine")
        self._file = folder / "cache" / "cache.db"
        self._chance = chance

    def pickled(self) -> None:
        """A pickle in the row."""
        self._all("mode = ?, value = ?", _PICKLE, pickle.dumps(Bomb(self.mark)))

    def pickled_file(self) -> None:
        """A pickle in a file that the row names."""
        (self._file.parent / "x.val").write_bytes(pickle.dumps(Bomb(self.mark)))
        self._all("mode = ?, value = NULL, filename = 'x.val'", _PICKLE)

    def pickled_key(self) -> None:
        """Keys that claim to be pickles."""
        self._all("raw = 0, key = ? || rowid", pickle.dumps(Bomb(self.mark)))

    def bystanders(self) -> None:
        """Rows that name a file outside the cache."""
        self._all("mode = 2, value = NULL, filename = '../bystander'")

    def no_json(self) -> None:
        """Texts that are no JSON."""
        self._all("value = ?", zlib.compress(self._chance.randbytes(40)))

    def too_deep(self) -> None:
        """JSON that is nested without end."""
        self._all("value = ?", zlib.compress(b"[" * 200_000))

    def bomb(self) -> None:
        """A text that unpacks to a gigabyte."""
        packer = zlib.compressobj(9)
        packed = b"".join(packer.compress(b" " * 10_000_000) for _ in range(100))
        self._all("value = ?", packed + packer.flush())

    def garbage(self) -> None:
        """Values that are not compressed."""
        self._all("value = ?", self._chance.randbytes(200))

    def forged(self) -> None:
        """Our own entries with other words in them, sealed by nobody."""
        with closing(sqlite3.connect(self._file)) as connection:
            for rowid, value in connection.execute("SELECT rowid, value FROM Cache").fetchall():
                text = json.loads(zlib.decompress(value)).replace(_RIGHT, _FORGED)
                packed = zlib.compress(json.dumps(text).encode())
                connection.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (packed, rowid))
            connection.commit()

    def swapped(self) -> None:
        """Every row with the text of another."""
        with closing(sqlite3.connect(self._file)) as connection:
            rows = connection.execute("SELECT rowid, value FROM Cache").fetchall()
            for (rowid, _), (_, value) in zip(rows, rows[1:] + rows[:1], strict=True):
                connection.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (value, rowid))
            connection.commit()

    def no_database(self) -> None:
        """Another file in the database's place."""
        for file in self._file.parent.glob("cache.db*"):
            file.unlink()
        self._file.write_bytes(self._chance.randbytes(5000))

    def _all(self, values: str, *given: object) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(f"UPDATE Cache SET {values}", given)
            connection.commit()


WAYS = [name for name, way in vars(Rows).items() if not name.startswith("_") and callable(way)]


def main() -> int:
    """Tampers, then asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=110, help="tamperings on the disk")
    asked = parser.parse_args()
    report = Report("tamperings with the cache that were executed, believed, or an error")
    for number in range(asked.count):
        way = WAYS[number % len(WAYS)]
        fault = _disk(way, random.Random(number))
        report.count(f"{way}: {fault}" if fault else "")
    with server() as url:
        for value in (b"\xff\xfe", b"words", b"", pickle.dumps(Bomb(Path("/nowhere")))):
            report.count(_redis(url, partial(_put, value)))
        report.count(_redis(url, _list))
    return report.end(asked.count)


def _put(value: bytes, client: Any, key: str) -> None:
    client.set(key, value)


def _list(client: Any, key: str) -> None:
    client.lpush(key, "a list")


def _disk(way: str, chance: random.Random) -> str:
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as name:
        folder = Path(name)
        world = _world(folder, DiskStore(folder / "cache"))
        world.close()
        rows = Rows(folder, chance)
        getattr(rows, way)()
        world = World(folder, DiskStore(folder / "cache"))
        fault = _asked(world)
        world.store.clear()
        world.close()
        if rows.mark.exists():
            fault = "it was executed"
        if not rows.bystander.exists():
            fault = "another file was removed"
    return fault


def _redis(url: str, tamper: Callable[[Any, str], object]) -> str:
    client: Any = redis.Redis.from_url(url)
    client.flushdb()
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as name:
        world = _world(Path(name), RedisStore(url))
        for key in client.keys("*"):
            client.delete(key)
            tamper(client, key)
        fault = _asked(world)
        world.close()
    client.close()
    return fault


def _world(folder: Path, store: DiskStore | RedisStore) -> World:
    world = World(folder, store)
    world.put("Dental", f"The waiting period of crowns is {_RIGHT}.")
    world.put("Eyes", "The waiting period of glasses is 30 days.")
    for question in (_QUESTION, "What is the waiting period of glasses?"):
        world.ask(question, _ME)
    if world.ask(_QUESTION, _ME).cache != "exact":
        raise RuntimeError("nothing was in the cache to be tampered with")
    return world


def _asked(world: World) -> str:
    """What is wrong with what is answered now, and with what is kept of it; empty: nothing."""
    first, second = world.ask(_QUESTION, _ME), world.ask(_QUESTION, _ME)
    if first.cache != "miss":
        return "the tampered entry was given"
    for record in (first, second):
        if record.status is not Status.RELEASED or _RIGHT not in record.answer:
            return f"answered {record.answer!r}"
    return "" if second.cache == "exact" else "the fresh answer was not kept"


if __name__ == "__main__":
    sys.exit(main())
