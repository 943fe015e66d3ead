"""What `/metrics` tells: counted as turns end, and read from the stores when somebody asks.

Labels are words of this program, or of the policy and the settings; nothing that a person has typed
becomes one. Names follow Prometheus's own advice (base units, `_total` for what only grows).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from chatbot.domain import AnswerRecord, Person, Status
from chatbot.errors import Busy, CountersignError, TooMany, where
from chatbot.recall import says_not_found

log = structlog.get_logger()

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OTHER = "other"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_BESIDE = ("first_sentence_written", "first_sentence")  # they fall into another step
_CACHES = ("miss", "exact", "semantic", "faq")
_MODES = ("none", "generated", "quotes")
_FAMILIES = {
    "queue_items": ("Items on the reviewers' desk, by state.", ("state",)),
    "queue_waiting": ("Open items on the reviewers' desk, by category.", ("category",)),
    "queue_overdue": ("Open items whose response time has passed.", ()),
    "queue_oldest_seconds": ("Age of the oldest open item.", ()),
    "delivered_total": ("Decisions that have reached their askers.", ()),
    "messages": ("Messages to askers that wait, or were given up.", ("state",)),
    "ratings": ("What askers thought of their answers.", ("value",)),
    "cached_answers": ("Answers that can be given again.", ()),
    "cached_bytes": ("What they take.", ()),
    "documents": ("Documents in the catalogue.", ()),
    "index_version": ("Changes of the index so far.", ()),
    "answering": ("Askers who wait for an answer of this process now.", ()),
    "line_waiting": ("Questions in the line before the answers of this process.", ()),
    "breaker_open": ("1: the model server is left alone, because it failed again and again.", ()),
    "ready": ("1: the part works.", ("part",)),
    "drift_alerts": ("Figures that the last look for drift found changed.", ()),
    "price_hour": ("Price of an hour of the model's machine, as the settings say.", ()),
    "build_info": ("The program.", ("version", "python")),
    "model_info": ("What answers now.", ("model", "adapter", "embedding_model", "policy")),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One value that is read when it is asked for; `name` is one of `_FAMILIES`."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Telemetry:
    """Counts.

    Args:
        categories: of the policy; a held answer of any other counts as `other`.
        price: of 1,000 tokens.
        read: gives what is not counted but stands in the stores.
    """

    def __init__(
        self,
        categories: Collection[str] = (),
        price: float = 0.0,
        read: Callable[[], Iterable[Reading]] = lambda: (),
    ) -> None:
        self._categories = frozenset(categories) | {"unchecked"}
        self._price = price
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._registry.register(_Readings(read))

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"countersign_{name}", what, labels, registry=self._registry)

        def seconds(name: str, what: str, *labels: str) -> Histogram:
            return Histogram(
                f"countersign_{name}", what, labels, registry=self._registry, buckets=_SECONDS
            )

        self._answers = counter("answers", "Turns that have ended.", "status", "cache", "mode")
        self._refused = counter("refusals", "Refusals: by policy, or not in the documents.", "why")
        self._held = counter("held", "Answers that wait for a reviewer.", "category")
        self._failures = counter("failures", "Turns that ended without an answer.", "error")
        self._away = counter("turned_away", "Askers told to come back later.", "why")
        self._tokens = counter("tokens", "Tokens of the language model.", "kind")
        self._cost = counter("cost", "What these tokens cost, in the settings' currency.")
        self._responses = counter("http_responses", "Web requests answered.", "door", "status")
        self._turn = seconds("answer_seconds", "From the question to the end of its turn.", "cache")
        self._first = seconds("first_sentence_seconds", "From the question to a first sentence.")
        self._step = seconds("step_seconds", "Time in one step of a question's way.", "step")

    def kept(self, record: AnswerRecord, _person: Person) -> None:
        """A turn has ended and is kept."""
        cache = _one_of(_CACHES, record.cache)
        self._answers.labels(record.status.value, cache, _one_of(_MODES, record.mode)).inc()
        if record.status is Status.REFUSED:
            self._refused.labels(why_refused(record)).inc()
        if record.status is Status.HELD:
            category = record.screening.category if record.screening else ""
            self._held.labels(_one_of(self._categories, category or "unchecked")).inc()
        for kind in ("read", "written"):
            self._tokens.labels(kind).inc(record.tokens.get(kind, 0))
        self._cost.inc(sum(record.tokens.values()) / 1000 * self._price)
        for step, seconds in step_seconds(record.timings):
            self._step.labels(step).observe(seconds)
        if (first := record.timings.get("first_sentence")) is not None:
            self._first.observe(first / 1000)
        self._turn.labels(cache).observe(record.timings.get("total", 0.0) / 1000)
        log.info(
            "a turn has ended",
            record=record.id,
            status=record.status.value,
            cache=cache,
            mode=record.mode,
            milliseconds=record.timings.get("total"),
            **{f"tokens_{kind}": n for kind, n in record.tokens.items()},
        )

    def failed(self, error: Exception) -> None:
        """A turn has ended without an answer."""
        ours = isinstance(error, CountersignError)
        self._failures.labels(type(error).__name__ if ours else "unexpected").inc()
        log.info("a turn has failed", **where(error))

    def turned_away(self, error: Busy) -> None:
        """Somebody was told to come back later."""
        self._away.labels("limit" if isinstance(error, TooMany) else "busy").inc()

    def responded(self, door: str, status: int) -> None:
        """A web request was answered; `door` is one of a few words."""
        self._responses.labels(door, f"{status // 100}xx").inc()

    def page(self) -> bytes:
        """All of it, in Prometheus's text form."""
        return generate_latest(self._registry)


def step_seconds(timings: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """How long each step took, from the milliseconds at which the steps had ended."""
    before = 0.0
    laps = ((s, ended) for s, ended in timings.items() if s not in _BESIDE)
    for step, ended in sorted(laps, key=lambda lap: lap[1]):
        yield "keep" if step == "total" else step, max(0.0, ended - before) / 1000
        before = ended


def why_refused(record: AnswerRecord) -> str:
    """`documents` where they do not hold the answer, `policy` where it may not be given."""
    return "documents" if says_not_found(record) else "policy"


class _Readings(Collector):
    """The stores' values as metrics; a store that is down must not take the counters with it."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for name, (what, labels) in _FAMILIES.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            families[name] = kind(f"countersign_{name}", what, labels=labels)
        failed = 0
        try:
            for one in self._read():
                labels = _FAMILIES[one.name][1]
                families[one.name].add_metric([one.labels[label] for label in labels], one.value)
        except Exception as error:
            log.error("figures could not be read from the stores", **where(error))
            failed = 1
        yield from families.values()
        yield GaugeMetricFamily(
            "countersign_scrape_failed", "1: a store could not be read.", value=failed
        )


def _one_of(known: Collection[str], word: str) -> str:
    return word if word in known else OTHER
