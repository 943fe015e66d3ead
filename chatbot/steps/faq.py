"""The life of a curated answer: one pure state machine.

    proposed ──approve──▶ live ──suspend, a source changes──▶ suspended
       ▲  │                │                                      │
       │  └────suspend─────┼──────────────────────────────────────▶
       └───────edit, reopen┴───────────────reopen, edit───────────┘

An entry answers readers only while it is live, and only with words that somebody vouches for:
people whose signatures name exactly this question, these words and these versions of the sources,
or, for an entry that was written in a file, the checks that each of its sentences has passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from chatbot.domain import Citation, Decision, Document, Draft, Verdict, sha256_of
from chatbot.errors import NotAllowed
from chatbot.steps.review_item import Answer, Reviewer, Signature

_MARKER = re.compile(r"\[(\d{1,2})\]")
FILE, RECORD = "file:", "record:"
"""How the origin of an entry begins: the name of a file follows, or the id of an answer."""
FAILED = "It does not hold: "
"""How the reason begins why an entry of a file answers nobody: the documents do not support it."""


class FaqState(StrEnum):
    """Where an entry stands."""

    PROPOSED = "proposed"
    LIVE = "live"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question with an answer that people have chosen.

    Attributes:
        answer: the sentences and the passages that they cite, in the versions that were seen.
        owner: who is responsible for it.
        author: who proposed it or wrote it as it stands; they never sign it.
        asker: who asked the question that it was promoted from; nor do they.
        effective: first day on which it counts; `expires`: the last one.
        reason: why it is suspended.
        note: what else a reviewer should know, such as that such questions are held.
        needed: signatures of different people that it takes.
        roles: who may sign.
        verdicts: what the checks said of an entry from a file; without effect elsewhere.
        origin: `file:NAME` or `record:ID`.
        digest: fingerprint of what the file says; another one means that it was rewritten.
    """

    id: str
    question: str
    answer: Answer
    author: str
    changed_at: datetime
    alternatives: tuple[str, ...] = ()
    owner: str = ""
    asker: tuple[str, ...] = ()
    effective: date | None = None
    expires: date | None = None
    state: FaqState = FaqState.PROPOSED
    reason: str = ""
    note: str = ""
    needed: int = 1
    roles: tuple[str, ...] = ("reviewer", "lead")
    signatures: tuple[Signature, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    origin: str = ""
    digest: str = ""
    version: int = 0

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question and its alternatives."""
        return (self.question, *self.alternatives)

    @property
    def collections(self) -> frozenset[str]:
        """What an asker must be allowed to read, all of it."""
        return frozenset(d.collection for d in self.documents)

    @property
    def documents(self) -> tuple[Document, ...]:
        """Each document that the answer cites, as it was then."""
        return tuple(dict.fromkeys(c.passage.document for c in self.answer.citations))

    @property
    def sha256(self) -> str:
        """Fingerprint of what a person signs: wordings, dates, words, and versions of sources."""
        days = [str(d) if d else "" for d in (self.effective, self.expires)]
        words = [s.sha256 for s in self.answer.sentences]
        return sha256_of(json.dumps([self.wordings, days, words], ensure_ascii=False))

    def is_for(self, collections: frozenset[str] | None) -> bool:
        """Whether it may answer someone who reads those collections (None: all of them)."""
        return collections is None or self.collections <= collections

    def counts_on(self, day: date) -> bool:
        """Whether its own dates allow it on that day."""
        return not (
            (self.effective and day < self.effective) or (self.expires and day > self.expires)
        )


def may_approve(entry: FaqEntry, reviewer: Reviewer) -> str:
    """Why that person may not sign that entry; empty: they may."""
    if reviewer.id == entry.author:
        return "no one signs what they proposed or wrote themselves"
    if reviewer.id in entry.asker:
        return "no one signs the answer to their own question"
    if not reviewer.roles & frozenset(entry.roles):
        return f"this needs one of these roles: {', '.join(entry.roles)}"
    if any(s.reviewer == reviewer.id for s in entry.signatures):
        return "the second signature must be another person's"
    return ""


def approve(entry: FaqEntry, reviewer: Reviewer, sha256: str, now: datetime) -> FaqEntry:
    """Signs what was read; with enough signatures the entry is live.

    Args:
        sha256: fingerprint of the entry that the reviewer was shown.
    """
    _require(entry.state is FaqState.PROPOSED, "approve", f"it is {entry.state.value}")
    _require(not (why := may_approve(entry, reviewer)), "approve", why)
    _require(entry.sha256 == sha256, "approve", "it has changed since it was shown")
    _require(bool(entry.documents), "approve", "it cites no document")
    _require(not any(entry.answer.problems), "approve", "the sources do not support all of it")
    signature = Signature(reviewer.id, "approve", sha256, now)
    signed = replace(entry, signatures=(*entry.signatures, signature))
    if not signed_by_all(signed):
        return _changed(signed, now)
    return _changed(replace(signed, state=FaqState.LIVE), now)


def edit(entry: FaqEntry, by: str, wanted: FaqEntry, now: datetime) -> FaqEntry:
    """Takes over wordings, dates, owner and answer of `wanted`; others have to sign it again."""
    _require(bool(wanted.question.strip()), "save", "the question is empty")
    days = wanted.effective, wanted.expires
    _require(not all(days) or days[0] <= days[1], "save", "it would end before it begins")  # type: ignore[operator]
    _require(bool(wanted.answer.sentences), "save", "the answer is empty")
    _require(bool(wanted.documents), "save", "it must cite at least one source")
    fresh = replace(
        entry,
        question=wanted.question,
        alternatives=wanted.alternatives,
        answer=wanted.answer,
        owner=wanted.owner,
        effective=wanted.effective,
        expires=wanted.expires,
        author=by,
    )
    return _changed(_waiting(fresh), now)


def reopen(entry: FaqEntry, answer: Answer, now: datetime) -> FaqEntry:
    """Has it looked at again, with an answer that rests on the sources as they are now."""
    _require(entry.state is not FaqState.LIVE, "review again", "it is live")
    return _changed(_waiting(replace(entry, answer=answer)), now)


def suspend(entry: FaqEntry, reason: str, now: datetime) -> FaqEntry:
    """Answers nobody any more, until it was looked at again."""
    _require(entry.state is not FaqState.SUSPENDED, "suspend", "it is suspended already")
    _require(bool(reason.strip()), "suspend", "a reason is needed")
    stopped = replace(entry, state=FaqState.SUSPENDED, reason=reason.strip(), signatures=())
    return _changed(replace(stopped, verdicts=()), now)


def signed_by_all(entry: FaqEntry) -> bool:
    """Whether enough different people, not its author, signed exactly this entry."""
    valid = {
        s.reviewer for s in entry.signatures if s.decision == "approve" and s.sha256 == entry.sha256
    }
    return len(valid - {entry.author, *entry.asker}) >= max(entry.needed, 1)


def vouched(entry: FaqEntry) -> tuple[Verdict, ...]:
    """A verdict on each sentence, for the gate; none at all where nobody vouches for every one."""
    drafts = entry.answer.sentences
    if entry.state is not FaqState.LIVE or not drafts:
        return ()
    if signed_by_all(entry):
        scores = {"signatures": float(len(entry.signatures))}
        return tuple(Verdict(Decision.RELEASE, d.sha256, (), scores) for d in drafts)
    passed = {v.draft_sha256: v for v in entry.verdicts if v.decision is Decision.RELEASE}
    found = tuple(passed[d.sha256] for d in drafts if d.sha256 in passed)
    return found if entry.origin.startswith(FILE) and len(found) == len(drafts) else ()


def change_of(entry: FaqEntry, documents: Mapping[str, Document], today: date) -> str:
    """What has become of a source since the entry was bound to it; empty: nothing.

    Args:
        documents: id → the document as it is now, of those that there are.
    """
    for seen in entry.documents:
        now = documents.get(seen.id)
        name = f"“{seen.title}”"
        if now is None:
            return f"{name} was deleted or moved"
        if now.version != seen.version:
            return f"{name} was changed (version {seen.version[:8]} → {now.version[:8]})"
        if now.collection != seen.collection:
            return f"{name} was moved to the collection {now.collection}"
        if not now.counts_on(today):
            ended = now.expires and today > now.expires
            return f"{name} {f'expired on {now.expires}' if ended else 'does not count yet'}"
    return "" if entry.documents else "it cites no document"


def cited_only(answer: Answer) -> Answer:
    """The answer with the passages that it cites alone, numbered anew from 1."""
    first: dict[int, Citation] = {c.marker: c for c in reversed(answer.citations)}
    number = {marker: n for n, marker in enumerate(sorted(first), 1)}

    def renumbered(draft: Draft) -> Draft:
        text = _MARKER.sub(lambda m: f"[{number.get(int(m[1]), m[1])}]", draft.text)
        return Draft(text, tuple(replace(c, marker=number[c.marker]) for c in draft.citations))

    evidence = tuple(first[marker].passage for marker in sorted(first))
    return Answer(tuple(renumbered(s) for s in answer.sentences), evidence, answer.problems)


def _waiting(entry: FaqEntry) -> FaqEntry:
    """Waits for signatures; what vouched for it before does not any more."""
    return replace(entry, state=FaqState.PROPOSED, signatures=(), verdicts=(), reason="")


def _changed(entry: FaqEntry, now: datetime) -> FaqEntry:
    return replace(entry, version=entry.version + 1, changed_at=now)


def _require(holds: bool, what: str, why: str) -> None:
    if not holds:
        raise NotAllowed(f"Cannot {what}: {why}.", "Reload to see where the entry stands.")
