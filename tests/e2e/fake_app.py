"""An application made of fakes, for the page's own tests and for looking at it.

`python tests/e2e/fake_app.py 7861` serves it. Questions choose what happens: see `FakeChain`.
"""

from __future__ import annotations

import builtins
import itertools
import os
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chatbot import gate
from chatbot.adapters.accounts import Accounts
from chatbot.adapters.api_keys import ApiKeys
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.faq import FaqStore
from chatbot.adapters.faq_proposals import Proposal
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.rates import rates_of
from chatbot.adapters.readings import Readings
from chatbot.adapters.revisions import Revisions
from chatbot.adapters.telemetry import Telemetry
from chatbot.adapters.votes import Votes
from chatbot.desk import Desk
from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Document,
    Draft,
    Finished,
    Held,
    Locator,
    Notice,
    Passage,
    Person,
    Refused,
    Retrieved,
    ScoredPassage,
    Status,
    Turn,
    Verdict,
)
from chatbot.errors import BadQuestion, GenerationFailed, NotFound
from chatbot.faq import Faq
from chatbot.lifeline import Lifeline
from chatbot.policy import load_policy
from chatbot.settings import Settings
from chatbot.visits import Visits
from chatbot.waiting import Line
from proof.postgres import new_database

_TEXTS: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "Dental cover": [
        ((), "All three Alder plans help with the dentist. You can go to any registered dentist."),
        (
            ("What we pay",),
            "The annual deductible does not apply to dental care, and there is no co-payment on"
            " top.\n\nTreatment\tAlder Basic\tAlder Plus\tWaiting period\n"
            "Check-ups, two a year\t100%, up to EUR 60\t100%, up to EUR 90\tNone\n"
            "Fillings and extractions\t50%\t80%\t90 days\n"
            "Root canal treatment\tNot covered\t70%\t90 days",
        ),
        (
            ("What we pay", "Annual limits"),
            "We pay at most EUR 400 for dental care per person and calendar year on Alder Basic."
            " On Alder Plus and Alder Family the limit is EUR 1,500 per person and calendar year."
            "\nAn unused limit cannot be carried over to the next year.",
        ),
        (
            ("Waiting periods",),
            "A waiting period is the time that must pass before we pay for a treatment. It is"
            " counted in days from the first day of your cover. What matters is the date of the"
            " treatment, not the date of the invoice.",
        ),
    ],
    "Travel cover": [
        (("Abroad",), "Emergency treatment abroad is covered for 60 days of each trip."),
        (("Abroad", "How to claim"), "Keep the invoice and send it within 90 days of your return."),
    ],
    "Claims by post": [
        (
            ("Where to send them",),
            "Send the original invoices to Alder Health, P.O. Box 1200. We answer within ten"
            " working days after the letter has arrived.",
        )
    ],
    "Prescriptions": [(("Repeat prescriptions",), "Repeat prescriptions are paid at 80%.")],
}
_MORE = [
    "Card and address", "Complaints and disputes", "Data protection", "Dependants' cover",
    "Glossary", "Help with the app", "Late premiums and refunds", "Opening hours", "Premiums 2026",
]  # fmt: skip


def documents_and_passages() -> tuple[list[Document], list[Passage]]:
    """The fake handbook."""
    documents, passages = [], []
    texts: dict[str, Any] = {**_TEXTS, **{t: [((), f"{t}: see the handbook.")] for t in _MORE}}
    for title, parts in texts.items():
        key = title.lower().replace(" ", "-").replace("'", "")
        paged = title in ("Travel cover", "Prescriptions")
        document = Document(
            f"handbook/{key}", "handbook", f"/handbook/{key}.{'pdf' if paged else 'md'}", title,
            "ab" * 32, "text/markdown", effective=date(2026, 1, 1),
        )  # fmt: skip
        documents.append(document)
        at = 0
        for n, (heading, text) in enumerate(parts):
            place = Locator((title, *heading), n + 1 if paged else None, None, at, at + len(text))
            passages.append(Passage(f"{key}-{n}", document, n, text, place))
            at += len(text) + 1
    return documents, passages


HOSTILE = '<img src=x onerror="window.hacked=1"> **bold** [x](javascript:alert(1)) [1].'


