"""Doubles of the router and of the desk, for tests of what stands between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chatbot.desk import Desk
from chatbot.domain import AnswerRecord, Decision, Person, Screening, Turn
from chatbot.policy import load_policy
from chatbot.steps.review_item import ReviewItem


@dataclass
class ScriptedRouter:
    """Decides by words: the first one that stands in a text says what happens to it.

    Attributes:
        words: word → what is decided of texts with it; everything else is released.
        fails: raised by every call, when given.
    """

    words: Mapping[str, Screening] = field(default_factory=dict)
    fails: Exception | None = None

    def screen(self, question: str, history: Sequence[Turn]) -> Screening:
        """By the words of the question."""
        return self._by_words(question)

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """By the words of the sentence."""
        return self._by_words(sentence)

    def _by_words(self, text: str) -> Screening:
        if self.fails:
            raise self.fails
        found = (made for word, made in self.words.items() if word in text)
        return next(found, Screening(Decision.RELEASE))


@dataclass
class ListDesk:
    """Keeps what it is handed in lists."""

    held: list[ReviewItem] = field(default_factory=list)
    sampled: list[AnswerRecord] = field(default_factory=list)

    def hold(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        """Keeps a held turn."""
        item = Desk(_Kept(), load_policy("default")).hold(record, conversation, person)
        self.held.append(item)
        return item

    def sample(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem | None:
        """Keeps a released turn; none is looked at."""
        self.sampled.append(record)
        return None


class _Kept:
    def submit(self, item: ReviewItem, also: object = None) -> ReviewItem:
        return item

    def usual_wait(self, category: str) -> None:
        return None
