"""Promotes an adapter, goes back to the one before, and writes both into the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import transaction
from chatbot.adapters.models import hash_file
from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotAllowed
from chatbot.steps.probe import Heard, noted, objection
from finetune.evaluate import Run
from finetune.promote import judge


class Lifecycle:
    """What serves here, what served before, and who decided so."""

    def __init__(self, revisions: Revisions, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._revisions = revisions
        self._audit = audit
        self._clock = clock

    def promote(
        self,
        adapter: Path,
        candidate: Run,
        incumbent: Run,
        by: str,
        about: Mapping[str, Any],
        heard: Heard,
    ) -> str:
        """Has an adapter serve from now on; gives its revision.

        Args:
            candidate: its evaluation.
            incumbent: the evaluation of what serves now, on the same rows.
            by: who takes the responsibility.
            about: what else its card says: data, settings, commit.
            heard: what it answers to the probe, which a server asks again before it takes it.

        Raises:
            BadInput: the file is missing.
            NotAllowed: it is worse than what serves, or that it is not is not proven.
        """
        if not adapter.is_file():
            raise BadInput(f"There is no adapter file {adapter}.", "Write it: `finetune export`.")
        judgement = judge(candidate, incumbent, hash_file(adapter)[:12])
        silent = objection(heard, None)
        if reasons := (*judgement.reasons, *([silent] if silent else [])):
            raise NotAllowed(
                f"The adapter was not promoted: {'; '.join(reasons)}.",
                "What serves now goes on serving.",
            )
        now = self._clock().isoformat(timespec="milliseconds")
        card = {**about, "test": candidate.test, "scores": candidate.scores, "by": by, "at": now,
                "gain": judgement.gain, "against": incumbent.name, "heard": noted(heard)}  # fmt: skip
        revision = self._revisions.add(adapter, card)
        serving = self._revisions.current()
        before = (*serving.before, serving.revision) if serving else (SHIPPED,)
        self._point(Current(revision, before, by, now), "adapter promoted")
        return revision

    def rollback(self, by: str) -> str:
        """Has the one before serve again; gives its name.

        Raises:
            NotAllowed: there is none before.
        """
        serving = self._revisions.current()
        if serving is None or not serving.before:
            raise NotAllowed("There is no adapter to go back to.", "See `finetune history`.")
        *before, last = serving.before
        now = self._clock().isoformat(timespec="milliseconds")
        self._point(Current(last, tuple(before), by, now), "adapter rolled back")
        return last

    def history(self) -> list[dict[str, Any]]:
        """Every revision kept here with its card, and which one serves."""
        serving = self._revisions.current()
        name = serving.revision if serving else SHIPPED
        found = [
            {"revision": r, "serving": r == name, **self._revisions.card(r)}
            for r in self._revisions.all()
        ]
        return sorted(found, key=lambda card: str(card["at"]))

    def _point(self, current: Current, action: str) -> None:
        if current.revision not in (SHIPPED, BASE):
            self._revisions.file(current.revision)  # what cannot be served is not pointed at
        body = {"revision": current.revision, "before": list(current.before[-1:])}
        with transaction(self._audit.engine) as connection:
            self._audit.append(connection, current.by, action, f"adapter:{current.revision}", body)
            self._revisions.point(current)
        self._audit.anchor()
