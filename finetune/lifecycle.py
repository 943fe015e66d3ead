"""Promotes an adapter, goes back to the one before, and writes both into the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatbot.adapters.audit import AuditLog, Entry
from chatbot.adapters.canary import Canary, point
from chatbot.adapters.models import hash_file
from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.adapters.votes import Tally, Votes
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotAllowed
from chatbot.steps.canary import CANDIDATE, ERROR, INCUMBENT, Talk, figures, shadowed, worse
from chatbot.steps.probe import Heard, noted, objection
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
        self._canary = Canary(revisions, audit, clock)
        self._votes = Votes(revisions, audit)

    def promote(
        self,
        adapter: Path,
        candidate: Run,
        incumbent: Run,
        by: str,
        about: Mapping[str, Any],
        heard: Heard,
        share: int = 0,
        others: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """Has an adapter serve from now on, or tried; gives its revision.

        Args:
            candidate: its evaluation.
            incumbent: the evaluation of what serves now, on the same rows.
            by: who takes the responsibility.
            about: what else its card says: data, settings, commit.
            heard: what it answers to the probe, which a server asks again before it takes it.
            share: per cent of the conversations that it is to be tried in; 0: all, at once.
            others: name → content of what else is kept with it.

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
        able = ability_scores(candidate.ability) if candidate.ability else {}
        card = {**about, "test": candidate.test, "scores": {**candidate.scores, **able},
                "by": by, "at": now, "gain": judgement.gain, "against": incumbent.name,
                "heard": noted(heard)}  # fmt: skip
        kept_beside = {README: markdown(card).encode(), **others}
        revision = self._revisions.add(adapter, card, kept_beside)
        serving = self._revisions.current()
        if share:
            kept = serving or Current(SHIPPED)
            if kept.revision == revision:
                raise NotAllowed(f"The adapter {revision} serves already.", "Try another one.")
            tried = replace(kept, by=by, at=now, candidate=revision, share=share, shadow=0)
            self._to(serving, tried, "candidate tried", share=share)
        else:
            self._to(serving, _after(serving, revision, by, now), "adapter promoted")
        return revision

    def promote_candidate(self, by: str) -> str:
        """Has the candidate serve from now on, in all conversations; gives its revision.

        Raises:
            NotAllowed: there is none, or it is clearly worse.
        """
        serving = self._revisions.current()
        if serving is None or not serving.candidate:
            raise NotAllowed("No candidate is tried.", "Begin: `finetune promote --share 10`.")
        if found := worse(self._canary.talks(serving), serving.share):
            raise NotAllowed(
                f"The candidate is clearly worse ({', '.join(found)}).",
                "Take it back: `finetune rollback`.",
            )
        now = self._clock().isoformat(timespec="milliseconds")
        whole = _after(serving, serving.candidate, by, now)
        self._to(serving, whole, "adapter promoted")
        return whole.revision

    def shadow(self, share: int, by: str) -> None:
        """Has the candidate answer a share (%) of the incumbent's released questions, too, for
        comparison; 0: none.

        Raises:
            NotAllowed: no candidate is tried.
        """
        serving = self._revisions.current()
        if serving is None or not serving.candidate:
            raise NotAllowed("No candidate is tried.", "Begin: `finetune promote --share 10`.")
        now = replace(serving, by=by, shadow=share)  # what was counted since `at` still counts
        self._to(serving, now, "candidate shadows", shadow=share)

    def canary(self) -> dict[str, Any]:
        """The candidate's figures beside the incumbent's; without one `candidate` is None."""
        serving = self._revisions.current()
        if serving is None or not serving.candidate:
            return {"candidate": None}
        talks = self._canary.talks(serving)
        sides = {s: _side([t for t in talks if t.side == s]) for s in (CANDIDATE, INCUMBENT)}
        about = {"candidate": serving.candidate, "incumbent": serving.revision,
                 "share": serving.share, "since": serving.at, "by": serving.by}  # fmt: skip
        shadow = {"share": serving.shadow, **shadowed(self._canary.shadows(serving))}
        return {**about, "sides": sides, "worse": worse(talks, serving.share), "error": ERROR,
                "shadow": shadow, "votes": self.votes(serving.candidate)}  # fmt: skip

    def votes(self, revision: str) -> Tally:
        """What reviewers said of its answers beside those of what served, by what that was."""
        return self._votes.counted(revision)

    def rollback(self, by: str) -> str:
        """Ends the trial of a candidate; without one has the adapter before serve again. Gives
        the name of what serves then.

        Raises:
            NotAllowed: there is none before.
        """
        serving = self._revisions.current()
        if serving is not None and serving.candidate:
            self._canary.withdraw(serving, by)
            return serving.revision
        if serving is None or not serving.before:
            raise NotAllowed("There is no adapter to go back to.", "See `finetune history`.")
        *before, last = serving.before
        now = self._clock().isoformat(timespec="milliseconds")
        self._to(serving, Current(last, tuple(before), by, now), "adapter rolled back")
        return last

    def history(self) -> list[dict[str, Any]]:
        """Every revision kept here with its card, and which one serves."""
        serving = self._revisions.current()
        name = serving.revision if serving else SHIPPED
        found = [
            {
                "revision": r,
                "serving": r == name,
                "share": serving.share if serving and r == serving.candidate else 0,
                **self._revisions.card(r),
                "votes": self.votes(r),
            }
            for r in self._revisions.all()
        ]
        return sorted(found, key=lambda card: str(card["at"]))

    def deeds(self) -> list[Entry]:
        """Promotions and ways back, oldest first, as the audit log has them."""
        names = (*self._revisions.all(), SHIPPED, BASE)
        found = [e for name in names for e in self._audit.of(f"adapter:{name}")]
        return sorted(found, key=lambda entry: entry.seq)

    def _to(self, before: Current | None, now: Current, action: str, **about: int) -> None:
        point(self._revisions, self._audit, before, now, action, about)


def _side(talks: Sequence[Talk]) -> dict[str, Any]:
    turns = sum(talk.turns for talk in talks)
    return {"conversations": len(talks), "answers": turns, **figures(talks)}


def _after(serving: Current | None, revision: str, by: str, at: str) -> Current:
    before = (*serving.before, serving.revision) if serving else (SHIPPED,)
    return Current(revision, before, by, at)
