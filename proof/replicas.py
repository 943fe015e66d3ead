"""Two processes over PostgreSQL, Redis and a Chroma server; one is killed every ten seconds while
people ask and reviewers decide: no answer and no review is lost, none is there twice."""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import Engine, func, select

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.outbox_rows import CHAT
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.queue_rows import loaded
from chatbot.adapters.schema import answers
from chatbot.adapters.schema_review import outbox, review_bodies, review_items
from chatbot.domain import AnswerRecord, Status
from chatbot.errors import NotAllowed
from chatbot.steps import review
from chatbot.steps.review_item import REACHED, Reviewer, ReviewItem
from proof.browser import Browser, conversation_in, record_in
from proof.chroma import free_port
from proof.crash import faults
from proof.larger import larger
from proof.questions import held_questions
from proof.report import Report
from proof.stub_model import stub_model

ROOT = Path(__file__).resolve().parents[1]
ASKERS, REVIEWERS = 6, 2
EVERY = 10.0
_LEASE = timedelta(seconds=30)
_DELIVERED_WITHIN = 90.0
_ROLES = frozenset({"reviewer", "lead", "clinician", "lawyer", "hr", "privacy"})
_TREES = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine")


class Process:
    """One replica: `app.py` with a home of its own, started again whenever it was killed."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._env = {**os.environ, **settings, "COUNTERSIGN_HOME": str(home),
                     "COUNTERSIGN_PORT": self.url.rpartition(":")[2]}  # fmt: skip
        self._log = (home / "log").open("w")
        self.start()

    def start(self) -> None:
        """Starts it."""
        command, log = [sys.executable, "app.py"], self._log
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def ready(self) -> bool:
        """Whether it answers, with its search index open."""
        try:
            parts = httpx.get(f"{self.url}/healthz", timeout=5.0, trust_env=False).json()["parts"]
        except (httpx.HTTPError, ValueError):
            return False
        return all(part["state"] == "ready" for part in parts)


@dataclass
class Told:
    """What those outside were told was done."""

    answered: dict[str, str] = field(default_factory=dict)
    decided: list[tuple[str, int, str]] = field(default_factory=list)
    torn: int = 0
    errors: list[str] = field(default_factory=list)


class Asker:
    """Asks one question after the other of whichever process answers; as a page that is opened
    again does, it looks whether a question whose answer was cut off has arrived."""

    def __init__(self, number: int, urls: Sequence[str], questions: Sequence[str]) -> None:
        self._chance = random.Random(number)
        self._urls = urls
        self._questions = questions
        self._number = number
        self._browser: Browser | None = None
        self._cookies: httpx.Cookies | None = None
        self._talk = ""

    def work(self, told: Told, over: Callable[[], bool]) -> None:
        """Until it is over."""
        turn = 0
        while not over():
            turn += 1
            if turn % 5 == 0:
                self._talk = ""
            case = f"(case {self._number}-{turn})"
            question, record = f"{self._chance.choice(self._questions)} {case}", ""
            while not record and not over():
                record = self._tried(question, case, told)
            if record:
                told.answered[question] = record

    def _tried(self, question: str, case: str, told: Told) -> str:
        """Id of the record, once the page has it; empty: the connection was cut."""
        try:
            browser = self._browser = self._browser or self._opened()
            there = browser.event("open", conversation=self._talk)
            if case not in there:
                there = browser.event("ask", conversation=self._talk, text=question, run="r")
            if case in there and (record := record_in(there)):
                self._talk = conversation_in(there)
                return record
        except httpx.HTTPError:
            pass
        told.torn += 1
        self._browser = None
        time.sleep(0.2)
        return ""

    def _opened(self) -> Browser:
        browser = Browser(self._chance.choice(self._urls), self._cookies)
        self._cookies = browser.cookies
        return browser


def decide(number: int, url: str, home: Path, told: Told, over: Callable[[], bool]) -> None:
    """A reviewer, until it is over and nothing waits any more."""
    engine = open_database(url)
    queue = ReviewQueue(engine, AuditLog(engine, home / f"reviewer-{number}.anchor"))
    me = Reviewer(f"reviewer-{number}", _ROLES)
    while True:
        one = queue.claim_next(me, _LEASE)
        if one is None:
            if over():
                break
            time.sleep(0.2)
            continue
        with suppress(NotAllowed):
            done = queue.apply(one.id, me.id, "edit", _edit(me, one.fence))
            told.decided.append((done.id, done.version, done.state.value))
    engine.dispose()


def _edit(me: Reviewer, fence: int) -> Callable[[ReviewItem, datetime], ReviewItem]:
    return lambda item, now: review.edit(item, me, fence, "Ask us.", now)


def main() -> int:
    """Kills, then counts."""
    parser = argparse.ArgumentParser(prog="python -m proof.replicas", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    asked = parser.parse_args()
    with larger() as settings, stub_model() as model, tempfile.TemporaryDirectory() as folder:
        settings |= {"GENERATION_URL": model, "COUNTERSIGN_RELEVANCE": "0"}
        models = os.environ.get("COUNTERSIGN_MODELS", str(ROOT / "var" / "models"))
        settings["COUNTERSIGN_MODELS"] = models
        home, url = Path(folder), settings["COUNTERSIGN_DATABASE"]
        _index(home, settings)
        with _running(home, settings) as processes:
            told, kills = _load(home, url, processes, asked.seconds)
            return _count(home, url, told, kills)


def _index(home: Path, settings: dict[str, str]) -> None:
    documents = home / "documents"
    documents.mkdir()
    for number, tree in enumerate(_TREES):
        text = f"# {tree}\n\nThe waiting period of {tree} is {number + 3} days.\n"
        (documents / f"{tree}.md").write_text(text)
    command = [sys.executable, "-m", "ingest.cli", "sync", str(documents)]
    env = {**os.environ, **settings, "COUNTERSIGN_HOME": str(home / "ingest")}
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _running(home: Path, settings: dict[str, str]) -> Iterator[list[Process]]:
    secret, processes = secrets.token_bytes(32), []
    try:
        for number in range(2):
            own = home / f"home{number}"
            own.mkdir()
            (own / "secret.key").write_bytes(secret)
            processes.append(Process(own, settings))
        until = time.monotonic() + 120
        while not all(p.ready() for p in processes):
            if time.monotonic() > until:
                raise RuntimeError("the processes do not become ready: " + _logs(home))
            time.sleep(0.5)
        yield processes
    finally:
        for process in processes:
            process.kill()


def _logs(home: Path) -> str:
    return "".join(log.read_text()[-2000:] for log in home.glob("home*/log"))


def _load(home: Path, url: str, processes: list[Process], seconds: float) -> tuple[Told, int]:
    told, kills, asked = Told(), 0, threading.Event()
    end = time.monotonic() + seconds
    over = lambda: time.monotonic() > end  # noqa: E731
    questions = [f"What is the waiting period of {tree}?" for tree in _TREES] + held_questions(10)
    urls = [process.url for process in processes]
    askers = [_thread(told, Asker(n, urls, questions).work, told, over) for n in range(ASKERS)]
    reviewers = [_thread(told, decide, n, url, home, told, asked.is_set) for n in range(REVIEWERS)]
    while end - time.monotonic() > EVERY:
        time.sleep(EVERY)
        processes[kills % 2].kill()
        processes[kills % 2].start()
        kills += 1
    for thread in askers:
        thread.join()
    asked.set()
    for thread in reviewers:
        thread.join()
    return told, kills


def _thread(told: Told, work: Callable[..., None], *given: object) -> threading.Thread:
    def tried() -> None:
        try:
            work(*given)
        except Exception as error:  # a proof tells everything that went wrong
            told.errors.append(repr(error))

    thread = threading.Thread(target=tried, daemon=True)
    thread.start()
    return thread


def _count(home: Path, url: str, told: Told, kills: int) -> int:
    engine = open_database(url)
    until = time.monotonic() + _DELIVERED_WITHIN
    while _undelivered(engine) and time.monotonic() < until:
        time.sleep(1.0)
    with transaction(engine) as connection:
        records = [AnswerRecord.from_json(r) for r in connection.scalars(select(answers.c.record))]
    states = dict(Counter(record.status.value for record in records))
    print(
        f"{kills} kills, {told.torn} attempts cut off or refused; {len(told.answered)} questions "
        f"answered ({states}), {len(told.decided)} reviews decided"
    )
    lost = _answers(records, told)
    reviews = _reviews(engine, AuditLog(engine, home / "home0" / "audit.anchor"), records, told)
    engine.dispose()
    least = max(1, len(told.answered))
    return lost.end(least) | reviews.end(max(1, len(told.decided))) | (0 if kills else 1)


def _undelivered(engine: Engine) -> int:
    late = (review_items.c.kind == "answer") & review_items.c.state.not_in(REACHED)
    with transaction(engine) as connection:
        return int(connection.scalar(select(func.count()).where(late)) or 0)


def _answers(records: Sequence[AnswerRecord], told: Told) -> Report:
    report = Report("answers lost, or there twice")
    there, by_id = Counter(r.question for r in records), {r.id: r for r in records}
    for question, record in told.answered.items():
        known = record in by_id and by_id[record].question == question
        report.count("" if known else f"{question}: lost")
    report.wrong += [f"{question}: {n} times" for question, n in there.items() if n > 1]
    report.wrong += told.errors
    return report


def _reviews(
    engine: Engine, audit: AuditLog, records: Sequence[AnswerRecord], told: Told
) -> Report:
    report = Report("reviews lost, doubled, undelivered, or of no answer")
    with transaction(engine) as connection:
        rows = {r.id: r for r in connection.execute(select(review_items))}
        items = [loaded(body) for body in connection.scalars(select(review_bodies.c.body))]
        notes = connection.scalars(select(outbox.c.item_id).where(outbox.c.channel == CHAT))
        sent = Counter(notes)
    asked, kept = Counter(item.question for item in items), {r.id for r in records}
    deeds: set[tuple[str, int, str]] = set()
    for one in items:
        story = [e for e in audit.of(one.record) if e.body.get("item") == one.id]
        deeds |= {(one.id, e.body["version"], e.body["state"]) for e in story}
        wrong = [*faults(rows[one.id], one, story, sent[one.id])]
        wrong += ["asked twice"] if asked[one.question] > 1 else []
        wrong += ["no answer of that record"] if one.record not in kept else []
        wrong += ["undelivered"] if one.kind == "answer" and one.state not in REACHED else []
        report.count(f"{one.id}: {'; '.join(wrong)}" if wrong else "")
    for deed in told.decided:
        report.count("" if deed in deeds else f"{deed}: the decision was lost")
    on_desk = {item.record for item in items}
    held = [r.id for r in records if r.status is Status.HELD and r.id not in on_desk]
    report.wrong += [f"{record}: held, and on no desk" for record in held]
    report.wrong += audit.verify()
    return report


if __name__ == "__main__":
    sys.exit(main())
