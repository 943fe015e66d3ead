"""The life of a held answer: one pure state machine.

    pending ──claim──▶ claimed ──approve──▶ approved ─┐
       ▲  ▲               │ ├────edit────▶ edited ────┼─deliver─▶ delivered ─see─▶ seen
       │  │               │ ├───reject───▶ rejected ──┘               └──recall──┐  │
       │  └─ put_back ────┤ ├────ask─────▶ needs_info ──inform──▶ pending        ▼  ▼
       └── outdate, expiry│ └──escalate──▶ escalated ──claim──▶ claimed       recalled
           of the lease   └── withdraw, expire: from every state before delivery

Each function takes an item and gives the item as it is afterwards, or raises `NotAllowed`. Nothing
here reads a clock or a database; nothing becomes approved by the passing of time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from chatbot.errors import NotAllowed
from chatbot.steps.edited import clean_text, edited
from chatbot.steps.review_item import (
    CLOSED,
    DECIDED,
    OPEN,
    REACHED,
    Answer,
    Message,
    Reviewer,
    ReviewItem,
    Signature,
    State,
)

UNDO = timedelta(seconds=10)
"""How long a decision can be taken back; nothing is delivered before."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"()]{1,64}@[^\s@<>,;:\"()]{1,189}")


def may_review(item: ReviewItem, reviewer: Reviewer) -> str:
    """Why that person may not decide on that item; empty: they may."""
    wanted = item.leads if item.level else item.reviewers
    if reviewer.id in (item.owner, item.account):
        return "no one signs the answer to their own question"
    if not reviewer.roles & frozenset(wanted):
        return f"this needs one of these roles: {', '.join(wanted)}"
    if any(s.reviewer == reviewer.id for s in item.signatures):
        return "the second signature must be another person's"
    if not item.open_to(reviewer.collections):
        return "it rests on documents that you may not read"
    return ""


def claim(item: ReviewItem, reviewer: Reviewer, now: datetime, lease: timedelta) -> ReviewItem:
    """Takes an item to work on, until the lease runs out."""
    _require(not (why := may_review(item, reviewer)), "claim", why)
    holder = item.held_by(now)
    _require(holder in (None, reviewer.id), "claim", f"{holder} has it at the moment")
    _in(item, "claim", State.PENDING, State.ESCALATED, State.CLAIMED)
    return _changed(
        item,
        state=State.CLAIMED,
        reviewer=reviewer.id,
        lease_until=now + lease,
        fence=item.fence + 1,
    )


def renew(
    item: ReviewItem, reviewer: Reviewer, fence: int, now: datetime, lease: timedelta
) -> ReviewItem:
    """Keeps a claimed item for longer."""
    _holds(item, reviewer, fence, now, "keep")
    return _changed(item, lease_until=now + lease)


def put_back(item: ReviewItem, reviewer: Reviewer, fence: int, now: datetime) -> ReviewItem:
    """Gives a claimed item back, for anyone to take."""
    _holds(item, reviewer, fence, now, "put back")
    return _changed(_free(item))


def reassign(
    item: ReviewItem, by: Reviewer, to: Reviewer, now: datetime, lease: timedelta
) -> ReviewItem:
    """Hands an open item to someone else; the holder may, and whoever may decide when escalated."""
    _in(item, "reassign", State.PENDING, State.ESCALATED, State.CLAIMED)
    lead = bool(by.roles & frozenset(item.leads))
    _require(lead or item.held_by(now) == by.id, "reassign", "someone else has it")
    _require(not (why := may_review(item, to)), "reassign", f"{to.id} may not: {why}")
    return _changed(
        item, state=State.CLAIMED, reviewer=to.id, lease_until=now + lease, fence=item.fence + 1
    )


def approve(
    item: ReviewItem, reviewer: Reviewer, fence: int, sha256: str, now: datetime
) -> ReviewItem:
    """Signs the draft as it is. `sha256` is of the answer that the reviewer was shown."""
    return _as_shown(item, reviewer, fence, sha256, now, "approve")


