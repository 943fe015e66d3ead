"""The commands around a dataset, as people run them: desk, other tools, teacher, questions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chatbot.adapters.conversations import ConversationStore
from chatbot.commands.stores import open_stores
from chatbot.domain import Citation, Draft
from chatbot.settings import load_settings
from chatbot.steps import review
from chatbot.steps.review_item import Reviewer, State
from finetune.cli import app
from finetune.rows import REFUSAL, Row, Source, Split, read_rows, write_rows
from finetune.split import split_of
from ingest.cli import app as ingest
from tests.strategies import passage, record
from tests.unit.test_finetune_desk_rows import item

ANNA, LEASE = Reviewer("anna", frozenset({"reviewer"})), timedelta(minutes=5)
FEES = Source("Fees", "Alder Plus pays 80% of fillings. It pays half of crowns.", "Fees", "a" * 64)


def finetune(*arguments: object, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout)


class Teacher(BaseHTTPRequestHandler):
    """A model server that knows what fillings cost, and writes questions about passages."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        asked = body["messages"][-1]["content"]
        server.asked.append(asked)
        said = next((a for words, a in server.says.items() if words in asked), REFUSAL)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for text, finish in ((said, None), ("", "stop")):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
            event = {"id": "1", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def teacher() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Teacher)
    server.asked, server.says = [], {}
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def rows(count: int = 3) -> list[Row]:
    asked = (f"How much does Plus pay for fillings, {n}?" for n in range(count))
    return [Row(q, (FEES,), "80%", 1, "squad", "CC0", Split.TRAIN) for q in asked]


def test_what_was_judged_bad_comes_into_a_dataset_and_waits(tmp_path: Path, home: Path) -> None:
    about = next(f"Fees {n}" for n in range(99) if split_of(f"Fees {n}") is Split.TRAIN)
    line = {"question": "What does Plus pay?", "answer": "80%", "origin": "own", "licence": "own",
            "passage": {"where": "Fees", "text": FEES.text, "document": about}}  # fmt: skip
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps(line))
    crowns = passage(FEES.text, "Fees")
    bad = record([Draft("It pays 20% [1].", (Citation(1, crowns, crowns.text),))])
    with open_stores(load_settings()) as (queue, _):
        store = ConversationStore(queue.engine)
        talk = store.create("me")
        store.append(talk.id, "me", bad)
        store.rate(bad.id, "me", -1, "wrong", "It is 80%.")
        held = queue.submit(item("It pays 80% of fillings [2].", State.PENDING, signatures=()))
        mine = queue.apply(
            held.id, "anna", "claim", lambda i, now: review.claim(i, ANNA, now, LEASE)
        )
        queue.apply(
            held.id, "anna", "reject",
            lambda i, now: review.reject(i, ANNA, mine.fence, "not-in-documents", "", now),
        )  # fmt: skip
    made = finetune("dataset", file, "--desk", "--out", tmp_path / "out")
    assert made["waiting"] == 1
    found = {r.origin: r for r in read_rows(tmp_path / "out", waiting=True)}
    assert found["feedback"].waits
    assert found["feedback"].notes["said"] == "It is 80%."
    assert (found["desk"].target, found["desk"].waits) == (REFUSAL, False)