@dataclass(frozen=True)
class Conversation:
    """A stored conversation."""

    id: str
    title: str
    updated_at: datetime
    owner: str = ""


class FakeConversations:
    """Conversations in memory."""

    def __init__(self) -> None:
        self.all: dict[str, Conversation] = {}
        self.kept: dict[str, list[AnswerRecord]] = {}
        self.ratings_given: list[tuple[Any, ...]] = []
        self._ids = itertools.count(1)

    def create(self, owner: str, name: str = "") -> Conversation:
        """A new, empty one."""
        made = Conversation(name or f"c{next(self._ids):04d}", "", datetime.now(UTC), owner)
        self.all[made.id], self.kept[made.id] = made, []
        return made

    def list(self, owner: str) -> list[Conversation]:
        """The owner's, newest first."""
        mine = [c for c in self.all.values() if c.owner == owner and self.kept[c.id]]
        return sorted(mine, key=lambda c: c.updated_at, reverse=True)

    def records(self, conversation_id: str, owner: str) -> builtins.list[AnswerRecord]:
        """What was answered in it."""
        self._own(conversation_id, owner)
        return list(self.kept[conversation_id])

    def turns(
        self, conversation_id: str, owner: str, collections: frozenset[str] | None = None
    ) -> builtins.list[Turn]:
        """What was asked and released in it."""
        records = self.records(conversation_id, owner)
        may = [gate.open_to(collections, r) for r in records]
        return [Turn(r.question, gate.shown(r).text if m else "") for r, m in zip(records, may)]  # noqa: B905

    def truncate(self, conversation_id: str, owner: str, keep: int) -> None:
        """Forget all but the first `keep` turns."""
        self._own(conversation_id, owner)
        del self.kept[conversation_id][keep:]

    def rename(self, conversation_id: str, owner: str, title: str) -> None:
        """Another title."""
        self.all[conversation_id] = replace(self._own(conversation_id, owner), title=title)

    def delete(self, conversation_id: str, owner: str) -> None:
        """Gone."""
        self._own(conversation_id, owner)
        del self.all[conversation_id], self.kept[conversation_id]

    def rate(self, record_id: str, owner: str, value: int, reason: str, comment: str) -> None:
        """Kept for a test to look at."""
        self.ratings_given.append((record_id, owner, value, reason, comment))

    def ratings(self, conversation_id: str, owner: str) -> dict[str, int]:
        """The last word on each answer."""
        return {r: v for r, o, v, *_ in self.ratings_given if o == owner and v}

    def add(self, conversation_id: str, record: AnswerRecord) -> None:
        """What the chain does at the end of a turn."""
        if conversation_id in self.kept:
            self.kept[conversation_id].append(record)
            title = self.all[conversation_id].title or record.question
            touched = replace(self.all[conversation_id], title=title, updated_at=datetime.now(UTC))
            self.all[conversation_id] = touched

    def _own(self, conversation_id: str, owner: str) -> Conversation:
        found = self.all.get(conversation_id)
        if found is None or found.owner != owner:
            raise NotFound(f"There is no conversation {conversation_id!r}.")
        return found


class FakeCatalogue:
    """The fake handbook as a catalogue."""

    def __init__(self, *, empty: bool = False) -> None:
        self._documents, self.passages = ([], []) if empty else documents_and_passages()

    def documents(self, collections: frozenset[str] | None) -> list[Document]:
        """All that may be read."""
        may = [d for d in self._documents if collections is None or d.collection in collections]
        return sorted(may, key=lambda d: d.title)

    def count_documents(self, collections: frozenset[str] | None = None) -> int:
        """How many may be read."""
        return len(self.documents(collections))

    def document(self, document_id: str) -> Document:
        """One of them."""
        for document in self._documents:
            if document.id == document_id:
                return document
        raise NotFound(f"There is no document {document_id!r}.")

    def passages_of(self, document_id: str) -> list[Passage]:
        """Its passages in order."""
        return [p for p in self.passages if p.document.id == document_id]

    def example_questions(self, n: int, collections: object = None) -> list[str]:
        """Questions that the handbook answers."""
        return [
            "How much do you pay for dental care in a year?",
            "How long am I covered abroad?",
            "Where do I send the original invoices?",
            "What share of a repeat prescription is paid?",
        ][:n]