def missed(
    item: ReviewItem, reviewer: Reviewer, fence: int, sha256: str, now: datetime
) -> ReviewItem:
    """Signs a sample: it was right, and yet a person should have seen it before its asker did."""
    _require(item.kind == "sample", "call this a miss", "it was held")
    return _as_shown(item, reviewer, fence, sha256, now, "missed")


def _as_shown(
    item: ReviewItem, reviewer: Reviewer, fence: int, sha256: str, now: datetime, decision: str
) -> ReviewItem:
    _holds(item, reviewer, fence, now, "approve")
    answer = item.answer
    if answer is None or not answer.sentences:
        raise NotAllowed("There is no draft to approve yet.", "Wait for it, or write the answer.")
    if item.outdated or answer.sha256 != sha256:
        raise NotAllowed(
            "The draft, or a source of it, has changed since it was shown.",
            "Look at it again, then decide.",
        )
    return _signed(item, Signature(reviewer.id, decision, sha256, now), now)


def edit(
    item: ReviewItem, reviewer: Reviewer, fence: int, text: str, now: datetime, reason: str = ""
) -> ReviewItem:
    """Replaces the text by the reviewer's and signs that; earlier signatures are void.

    The model's words stay with the item: what was changed can be seen, and learned from.
    """
    _holds(item, reviewer, fence, now, "edit")
    if item.outdated:
        raise NotAllowed("A source of the draft has changed.", "Have it drafted again first.")
    written = edited(text, item.answer or Answer(()))
    same = item.answer is not None and written.sha256 == item.answer.sha256
    kept = item.signatures if same else ()
    draft = item.draft or (item.answer.text if item.answer else "")
    fresh = replace(item, answer=written, draft=draft, signatures=kept, draft_wanted=False)
    return _signed(fresh, Signature(reviewer.id, "edit", written.sha256, now, reason), now)


def reject(
    item: ReviewItem, reviewer: Reviewer, fence: int, code: str, note: str, now: datetime
) -> ReviewItem:
    """Decides that there will be no answer; a sample that is rejected is recalled."""
    _holds(item, reviewer, fence, now, "reject")
    _require(bool(code), "reject", "a reason is needed")
    sha256 = item.answer.sha256 if item.answer else ""
    signed = (*item.signatures, Signature(reviewer.id, "reject", sha256, now, code))
    return _changed(
        _free(item),
        state=State.RECALLED if item.kind == "sample" else State.REJECTED,
        reviewer=reviewer.id,
        signatures=signed,
        reason_code=code,
        note=clean_text(note),
        decided_at=now,
        deliver_after=None if item.kind == "sample" else now + UNDO,
    )


def ask(item: ReviewItem, reviewer: Reviewer, fence: int, text: str, now: datetime) -> ReviewItem:
    """Asks the asker for something that has to be known."""
    _holds(item, reviewer, fence, now, "ask")
    _no_sample(item, "ask")
    _require(bool(clean_text(text)), "ask", "the question is empty")
    message = Message(reviewer.id, clean_text(text), now)
    return _changed(_free(item), state=State.NEEDS_INFO, thread=(*item.thread, message))


def inform(item: ReviewItem, text: str, now: datetime) -> ReviewItem:
    """The asker's reply; the answer is drafted anew with it."""
    _in(item, "reply", State.NEEDS_INFO)
    _require(bool(clean_text(text)), "reply", "the reply is empty")
    message = Message("asker", clean_text(text), now)
    return _changed(_free(item), thread=(*item.thread, message), draft_wanted=True, signatures=())


def escalate(
    item: ReviewItem, reviewer: Reviewer, fence: int, reason: str, now: datetime
) -> ReviewItem:
    """Hands it to those who decide what others would not."""
    _holds(item, reviewer, fence, now, "escalate")
    message = Message(reviewer.id, f"Escalated: {clean_text(reason) or 'no reason given'}", now)
    return _changed(
        _free(item),
        state=State.ESCALATED,
        level=item.level + 1,
        priority=item.priority + 1,
        thread=(*item.thread, message),
    )


