"""Settings in, a wired application out. The only place where parts meet."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.api_keys import ApiKeys
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.canary import Canary
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.adapters.drift import Look, look
from chatbot.adapters.faq import FaqStore
from chatbot.adapters.known_questions import serving_questions
from chatbot.adapters.open_store import open_store
from chatbot.adapters.outbox import Outbox, senders_of
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.rates import rates_of
from chatbot.adapters.readings import Readings
from chatbot.adapters.revisions import Revisions
from chatbot.adapters.secret import secret_of
from chatbot.adapters.shape import parts_of
from chatbot.adapters.votes import Votes
from chatbot.background import Background
from chatbot.clock import utc_now
from chatbot.desk import Desk
from chatbot.diagnosis import last_drift, tried_desk, tried_model, tried_search
from chatbot.domain import AnswerRecord, Person
from chatbot.errors import CountersignError, where
from chatbot.faq import Faq
from chatbot.language import LOAD_SECONDS, LanguageModel
from chatbot.opening import Language
from chatbot.pings import Ping, loaded, tried
from chatbot.policy import load_policy
from chatbot.settings import Settings
from chatbot.shadow import Shadows
from chatbot.visits import Visits
from chatbot.waiting import Line
from chatbot.watch import Watch
from chatbot.worker import Worker

if TYPE_CHECKING:
    from chatbot.adapters.answer_cache import AnswerCache
    from chatbot.adapters.answer_store import Store
    from chatbot.adapters.dense import DenseIndex
    from chatbot.adapters.faq_check import FaqChecker
    from chatbot.adapters.faq_proposals import Proposal
    from chatbot.adapters.retrieval import HybridRetriever
    from chatbot.adapters.store_figures import Live
    from chatbot.chain import Chain
    from chatbot.checking import Router

log = structlog.get_logger()

_FOLLOW_SECONDS = 1.0
_FEW = 5


@dataclass(frozen=True, slots=True)
class Search:
    """Retrieval, ready: the retriever, what rests on it, and the index below."""

    retriever: HybridRetriever
    chain: Chain
    dense: DenseIndex
    checker: FaqChecker


class App:
    """The running application; make one with `bootstrap`."""

    def __init__(self, settings: Settings) -> None:
        # Not above: Prometheus' client reads the whole environment when it is imported.
        from chatbot.adapters.store_figures import store_figures
        from chatbot.adapters.telemetry import Telemetry

        self.settings = settings
        engine = open_database(settings.database_url)
        self.policy = load_policy(settings.policy)
        self.catalogue = Catalogue(engine)
        self.audit = AuditLog(engine, settings.anchor_file, settings.audit_webhook)
        senders = senders_of(settings)
        self.queue = ReviewQueue(engine, self.audit, channels=tuple(senders))
        self.telemetry = Telemetry(
            self.policy.categories,
            settings.price_tokens,
            lambda: store_figures(self.queue, settings, self._live()),
        )
        self.accounts = Accounts(engine, self.audit, unnamed=settings.unnamed_collections)
        self.readings = Readings(self.audit)
        self.keys = ApiKeys(engine, self.audit)
        self.rates = rates_of(settings)
        self.line = Line(settings.at_once, settings.answers_waiting)
        self.visits = Visits()
        self.conversations = ConversationStore(engine, self.queue.of_conversation)
        self.desk = Desk(self.queue, self.policy, keep=self.conversations.put)
        self.faq = Faq(
            FaqStore(engine, self.audit),
            settings.faq,
            self.policy,
            lambda: self._search.get(LOAD_SECONDS).checker,
            self.conversations.record,
            self.queue.of_record,
        )
        canary = Canary(Revisions(settings.adapters_folder), self.audit)
        self.votes = Votes(Revisions(settings.adapters_folder), self.audit)
        self._outbox = Outbox(self.queue, senders, reads=self.accounts.reads)
        self._store = open_store(settings)
        self.cache: AnswerCache | None = None
        self._worker = Worker(
            self.queue,
            lambda: self.chain,
            self._send,
            timedelta(days=settings.review_expires_days),
            canary.withdraw_if_worse,
        )
        self._language = LanguageModel(settings)
        self._shadows = Shadows(lambda: self.chain, self._language.shadow, canary.keep_shadow)
        every = timedelta(hours=settings.drift_hours)
        self._watch = Watch(self._look, settings.home, every)
        self.secret = secret_of(settings)
        self._stop = threading.Event()
        self._search = Background("search index", self._open_search)

    @property
    def chain(self) -> Chain:
        """The chain; waits while the search index loads. The language model loads meanwhile."""
        self._language.loading.begin()
        return self._search.get(LOAD_SECONDS).chain

    @property
    def retriever(self) -> HybridRetriever:
        """Retrieval alone; waits while the search index loads."""
        return self._search.get(LOAD_SECONDS).retriever

    @property
    def language(self) -> Language:
        """The language model that the settings name, and none in its place; waits while it loads.

        Raises:
            ModelUnusable: it cannot be loaded.
        """
        return self._language.loading.get(LOAD_SECONDS)

    def faq_proposals(self, past: timedelta, people: int | None = None) -> list[Proposal]:
        """What at least so many different people asked lately and the FAQ does not answer."""
        from chatbot.adapters.faq_proposals import FaqProposals

        finder = FaqProposals(self.catalogue.engine, self.retriever.embeddings)
        least = people or self.settings.faq_people
        return finder.find(utc_now() - past, least, self.faq.store.list())

    def _send(self) -> None:
        self._outbox.send()
        self.audit.publish()

    def work(self) -> None:
        """Begins to draft, deliver, send, and look for drift: for a process that stays."""
        self._language.loading.begin()
        self.audit.anchor()  # for deeds of a process that died between its commit and the anchor
        self._worker.start()
        self._watch.start()
        self._shadows.start()

    def status(self) -> list[Ping]:
        """How each part is, without waiting for any."""
        count = self.catalogue.count_documents()
        documents = Ping("documents", "ready" if count else "empty", f"{count} documents")
        pings = [documents, *loaded((self._search, self._language.loading))]
        if trouble := self._language.trouble():
            pings.append(Ping("adapter", "failed", trouble))
        return pings

    def ready(self) -> list[Ping]:
        """How each part is that answers need, tried now for two seconds at most."""
        from chatbot.adapters.chroma_server import knock

        pings = [tried("database", self.catalogue.version), *loaded((self._search,))]
        pings.append(self._language.ping())
        if (store := self._store) is not None:
            pings.append(tried("answer cache", lambda: store.get("ping"), "degraded"))
        if "://" in self.settings.limits:
            pings.append(tried("limits", self.rates.ping, "degraded"))
        if url := self.settings.chroma_url:
            pings.append(tried("vectors", lambda: knock(url, self.settings.chroma_key), "degraded"))
        return pings

    def _live(self) -> Live:
        from chatbot.adapters.store_figures import Live

        ready = self._search.state == "ready"
        chain, model = (self.chain, self.retriever.model) if ready else (None, "none")
        about = {name: str(value or "none") for name, value in self._models().items()}
        waiting = chain.answering if chain else 0
        breaker = self._language.breaker.open
        line = self.line.counts()[1]
        return Live(self.ready(), waiting, line, about | {"embedding_model": model}, breaker)

    def _kept(self, record: AnswerRecord, person: Person) -> None:
        self.telemetry.kept(record, person)
        self._shadows.offer(record, person)

    def diagnose(self) -> list[Ping]:
        """How each part is, after waiting for all of them and trying each once."""
        attempts: list[tuple[Background[Any], Callable[[], str]]] = [
            (self._search, lambda: tried_search(self.retriever, self.catalogue)),
            (self._language.loading, lambda: tried_model(self.language, self.settings)),
        ]
        for part, attempt in attempts:
            try:
                part.detail = attempt()
            except CountersignError as error:
                part.detail = str(error)
                part.failed = True
        kept_in = parts_of(self.settings, self.catalogue.engine)
        shape = [Ping(p.name, p.state, p.detail) for p in kept_in]
        desk = tried_desk(self.queue, self.audit, self.policy.name)
        return [*shape, *self.status(), desk, *last_drift(self.settings)]

    def _look(self) -> Look:
        revisions = Revisions(self.settings.adapters_folder)
        known = serving_questions(revisions, self.retriever.model)
        return look(self.queue, self.retriever.embeddings, known, utc_now())

    def close(self) -> None:
        """Lets go of what is held, in the order in which things rest on each other."""
        self._stop.set()
        self._watch.close()
        self._shadows.close()
        self._worker.close()
        self._search.join()
        if self._search.state == "ready":
            self._search.get(0).dense.close()
        self._language.close()
        if self.cache is not None:
            self.cache.close()
        if self._store is not None:
            self._store.close()
        self.catalogue.engine.dispose()

    def _open_search(self) -> Search:
        from chatbot.adapters.chroma import open_chroma
        from chatbot.adapters.dense import open_dense
        from chatbot.adapters.embeddings import open_embeddings
        from chatbot.adapters.faq_check import FaqChecker
        from chatbot.adapters.faq_lookup import open_lookup
        from chatbot.adapters.lexical import LexicalIndex
        from chatbot.adapters.open_cache import made_by
        from chatbot.adapters.remembered_screening import RememberingRouter
        from chatbot.adapters.retrieval import HybridRetriever
        from chatbot.adapters.router import open_router
        from chatbot.chain import Chain
        from chatbot.journey import Steps
        from chatbot.limits import limits_of
        from chatbot.prompts import load_prompt
        from chatbot.recall import Recall

        settings = self.settings
        encoder = open_embeddings(settings)
        catalogue = self.catalogue
        many = lambda: open_chroma(settings, catalogue, encoder.name)  # noqa: E731
        dense = open_dense(many, catalogue, encoder.name)
        dense.catch_up()
        retriever = HybridRetriever(
            embeddings=encoder,
            dense=dense,
            lexical=LexicalIndex(self.catalogue.engine),
            catalogue=self.catalogue,
            model=encoder.name,
            candidates=settings.candidates,
        )
        router: Router = open_router(settings, self.policy, encoder)
        checker = FaqChecker(self.catalogue, retriever, router, settings.support)
        memory: AnswerCache | None = None
        if self._store is not None:
            fixed = made_by(settings, encoder.name)
            router = RememberingRouter(router, f"{fixed} {self.policy.fingerprint}", self._store)
            memory = self._memory(self._store, retriever, fixed)
        search = lambda asked, readable: retriever.find(asked, settings.passages, readable)  # noqa: E731
        lookup = open_lookup(self.faq.store, search, encoder, settings.cache_wrong_hits)
        recall = Recall(memory, (lookup,), settings.answer_deadline)
        steps = Steps(
            router,
            retriever,
            encoder,
            self._language.voice,
            {name: load_prompt(name) for name in ("answer", "condense")},
            limits_of(settings, self.policy),
            self._describe,
        )
        chain = Chain(
            steps,
            self.conversations,
            self.desk,
            lambda _: self._about() | {"embedding_model": encoder.name},
            self._kept,
            recall,
            self.telemetry.failed,
        )
        self.faq.follow(self.catalogue.version(), checker)
        lookup.prepared()
        threading.Thread(target=self._follow, args=(dense, checker), daemon=True).start()
        return Search(retriever, chain, dense, checker)

    def _memory(self, store: Store, retriever: HybridRetriever, fixed: str) -> AnswerCache:
        from chatbot.adapters.open_cache import open_cache

        def answered_by() -> dict[str, Any]:
            with suppress(CountersignError):  # it will answer: its name has to be known
                self._language.loading.get(LOAD_SECONDS)
            return {"fixed": fixed, **self._models()}

        made = open_cache(self.settings, store, retriever, answered_by, lambda: self.chain)
        made.tend()
        self.cache = made
        return made

    def _follow(self, dense: DenseIndex, checker: FaqChecker) -> None:
        """Takes over what `ingest` has changed, and another adapter, while this process runs."""
        while not self._stop.wait(_FOLLOW_SECONDS):
            try:
                dense.catch_up()
                self._language.follow()
                self.faq.follow(self.catalogue.version(), checker)
                if self.cache is not None:
                    self.cache.tend()
            except Exception as error:  # tried again in a second; the index as it is stays in use
                if self._stop.is_set():
                    return
                log.error("what has changed could not be taken over", **where(error))

    def _describe(self, person: Person) -> dict[str, Any]:
        count = self.catalogue.count_documents(person.collections)
        if count <= _FEW:
            searched = ", ".join(d.title for d in self.catalogue.documents(person.collections))
        else:
            names = self.catalogue.collections(person.collections)
            searched = f"{count} documents in {' and '.join(names)}"
        return {**self._about(), "searched": searched}

    def _about(self) -> dict[str, Any]:
        return {**self._models(), "index_version": self.catalogue.version()}

    def _models(self) -> dict[str, Any]:
        language = self._language.ready()
        return {
            "model": language.name if language else "none",
            "adapter": language.adapter if language else None,
            "policy": self.policy.fingerprint,
        }


@contextmanager
def bootstrap(settings: Settings) -> Iterator[App]:
    """Builds everything the settings ask for, and lets go of it at the end.

    Raises:
        IndexUnusable, StorageFull: the catalogue cannot be opened. Models and the search index
            load in the background; `App.status` tells how they are.
    """
    silence_vendors()
    app = App(settings)
    try:
        yield app
    finally:
        app.close()


def silence_vendors() -> None:
    """Turns off what libraries would send anywhere unasked. Called before they are imported."""
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "LANGSMITH_TRACING": "false",
        "LANGCHAIN_TRACING_V2": "false",
        "ANONYMIZED_TELEMETRY": "False",
        "OTEL_SDK_DISABLED": "true",
        "TOKENIZERS_PARALLELISM": "true",
    }
