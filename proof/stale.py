"""Documents are edited, expire, go, move between collections and come back, while people ask: no
answer from the cache is stale, and none rests on what its asker may not read.

Each answer from the cache is held against one that is made anew in the same moment.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from chatbot.adapters.answer_store import Store
from chatbot.adapters.answer_store_disk import DiskStore
from chatbot.adapters.answer_store_redis import RedisStore
from chatbot.domain import AnswerRecord, Person, Status
from proof.redis import server
from proof.report import Report
from proof.world import World

SUBJECTS = ("crowns", "fillings", "bridges", "implants", "braces", "dentures")
PEOPLE = (
    Person("all"),
    Person("open", frozenset({"open"})),
    Person("staff", frozenset({"open", "staff"})),
)
WORDINGS = (
    "What is the waiting period of {}?",
    "what is the waiting period of {}",
    "For {}, what is the waiting period?",
)
_STEPS = 25


@contextmanager
def places(folder: Path) -> Iterator[list[tuple[str, Store]]]:
    """Each kind of store that is shared by processes, empty."""
    with server() as url:
        yield [("disk", DiskStore(folder / "cache")), ("Redis", RedisStore(url))]


class Story:
    """One random run of changes and questions."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.kinds: Counter[str] = Counter()
        self.wrong: list[str] = []
        for subject in SUBJECTS:
            self._put(subject, "open")

    def run(self) -> None:
        """Mostly questions, now and then a change; the same few questions again and again."""
        for _ in range(_STEPS):
            if self.chance.random() < 0.75:
                self._ask()
            else:
                self.chance.choice([self._edit, self._expire, self._drop, self._move, self._day])()
            if self.chance.random() < 0.2:
                self.world.cache.tend()

    def _put(self, subject: str, collection: str, days: int | None = None) -> None:
        wait = self.chance.randrange(10, 400)
        text = f"The waiting period of {subject} is {wait} days. Ask us about {subject}."
        expires = None if days is None else self.world.day + timedelta(days=days)
        self.world.put(subject, text, collection, expires=expires)

    def _subject(self) -> str:
        return self.chance.choice(SUBJECTS)

    def _edit(self) -> None:
        self._put(self._subject(), self.chance.choice(["open", "staff", "board"]))

    def _expire(self) -> None:
        self._put(self._subject(), "open", self.chance.randrange(0, 3))

    def _drop(self) -> None:
        self.world.drop(self._subject())

    def _move(self) -> None:
        """The same words in another collection."""
        found = {d.title: d for d in self.world.catalogue.documents()}.get(self._subject())
        if found is not None:
            text = self.world.catalogue.passages_of(found.id)[0].text
            place = self.chance.choice(["open", "staff", "board"])
            self.world.put(found.title, text, place, expires=found.expires)

    def _day(self) -> None:
        self.world.pass_days(1)

    def _ask(self) -> None:
        person = self.chance.choice(PEOPLE)
        question = self.chance.choice(WORDINGS).format(self._subject())
        given = self.world.ask(question, person)
        self.kinds[given.cache] += 1
        if given.cache != "miss":
            anew = self.world.chain.trial(question, person)
            held = anew.status is Status.HELD  # a check that took too long: nothing to compare with
            if not held and (given.status, given.answer) != (anew.status, anew.answer):
                self.wrong.append(f"stale: {given.answer!r}, now {anew.answer!r}")
            if not all(self._may(person, given)):
                self.wrong.append(f"forbidden: {person.id} got {given.answer!r}")

    def _may(self, person: Person, given: AnswerRecord) -> Iterator[bool]:
        now = {d.id: d for d in self.world.catalogue.documents(person.collections)}
        for scored in given.passages:
            shown = scored.passage.document
            document = now.get(shown.id)
            same = document is not None and document.version == shown.version
            yield same and document is not None and document.counts_on(self.world.day)


def main() -> int:
    """Tells the stories, on each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="runs on each store")
    asked = parser.parse_args()
    report, kinds = Report("runs with a stale or forbidden answer from the cache"), Counter[str]()
    with (
        tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder,
        places(Path(folder)) as found,
    ):
        for name, store in found:
            world = World(Path(folder), store)
            world.by_words()
            for number in range(asked.count):
                _empty(world)
                story = Story(world, random.Random(f"{name} {number}"))
                story.run()
                kinds += story.kinds
                report.count(f"{name}, run {number}: {story.wrong[0]}" if story.wrong else "")
            world.close()
    hits = kinds.total() - kinds["miss"]
    how = f"{kinds['exact']:,} in the same words, {kinds['semantic']:,} in others"
    print(f"{kinds.total():,} questions, {hits:,} of them answered from the cache ({how})")
    report.wrong += [] if hits > kinds.total() // 10 else ["hardly anything came from the cache"]
    return report.end(2 * asked.count)


def _empty(world: World) -> None:
    world.catalogue.drop([d.id for d in world.catalogue.documents()])
    world.cache.tend()


if __name__ == "__main__":
    sys.exit(main())