def undo(item: ReviewItem, reviewer: Reviewer, now: datetime, lease: timedelta) -> ReviewItem:
    """Takes the reviewer's own decision back, while nothing is delivered."""
    _in(item, "undo", *DECIDED)
    mine = bool(item.signatures) and item.signatures[-1].reviewer == reviewer.id
    _require(mine, "undo", "the decision was another person's")
    in_time = item.deliver_after is not None and now < item.deliver_after
    _require(in_time, "undo", "it is too late: the answer is on its way")
    return _changed(
        item,
        state=State.CLAIMED,
        reviewer=reviewer.id,
        lease_until=now + lease,
        fence=item.fence + 1,
        signatures=item.signatures[:-1],
        reason_code="",
        note="",
        decided_at=None,
        deliver_after=None,
    )


def drafted(item: ReviewItem, answer: Answer, now: datetime, model: str = "") -> ReviewItem:
    """A draft has come; signatures on an earlier one are void."""
    _in(item, "draft", *OPEN)
    _no_sample(item, "draft")
    _require(item.draft_wanted, "draft", "none was asked for")
    return _changed(
        item, answer=answer, draft="", draft_wanted=False, outdated=False, signatures=(),
        model=model,
    )  # fmt: skip


def redraft(item: ReviewItem, reviewer: Reviewer, fence: int, now: datetime) -> ReviewItem:
    """Asks for another draft, from the sources as they are now."""
    _holds(item, reviewer, fence, now, "draft again")
    _no_sample(item, "draft again")
    return _changed(item, draft_wanted=True, signatures=())


def outdate(item: ReviewItem, now: datetime) -> ReviewItem:
    """A source has changed: what was signed is void, and a person is asked again."""
    _in(item, "suspend", State.APPROVED, State.EDITED, *OPEN)
    _no_sample(item, "suspend")
    changed = replace(item, signatures=(), outdated=True, draft_wanted=True)
    if item.state in (State.APPROVED, State.EDITED):
        freed = _free(changed)
        return _changed(
            replace(freed, decided_at=None, deliver_after=None), priority=item.priority + 1
        )
    return _changed(changed)


def deliver(item: ReviewItem, sources: Mapping[str, str], now: datetime) -> ReviewItem:
    """Hands the decision to the asker.

    Args:
        sources: document id → version of every document that may be answered from today.
    """
    _in(item, "deliver", *DECIDED)
    due = item.deliver_after is not None and now >= item.deliver_after
    _require(due, "deliver", "it can still be taken back")
    if item.state is not State.REJECTED:
        _require(signed_by_all(item), "deliver", "its signatures do not cover this text")
        _require(is_current(item, sources), "deliver", "a source has changed")
    _require(not item.delivered, "deliver", "its signature was used already")
    sha256 = item.answer.sha256 if item.answer else "none"
    return _changed(item, state=State.DELIVERED, delivered_at=now, delivered=sha256)


def see(item: ReviewItem, now: datetime) -> ReviewItem:
    """The asker's page has shown it."""
    _in(item, "mark as seen", State.DELIVERED)
    return _changed(item, state=State.SEEN, seen_at=now)


def withdraw(item: ReviewItem, now: datetime) -> ReviewItem:
    """The asker no longer wants it."""
    _in(item, "withdraw", *OPEN, *DECIDED)
    _no_sample(item, "withdraw")
    return _changed(_free(item), state=State.WITHDRAWN, signatures=(), deliver_after=None)


def leave_contact(item: ReviewItem, address: str) -> ReviewItem:
    """Notes where the asker wants to be told."""
    _in(item, "leave an address", *OPEN, *DECIDED)
    _require(bool(_ADDRESS.fullmatch(address)), "leave an address", "it is no e-mail address")
    return _changed(item, contact=address)


