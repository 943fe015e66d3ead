"""Figures of live use, from the stores of an installation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.queue_figures import Rates, Statistics, Waits
from chatbot.commands.stores import open_stores
from chatbot.domain import AnswerRecord, Status
from chatbot.settings import load_settings
from finetune.cli import app
from finetune.evaluate import Run, write_run
from finetune.live import live_figures
from finetune.rows import Row, Source, Split, fingerprint, write_rows
from finetune.scores import Answered
from tests.strategies import draft, record

NOW = datetime.now(UTC)
ROW = Row("Who?", (Source("Book", "Anna did.", "Book"),), "Anna", 1, "own", "CC0-1.0", Split.TEST)
TUNED = "m, adapter new (0123456789ab)"


def given(number: int, question: str, **changed: object) -> AnswerRecord:
    values: dict[str, object] = {
        "id": f"{number:032}", "question": question, "asked_at": NOW - timedelta(hours=1),
        "model": "m", "adapter": None, "timings": {"total": 2000.0},
    }  # fmt: skip
    refused = changed.get("status") is Status.REFUSED
    return record([] if refused else [draft()], **(values | changed))


@pytest.fixture
def asked(home: Path) -> Path:
    """Three answers of the base, one of them asked again, and two of an adapter."""
    home.mkdir()
    with open_stores(load_settings()) as (queue, _):
        store = ConversationStore(queue.engine)
        talk = store.create("me").id
        store.append(talk, "me", given(1, "How long?"))
        store.append(talk, "me", given(2, "How much?"))
        store.rate(f"{2:032}", "me", -1)
        store.truncate(talk, "me", 1)  # the second is taken back ...
        store.append(talk, "me", given(3, "How much?"))  # ... for another try
        store.rate(f"{3:032}", "me", 1)
        other = store.create("you").id
        tuned = {"adapter": "new (0123456789ab)"}
        store.append(other, "you", given(4, "Who?", **tuned))
        store.truncate(other, "you", 0)  # another question in its place is no second try
        store.append(other, "you", given(5, "Who else?", status=Status.REFUSED, **tuned))
        old = {"asked_at": NOW - timedelta(days=40)}
        store.append(other, "you", given(6, "When?", model="older", **old))
        twice = store.create("they").id  # asking the same later on is no second try either
        store.append(twice, "they", given(7, "Where?", model="third"))
        store.append(twice, "they", given(8, "Where?", model="third"))
    return home


def test_figures_are_by_model_and_adapter_and_of_the_days_that_were_named(
    asked: Path, tmp_path: Path
) -> None:
    write_rows(tmp_path, [ROW], {})
    run = Run("m", fingerprint([ROW]), "p", (Answered(ROW, "Anna [1]."),))
    write_run(run, tmp_path / "run.json")
    out = tmp_path / "pages" / "page.html"
    told = ["report", str(tmp_path), str(tmp_path / "run.json"), "--out", str(out), "--live"]
    done = CliRunner().invoke(app, [*told, "--days", "30", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["live"]["answers"]
    assert found.keys() == {"m", TUNED, "third"}
    assert found["third"]["regenerated"]["value"] == 0
    base, tuned = found["m"], found[TUNED]
    assert (base["n"], base["liked"]["n"], base["liked"]["value"]) == (3, 2, 0.5)
    assert base["regenerated"] == {**base["regenerated"], "n": 3, "value": 0.3333}
    assert (tuned["regenerated"]["value"], tuned["refused"]["value"]) == (0, 0.5)
    assert base["seconds"]["value"] == 2
    assert TUNED in out.read_text()
    longer = CliRunner().invoke(app, [*told, "--days", "60", "--json"])
    assert "older" in json.loads(longer.stdout)["live"]["answers"]


def test_decisions_of_all_categories_are_put_together_by_who_wrote_the_draft() -> None:
    desk = Statistics(
        {},
        (Rates("legal", "m", 6, 2, 0), Rates("medical", "m", 2, 0, 2), Rates("legal", "", 1, 0, 0),
         Rates("legal", "never decided", 0, 0, 0)),
        (Waits("legal", 9, timedelta(minutes=3), timedelta(hours=2)),),
        0, 0, 0,
    )  # fmt: skip
    found = live_figures(30, [], desk)
    assert found.desk.keys() == {"m", "not known"}
    assert found.desk["m"]["n"] == 12
    assert [found.desk["m"][k]["value"] for k in ("approved", "edited", "rejected")] == [
        0.6667, 0.1667, 0.1667
    ]  # fmt: skip
    assert found.desk["m"]["edited"]["low"] < 0.1667 < found.desk["m"]["edited"]["high"]
    assert found.waits["legal"] == {"n": 9, "half": 180, "most": 7200}
