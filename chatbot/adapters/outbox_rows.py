"""What an asker has to be told, noted in the transaction that makes it so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, update

from chatbot.adapters.schema_review import outbox
from chatbot.steps.review_item import ReviewItem, State

CHAT, EMAIL = "chat", "email"
WAITING, SENT, DROPPED, FAILED = "waiting", "sent", "dropped", "failed"
"""States of a message; `dropped`: it was no longer true when its turn came."""

_EVENTS = {
    State.NEEDS_INFO: "needs_info",
    State.EXPIRED: "expired",
    State.RECALLED: "recalled",
}


def post(
    connection: Connection,
    before: ReviewItem,
    after: ReviewItem,
    channels: Collection[str],
    now: datetime,
) -> None:
    """Notes a message on each channel when the change is one that the asker is told.

    What the page had to show of the item is done with once it was seen, or is no longer so.
    """
    if before.state is not after.state:
        old = update(outbox).where(outbox.c.item_id == after.id, outbox.c.state == WAITING)
        connection.execute(old.where(outbox.c.channel == CHAT).values(state=SENT, closed_at=now))
    event = _event(before, after)
    rows = [
        {
            "key": f"{after.id}:{after.version}:{channel}",
            "item_id": after.id,
            "conversation": after.conversation,
            "owner": after.owner,
            "channel": channel,
            "event": event,
            "state": WAITING,
            "created_at": now,
            "next_at": now,
            "attempts": 0,
            "error": "",
        }
        for channel in channels
        if event and (channel != EMAIL or after.contact)
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def _event(before: ReviewItem, after: ReviewItem) -> str:
    if before.state is after.state:
        return ""
    if after.kind == "sample" and after.state is not State.RECALLED:
        return ""  # its asker has had the answer all along
    if after.state is State.DELIVERED:
        return "rejected" if before.state is State.REJECTED else "delivered"
    return _EVENTS.get(after.state, "")