def expire(item: ReviewItem, now: datetime, after: timedelta) -> ReviewItem:
    """Gives up on what nobody decided in time. It is never released by this."""
    _in(item, "expire", *OPEN)
    _require(now >= item.created_at + after, "expire", "it is not that old")
    _require(item.held_by(now) is None, "expire", "someone is working on it")
    return _changed(_free(item), state=State.EXPIRED, signatures=())


def may_recall(item: ReviewItem, by: Reviewer) -> str:
    """Why that person may not take that answer back; empty: they may, whoever signed it."""
    sample = item.kind == "sample" and item.state not in CLOSED
    if not (sample or item.state in REACHED):
        return "nobody has got it"
    wanted = (*item.reviewers, *item.leads)
    return "" if by.roles & {*wanted} else f"this needs one of these roles: {', '.join(wanted)}"


def recall(item: ReviewItem, by: Reviewer, reason: str, now: datetime) -> ReviewItem:
    """Takes an answer back that turned out to be wrong; whoever got it is told."""
    _require(not (why := may_recall(item, by)), "recall", why)
    _require(bool(clean_text(reason)), "recall", "a reason is needed")
    return _changed(_free(item), state=State.RECALLED, note=clean_text(reason), decided_at=now)


def recall_with(item: ReviewItem, other: ReviewItem) -> ReviewItem:
    """The same answer, given to somebody else, taken back together with the other."""
    note, at = other.note, other.decided_at
    return _changed(_free(item), state=State.RECALLED, note=note, decided_at=at)


def signed_by_all(item: ReviewItem) -> bool:
    """Whether enough different people, none of them the asker, signed exactly this answer.

    A rejection among the signatures outweighs the others.
    """
    if item.answer is None or any(s.decision == "reject" for s in item.signatures):
        return False
    valid = {
        s.reviewer
        for s in item.signatures
        if s.decision in ("approve", "edit", "missed") and s.sha256 == item.answer.sha256
    }
    return len(valid - {item.owner, item.account}) >= max(item.needed, 1)


def is_current(item: ReviewItem, sources: Mapping[str, str]) -> bool:
    """Whether each source still is what the signers saw."""
    wanted = item.answer.sources if item.answer else frozenset()
    return not item.outdated and all(sources.get(d) == version for d, version in wanted)


def _signed(item: ReviewItem, signature: Signature, now: datetime) -> ReviewItem:
    """With one more signature: decided when that is enough, else back for the next person."""
    item = replace(item, signatures=(*item.signatures, signature))
    if not signed_by_all(item):
        return _changed(_free(item))
    was_edited = any(s.decision == "edit" for s in item.signatures)
    done = item.kind == "sample"
    return _changed(
        _free(item),
        state=State.EDITED if was_edited else State.APPROVED,
        reviewer=signature.reviewer,
        decided_at=now,
        deliver_after=None if done else now + UNDO,
    )


def _holds(item: ReviewItem, reviewer: Reviewer, fence: int, now: datetime, what: str) -> None:
    _in(item, what, State.CLAIMED)
    _require(item.held_by(now) == reviewer.id, what, "your hold on it has run out")
    _require(item.fence == fence, what, "it was claimed again since")
    _require(not (why := may_review(item, reviewer)), what, why)


def _no_sample(item: ReviewItem, what: str) -> None:
    _require(item.kind != "sample", what, "this is a sample of an answer that was given")


def _in(item: ReviewItem, what: str, *states: State) -> None:
    _require(item.state in states, what, f"the item is {item.state.value.replace('_', ' ')}")


def _require(holds: bool, what: str, why: str) -> None:
    if not holds:
        raise NotAllowed(f"Cannot {what}: {why}.", "Reload to see where the item stands.")


def _free(item: ReviewItem) -> ReviewItem:
    return replace(item, state=State.PENDING, reviewer=None, lease_until=None)


def _changed(item: ReviewItem, **changes: object) -> ReviewItem:
    return replace(item, version=item.version + 1, **changes)  # type: ignore[arg-type]
