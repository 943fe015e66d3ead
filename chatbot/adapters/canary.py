"""The candidate adapter: what came of it in live traffic, and its withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Integer, cast, func, insert, select
from sqlalchemy.exc import IntegrityError

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import transaction
from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.adapters.schema import answers, canary_turns, feedback, shadow_answers
from chatbot.clock import Clock, utc_now
from chatbot.domain import AnswerRecord, Status
from chatbot.errors import NotAllowed
from chatbot.steps.canary import MEASURES, Talk, worse

log = structlog.get_logger()

SYSTEM = "system"


class Canary:
    """Watches the candidate that the pointer names."""

    def __init__(self, revisions: Revisions, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._revisions = revisions
        self._audit = audit
        self._clock = clock

    def talks(self, current: Current) -> list[Talk]:
        """The conversations that the model was asked in since the candidate got its share."""
        happened = {
            "thumbs_down": feedback.c.value == -1,
            "refused": answers.c.status == Status.REFUSED.value,
            "dropped": canary_turns.c.dropped > 0,
            "held": answers.c.status == Status.HELD.value,
        }
        bad = [func.max(cast(happened[m], Integer)).label(m) for m in MEASURES]
        side, talk = canary_turns.c.side, answers.c.conversation_id
        query = (
            select(
                side,
                func.count(answers.c.id.distinct()).label("turns"),
                func.avg(answers.c.milliseconds).label("milliseconds"),
                *bad,
            )
            .select_from(canary_turns)
            .join(answers, answers.c.id == canary_turns.c.answer_id)
            .outerjoin(feedback, feedback.c.answer_id == answers.c.id)
            .where(
                canary_turns.c.candidate == current.candidate,
                canary_turns.c.share == current.share,
                answers.c.asked_at >= datetime.fromisoformat(current.at),
            )
            .group_by(talk, side)
        )
        with transaction(self._audit.engine) as connection:
            rows = connection.execute(query).all()
        return [
            Talk(r.side, r.turns, frozenset(m for m in MEASURES if getattr(r, m)),
                 r.milliseconds / 1000)
            for r in rows
        ]  # fmt: skip

    def keep_shadow(self, answer_id: str, candidate: str, shadow: AnswerRecord) -> None:
        """Keeps what the candidate would have answered; not where the answer was deleted."""
        with suppress(IntegrityError), self._audit.engine.begin() as connection:
            values = {"answer_id": answer_id, "candidate": candidate, "record": shadow.to_json()}
            connection.execute(insert(shadow_answers).values(values))

    def shadows(self, current: Current) -> list[tuple[AnswerRecord, AnswerRecord]]:
        """Answers that were shown, each with the candidate's to the same question."""
        query = (
            select(answers.c.record, shadow_answers.c.record.label("shadow"))
            .join(shadow_answers, shadow_answers.c.answer_id == answers.c.id)
            .where(shadow_answers.c.candidate == current.candidate)
        )
        with transaction(self._audit.engine) as connection:
            rows = connection.execute(query).all()
        return [(AnswerRecord.from_json(a), AnswerRecord.from_json(b)) for a, b in rows]

    def withdraw_if_worse(self) -> tuple[str, ...]:
        """Takes a candidate that is clearly worse out of traffic; gives the measures that say so.
        Called now and then by a server."""
        current = self._revisions.current()
        if current is None or not current.candidate:
            return ()
        found = worse(self.talks(current), current.share)
        if found:
            log.error("the candidate was withdrawn", candidate=current.candidate, worse=found)
            self.withdraw(current, SYSTEM, found)
        return found

    def withdraw(self, current: Current, by: str, why: tuple[str, ...] = ()) -> None:
        """Ends the candidate's share; what serves goes on."""
        now = self._clock().isoformat(timespec="milliseconds")
        rest = replace(current, candidate="", share=0, shadow=0, by=by, at=now)
        about = {"candidate": current.candidate, "worse": "+".join(why)}
        point(self._revisions, self._audit, current, rest, "candidate withdrawn", about)


def point(
    revisions: Revisions,
    audit: AuditLog,
    before: Current | None,
    now: Current,
    action: str,
    about: Mapping[str, str | int] | None = None,
) -> None:
    """Has another adapter serve or be tried, and says so in the audit log.

    Args:
        before: the pointer that this was decided on.

    Raises:
        ModelUnusable: the adapter cannot be served.
        NotAllowed: somebody else has moved the pointer meanwhile.
    """
    for name in {now.revision, now.candidate} - {SHIPPED, BASE, ""}:
        revisions.file(name)  # what cannot be served is not pointed at
    body = {"revision": now.revision, "before": list(now.before[-1:]), **(about or {})}
    with transaction(audit.engine) as connection:
        subject = f"adapter:{now.candidate or now.revision}"
        audit.append(connection, now.by, action, subject, body)  # one after the other from here on
        if revisions.current() != before:
            raise NotAllowed(
                "Somebody else has changed what serves.", "Look at `finetune history`, then decide."
            )
        revisions.point(now)
    audit.anchor()