class FakeChain:
    """Answers by a word in the question: held, refuse, policy, down, error, crash, slow, notice."""

    def __init__(self, app: FakeApp) -> None:
        self._app = app
        self.closed = 0

    def answer(
        self,
        question: str,
        conversation: str,
        person: Person,
        line: Lifeline,
        *,
        fresh: bool = False,
    ) -> Iterator[gate.Event]:
        """One turn."""
        if "nonsense" in question:
            raise BadQuestion("The question has no words in it.", "Write it out.")
        return self._turn(question, conversation)

    def _turn(self, question: str, conversation: str) -> Iterator[gate.Event]:
        pause = self._app.pause * (4 if "slow" in question else 1)
        try:
            yield from self._events(question, conversation, pause)
        except GeneratorExit:
            self.closed += 1
            raise

    def _events(self, question: str, conversation: str, pause: float) -> Iterator[gate.Event]:
        time.sleep(pause)
        chosen = [p for p in self._app.catalogue.passages if p.id in (
            "dental-cover-2", "dental-cover-1", "dental-cover-3", "claims-by-post-0")]  # fmt: skip
        chosen.sort(key=lambda p: p.id != "dental-cover-2")
        scored = tuple(ScoredPassage(p, 0.9 - n / 10) for n, p in enumerate(chosen))
        if "policy" in question:
            text = "This assistant does not answer questions of this kind."
            yield Refused(("policy",), text)
            yield self._finish(question, conversation, Status.REFUSED, (), (), (), (text,))
            return
        yield Retrieved(question, scored)
        time.sleep(pause)
        if "crash" in question:
            raise RuntimeError("secret detail that nobody may see")
        if "error" in question:
            raise GenerationFailed(
                "The language model did not answer within 60 seconds.",
                "Ask again; if it goes on, look at its log.",
            )
        if "refuse" in question:
            text = "The documents do not answer this question."
            yield Refused(("not in the documents",), text)
            yield self._finish(question, conversation, Status.REFUSED, (), scored, (), (text,))
        elif "held" in question:
            yield Held(
                ("medical advice",),
                "Questions about your own treatment are looked at by a "
                "person before an answer is shown. You will find it here once it is signed.",
            )
            yield self._finish(question, conversation, Status.HELD, (), scored)
        elif "down" in question:
            yield self._finish(question, conversation, Status.UNAVAILABLE, (), scored)
        else:
            yield from self._released(question, conversation, scored, pause)

    def _released(
        self, question: str, conversation: str, scored: tuple[ScoredPassage, ...], pause: float
    ) -> Iterator[gate.Event]:
        notices: tuple[str, ...] = ()
        if "notice" in question:
            notices = ("The sentences below are quoted word for word from the documents.",)
            yield Notice(notices[0])
        drafts = self.drafts(scored)
        if "hostile" in question:
            drafts = [Draft(HOSTILE, (Citation(1, scored[0].passage, "We pay at most EUR 400"),))]
        verdicts = []
        for draft in drafts:
            verdict = Verdict(Decision.RELEASE, draft.sha256)
            verdicts.append(verdict)
            event = gate.release(draft, verdict)
            assert isinstance(event, gate.Sentence)
            yield event
            time.sleep(pause)
        yield self._finish(
            question, conversation, Status.RELEASED, tuple(drafts), scored, tuple(verdicts), notices
        )

    @staticmethod
    def drafts(scored: tuple[ScoredPassage, ...]) -> list[Draft]:
        """The usual answer."""
        limits, pays, waiting = (s.passage for s in scored[:3])
        basic = (
            "We pay at most EUR 400 for dental care per person and calendar year on Alder Basic."
        )
        plus = "On Alder Plus and Alder Family the limit is EUR 1,500 per person and calendar year."
        return [
            Draft("The annual limit depends on your plan [1].", (Citation(1, limits, plus),)),
            Draft("- **Alder Basic** pays at most EUR 400 a year [1].",
                  (Citation(1, limits, basic),)),
            Draft("- **Alder Plus** and **Alder Family** pay up to EUR 1,500 a year [1].",
                  (Citation(1, limits, plus),)),
            Draft("- Fillings are paid at 50% or 80%, after a waiting period of 90 days [2] [3].",
                  (Citation(2, pays, "Fillings and extractions\t50%\t80%\t90 days"),
                   Citation(3, waiting, "counted in days from the first day of your cover"))),
        ]  # fmt: skip

    def _finish(
        self,
        question: str,
        conversation: str,
        status: Status,
        sentences: tuple[Draft, ...],
        passages: tuple[ScoredPassage, ...],
        verdicts: tuple[Verdict, ...] = (),
        notices: tuple[str, ...] = (),
    ) -> Finished:
        record = AnswerRecord(
            f"r{time.monotonic_ns()}", question, question, status, "generated", sentences, verdicts,
            (), notices, (), passages, {}, "fake", None, "fake", 1, "miss", {}, datetime.now(UTC),
        )  # fmt: skip
        if status is Status.HELD:
            self._app.desk.hold(record, conversation, Person(self._owner(conversation)))
        self._app.conversations.add(conversation, record)
        return Finished(record)

    def _owner(self, conversation: str) -> str:
        return self._app.conversations.all[conversation].owner


