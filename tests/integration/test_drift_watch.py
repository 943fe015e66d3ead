"""Drift end to end: stores that hold it, the command that finds it, the server that watches."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import insert
from typer.testing import CliRunner

from chatbot.adapters import drift
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.drift import Look, keep, kept, look
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.known_questions import FILE, KnownQuestions, packed, vectors_of
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.revisions import Current, Revisions
from chatbot.adapters.schema import answers, conversations, feedback
from chatbot.adapters.schema_review import review_items
from chatbot.bootstrap import bootstrap
from chatbot.domain import AnswerRecord, Status
from chatbot.settings import load_settings
from chatbot.steps.drift import Figure
from chatbot.watch import Watch
from finetune.commands import watching
from finetune.rows import Row, Source, Split, write_rows
from finetune.vectors import known_questions
from tests.strategies import draft, record

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUBJECTS = ("dental cover", "sick leave", "travel refund", "parking permit", "pension plan")
MODEL = HashedEmbeddings()
_NUMBERS = {"version", "fence", "open", "urgency", "draft_wanted"}
HOW = ("What is paid for {}?", "Who decides on {}?", "How do I apply for {}?", "Where is {} found?")


@pytest.fixture
def queue(home: Path) -> Iterator[ReviewQueue]:
    home.mkdir()
    engine = open_database(f"sqlite:///{home / 'catalogue.db'}")
    yield ReviewQueue(engine, AuditLog(engine, home / "anchor"))
    engine.dispose()


def said(number: int, days: float, question: str, **changed: Any) -> AnswerRecord:
    drafts = () if changed.get("status") is Status.REFUSED else [draft()]
    at = NOW - timedelta(days=days)
    changed = {"id": f"{number:032}", "asked_at": at, **changed}
    return record(drafts, question=question, standalone=question, **changed)


def fill(queue: ReviewQueue, late_subject: str = "", **late: Any) -> ConversationStore:
    """140 answers over four weeks, then 70 over a week, each for another person."""
    talks, rows = [], []
    for n in range(210):
        latest = n >= 140
        days = 0.05 + 0.09 * (n - 140) if latest else 7.5 + 0.19 * n
        subject = (latest and n % 5 and late_subject) or SUBJECTS[n % 5]
        one = said(n, days, HOW[n % 4].format(subject), **(late if latest and n % 4 else {}))
        talks.append({"id": f"t{n}", "owner": f"person {n}", "title": "", "updated_at": NOW})
        rows.append({"id": one.id, "conversation_id": f"t{n}", "ordinal": 1, "current": 1,
                     "asked_at": one.asked_at, "status": one.status.value, "milliseconds": 0.0,
                     "record": one.to_json()})  # fmt: skip
    with transaction(queue.engine) as connection:
        connection.execute(insert(conversations), talks)
        connection.execute(insert(answers), rows)
    return ConversationStore(queue.engine)


def ask_twice(
    store: ConversationStore, person: str, first: str, second: str, keep: int = 0
) -> None:
    """Somebody's answer is taken back (`keep`: it stays), and the second question asked."""
    talk = store.create(person).id
    store.append(talk, person, said(0, 3, first, id=f"{person} 1"))
    store.truncate(talk, person, keep)
    store.append(talk, person, said(0, 2, second, id=f"{person} 2"))


def found(queue: ReviewQueue) -> Look:
    return look(queue, MODEL, None, NOW)


def states(one: Look) -> dict[str, str]:
    return {f.name: f.state for f in one.figures}


def test_a_quiet_month_has_no_alert(queue: ReviewQueue) -> None:
    fill(queue)
    one = found(queue)
    assert one.state == "steady"
    assert states(one)["questions far from the training set"] == "not known"
    assert states(one)["drafts edited or rejected"] == "too few"
    assert {f.counts for f in one.figures if f.name == "asked again"} == {(140, 70)}


def test_of_many_questions_some_stand_for_all(
    queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "_MOST_QUESTIONS", 60)
    fill(queue)
    counts = {f.name: f.counts for f in found(queue).figures}
    assert counts["questions"] == (60, 60)
    assert counts["quotes instead of an answer"] == (140, 70)


