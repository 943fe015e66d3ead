"""What programs can do: ask, read their history, rate, and see how a held question stands.

The doors (`api_routes`, `api_gradio`, `api_openai`) differ in form alone. What they give out is
made here, of the chain's events and of what the gate lets through of a record.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import structlog
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.conversations import new_id
from chatbot.domain import AnswerRecord, Finished, Held, Notice, Person, Refused, Retrieved, Status
from chatbot.errors import CountersignError, GenerationFailed, NotFound, where
from chatbot.gate import Event, Sentence, shown_to
from chatbot.plain import citation_json, turn_json
from chatbot.steps.screen import clean_question
from chatbot.waiting import Place, Queued
from chatbot.web.asking import Asking
from chatbot.web.held import Waiting
from chatbot.web.stream import HeardRun, Runs

if TYPE_CHECKING:
    from chatbot.bootstrap import App

log = structlog.get_logger()

Step = tuple[str, dict[str, Any]]
"""`queued`, `searched`, `sentence`, `notice`, `held`, `refused` or `finished`, and what it says."""


class Api:
    """The API's side of the application.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._asking = Asking(app)
        self._runs = Runs()

    async def ask(
        self, person: Person, question: str, conversation: str = "", *, fresh: bool = False
    ) -> AsyncGenerator[Step, None]:
        """Answers a question: first `started`, last `finished`. Closing it stops the answer.

        Args:
            conversation: id, or empty for a new one.
            fresh: the answer is to be made anew.

        Raises:
            BadQuestion: it is empty or too long.
            NotFound: the conversation is not this person's.
            Busy: they have asked too much, or too many wait.
            GenerationFailed: it was stopped before its end.
        """
        self._app.rates.hit("key" if person.id.startswith("key-") else "person", person.id)
        question = clean_question(question)
        place = self._app.line.join()
        talk = conversation or new_id()
        try:
            if conversation:
                await run_in_threadpool(self._app.conversations.turns, talk, person.id)
            yield "started", {"conversation": talk}  # before it has to wait for other writers
            if not conversation:
                await run_in_threadpool(self._app.conversations.create, person.id, talk)
            run = self._run(person, question, talk, place, fresh=fresh)
        except BaseException:
            place.leave()
            raise
        self._runs.begin(person.id, talk, run)
        try:
            async with aclosing(run.listen()) as events:
                async for event in events:
                    yield await self._step(event, person, talk)
                    if isinstance(event, Finished):
                        return
        except CountersignError:
            raise
        except Exception as error:  # the caller learns that it failed; the log gets the place
            log.error("an answer ended in an unexpected error", **where(error))
            raise _unexpected() from error
        finally:
            self._runs.end(person.id, talk, run)
        raise GenerationFailed("The answer was stopped.", "Ask again.")

    async def answer(
        self, person: Person, question: str, conversation: str = "", *, fresh: bool = False
    ) -> dict[str, Any]:
        """The finished turn: what `chatbot ask --json` gives, and how it stands where it is held.
        Raises what `ask` raises."""
        last: dict[str, Any] = {}
        async with aclosing(self.ask(person, question, conversation, fresh=fresh)) as steps:
            async for _, said in steps:
                last = said
        return last

    def stop(self, person: Person, conversation: str) -> None:
        """Stops the answer that is being made there, if any."""
        self._runs.stop(person.id, conversation)

    def conversations(self, person: Person) -> dict[str, Any]:
        """The conversations of that person, newest first."""
        listed = self._app.conversations.list(person.id)
        return {
            "conversations": [
                {"id": c.id, "title": c.title, "updated_at": c.updated_at.isoformat()}
                for c in listed
            ]
        }

    def history(self, person: Person, conversation: str) -> dict[str, Any]:
        """The turns of one conversation, oldest first.

        Raises:
            NotFound: it is not there, or not this person's.
        """
        records = self._app.conversations.records(conversation, person.id)
        items = self._asking.items(conversation, person) if records else {}
        turns = []
        for record in records:
            item = items.get(record.id)
            view = shown_to(person, record, item)
            turns.append({"question": record.question, **turn_json(view, record, conversation)})
            turns[-1]["review"] = _review(self._asking.waiting(item), record)
        return {"conversation": conversation, "turns": turns}

    def status(self, person: Person, record: str) -> dict[str, Any]:
        """How a turn that went to a reviewer stands now, with its answer once it is signed.

        Raises:
            NotFound: there is no such turn of this person's on the desk.
        """
        item = self._app.queue.of_record(record)
        if item is not None and item.owner == person.id:
            for turn in self.history(person, item.conversation)["turns"]:
                if turn["record"] == record and turn["review"] is not None:
                    return dict(turn)
        raise NotFound("There is no such question with the reviewers.", "It may be deleted.")

    def feedback(
        self, person: Person, record: str, value: Literal[1, -1, 0], reason: str, comment: str
    ) -> dict[str, Any]:
        """Keeps what the asker thinks of one of their answers.

        Raises:
            NotFound: there is no such answer of theirs.
        """
        self._app.conversations.rate(record, person.id, value, reason, comment)
        return {"record": record, "value": value}

    def _run(
        self, person: Person, question: str, talk: str, place: Place, *, fresh: bool
    ) -> HeardRun:
        return HeardRun(
            lambda line: self._app.chain.answer(question, talk, person, line, fresh=fresh),
            place,
            self._app.settings.turn_seconds,
        )

    async def _step(self, event: Event | Queued, person: Person, talk: str) -> Step:
        if isinstance(event, Finished):
            held = None
            if event.record.status is Status.HELD:
                held = await run_in_threadpool(self._asking.of_record, event.record)
            view = shown_to(person, event.record)
            turn = turn_json(view, event.record, talk)
            return "finished", {**turn, "review": _review(held, event.record)}
        if isinstance(event, Queued):
            return "queued", {"ahead": event.ahead}
        if isinstance(event, Retrieved):
            return "searched", {"passages": len(event.passages)}
        if isinstance(event, Notice):
            return "notice", {"text": event.text}
        if isinstance(event, Sentence):
            cited = [citation_json(c) for c in event.citations]
            return "sentence", {"text": event.text, "citations": cited}
        name = "held" if isinstance(event, Held) else "refused"
        assert isinstance(event, Held | Refused)
        return name, {"text": event.text, "reasons": list(event.reasons)}


def _review(held: Waiting | None, record: AnswerRecord) -> dict[str, Any] | None:
    """How a turn stands with the reviewers, and where to ask again; None: it is not with them."""
    if held is None:
        return None
    return {
        "state": held.state.value,
        "open": held.open,
        "reasons": list(held.reasons),
        "usual_wait_seconds": int(held.wait.total_seconds()),
        "question_from_reviewer": held.asked,
        "outcome": f"/api/status/{record.id}",
    }


def _unexpected() -> GenerationFailed:
    return GenerationFailed(
        "Something went wrong while this was being answered.",
        "Ask again; if it happens once more, tell whoever runs this server. Its log says more.",
    )
