"""The chat page: Gradio Blocks around a transcript of our own.

Not `gr.Chatbot`: it takes Markdown or HTML as messages but has no place for a marker that opens a
source beside the answer, for a held or refused answer, or for a live region that speaks sentence by
sentence. `gr.HTML` gives the whole page to us and compares old with new in the browser, so that a
streamed sentence is appended and nothing else is touched.

The browser sends events by name with a few words of data. All of that is a claim: who asks comes
from the signed cookie, and conversations are looked up by that owner each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.domain import Person
from chatbot.errors import CountersignError, NotFound
from chatbot.web.answering import Answering
from chatbot.web.asking import Asking
from chatbot.web.desk_read import read_note
from chatbot.web.identity import Identity
from chatbot.web.page import MAX_QUESTION, REASONS, composer_html, header_html, panel_html
from chatbot.web.places import sidebar_html, welcome_html
from chatbot.web.render import thread_html, turn_html
from chatbot.web.who import caller_of

if TYPE_CHECKING:
    from chatbot.bootstrap import App

AT_ONCE = 16
_EVENTS = (
    "open", "ask", "again", "stop", "rename", "remove", "rate",
    "check", "withdraw", "reply", "contact", "person",
)  # fmt: skip
# Every name stands here in quotes: that is how gr.HTML learns which events it has.
_BRIDGE = (
    f"const names = {list(_EVENTS)!r};"
    "document.dispatchEvent(new CustomEvent('countersign:bridge', {detail: (name, data) => {"
    "if (names.includes(name)) trigger(name, data); }}));"
)
_EXAMPLES = 4
Parts = tuple[Any, Any, Any]


class ChatPage:
    """What the page does when something happens on it.

    Args:
        app: the wired application.
        identity: tells who asks.
    """

    def __init__(self, app: App, identity: Identity) -> None:
        self._app = app
        self._identity = identity
        self._asking = Asking(app)
        self._answering = Answering(app, self._asking)

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
        question = _word(event, "text", MAX_QUESTION + 1).strip()
        yield from self._answer(event, request, question, _number(event, "keep"))

    def again(self, event: gr.EventData, request: gr.Request) -> Iterator[Parts]:
        """Answer an earlier question anew, in place of the answer that it had."""
        turn = _number(event, "turn")
        question = _word(event, "text", MAX_QUESTION + 1).strip()
        try:
            turns = self._answering.history(self._person(request), _word(event, "conversation"))
        except NotFound:
            turns = []
        if turn is not None and 0 <= turn < len(turns):
            question = turns[turn].question  # the server's, not the one that the page sent
        yield from self._answer(event, request, question, turn, fresh=True)

    def stop(self, event: gr.EventData, request: gr.Request) -> None:
        """Stop the answer that is being made in a conversation."""
        self._answering.stop(self._person(request), _word(event, "conversation"))

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
        self._answering.stop(person, conversation)
        self._try(self._delete, conversation, person)
        if current != conversation:
            return self._sidebar(person, current), gr.skip(), gr.skip()
        return self._parts(person, "")

    def _delete(self, conversation: str, person: Person) -> None:
        self._asking.withdraw_all(person, self._asking.versions(conversation, person))
        self._app.conversations.delete(conversation, person.id)

    def check(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Show the conversation anew if anything has happened on the desk since it was shown."""
        person = self._person(request, deed=False)
        conversation = _word(event, "conversation")
        known = event._data.get("versions") if isinstance(event._data, dict) else None
        try:
            versions = self._asking.versions(conversation, person) if conversation else {}
            if not versions or versions == known:
                return gr.skip(), gr.skip(), gr.skip()
            return self._parts(person, conversation)
        except NotFound:
            return gr.skip(), gr.skip(), gr.skip()

    def withdraw(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Take a question back that waits for a person."""
        return self._tell(event, request, self._asking.withdraw)

    def reply(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Tell the reviewer what they wanted to know."""
        return self._tell(event, request, self._asking.reply, _word(event, "text", 4000))

    def contact(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Leave an address to be told at."""
        return self._tell(event, request, self._asking.contact, _word(event, "contact", 254))

    def person(self, event: gr.EventData, request: gr.Request) -> Parts:
        """Have a person look at an answer."""
        person, conversation = self._person(request), _word(event, "conversation")
        self._try(self._asking.person, person, conversation, _word(event, "record"))
        return self._parts(person, conversation)

    def _tell(
        self,
        event: gr.EventData,
        request: gr.Request,
        act: Callable[..., None],
        *words: str,
    ) -> Parts:
        person = self._person(request)
        self._try(act, person, _word(event, "record"), *words)
        return self._parts(person, _word(event, "conversation"))

    def rate(self, event: gr.EventData, request: gr.Request) -> None:
        """Keep what a reader thinks of an answer."""
        person, value = self._person(request), _number(event, "value")
        reason = _word(event, "reason")
        if value not in (1, -1, 0) or reason not in ("", *(key for key, _ in REASONS)):
            return
        record, comment = _word(event, "record"), _word(event, "comment", 1000)
        self._try(self._app.conversations.rate, record, person.id, value, reason, comment)

    def _answer(
        self,
        event: gr.EventData,
        request: gr.Request,
        question: str,
        keep: int | None,
        *,
        fresh: bool = False,
    ) -> Iterator[Parts]:
        person = self._person(request)
        conversation, run = _word(event, "conversation"), _word(event, "run")
        turn = None
        turns = self._answering.answer(
            person,
            conversation,
            question,
            keep,
            run,
            fresh=fresh,
            visit=str(request.session_hash or ""),
            caller=caller_of(request),
            request=request.headers.get("x-request-id", ""),
        )
        for turn, earlier in turns:
            around = (gr.skip(), gr.skip())
            if earlier is not None:
                before = thread_html(earlier, turn.conversation, last=False)
                around = (self._sidebar(person, turn.conversation), before)
            yield *around, turn_html(turn, last=True)
        if turn and turn.conversation:  # now the newest, it moves to the top of the list
            yield self._sidebar(person, turn.conversation), gr.skip(), gr.skip()

    def _parts(self, person: Person, conversation: str, note: str = "") -> Parts:
        """Sidebar, history and no live turn, for one conversation."""
        turns = self._answering.history(person, conversation)
        if turns:
            told = read_note(self._app.readings.of(conversation))
            thread = thread_html(turns, conversation, note=told)
            return self._sidebar(person, conversation), thread, ""
        documents = self._app.catalogue.documents(person.collections)
        examples = self._examples(person) if documents else []
        return self._sidebar(person, conversation), welcome_html(documents, examples, note), ""

    def _examples(self, person: Person) -> list[str]:
        """Questions to begin with: the FAQ's, which are answered at once, then headings."""
        entries = self._app.faq.store.live()
        curated = [entry.question for entry in entries if entry.is_for(person.collections)]
        found = self._app.catalogue.example_questions(_EXAMPLES, person.collections)
        return [*curated, *found][:_EXAMPLES]

    def _sidebar(self, person: Person, conversation: str) -> str:
        listed = self._app.conversations.list(person.id)
        now = datetime.now(UTC).astimezone()
        return sidebar_html(listed, conversation, now, person.account)

    def _person(self, request: gr.Request, *, deed: bool = True) -> Person:
        person = self._identity.who(request, deed=deed)
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


def build_blocks(app: App, identity: Identity) -> gr.Blocks:
    """The page as Gradio Blocks, without anything of one reader's in it."""
    page = ChatPage(app, identity)
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
        outputs: dict[str, Any] = {"rename": [sidebar], "stop": None, "rate": None}
        for name in _EVENTS:
            getattr(bridge, name)(
                getattr(page, name),
                outputs=outputs.get(name, everything),
                api_visibility="private",
                # Who asks comes to the line at once, and sees their place there.
                concurrency_limit=None if name in ("ask", "again") else AT_ONCE,
                concurrency_id="answers" if name in ("ask", "again") else "quick",
                trigger_mode="multiple",
                show_progress="hidden",
            )
    blocks.max_threads = threads_of(app)
    return blocks


def threads_of(app: App) -> int:
    """Threads of a page that answers: whoever waits for an answer takes one there, and none of
    those that the desk works with."""
    return app.settings.at_once + app.settings.answers_waiting + 2 * AT_ONCE


def _word(event: gr.EventData, key: str, limit: int = 80) -> str:
    """A text that the browser sent, cut to `limit`; empty if it is anything else."""
    data = event._data
    value = data.get(key) if isinstance(data, dict) else None
    return value[:limit] if isinstance(value, str) else ""


def _number(event: gr.EventData, key: str) -> int | None:
    data = event._data
    value = data.get(key) if isinstance(data, dict) else None
    return value if type(value) is int else None
