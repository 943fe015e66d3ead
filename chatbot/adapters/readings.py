"""Reading somebody else's conversation: for a reason, which is written down before it is opened.

The reason stands in the database, its SHA-256 in the audit log, so that it cannot be changed
afterwards. The owner sees in their conversation that it was read, when, and by which role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.schema import answers, conversations
from chatbot.adapters.schema_people import readings
from chatbot.clock import Clock, utc_now
from chatbot.domain import sha256_of
from chatbot.errors import BadInput, NotAllowed, NotFound
from chatbot.steps.rights import ROLES, Right

_SHORTEST, _LONGEST = 10, 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """That somebody has read a conversation.

    Attributes:
        role: under which they could.
    """

    conversation: str
    reader: str
    role: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dated:
    """A conversation, as far as it may be known without a reason: nothing of what it says."""

    id: str
    updated_at: datetime
    turns: int


class Readings:
    """Opens conversations for those who have the right, and keeps why.

    Args:
        audit: is told first.
    """

    def __init__(self, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._audit = audit
        self._clock = clock

    def open(self, conversation: str, reader: str, roles: frozenset[str], reason: str) -> str:
        """Writes the reason down, and then gives the conversation's owner.

        Raises:
            NotAllowed: none of the roles may.
            BadInput: there is no reason to speak of.
            NotFound: there is no such conversation.
        """
        role = next((r for r in sorted(roles) if _may(r)), None)
        if role is None:
            raise NotAllowed("Your role does not read others' conversations.", "Ask an auditor.")
        words = " ".join(reason.split())
        if not _SHORTEST <= len(words) <= _LONGEST:
            raise BadInput(
                f"A reason has {_SHORTEST} to {_LONGEST:,} characters.",
                "Write down why this conversation has to be read.",
            )
        with writing(self._audit.engine) as connection:
            query = select(conversations.c.owner).where(conversations.c.id == conversation)
            owner = connection.scalar(query)
            if owner is None:
                raise NotFound("There is no such conversation.", "It may have been deleted.")
            self._keep(connection, Reading(conversation, reader, role, words, self._clock()))
        self._audit.anchor()
        return str(owner)

    def _keep(self, connection: Connection, reading: Reading) -> None:
        about = {"role": reading.role, "reason": sha256_of(reading.reason)}
        subject = f"conversation:{reading.conversation}"
        self._audit.append(connection, reading.reader, "conversation-read", subject, about)
        connection.execute(
            insert(readings).values(
                conversation=reading.conversation,
                reader=reading.reader,
                role=reading.role,
                reason=reading.reason,
                at=reading.at,
            )
        )

    def of(self, conversation: str) -> Sequence[Reading]:
        """Who has read a conversation, oldest first."""
        query = select(readings).where(readings.c.conversation == conversation)
        with transaction(self._audit.engine) as connection:
            return [_reading(row) for row in connection.execute(query.order_by(readings.c.seq))]

    def latest(self, most: int) -> Sequence[Reading]:
        """What was read lately, newest first."""
        query = select(readings).order_by(readings.c.seq.desc()).limit(most)
        with transaction(self._audit.engine) as connection:
            return [_reading(row) for row in connection.execute(query)]

    def dated(self, owner: str, most: int) -> Sequence[Dated]:
        """Somebody's conversations, newest first, without a word of them."""
        talk = conversations.c
        query = (
            select(talk.id, talk.updated_at, func.count(answers.c.id).label("turns"))
            .join(answers, (answers.c.conversation_id == talk.id) & (answers.c.current == 1))
            .where(talk.owner == owner)
            .group_by(talk.id, talk.updated_at)
            .order_by(talk.updated_at.desc())
            .limit(most)
        )
        with transaction(self._audit.engine) as connection:
            return [Dated(r.id, r.updated_at, r.turns) for r in connection.execute(query)]


def _may(role: str) -> bool:
    return role in ROLES and Right.READ_OTHERS in ROLES[role].rights


def _reading(row: Row[Any]) -> Reading:
    return Reading(row.conversation, row.reader, row.role, row.reason, row.at)