def test_another_subject_and_refusals_are_found(queue: ReviewQueue) -> None:
    fill(queue, "bicycle racks", status=Status.REFUSED)
    one = found(queue)
    assert {f.name for f in one.alerts} >= {"questions", "refused: not in the documents"}
    assert {"bicycle", "racks"} <= set(one.topics[0].words)
    assert "refused: not in the documents went from 0.00 to 0.7" in one.words


def test_thumbs_and_asking_again_are_of_the_window_of_their_answer(queue: ReviewQueue) -> None:
    store = fill(queue)
    with transaction(queue.engine) as connection:
        connection.execute(insert(feedback), [
            {"answer_id": f"{n:032}", "owner": f"person {n}", "value": -1, "reason": "",
             "comment": "", "given_at": NOW} for n in range(140, 190)
        ])  # fmt: skip
    ask_twice(store, "ann", "What is paid?", "What is paid?")
    ask_twice(store, "bert", "What is paid?", "Who pays?")
    ask_twice(store, "cleo", "What is paid?", "What is paid?", keep=1)
    figures = {f.name: f for f in found(queue).figures}
    assert figures["thumbs down"].state == "alert"
    assert figures["thumbs down"].values == pytest.approx((0.0, 50 / 76))
    assert figures["asked again"].values == pytest.approx((0.0, 1 / 76))


def decided(number: int, days: float, outcome: str) -> dict[str, Any]:
    values: dict[str, Any] = {c.name: 0 if c.name in _NUMBERS else "" for c in review_items.c}
    at = NOW - timedelta(days=days)
    return values | {
        "id": f"{number}", "kind": "answer", "outcome": outcome, "lease_until": None,
        "due_at": at, "created_at": at, "decided_at": at, "deliver_after": None,
        "delivered_at": None,
    }  # fmt: skip


def test_decisions_of_the_desk_are_of_the_window_that_they_were_made_in(queue: ReviewQueue) -> None:
    early = [decided(n, 20, "approve") for n in range(100)] + [decided(999, 60, "edit")]
    late = [decided(100 + n, 3, ("reject", "edit", "approve")[n % 3]) for n in range(60)]
    with transaction(queue.engine) as connection:
        connection.execute(insert(review_items), early + late)
    figure = next(f for f in found(queue).figures if f.name == "drafts edited or rejected")
    assert figure.counts == (100, 60)
    assert figure.values == pytest.approx((0.0, 2 / 3))
    assert figure.state == "alert"
    assert "rollback" in figure.advice


def test_what_is_kept_of_a_look_has_nobodys_words(queue: ReviewQueue, home: Path) -> None:
    fill(queue, "bicycle racks", status=Status.REFUSED)
    one = found(queue)
    keep(home, one)
    with (home / drift.FILE).open("a") as file:
        file.write('{"at": "2026-11-2')  # what a full disk leaves
    assert kept(home) == [replace(one, topics=())]
    assert "bicycle" not in (home / drift.FILE).read_text()


# --- the dataset's questions ----------------------------------------------------------------------


def row(number: int, question: str, split: Split) -> Row:
    source = Source("Part", f"Rule {number}.", f"Book {split}")
    return Row(question, (source,), "", 0, "own", "CC0-1.0", split)


def dataset(folder: Path, more: int = 0) -> Path:
    rows = [row(n, HOW[n % 4].format(f"{SUBJECTS[n % 5]} {n}"), Split.TRAIN if n % 4 else Split.DEV)
            for n in range(200 + more)]  # fmt: skip
    write_rows(folder, rows, {})
    return folder


def known(data: Path, name: str = MODEL.name) -> KnownQuestions:
    found = known_questions(data, MODEL, name)
    assert found is not None
    return found


def test_known_questions_are_made_once_for_a_dataset(tmp_path: Path) -> None:
    data = dataset(tmp_path / "data")
    first = known(data)
    made = (data / FILE).stat().st_mtime_ns
    assert len(first.vectors) == 150
    assert 0 < first.far < 1
    assert known(data).source == first.source
    assert (data / FILE).stat().st_mtime_ns == made
    dataset(data, more=40)
    assert len(known(data).vectors) == 180
    assert known(data, "another").model == "another"
    write_rows(tmp_path / "bare", [row(1, "Who?", Split.TEST)], {})
    assert known_questions(tmp_path / "bare", MODEL, MODEL.name) is None