@dataclass
class FakeStatus:
    """State of one part."""

    name: str
    state: str
    detail: str = ""


@dataclass
class FakeApp:
    """What `build_server` needs of an application."""

    settings: Settings = field(default_factory=lambda: Settings(_env_file=None))  # type: ignore[call-arg]
    empty: bool = False
    pause: float = 0.35
    faq: Any = None  # the FAQ's own page has its own tests
    secret: bytes = b"only-for-tests-and-for-looking-at"
    parts: list[FakeStatus] = field(
        default_factory=lambda: [
            FakeStatus("language model", "ready"),
            FakeStatus("index", "ready"),
        ]
    )

    def __post_init__(self) -> None:
        engine = open_database(_database())
        weakref.finalize(self, engine.dispose)
        self.audit = AuditLog(engine, Path(tempfile.mkdtemp()) / "anchor")
        self.queue = ReviewQueue(engine, self.audit)
        self.accounts = Accounts(engine, self.audit)
        self.keys = ApiKeys(engine, self.audit)
        self.rates = rates_of(self.settings)
        self.line = Line(self.settings.at_once, self.settings.answers_waiting)
        self.visits = Visits()
        self.readings = Readings(self.audit)
        self.votes = Votes(Revisions(Path(tempfile.mkdtemp())), self.audit)
        self.policy = load_policy("default")
        self.desk = Desk(self.queue, self.policy)
        self.faq = Faq(
            FaqStore(engine, self.audit), Path("no-such-folder"), self.policy,
            lambda: None, lambda _: None, lambda _: None,  # type: ignore[arg-type, return-value]
        )  # fmt: skip
        self.telemetry = Telemetry(self.policy.categories)
        self.catalogue = FakeCatalogue(empty=self.empty)
        self.retriever = SimpleNamespace(embeddings=HashedEmbeddings())
        self.conversations = FakeConversations()
        self.chain = FakeChain(self)

    def faq_proposals(self, past: timedelta) -> list[Proposal]:
        """Nothing is asked again and again."""
        return []

    def status(self) -> list[FakeStatus]:
        """How the parts are."""
        return self.parts

    def ready(self) -> list[FakeStatus]:
        """The same."""
        return self.parts


def _database() -> str:
    """SQLite, or where `python -m proof.doors` runs: a database on its PostgreSQL server."""
    server = os.environ.get("E2E_POSTGRESQL")
    return new_database(server) if server else f"sqlite:///{tempfile.mkdtemp()}/desk.db"


def main(port: int, *, empty: bool = False) -> None:
    """Serve the fakes."""
    import uvicorn

    from chatbot.web.server import build_server

    app = FakeApp(empty=empty)
    if empty:
        app.parts = [
            FakeStatus("language model", "loading", "reading the file"),
            FakeStatus("index", "empty"),
        ]
    uvicorn.run(build_server(app), host="127.0.0.1", port=port, log_level="warning")  # type: ignore[arg-type]


if __name__ == "__main__":
    main(int(sys.argv[1]), empty="empty" in sys.argv[2:])
