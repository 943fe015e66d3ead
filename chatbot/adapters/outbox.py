"""Tells askers what became of their questions, effectively once.

The note that someone has to be told is written in the transaction that makes it so
(`outbox_rows.post`). Here a note is claimed for a while, sent, and marked as sent; when the process
dies in between it is sent again under the same key. Words go out only as the gate lets them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, Select, select, update

from chatbot.adapters.database import transaction, writing
from chatbot.adapters.outbox_rows import CHAT, DROPPED, EMAIL, FAILED, SENT, WAITING
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.schema import answers
from chatbot.adapters.schema_review import outbox
from chatbot.adapters.senders import MailSender, OutMessage, Sender, WebhookSender, check_mail_url
from chatbot.clock import Clock, utc_now
from chatbot.domain import AnswerRecord, Status
from chatbot.errors import BadSettings, DeliveryFailed, NotFound
from chatbot.gate import open_to, shown
from chatbot.settings import Settings
from chatbot.steps.review_item import REACHED, ReviewItem, State

log = structlog.get_logger()

WEBHOOK = "webhook"
LEASE = timedelta(minutes=2)
"""How long a claimed message is left to its sender; longer than any attempt takes."""
ATTEMPTS = 20
"""After so many failures, about half a day, a message is given up."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
_AT_ONCE = 50
_TRUE_IN = {
    "delivered": REACHED,
    "rejected": REACHED,
    "needs_info": frozenset({State.NEEDS_INFO}),
    "expired": frozenset({State.EXPIRED}),
    "recalled": frozenset({State.RECALLED}),
}
_EXPIRED_TEXT = "Nobody could look at it in time. You are welcome to ask again."


@dataclass(frozen=True, slots=True)
class ChatNote:
    """Something that a conversation's page has not shown yet."""

    key: str
    item: str
    event: str


class Outbox:
    """Sends what waits.

    Args:
        senders: channel → way out; the queue must know the same channels.
        reads: account (None: none) → the collections that they may read today; None: all.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        senders: Mapping[str, Sender],
        clock: Clock = utc_now,
        reads: Callable[[str | None], frozenset[str] | None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._engine = queue.engine
        self._senders = senders
        self._clock = clock
        self._reads = reads

    def send(self) -> int:
        """Sends what is due, fifty messages at most; gives how many were taken."""
        taken = 0
        for _ in range(_AT_ONCE if self._senders else 0):
            claimed = self._claim()
            if claimed is None:
                break
            taken += self._deliver(*claimed)
        return taken

    def notes(self, conversation: str, owner: str) -> list[ChatNote]:
        """What the page of a conversation has not shown yet, oldest first."""
        mine = (outbox.c.conversation == conversation) & (outbox.c.owner == owner)
        waiting = (outbox.c.channel == CHAT) & (outbox.c.state == WAITING)
        with transaction(self._engine) as connection:
            rows = connection.execute(
                select(outbox).where(mine, waiting).order_by(outbox.c.seq)
            ).all()
        return [ChatNote(row.key, row.item_id, row.event) for row in rows]

    def acknowledge(self, owner: str, keys: Collection[str]) -> int:
        """Notes that the owner's page has shown them; gives how many it had not before."""
        shown_now = update(outbox).where(
            outbox.c.key.in_(keys),
            outbox.c.owner == owner,
            outbox.c.channel == CHAT,
            outbox.c.state == WAITING,
        )
        with transaction(self._engine) as connection:
            done = connection.execute(shown_now.values(state=SENT, closed_at=self._clock()))
        return done.rowcount

    def _claim(self) -> tuple[Row[Any], str] | None:
        """One message that is due, and the token of the claim on it."""
        now, token = self._clock(), secrets.token_hex(16)
        with writing(self._engine) as connection:
            query = _due(self._senders, now).with_for_update(skip_locked=True)
            row = connection.execute(query).first()
            if row is None:
                return None
            claim = {"claim": token, "next_at": now + LEASE, "attempts": row.attempts + 1}
            connection.execute(update(outbox).where(outbox.c.seq == row.seq).values(claim))
        return row, token

    def _deliver(self, row: Row[Any], token: str) -> bool:
        message = self._compose(row)
        if message is None:
            self._close(row, token, state=DROPPED)
            return False
        try:
            self._senders[row.channel].send(message)
        except DeliveryFailed as error:
            self._failed(row, token, error)
            return False
        self._close(row, token, state=SENT)
        return True

    def _compose(self, row: Row[Any]) -> OutMessage | None:
        """What is said, as things stand now; None: it is not true any more."""
        try:
            item = self._queue.get(row.item_id)
        except NotFound:
            return None
        query = select(answers.c.record).where(answers.c.id == item.record)
        with transaction(self._engine) as connection:
            stored = connection.scalar(query)
        if stored is None or item.state not in _TRUE_IN[row.event]:
            return None
        record = AnswerRecord.from_json(stored)
        if row.event == "delivered" and not open_to(self._reads(item.account), record, item):
            return None
        return _message(row, item, record)

    def _failed(self, row: Row[Any], token: str, error: DeliveryFailed) -> None:
        log.warning("a message was not taken", key=row.key, error=error.what)
        pause = min(_FIRST_PAUSE * 2**row.attempts, _LONGEST_PAUSE)
        given_up = row.attempts + 1 >= ATTEMPTS
        self._close(
            row,
            token,
            state=FAILED if given_up else WAITING,
            next_at=self._clock() + pause,
            error=error.what,
        )

    def _close(self, row: Row[Any], token: str, **values: Any) -> None:
        """Writes what became of a claimed message, unless another has claimed it since."""
        closed = None if values["state"] == WAITING else self._clock()
        mine = (outbox.c.seq == row.seq) & (outbox.c.claim == token)
        with transaction(self._engine) as connection:
            written = update(outbox).where(mine, outbox.c.state == WAITING)
            connection.execute(written.values(claim=None, closed_at=closed, **values))


def senders_of(settings: Settings) -> dict[str, Sender]:
    """The ways out that the settings name, by channel.

    Raises:
        BadSettings: a webhook has no key to sign with, or the mail server's URL is none.
    """
    senders: dict[str, Sender] = {}
    if settings.webhook_url:
        if not settings.webhook_secret:
            raise BadSettings(
                "The webhook has no key to sign with.", "Set COUNTERSIGN_WEBHOOK_SECRET."
            )
        secret = settings.webhook_secret.get_secret_value().encode()
        senders[WEBHOOK] = WebhookSender(settings.webhook_url, secret)
    if settings.smtp_url:
        url = check_mail_url(settings.smtp_url.get_secret_value())
        senders[EMAIL] = MailSender(url, settings.mail_from)
    return senders


def _due(channels: Collection[str], now: datetime) -> Select[Any]:
    waiting = (outbox.c.state == WAITING) & outbox.c.channel.in_(channels)
    return (
        select(outbox).where(waiting, outbox.c.next_at <= now).order_by(outbox.c.next_at).limit(1)
    )


def _message(row: Row[Any], item: ReviewItem, record: AnswerRecord) -> OutMessage | None:
    view = shown(record, item)
    if row.event == "delivered" and view.status is not Status.RELEASED:
        return None
    message = view.message
    if row.event == "needs_info" and item.thread:
        message = item.thread[-1].text
    elif row.event == "expired":
        message = _EXPIRED_TEXT
    quotes = tuple((c.marker, c.passage.document.title, c.quote) for c in view.citations)
    return OutMessage(
        row.key,
        row.event,
        item.record,
        item.conversation,
        item.contact,
        view.text if row.event == "delivered" else "",
        message,
        quotes if row.event == "delivered" else (),
    )
