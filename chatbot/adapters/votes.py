"""Side-by-side votes: which pair a reviewer sees next, and their votes in the audit log.

A vote is a deed of a named person that speaks for or against an adapter, so it is kept where such
deeds are: nobody can change it afterwards. It holds ids and codes alone and stays when a
conversation is deleted; both answers go with the conversation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from chatbot.adapters.audit import AuditLog, Entry
from chatbot.adapters.database import transaction
from chatbot.adapters.revisions import Current, Revisions
from chatbot.adapters.schema import answers, conversations, shadow_answers
from chatbot.domain import AnswerRecord
from chatbot.errors import BadInput, NotFound
from chatbot.gate import open_to
from chatbot.steps.canary import CANDIDATE
from chatbot.steps.votes import CHOICES, Vote, comparable, left_side, side_of, voted

ACTION = "answers compared"
Reads = frozenset[str] | None
Tally = dict[str, dict[str, dict[str, float]]]
"""What served while an adapter was tried → what the votes on it say, as `voted` does."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one question, in the order in which one voter sees them.

    Attributes:
        id: of the answer that was shown to its asker.
    """

    id: str
    left: AnswerRecord
    right: AnswerRecord


class Votes:
    """Votes on the candidate's shadow answers beside the ones that were shown."""

    def __init__(self, revisions: Revisions, audit: AuditLog) -> None:
        self._revisions = revisions
        self._audit = audit
        self._unfit: set[str] = set()

    def next(self, voter: str, askers: Collection[str], may: Reads = None) -> Pair | None:
        """The pair that this person has not voted on and that fewest have, the newest of these.

        Args:
            askers: who the voter is when they ask: they are shown no pair of their own.
            may: collections that they may read; None: all. They are shown no pair that rests on
                others.
        """
        current = self._tried()
        if current is None:
            return None
        votes = [_vote(e) for e in self._entries(current.candidate)]
        count = Counter(answer for answer, _ in {(v.answer, v.voter) for v in votes})
        mine = {v.answer for v in votes if v.voter == voter}
        left = [i for i in self._shadowed(current, askers) if i not in mine | self._unfit]
        for answer in sorted(left, key=lambda i: count[i]):  # the newest stay first
            pair = self._pair(answer, current.candidate, voter)
            if pair is None:
                self._unfit.add(answer)
            elif _open(pair, may):
                return pair
        return None

    def pair(self, answer: str, voter: str, askers: Collection[str], may: Reads = None) -> Pair:
        """That pair, as the voter saw it.

        Raises:
            NotFound: there is none, or it is their own question.
        """
        return self._found(answer, voter, askers, may)[1]

    def vote(
        self, answer: str, voter: str, askers: Collection[str], choice: str, may: Reads = None
    ) -> None:
        """Keeps a vote; a later one of the same person on the same pair takes its place.

        Raises:
            BadInput: it is none of `CHOICES`.
            NotFound: there is no such pair for them.
        """
        if choice not in CHOICES:
            raise BadInput(f"{choice!r} is no vote.", f"Vote {', '.join(CHOICES)}.")
        current, _ = self._found(answer, voter, askers, may)
        left = left_side(answer, current.candidate, voter)
        body = {"answer": answer, "choice": side_of(choice, left), "left": left,
                "against": current.revision}  # fmt: skip
        with transaction(self._audit.engine) as connection:
            self._audit.append(connection, voter, ACTION, _subject(current.candidate), body)
        self._audit.anchor()

    def counted(self, candidate: str) -> Tally:
        """What the votes on an adapter say, by what served while it was tried."""
        votes: dict[str, list[Vote]] = defaultdict(list)
        for entry in self._entries(candidate):
            votes[str(entry.body["against"])].append(_vote(entry))
        return {against: voted(some) for against, some in votes.items()}

    def _found(
        self, answer: str, voter: str, askers: Collection[str], may: Reads
    ) -> tuple[Current, Pair]:
        current = self._tried()
        if current is not None and answer in self._shadowed(current, askers):
            pair = self._pair(answer, current.candidate, voter)
            if pair is not None and _open(pair, may):
                return current, pair
        raise NotFound(
            "These two answers are not to be compared any more.", "Go on with the next two."
        )

    def _tried(self) -> Current | None:
        current = self._revisions.current()
        return current if current is not None and current.candidate else None

    def _entries(self, candidate: str) -> list[Entry]:
        return self._audit.of(_subject(candidate))

    def _shadowed(self, current: Current, askers: Collection[str]) -> list[str]:
        """The answers that the candidate has given, too, since it is tried; the newest first."""
        query = (
            select(answers.c.id)
            .join(shadow_answers, shadow_answers.c.answer_id == answers.c.id)
            .join(conversations, conversations.c.id == answers.c.conversation_id)
            .where(
                shadow_answers.c.candidate == current.candidate,
                answers.c.asked_at >= datetime.fromisoformat(current.at),
                conversations.c.owner.not_in(list(askers)),
            )
            .order_by(answers.c.asked_at.desc(), answers.c.id)
        )
        with transaction(self._audit.engine) as connection:
            return list(connection.scalars(query))

    def _pair(self, answer: str, candidate: str, voter: str) -> Pair | None:
        query = (
            select(answers.c.record, shadow_answers.c.record)
            .join(shadow_answers, shadow_answers.c.answer_id == answers.c.id)
            .where(answers.c.id == answer, shadow_answers.c.candidate == candidate)
        )
        with transaction(self._audit.engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        shown, shadow = (AnswerRecord.from_json(text) for text in row)
        if not comparable(shown, shadow):
            return None
        if left_side(answer, candidate, voter) == CANDIDATE:
            return Pair(answer, shadow, shown)
        return Pair(answer, shown, shadow)


def _open(pair: Pair, may: Reads) -> bool:
    return open_to(may, pair.left) and open_to(may, pair.right)


def _subject(candidate: str) -> str:
    return f"votes:{candidate}"


def _vote(entry: Entry) -> Vote:
    body = entry.body
    return Vote(str(body["answer"]), entry.actor, str(body["choice"]), str(body["left"]))
