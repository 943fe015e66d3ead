"""What lies on the review desk: an item, the answer in it, and the signatures on that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chatbot.domain import Citation, Draft, Passage, join_sentences, sha256_of


class State(StrEnum):
    """Where an item stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    NEEDS_INFO = "needs_info"
    ESCALATED = "escalated"
    DELIVERED = "delivered"
    SEEN = "seen"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    RECALLED = "recalled"


OPEN = frozenset({State.PENDING, State.CLAIMED, State.NEEDS_INFO, State.ESCALATED})
"""States in which someone still has to do something."""
DECIDED = frozenset({State.APPROVED, State.EDITED, State.REJECTED})
"""States in which a decision waits for its delivery."""
REACHED = frozenset({State.DELIVERED, State.SEEN})
"""States in which the asker has it."""
SIGNED = frozenset({State.APPROVED, State.EDITED, State.DELIVERED, State.SEEN})
"""States in which an answer may have been signed; a rejection is delivered, too."""
CLOSED = frozenset({State.WITHDRAWN, State.EXPIRED, State.RECALLED})
"""States that nothing leads out of."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Someone at the desk, as the server knows them.

    Attributes:
        roles: `reviewer`, `lead`, `admin` and so on; the policy says which may sign what.
        collections: what they may read; None: everything.
    """

    id: str
    roles: frozenset[str]
    collections: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The exact text that a person signs, and everything that it was judged by.

    Attributes:
        sentences: in order, markers included.
        evidence: the numbered passages that the reviewer saw beside it; marker n is the n-th.
        problems: for each sentence what verification had against it; empty: nothing.
    """

    sentences: tuple[Draft, ...]
    evidence: tuple[Passage, ...] = ()
    problems: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """The words, as the asker will read them."""
        return join_sentences(s.text for s in self.sentences)

    @property
    def sources(self) -> frozenset[tuple[str, str]]:
        """Id and version of each document that stands in the evidence or is cited.

        A document is there twice when two versions of it are: one of them is stale.
        """
        cited = [c.passage for s in self.sentences for c in s.citations]
        return frozenset((p.document.id, p.document.version) for p in (*self.evidence, *cited))

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Each quote once, in order of first use."""
        return tuple(dict.fromkeys(c for s in self.sentences for c in s.citations))

    @property
    def sha256(self) -> str:
        """Fingerprint of the exact words, their quotes, and the versions of all sources."""
        parts = [[s.text, s.sha256] for s in self.sentences]
        return sha256_of(json.dumps([parts, sorted(self.sources)], ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's decision on one exact answer; `sha256` is that answer's. Used once."""

    reviewer: str
    decision: str
    sha256: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A word between the desk and the asker, while more has to be known."""

    sender: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One answer on its way over the desk.

    Attributes:
        record: id of the `AnswerRecord` that it belongs to.
        owner: the asker's identity in the chat; `account`: the name they were logged in under.
        collections: what the asker may read; None: everything.
        kind: `answer` is held until signed; `sample` was released and is looked at afterwards.
        category: the policy's category that held it.
        reasons: why, in plain words.
        priority: larger is more urgent.
        reviewers: roles that may decide; `leads`: roles that may decide once it was escalated.
        needed: signatures that a release takes.
        fence: grows with each claim; a write with an older one is refused.
        version: grows with each change.
        draft_wanted: whether an answer still has to be drafted, or drafted anew.
        outdated: a source has changed since the draft was made.
        contact: where the asker wants to be told.
        draft: the model's words that a reviewer put others in the place of; empty: nobody did.
        note: what the asker is told with a rejection or a recall.
        model: language model that wrote the draft.
        deliver_after: when the decision can no longer be taken back.
        delivered: SHA-256 of what was delivered; a signature that was used cannot be used again.
    """

    id: str
    record: str
    conversation: str
    owner: str
    question: str
    category: str
    reasons: tuple[str, ...]
    created_at: datetime
    due_at: datetime
    kind: str = "answer"
    priority: int = 0
    reviewers: tuple[str, ...] = ("reviewer", "lead")
    leads: tuple[str, ...] = ("lead",)
    needed: int = 1
    account: str | None = None
    collections: tuple[str, ...] | None = None
    state: State = State.PENDING
    level: int = 0
    reviewer: str | None = None
    lease_until: datetime | None = None
    fence: int = 0
    version: int = 0
    answer: Answer | None = None
    draft: str = ""
    draft_wanted: bool = True
    outdated: bool = False
    signatures: tuple[Signature, ...] = ()
    thread: tuple[Message, ...] = ()
    reason_code: str = ""
    note: str = ""
    contact: str = ""
    decided_at: datetime | None = None
    deliver_after: datetime | None = None
    delivered_at: datetime | None = None
    delivered: str = ""
    seen_at: datetime | None = None
    policy: str = ""
    model: str = ""

    def open_to(self, collections: frozenset[str] | None) -> bool:
        """Whether somebody who reads those collections (None: all) may read all that the draft
        rests on."""
        if collections is None or self.answer is None:
            return True
        cited = (c.passage for s in self.answer.sentences for c in s.citations)
        return all(p.document.collection in collections for p in (*self.answer.evidence, *cited))

    def held_by(self, now: datetime) -> str | None:
        """Who holds it; no one once the lease has run out."""
        live = self.state is State.CLAIMED and self.lease_until and now < self.lease_until
        return self.reviewer if live else None
