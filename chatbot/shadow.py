"""Shadow answers: what the candidate would have answered, for comparison and for nobody's eyes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from chatbot.chain import Chain
from chatbot.domain import AnswerRecord, Person, Status
from chatbot.errors import where
from chatbot.lifeline import Lifeline
from chatbot.steps.canary import INCUMBENT, on_candidate
from chatbot.steps.personal_data import personal_data
from chatbot.trace import Voice

log = structlog.get_logger()

_PAUSE = 1.0
_MOST_WAITING = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to ask beside the incumbent, and of how many questions (per cent)."""

    voice: Voice
    candidate: str
    share: int


class Shadows:
    """Asks the candidate a share of the released questions, afterwards, while no reader waits.

    Such an answer goes through the chain and its checks like any other, and then to `keep` alone.
    A reader who asks meanwhile goes first: the shadow is given up and tried again later. What waits
    is kept in memory and goes with the process.

    Args:
        chain: gives the chain, waiting while it loads.
        wanted: the candidate, where one is to answer in the shadow.
        keep: keeps an answer beside the one with that id, for that candidate.
    """

    def __init__(
        self,
        chain: Callable[[], Chain],
        wanted: Callable[[], Wanted | None],
        keep: Callable[[str, str, AnswerRecord], None],
    ) -> None:
        self._chain = chain
        self._wanted = wanted
        self._keep = keep
        self._waiting: deque[tuple[AnswerRecord, Person]] = deque(maxlen=_MOST_WAITING)
        self._line = Lifeline()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="shadow", daemon=True)

    def offer(self, record: AnswerRecord, person: Person) -> None:
        """Has a turn that has ended answered by the candidate, too, if it is one of its share.

        Held and refused questions are none, nor are those with personal data in them.
        """
        trial = record.trial
        if record.status is not Status.RELEASED or trial is None or trial.side != INCUMBENT:
            return
        wanted = self._wanted()
        if wanted is None or wanted.candidate != trial.candidate:
            return
        if on_candidate(record.id, "shadow", wanted.share) and not personal_data(record.standalone):
            self._waiting.append((record, person))

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Gives up what it is doing, then stops."""
        self._stop.set()
        self._line.cut()
        if self._thread.is_alive():
            self._thread.join()

    def work(self) -> None:
        """Answers what waits, until a reader asks."""
        while self._waiting and not self._stop.is_set():
            record, person = self._waiting.popleft()
            if not self._answered(record, person):
                self._waiting.appendleft((record, person))
                return

    def _answered(self, record: AnswerRecord, person: Person) -> bool:
        """Whether it is done with; not where somebody had to go first."""
        wanted = self._wanted()
        if wanted is None or record.trial is None or wanted.candidate != record.trial.candidate:
            return True
        chain, line = self._chain(), Lifeline()
        self._line = line
        chain.give_way(line)
        if line.is_cut:
            return False
        shadow = chain.trial(record.standalone, person, wanted.voice, line)
        if line.is_cut:
            return False
        self._keep(record.id, wanted.candidate, shadow)
        return True

    def _loop(self) -> None:
        while not self._stop.wait(_PAUSE):
            try:
                self.work()
            except Exception as error:  # one that fails must not keep the others
                log.error("a shadow answer failed", **where(error))
