"""What it takes to answer one question on the page: room in a conversation, a run, its turns.

Everything is looked up by the person whom the cookie named; the caller's ids are only claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars

from chatbot.domain import AnswerRecord, Finished, Person
from chatbot.errors import BadQuestion, Busy, CountersignError, GenerationFailed, where
from chatbot.gate import Event
from chatbot.lifeline import Lifeline
from chatbot.web.asking import Asking
from chatbot.web.health import loading
from chatbot.web.page import MAX_QUESTION
from chatbot.web.stream import Run, Runs
from chatbot.web.turns import Turn, turn_of

if TYPE_CHECKING:
    from chatbot.adapters.rates import Caller
    from chatbot.bootstrap import App
    from chatbot.waiting import Place

log = structlog.get_logger()


class Answering:
    """Answers questions and knows which answers are being made.

    Args:
        app: the wired application.
        asking: how turns stand on the reviewers' desk.
    """

    def __init__(self, app: App, asking: Asking) -> None:
        self._app = app
        self._asking = asking
        self._runs = Runs()

    def history(self, person: Person, conversation: str) -> list[Turn]:
        """The turns of a conversation, through the gate; none for a new one.

        Raises:
            NotFound: it is not there, or not this person's.
        """
        if not conversation:
            return []
        records = self._app.conversations.records(conversation, person.id)
        return self._turns(records, conversation, person)

    def stop(self, person: Person, conversation: str) -> None:
        """Stop the answer that this person has running there, if any."""
        self._runs.stop(person.id, conversation)

    def answer(
        self,
        person: Person,
        conversation: str,
        question: str,
        keep: int | None,
        run: str,
        *,
        fresh: bool = False,
        visit: str = "",
        caller: Caller | None = None,
        request: str = "",
    ) -> Iterator[tuple[Turn, Sequence[Turn] | None]]:
        """The turn, again and again as it grows; the first time with the turns before it.

        Args:
            conversation: id, or empty for a new one.
            keep: how many of the earlier turns stay; None for all.
            run: the page's own name for this request.
            fresh: the answer is to be made anew, whatever was answered before.
            visit: the open page; when its connection breaks, the answer is stopped.
            caller: where the question comes from; None: not limited by that.
            request: id of the web request, for the record and the log.
        """
        try:
            self._check(question)
            place = self._admitted(person, caller)
            try:
                conversation, earlier = self._room(person, conversation, question, keep)
            except BaseException:
                place.leave()
                raise
        except CountersignError as error:
            self._count(error)
            failed = Turn(keep or 0, question, conversation, run=run)
            failed.fail(error)
            yield failed, None
            return

        def start(line: Lifeline) -> Iterator[Event]:
            if request:  # in the run's own thread: nobody else's lines get this name
                bind_contextvars(request=request)
            return self._app.chain.answer(question, conversation, person, line, fresh=fresh)

        making = Run(start, place, self._app.settings.turn_seconds)
        self._runs.begin(person.id, conversation, making)
        try:
            documents = self._app.catalogue.count_documents(person.collections)
            turn = Turn(len(earlier), question, conversation, documents, run=run)
            turn.waiting_for = loading(self._app)
            with self._app.visits.during(visit, making.stop):
                yield turn, earlier
                for _ in self._play(turn, person, making):
                    yield turn, None
        finally:
            self._runs.end(person.id, conversation, making)
        yield turn, None

    def _admitted(self, person: Person, caller: Caller | None) -> Place:
        """A place in the line, for someone who has not asked too much."""
        if caller is not None:
            self._app.rates.asks(caller)
        self._app.rates.hit("person", person.id)
        return self._app.line.join()

    def _play(self, turn: Turn, person: Person, run: Run) -> Iterator[None]:
        """Let the chain's events work on the turn."""
        try:
            for event in run.events():
                turn.take(event, person)
                if isinstance(event, Finished):
                    turn.waiting = self._asking.of_record(event.record)
                yield
            if turn.working and run.interrupted:
                turn.stop()
            elif turn.working:
                turn.fail(_unexpected())
        except CountersignError as error:
            self._count(error)
            turn.fail(error)
        except Exception as error:
            # The reader must get an answer, and no stack trace; the log gets the place.
            log.error("an answer ended in an unexpected error", **where(error))
            turn.fail(_unexpected())

    def _count(self, error: CountersignError) -> None:
        """Who is told to come back gets a page like everybody else: no status of HTTP tells it."""
        if isinstance(error, Busy):
            self._app.telemetry.turned_away(error)

    def _check(self, question: str) -> None:
        if not question:
            raise BadQuestion("The question is empty.", "Write one and ask again.")
        if len(question) > MAX_QUESTION:
            raise BadQuestion(
                f"The question is longer than {MAX_QUESTION:,} characters.",
                "Shorten it, or ask it in parts.",
            )

    def _room(
        self, person: Person, conversation: str, question: str, keep: int | None
    ) -> tuple[str, list[Turn]]:
        """The conversation to answer in, cut back to `keep` turns, or a new one."""
        store = self._app.conversations
        records: Sequence[AnswerRecord] = ()
        if conversation:
            records = store.records(conversation, person.id)
        else:
            conversation = store.create(person.id).id
        if keep is not None and 0 <= keep < len(records):
            self._runs.stop(person.id, conversation)
            self._asking.withdraw_all(person, [record.id for record in records[keep:]])
            store.truncate(conversation, person.id, keep)
            records = records[:keep]
        return conversation, self._turns(records, conversation, person)

    def _turns(
        self, records: Sequence[AnswerRecord], conversation: str, person: Person
    ) -> list[Turn]:
        items = self._asking.items(conversation, person) if records else {}
        turns = [
            turn_of(record, n, conversation, person, items.get(record.id))
            for n, record in enumerate(records)
        ]
        for turn in turns:
            turn.waiting = self._asking.waiting(items.get(turn.record))
        ratings = self._app.conversations.ratings(conversation, person.id) if turns else {}
        for turn in turns:
            turn.rating = ratings.get(turn.record, 0)
        return turns


def _unexpected() -> GenerationFailed:
    return GenerationFailed(
        "Something went wrong while this was being answered.",
        "Ask again; if it happens once more, tell whoever runs this page. Its log says more.",
    )
