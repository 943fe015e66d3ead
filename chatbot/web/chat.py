"""The chat page: Gradio Blocks around a transcript of our own.

Not `gr.Chatbot`: it takes Markdown or HTML as messages but has no place for a marker that opens a
source beside the answer, for a held or refused answer, or for a live region that speaks sentence by
sentence, and its own chrome (bubbles, toolbars, loaders) would have to be hidden again. `gr.HTML`
gives the whole page to us and compares old with new in the browser, so that a streamed sentence is
appended and nothing else is touched.

The browser sends events by name with a few words of data. All of that is a claim: who asks comes
from the signed cookie, and conversations are looked up by that owner each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.domain import Person
from chatbot.errors import BadQuestion, CountersignError, GenerationFailed, NotFound
from chatbot.web.health import health
from chatbot.web.page import MAX_QUESTION, REASONS, composer_html, header_html, panel_html
from chatbot.web.places import sidebar_html, welcome_html
from chatbot.web.render import thread_html, turn_html
from chatbot.web.session import COOKIE, Sessions
from chatbot.web.stream import Runs
from chatbot.web.turns import Turn, turn_of

if TYPE_CHECKING:
    from chatbot.bootstrap import App

log = logging.getLogger(__name__)

AT_ONCE = 16
_EVENTS = ("open", "ask", "again", "stop", "rename", "remove", "rate")
# Every name stands here in quotes: that is how gr.HTML learns which events it has.
_BRIDGE = (
    f"const names = {list(_EVENTS)!r};"
    "document.dispatchEvent(new CustomEvent('countersign:bridge', {detail: (name, data) => {"
    "if (names.includes(name)) trigger(name, data); }}));"
)
_EXAMPLES = 4
_TITLE = 70
Parts = tuple[Any, Any, Any]


class ChatPage:
    """What the page does when something happens on it.

    Args:
        app: the wired application.
        sessions: tells who asks.
    """

    def __init__(self, app: App, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._runs = Runs()

    def open(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Show a conversation: the one named, a new one, or else the latest."""
        person, wanted = self._person(request), _word(event, "conversation")
        latest = self._app.conversations.list(person.id)
        if not wanted and latest:
            wanted = latest[0].id
        try:
            return self._parts(person, "" if wanted == "new" else wanted)
        except NotFound:
            return self._parts(person, "", "That conversation is not here. It may be deleted.")

    def ask(self, event: gr.EventData, request: gr.Request) -> Iterator[Parts]:
        """Answer a question; `keep`, if given, is how many earlier turns stay."""
        person = self._person(request)
        question = _word(event, "text", MAX_QUESTION + 1).strip()
        keep = _number(event, "keep")
        conversation, run = _word(event, "conversation"), _word(event, "run")
        yield from self._answer(person, conversation, question, keep, run)

    def again(self, event: gr.EventData, request: gr.Request) -> Iterator[Parts]:
        """Answer an earlier question once more, in place of the answer that it had."""
        person, conversation = self._person(request), _word(event, "conversation")
        turn = _number(event, "turn")
        question = _word(event, "text", MAX_QUESTION + 1).strip()
        try:
            records = self._app.conversations.records(conversation, person.id)
        except NotFound:
            records = []
        if turn is not None and 0 <= turn < len(records):
            question = records[turn].question  # the server's, not the one that the page sent
        yield from self._answer(person, conversation, question, turn, _word(event, "run"))

    def stop(self, event: gr.EventData, request: gr.Request) -> None:
        """Stop the answer that is being made in a conversation."""
        self._runs.stop(self._person(request).id, _word(event, "conversation"))

    def rename(self, event: gr.EventData, request: gr.Request) -> Any:
        """Give a conversation another title."""
        person, title = self._person(request), _word(event, "title", 120).strip()
        current = _word(event, "current")
        if title:
            self._try(
                self._app.conversations.rename, _word(event, "conversation"), person.id, title
            )
        return self._sidebar(person, current)

    def remove(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Delete a conversation."""
        person, conversation = self._person(request), _word(event, "conversation")
        current = _word(event, "current")
        self._runs.stop(person.id, conversation)
        self._try(self._app.conversations.delete, conversation, person.id)
        if current != conversation:
            return self._sidebar(person, current), gr.skip(), gr.skip()
        return self._parts(person, "")

    def rate(self, event: gr.EventData, request: gr.Request) -> None:
        """Keep what a reader thinks of an answer."""
        person, value = self._person(request), _number(event, "value")
        reason = _word(event, "reason")
        if value not in (1, -1, 0) or reason not in ("", *(key for key, _ in REASONS)):
            return
        record, comment = _word(event, "record"), _word(event, "comment", 1000)
        self._try(self._app.conversations.rate, record, person.id, value, reason, comment)

    def _answer(
        self, person: Person, conversation: str, question: str, keep: int | None, run: str
    ) -> Iterator[Parts]:
        try:
            self._check(question)
            conversation, turns = self._room(person, conversation, question, keep)
        except CountersignError as error:
            failed = Turn(keep or 0, question, conversation, run=run)
            failed.fail(error)
            yield gr.skip(), gr.skip(), turn_html(failed, last=False)
            return
        documents = len(self._app.catalogue.documents(person.collections))
        turn = Turn(len(turns), question, conversation, documents, run=run)
        earlier = thread_html(turns, conversation, last=False)
        yield self._sidebar(person, conversation), earlier, turn_html(turn, last=True)
        for drawn in self._play(turn, person):
            yield gr.skip(), gr.skip(), drawn
        yield self._sidebar(person, conversation), gr.skip(), turn_html(turn, last=True)

    def _play(self, turn: Turn, person: Person) -> Iterator[str]:
        """The turn, drawn anew at each event."""
        run = self._runs.begin(
            person.id,
            turn.conversation,
            lambda: self._app.chain.answer(turn.question, turn.conversation, person),
        )
        try:
            for event in run.events():
                turn.take(event, person)
                yield turn_html(turn, last=True)
            if turn.working and run.stopped:
                turn.stop()
        except CountersignError as error:
            turn.fail(error)
        except Exception:
            # The reader must get an answer, and no stack trace; the log gets the trace.
            log.exception("An answer ended in an unexpected error")
            turn.fail(_unexpected())
        finally:
            self._runs.end(person.id, turn.conversation, run)

    def _check(self, question: str) -> None:
        if not question:
            raise BadQuestion("The question is empty.", "Write one and ask again.")
        if len(question) > MAX_QUESTION:
            raise BadQuestion(
                f"The question is longer than {MAX_QUESTION:,} characters.",
                "Shorten it, or ask it in parts.",
            )
        for part in health(self._app)["parts"]:
            if part["state"] in ("loading", "failed"):
                raise GenerationFailed(
                    f"The {part['name']} is not ready.",
                    "It is still starting: ask again in a moment."
                    if part["state"] == "loading"
                    else "Whoever runs this page can see why with `chatbot doctor`.",
                )

    def _room(
        self, person: Person, conversation: str, question: str, keep: int | None
    ) -> tuple[str, list[Turn]]:
        """The conversation to answer in, cut back to `keep` turns, or a new one."""
        store = self._app.conversations
        if conversation:
            records = store.records(conversation, person.id)
        else:
            conversation, records = store.create(person.id).id, []
        if keep is not None and 0 <= keep < len(records):
            self._runs.stop(person.id, conversation)
            store.truncate(conversation, person.id, keep)
            records = records[:keep]
        if not records:
            title = " ".join(question.split())
            short = title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + "…"
            store.rename(conversation, person.id, short)
        return conversation, [turn_of(r, n, conversation, person) for n, r in enumerate(records)]

    def _parts(self, person: Person, conversation: str, note: str = "") -> Parts:
        """Sidebar, history and no live turn, for one conversation."""
        records = self._app.conversations.records(conversation, person.id) if conversation else []
        turns = [turn_of(r, n, conversation, person) for n, r in enumerate(records)]
        if turns:
            return self._sidebar(person, conversation), thread_html(turns, conversation), ""
        documents = self._app.catalogue.documents(person.collections)
        examples = self._app.catalogue.example_questions(_EXAMPLES) if documents else []
        return self._sidebar(person, conversation), welcome_html(documents, examples, note), ""

    def _sidebar(self, person: Person, conversation: str) -> str:
        listed = self._app.conversations.list(person.id)
        return sidebar_html(listed, conversation, datetime.now(UTC).astimezone())

    def _person(self, request: gr.Request) -> Person:
        person = self._sessions.read(request.cookies.get(COOKIE))
        if person is None:
            raise gr.Error(
                "This page has been open for too long. Reload it.", print_exception=False
            )
        return person

    def _try(self, act: Callable[..., object], *args: object) -> None:
        try:
            act(*args)
        except CountersignError as error:
            raise gr.Error(str(error), print_exception=False) from error


def build_blocks(app: App, sessions: Sessions) -> gr.Blocks:
    """The page as Gradio Blocks, without anything of one reader's in it."""
    page = ChatPage(app, sessions)
    with gr.Blocks(title=app.settings.title, analytics_enabled=False, fill_width=True) as blocks:
        bare = {"apply_default_css": False, "js_on_load": None}
        gr.HTML(header_html(app.settings.title), elem_id="top", **bare)
        sidebar = gr.HTML("", elem_id="sidebar", **bare)
        history = gr.HTML("", elem_id="history", **bare)
        live = gr.HTML("", elem_id="live", **bare)
        gr.HTML(composer_html(), elem_id="foot", **bare)
        gr.HTML(panel_html(), elem_id="side", **bare)
        bridge = gr.HTML("", elem_id="bridge", apply_default_css=False, js_on_load=_BRIDGE)
        everything = [sidebar, history, live]
        outputs = {
            "open": everything, "ask": everything, "again": everything, "remove": everything,
            "rename": [sidebar], "stop": None, "rate": None,
        }  # fmt: skip
        for name in _EVENTS:
            getattr(bridge, name)(
                getattr(page, name),
                outputs=outputs[name],
                api_visibility="private",
                concurrency_limit=AT_ONCE,
                concurrency_id="answers" if name in ("ask", "again") else "quick",
                trigger_mode="multiple",
                show_progress="hidden",
            )
    return blocks


def _word(event: gr.EventData, key: str, limit: int = 80) -> str:
    """A text that the browser sent, cut to `limit`; empty if it is anything else."""
    data = event._data
    value = data.get(key) if isinstance(data, dict) else None
    return value[:limit] if isinstance(value, str) else ""


def _number(event: gr.EventData, key: str) -> int | None:
    data = event._data
    value = data.get(key) if isinstance(data, dict) else None
    return value if type(value) is int else None


def _unexpected() -> GenerationFailed:
    return GenerationFailed(
        "Something went wrong while this was being answered.",
        "Ask again; if it happens once more, tell whoever runs this page. Its log says more.",
    )