def test_questions_far_from_the_training_set_are_found(queue: ReviewQueue, tmp_path: Path) -> None:
    fill(queue, "bicycle racks")
    one = look(queue, MODEL, known(dataset(tmp_path / "data")), NOW)
    figure = next(f for f in one.figures if f.name == "questions far from the training set")
    assert figure.state == "alert"
    assert figure.values is not None
    assert figure.values[1] > 0.5


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(watching, "open_encoder", HashedEmbeddings)
    monkeypatch.setattr(watching, "utc_now", lambda: NOW)
    from finetune.cli import app

    return lambda *args: CliRunner().invoke(app, ["drift", *args])


def test_the_command_tells_what_to_do(queue: ReviewQueue, cli: Any) -> None:
    few = cli("--json")
    assert few.exit_code == 0
    assert json.loads(few.stdout)["state"] == "too few"
    fill(queue, "bicycle racks", status=Status.REFUSED)
    done = cli("--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["state"] == "alert"
    assert told["days"] == {"reference": 28, "latest": 7}
    assert any("Index documents" in advice for advice in told["advice"])
    assert "bicycle" in told["topics"][0]["words"]
    words = cli().stdout
    assert "bicycle" in words
    assert "Index documents" in words
    assert "person" not in words


# --- the watch ------------------------------------------------------------------------------------


def looked(*alerts: str, at: datetime = NOW) -> Look:
    return Look(at, (28, 7), tuple(Figure(a, "alert", (99, 99), (0.1, 0.9), 2.0, 0.2, 0.0, "Do.")
                                   for a in alerts))  # fmt: skip


def test_the_watch_looks_when_it_is_time_and_logs_each_alert_once(home: Path) -> None:
    home.mkdir()
    clock, results = [NOW], [looked("a"), looked("a", "b"), looked(), looked("a")]
    watch = Watch(lambda: replace(results.pop(0), at=clock[0]), home, timedelta(days=1),
                  lambda: clock[0])  # fmt: skip
    told = []
    with structlog.testing.capture_logs() as logs:
        for hours in (0, 1, 23, 24, 24):
            clock[0] += timedelta(hours=hours)
            watch.turn()
            told.append(sorted(entry["figure"] for entry in logs))
    assert told == [["a"], ["a"], ["a", "b"], ["a", "b"], ["a", "a", "b"]]
    assert [len(one.alerts) for one in kept(home)] == [1, 2, 0, 1]


def test_a_watch_that_is_turned_off_never_looks(home: Path) -> None:
    watch = Watch(lambda: pytest.fail("looked"), home, timedelta(0))
    watch.start()
    watch.close()


def test_a_watch_that_fails_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    monkeypatch.setattr("chatbot.watch._PAUSE", 0.01)
    results = [looked("a")]

    def now_and_then() -> Look:
        if len(fails) < 2:
            fails.append(1)
            raise OSError("no disk")
        return results[0]

    fails: list[int] = []
    watch = Watch(now_and_then, home, timedelta(days=1), lambda: NOW)
    watch.start()
    for _ in range(200):
        if kept(home):
            break
        time.sleep(0.02)
    watch.close()
    assert [len(one.alerts) for one in kept(home)] == [1]
    assert len(fails) == 2


def test_the_application_looks_with_what_serves(home: Path) -> None:
    settings = load_settings(generation_url="http://127.0.0.1:9")
    with bootstrap(settings) as wired:
        retriever = wired.retriever
        vectors = vectors_of(["What is paid?"], retriever.embeddings)
        content = packed(KnownQuestions(retriever.model, "s", vectors, 0.5))
        revisions = Revisions(settings.adapters_folder)
        name = revisions.add(home / "secret.key", {}, {FILE: content})
        wired._watch.turn()
        revisions.point(Current(name))
        keep(home, replace(wired._look(), at=NOW - timedelta(days=2)))
    first, second = (states(one)["questions far from the training set"] for one in kept(home))
    assert (first, second) == ("not known", "too few")
