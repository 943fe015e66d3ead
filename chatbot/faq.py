"""The work on the curated FAQ: loading its files, promoting answers, having entries looked at.

Every door (desk page, command line) comes through here, so that all of them keep the same rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from chatbot.adapters.faq import SYSTEM, FaqStore
from chatbot.domain import AnswerRecord, Status
from chatbot.errors import BadFile, BadInput, NotAllowed, where
from chatbot.faq_files import Written, load_faq
from chatbot.gate import shown
from chatbot.policy import Policy
from chatbot.steps import faq
from chatbot.steps.faq import FAILED, FILE, RECORD, FaqEntry
from chatbot.steps.personal_data import personal_data
from chatbot.steps.review import signed_by_all
from chatbot.steps.review_item import SIGNED, Answer, Reviewer, ReviewItem
from chatbot.steps.rights import Right, roles_with
from chatbot.steps.screen import clean_question

if TYPE_CHECKING:
    from chatbot.adapters.faq_check import FaqChecker

log = structlog.get_logger()

EDITORS = roles_with(Right.FAQ)
"""Who may propose, edit, suspend and put to review. An entry's own roles say who signs."""


class Faq:
    """What can be done with the FAQ.

    Args:
        folder: where its files are.
        checker: gives what holds answers against the documents; may have to wait for the index.
        record: an answer that was given, by its id.
        item: where that answer stands on the desk, if it is there.

    Attributes:
        fault: what is wrong with a file; empty: nothing.
    """

    def __init__(
        self,
        store: FaqStore,
        folder: Path,
        policy: Policy,
        checker: Callable[[], FaqChecker],
        record: Callable[[str], AnswerRecord],
        item: Callable[[str], ReviewItem | None],
    ) -> None:
        self.store = store
        self.fault = ""
        self._folder = folder
        self._policy = policy
        self._checker = checker
        self._record = record
        self._item = item
        self._seen: object = None

    def follow(self, catalogue_version: int, checker: FaqChecker) -> None:
        """Reads the files again where one of them or the documents have changed."""
        try:
            files = [(p.name, p.stat().st_mtime_ns) for p in sorted(self._folder.glob("*.y*ml"))]
            if (files, catalogue_version) == self._seen:
                return
            self._seen = files, catalogue_version
            self.load(checker)
        except BadFile as error:
            self.fault = str(error)
            log.error("the FAQ's files were not loaded", fault=str(error))
        except Exception as error:  # what was loaded before goes on answering
            self._seen = None
            log.error("the FAQ's files could not be looked at", **where(error))

    def load(self, checker: FaqChecker) -> list[FaqEntry]:
        """Takes over what the files say; gives the entries that have changed.

        An entry that is the same in its file stays as it is; one that did not hold is tried again.
        A new one waits until its collection holds documents. Without the folder nothing is changed:
        a command that was started elsewhere must not empty the FAQ.

        Raises:
            BadFile: a file does not hold; nothing was changed.
        """
        if not self._folder.is_dir():
            return []
        written = {one.id: one for one in load_faq(self._folder)}
        self.fault = ""
        known = {e.id: e for e in self.store.list() if e.origin.startswith(FILE)}
        if set(known) - set(written):
            self.store.drop_files(set(written))
        changed = []
        for one in written.values():
            before = known.get(one.id)
            if before and before.digest == one.digest and not before.reason.startswith(FAILED):
                continue
            if before is None and not checker.holds(one.collection):
                continue
            entry = checker.written(one)
            if before is None or (before.digest, before.reason) != (entry.digest, entry.reason):
                changed.append(self.store.add(entry, SYSTEM, "faq-load"))
        return changed

    def check(self) -> list[tuple[Written, FaqEntry]]:
        """Holds the files against the documents, and changes nothing.

        Raises:
            BadFile: a file does not hold.
        """
        return [(one, self._checker().written(one)) for one in load_faq(self._folder)]

    def promote(
        self, record_id: str, by: Reviewer, question: str = "", alternatives: Sequence[str] = ()
    ) -> FaqEntry:
        """Proposes an answer that was given as an entry; someone else has to sign it.

        Args:
            question: in its place of the asker's own words.

        Raises:
            NotFound: there is no such answer.
            NotAllowed: it was not signed or released, or it rests on nothing.
            BadInput: the question holds personal data.
        """
        _working(by)
        record, item = self._record(record_id), self._item(record_id)
        answer = _given(record, item)
        wordings = [clean_question(w) for w in (question or record.question, *alternatives)]
        _impersonal(wordings)
        category = self._policy.category(item.category if item else "")
        entry = FaqEntry(
            id=f"d_{uuid.uuid4().hex[:12]}",
            question=wordings[0],
            alternatives=tuple(dict.fromkeys(wordings[1:])),
            answer=faq.cited_only(answer),
            author=by.id,
            owner=by.id,
            asker=tuple(a for a in (item.owner, item.account) if a) if item else (),
            changed_at=self.store.clock(),
            needed=2 if category.two_signatures else 1,
            roles=category.reviewers,
            note=self._checker().note(wordings[0]),
            origin=RECORD + record_id,
        )
        if not entry.documents:
            raise NotAllowed("This answer cites no document.", "Choose one that does.")
        return self.store.add(entry, by.id, "faq-propose")

    def approve(self, entry_id: str, by: Reviewer, sha256: str) -> FaqEntry:
        """Signs an entry as it was shown; with enough signatures it is live.

        Raises:
            NotFound, NotAllowed: as `steps.faq.approve` says, or a source has changed.
        """
        return self.store.apply(
            entry_id, by.id, "faq-approve", lambda e, now: faq.approve(e, by, sha256, now)
        )

    def suspend(self, entry_id: str, by: Reviewer, reason: str) -> FaqEntry:
        """Has an entry answer nobody until it was looked at again."""
        _working(by)
        told = f"{by.id}: {reason.strip()}" if reason.strip() else ""
        return self.store.apply(
            entry_id, by.id, "faq-suspend", lambda e, now: faq.suspend(e, told, now)
        )

    def review(self, entry_id: str, by: Reviewer) -> FaqEntry:
        """Puts a suspended entry to review, resting on the documents as they are now."""
        _working(by)
        before = self.store.get(entry_id)
        answer = self._checker().again(before)

        def change(entry: FaqEntry, now: datetime) -> FaqEntry:
            _same(entry, before.version)
            return faq.reopen(entry, answer, now)

        return self.store.apply(entry_id, by.id, "faq-review", change)

    def edit(self, wanted: FaqEntry, text: str, by: Reviewer) -> FaqEntry:
        """Takes over what someone wrote; others have to sign it.

        Args:
            wanted: the entry as it was shown, with the wordings, dates and owner that it shall
                have.
            text: the answer; its markers point at the evidence that was shown.

        Raises:
            NotAllowed: the entry was changed by someone else, or the text cannot be used.
            BadInput: a wording holds personal data.
        """
        _working(by)
        wordings = [clean_question(w) for w in wanted.wordings]
        _impersonal(wordings)
        before = self.store.get(wanted.id)
        _same(before, wanted.version)
        checker = self._checker()
        fresh = replace(
            wanted,
            question=wordings[0],
            alternatives=tuple(dict.fromkeys(wordings[1:])),
            answer=checker.edited(before, wordings[0], text),
        )
        note = checker.note(wordings[0])

        def change(entry: FaqEntry, now: datetime) -> FaqEntry:
            _same(entry, wanted.version)
            return replace(faq.edit(entry, by.id, fresh, now), note=note)

        return self.store.apply(wanted.id, by.id, "faq-edit", change)

    def evidence(self, entry: FaqEntry) -> Answer:
        """The entry's answer, with every passage beside it that an editor may cite."""
        return replace(entry.answer, evidence=self._checker().evidence(entry))


def _working(by: Reviewer) -> None:
    if not by.roles & EDITORS:
        raise NotAllowed("Your role does not change the FAQ.", "Ask a reviewer or a lead.")


def _given(record: AnswerRecord, item: ReviewItem | None) -> Answer:
    """What people signed, or what the gate lets through of an answer that was released."""
    if item is not None and item.state in SIGNED and signed_by_all(item) and item.answer:
        return item.answer
    view = shown(record, item)
    if view.status is not Status.RELEASED or not view.text:
        raise NotAllowed(
            "This answer was not signed, and not released either.",
            "Promote one that was: see `chatbot review list --state delivered`.",
        )
    return Answer(record.sentences, (), tuple(() for _ in record.sentences))


def _impersonal(wordings: Sequence[str]) -> None:
    kinds = dict.fromkeys(kind for w in wordings for kind in personal_data(w))
    if kinds:
        raise BadInput(
            f"The question holds {' and '.join(kinds)}.", "Write it as anybody might ask it."
        )


def _same(entry: FaqEntry, version: int) -> None:
    if entry.version != version:
        raise NotAllowed("The entry was changed by someone else.", "Reload it.")
