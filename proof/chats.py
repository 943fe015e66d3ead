"""So many chats open at once, and no question lost: `python -m proof.chats`.

Each chat is a browser of its own over the page's own protocol. All ask their questions, one after
the other, at the same time as all others; whoever is told that there are too many waits as long as
the page says, and asks again. Afterwards each chat is opened anew: it must hold its questions, each
once, in order, each with an outcome, and nobody else's. With `--deaf` nobody asks again: then
questions are missing, or this would prove nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape

from proof.browser import Browser, conversation_in
from proof.questions import held_questions
from proof.report import Report
from proof.site import Site, site

_TURN = re.compile(r'<article class="turn (\w+)".*?<div class="question"><p>(.*?)</p>', re.DOTALL)
_AGAIN = re.compile(r"Try again in (\d+) second")
_MOST_SECONDS = 600.0
_EVERYDAY = ("How long does a replacement card take?", "Where is the branch in the old town?")


class Chat:
    """One reader with one conversation."""

    def __init__(self, running: Site, number: int, sensitive: str) -> None:
        self.questions = [f"{q} I am reader {number}." for q in (*_EVERYDAY, sensitive)]
        self._browser = Browser(running.url)
        self.conversation = ""
        self.told_busy = 0

    def talk(self, *, deaf: bool) -> None:
        """Asks everything."""
        for question in self.questions:
            end = time.monotonic() + _MOST_SECONDS
            while time.monotonic() < end:
                said = self._browser.event(
                    "ask", conversation=self.conversation, text=question, run="r"
                )
                self.conversation = conversation_in(said) or self.conversation
                again = _AGAIN.search(said)
                if not again or deaf:
                    break
                self.told_busy += 1
                time.sleep(int(again[1]))

    def wrong(self) -> str:
        """What is wrong with the conversation when it is opened anew; empty: nothing."""
        text = self._browser.event("open", conversation=self.conversation)
        found = [(phase, unescape(question)) for phase, question in _TURN.findall(text)]
        if [question for _, question in found] != self.questions:
            return f"{len(found)} turns instead of {len(self.questions)}, or others"
        unfinished = {phase for phase, _ in found} & {"working", "failed", "stopped"}
        return f"{self.conversation}: {unfinished}" if unfinished else ""


def main() -> int:
    """All chats, at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="chats that are open at once")
    parser.add_argument("--room", type=int, help="answers made at once, and as many that wait")
    parser.add_argument("--deaf", action="store_true", help="nobody asks again")
    asked = parser.parse_args()
    report = Report("open chats that lost a question or an answer")
    sensitive = held_questions(1)[0]
    room = {"answers_at_once": asked.room, "answers_waiting": asked.room} if asked.room else {}
    with (
        site([*_EVERYDAY, sensitive], **room) as running,
        ThreadPoolExecutor(asked.count) as pool,
    ):
        chats = list(pool.map(lambda n: Chat(running, n, sensitive), range(asked.count)))
        list(pool.map(lambda chat: chat.talk(deaf=asked.deaf), chats))
        for wrong in pool.map(Chat.wrong, chats):
            report.count(wrong)
    print(f"    told to come back later: {sum(chat.told_busy for chat in chats):,} times")
    return report.end(least=asked.count)


if __name__ == "__main__":
    sys.exit(main())