def test_rows_go_out_and_come_back_through_the_commands(tmp_path: Path) -> None:
    frozen = replace(rows()[0], split=Split.TEST, sources=(replace(FEES, document="T", text="x"),))
    write_rows(tmp_path / "data", [*rows(), replace(frozen, question="Who?")], {"seed": 7})
    file = tmp_path / "out" / "rows.jsonl"
    assert finetune("share", tmp_path / "data", "--as", "chat", "--out", file)["rows"] == 4
    assert finetune("import", file, "--into", tmp_path / "copy")["added"] == 4
    assert read_rows(tmp_path / "copy") == read_rows(tmp_path / "data")
    lines = file.read_text().splitlines()
    lines[0], lines[1] = lines[0].replace('"80% [1]."', '"Half of crowns [1]."'), "{"
    lines[3] = lines[3].replace('"80% [1]."', '"Nobody [1]."')
    file.write_text("\n".join(lines))
    back = finetune("import", file, "--into", tmp_path / "data", "--by", "anna", code=3)
    assert (back["added"], back["changed"]) == (0, 1)
    assert [f["line"] for f in back["failed"]] == [2, 4]
    now = read_rows(tmp_path / "data")
    assert now[0].target == "Half of crowns [1]."
    assert now[0].notes["relabelled_by"] == "anna"
    assert now[3].target == "80% [1]."
    assert json.loads((tmp_path / "data" / "about.json").read_text())["seed"] == 7
    finetune("share", tmp_path / "data", "--as", "csv", "--out", file, code=2)


def test_a_teacher_answers_and_is_not_asked_twice(tmp_path: Path, teacher: Any) -> None:
    measured = replace(rows()[0], question="Measured?", split=Split.DEV)
    write_rows(tmp_path / "data", [*rows(), measured], {"files": ["squad.json"]})
    teacher.says = {"fillings, 0": "Alder Plus pays 80% of fillings [1].",
                    "fillings, 1": "Alder Plus pays 95% of fillings [1]."}  # fmt: skip
    given = ("distill", tmp_path / "data", "--teacher", teacher.url, "--out", tmp_path / "out")
    done = finetune(*given, "--model", "large")
    wanted = {"not supported": 1, "refused, has an answer": 1, "supported": 1}
    assert (done["asked"], done["outcomes"]) == (3, wanted)
    taught, kept = read_rows(tmp_path / "out")
    assert taught.target == "Alder Plus pays 80% of fillings [1]."
    assert taught.notes["teacher"].startswith("large")
    assert kept == measured
    assert len(teacher.asked) == 3
    assert finetune(*given, "--model", "large") == done
    assert len(teacher.asked) == 3
    assert "large" in finetune(*given, "--model", "other", code=2)["error"]
    finetune(*given[:-1], tmp_path / "data", code=2)


def test_a_teacher_that_is_down_is_not_stood_in_for(tmp_path: Path) -> None:
    write_rows(tmp_path / "data", rows(1), {})
    down = finetune("distill", tmp_path / "data", "--teacher", "http://127.0.0.1:9", "--out",
                    tmp_path / "out", code=1)  # fmt: skip
    assert "did not answer" in down["error"]
    assert not (tmp_path / "out" / "rows.jsonl").exists()


def test_questions_about_what_is_indexed(tmp_path: Path, home: Path, teacher: Any) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    said = {
        "Cards": "The new card reaches you by post within 7 working days",
        "Fees": "Members pay 12 euros in spring for the courts in the park",
        "Dogs": "A dog in the office needs the word of all who sit there",
    }
    for name, text in said.items():
        (folder / f"{name}.md").write_text(f"# {name}\n\n{text}, and nothing else is known.\n")
    done = CliRunner().invoke(ingest, ["sync", str(folder), "--collection", "small"])
    assert done.exit_code == 0, done.output
    question = "Q: Within how many days does the new card reach me by post?\nA: "
    teacher.says = {"7 working": f"{question}7 working days", "12 euros": "Q: Why?",
                    "dog": f"{question}all who sit there"}  # fmt: skip
    file = tmp_path / "synthetic.jsonl"
    given = ("synthesise", "--collection", "small", "--teacher", teacher.url, "--out", file)
    wanted = {"kept": 1, "not found again": 1, "not in the form": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERSIGN_PASSAGES", "1")
        assert finetune(*given)["outcomes"] == wanted
    assert len(teacher.asked) == 3
    line = json.loads(file.read_text())
    assert (line["origin"], line["synthetic"]) == ("collection small", True)
    assert line["answer"] in line["passage"]["text"]
    finetune("synthesise", "--collection", "none", "--teacher", teacher.url, "--out", file, code=2)
