"""Promotes an adapter, goes back to the one before, and writes both into the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatbot.adapters.audit import AuditLog, Entry
from chatbot.adapters.database import transaction
from chatbot.adapters.models import hash_file
from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotAllowed
from finetune.ability import ability_scores
from finetune.card import README, markdown
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
        others: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """Has an adapter serve from now on; gives its revision.

        Args:
            candidate: its evaluation.
            incumbent: the evaluation of what serves now, on the same rows.
            by: who takes the responsibility.
            about: what else its card says: data, settings, commit.
            others: name → content of what else is kept with it.

        Raises:
            BadInput: the file is missing.
            NotAllowed: it is worse than what serves, or that it is not is not proven.
        """
        if not adapter.is_file():
            raise BadInput(f"There is no adapter file {adapter}.", "Write it: `finetune export`.")
        judgement = judge(candidate, incumbent, hash_file(adapter)[:12])
        if judgement.reasons:
            raise NotAllowed(
                f"The adapter was not promoted: {'; '.join(judgement.reasons)}.",
                "What serves now goes on serving.",
            )
        now = self._clock().isoformat(timespec="milliseconds")
        able = ability_scores(candidate.ability) if candidate.ability else {}
        card = {**about, "test": candidate.test, "scores": {**candidate.scores, **able},
                "by": by, "at": now, "gain": judgement.gain, "against": incumbent.name}  # fmt: skip
        kept = {README: markdown(card).encode(), **others}
        revision = self._revisions.add(adapter, card, kept)
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

    def deeds(self) -> list[Entry]:
        """Promotions and ways back, oldest first, as the audit log has them."""
        names = (*self._revisions.all(), SHIPPED, BASE)
        found = [e for name in names for e in self._audit.of(f"adapter:{name}")]
        return sorted(found, key=lambda entry: entry.seq)

    def _point(self, current: Current, action: str) -> None:
        if current.revision not in (SHIPPED, BASE):
            self._revisions.file(current.revision)  # what cannot be served is not pointed at
        body = {"revision": current.revision, "before": list(current.before[-1:])}
        with transaction(self._audit.engine) as connection:
            self._audit.append(connection, current.by, action, f"adapter:{current.revision}", body)
            self._revisions.point(current)
        self._audit.anchor()
