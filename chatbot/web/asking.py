"""What an asker can do about a turn on the reviewers' desk. Only ever their own turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from chatbot.domain import AnswerRecord, Person, Status
from chatbot.errors import NotAllowed, NotFound
from chatbot.steps import review
from chatbot.steps.review_item import ReviewItem, State
from chatbot.web.held import Waiting, waiting

if TYPE_CHECKING:
    from chatbot.bootstrap import App


class Asking:
    """The asker's side of the desk.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def items(self, conversation: str, person: Person) -> Mapping[str, ReviewItem]:
        """Record id → item, for the turns of one conversation. What was delivered counts as seen
        from here on: whoever calls this shows it."""
        found = self._app.queue.of_conversation(conversation, person.id)
        return {record: self._seen(item, person) for record, item in found.items() if _shows(item)}

    def of_record(self, record: AnswerRecord) -> Waiting | None:
        """How a turn that has just ended stands."""
        if record.status is not Status.HELD:
            return None
        return self.waiting(self._app.queue.of_record(record.id))

    def waiting(self, item: ReviewItem | None) -> Waiting | None:
        """The asker's view of an item; None: there is none."""
        if item is None or not _shows(item):
            return None
        wait = self._app.desk.usual_wait(item.category)
        return waiting(item, wait, mails=self._app.settings.smtp_url is not None)

    def versions(self, conversation: str, person: Person) -> dict[str, int]:
        """Record id → version of its item; cheap, to see whether anything has changed."""
        return self._app.queue.versions(conversation, person.id)

    def withdraw(self, person: Person, record: str) -> None:
        """The asker no longer wants an answer."""
        self._change(person, record, "withdrawn", review.withdraw)

    def withdraw_all(self, person: Person, records: Iterable[str]) -> None:
        """Withdraws what still can be: the turns are about to go."""
        for record in records:
            with suppress(NotFound, NotAllowed):
                self.withdraw(person, record)

    def reply(self, person: Person, record: str, text: str) -> None:
        """Tells the reviewer what they wanted to know."""
        self._change(person, record, "informed", lambda i, now: review.inform(i, text, now))

    def contact(self, person: Person, record: str, address: str) -> None:
        """Leaves an address to be told at."""
        self._change(person, record, "contact left", lambda i, _: review.leave_contact(i, address))

    def person(self, person: Person, conversation: str, record: str) -> None:
        """Has a person look at a turn that was answered or refused.

        Raises:
            NotFound: there is no such turn in that conversation of theirs.
        """
        records = self._app.conversations.records(conversation, person.id)
        found = next((r for r in records if r.id == record), None)
        if found is None:
            raise NotFound("There is no such answer.", "It may have been deleted.")
        self._app.desk.ask(found, conversation, person)

    def _change(
        self,
        person: Person,
        record: str,
        action: str,
        change: Callable[[ReviewItem, datetime], ReviewItem],
    ) -> None:
        item = self._app.queue.of_record(record)
        if item is None or item.owner != person.id:
            raise NotFound("There is no such question.", "It may have been deleted.")
        self._app.queue.apply(item.id, "asker", action, change)

    def _seen(self, item: ReviewItem, person: Person) -> ReviewItem:
        if item.state is not State.DELIVERED:
            return item
        with suppress(NotAllowed):  # another page of theirs was first
            return self._app.queue.apply(item.id, "asker", "seen", review.see)
        return self._app.queue.get(item.id)


def _shows(item: ReviewItem) -> bool:
    """Whether the asker knows of it: of a sample only once it was recalled."""
    return item.kind != "sample" or item.state is State.RECALLED
