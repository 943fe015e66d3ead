"""The commands as people and scripts run them: JSON on standard output, errors with a remedy."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from filelock import FileLock

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.database import open_database
from chatbot.adapters.drift import Look, keep
from chatbot.console import guarded
from chatbot.steps.drift import Figure
from ingest.cli import app as ingest_app
from ingest.loaders import load
from ingest.split import document_text
from tests.conftest import PROGRAMS

ANSWER = (
    "The new card reaches you by post within 7 working days [1]. "
    "It costs EUR 99 and arrives by balloon [1]."
)
QUESTION = "How long does a replacement card take to reach me by post?"


@pytest.fixture(scope="module")
def copy(handbook_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(handbook_home, tmp_path_factory.mktemp("cli") / "home"))


class Model(BaseHTTPRequestHandler):
    """A model server that always gives the same answer, in two pieces."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for text, finish in ((ANSWER[:20], None), (ANSWER[20:], None), ("", "stop")):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
            event = {"id": "1", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def chatbot(home: Path, *arguments: str, check: int = 0, **env: str) -> tuple[Any, str]:
    done = subprocess.run(
        [*PROGRAMS["chatbot"], *arguments],
        env={**os.environ, "COUNTERSIGN_HOME": str(home), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == check, done.stderr
    assert "Traceback" not in done.stderr
    return (json.loads(done.stdout) if "--json" in arguments else done.stdout), done.stderr


def holds(answer: dict[str, Any], home: Path) -> None:
    """Each citation is word for word in its passage, and in the file that it names."""
    engine = open_database(f"sqlite:///{home / 'catalogue.db'}")
    catalogue = Catalogue(engine)
    passages = {p["id"]: p for p in answer["passages"]}
    for citation in answer["citations"]:
        assert f"[{citation['marker']}]" in answer["answer"]
        passage = answer["passages"][citation["marker"] - 1]
        assert passage["document"] == citation["document"]
        assert citation["quote"] in passage["text"]
        loaded = load(Path(citation["document"]), 10**8)
        assert squeezed(citation["quote"]) in squeezed(document_text(loaded))
    assert set(catalogue.passages(list(passages))) == set(passages)
    engine.dispose()


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="module")
def answered(copy: Path, model_url: str) -> dict[str, Any]:
    answer, _ = chatbot(copy, "ask", QUESTION, "--json", GENERATION_URL=model_url)
    assert isinstance(answer, dict)
    return answer


def test_an_answer_has_its_sources(answered: dict[str, Any], copy: Path) -> None:
    assert answered["status"] == "released"
    assert answered["mode"] == "generated"
    assert "7 working days" in answered["answer"]
    assert "balloon" not in json.dumps(answered)
    assert answered["citations"]
    holds(answered, copy)
    assert {
        "status", "answer", "reasons", "citations", "passages", "cache", "model", "adapter",
        "timings", "record", "conversation",
    } <= set(answered)  # fmt: skip
    for citation in answered["citations"]:
        assert {"marker", "document", "title", "locator", "quote"} <= set(citation)


def test_a_conversation_goes_on_and_is_its_owners(
    answered: dict[str, Any], copy: Path, model_url: str
) -> None:
    more, _ = chatbot(
        copy, "ask", "And how much does it cost?", "--conversation", answered["conversation"],
        "--json", GENERATION_URL=model_url,
    )  # fmt: skip
    assert more["conversation"] == answered["conversation"]
    error, _ = chatbot(copy, "ask", QUESTION, "--conversation", "gone", "--json", check=1)
    assert error["error"] == "There is no such conversation."


def test_beside_a_process_that_has_the_index_open(copy: Path, model_url: str) -> None:
    with FileLock(copy / "chroma.lock"):
        words, _ = chatbot(copy, "ask", QUESTION, GENERATION_URL=model_url)
        assert "7 working days" in words
        assert "balloon" not in words
        assert "card" in words.split("[1]")[-1]
        done = subprocess.run(
            [*PROGRAMS["ingest"], "verify", "--json"],
            env={**os.environ, "COUNTERSIGN_HOME": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Another process" in json.loads(done.stdout)["error"]


def test_the_embedded_model_answers_with_sources_or_not_at_all(copy: Path) -> None:
    answer, _ = chatbot(
        copy, "ask", "How long is the activation code for the app valid?", "--json",
        COUNTERSIGN_ANSWER_TOKENS="48", COUNTERSIGN_THREADS="1",
    )  # fmt: skip
    assert answer["status"] == "released"
    assert answer["citations"]
    holds(answer, copy)


def test_a_server_that_is_down_is_answered_for_by_the_embedded_model(copy: Path) -> None:
    url = "http://127.0.0.1:9"
    answer, _ = chatbot(copy, "ask", QUESTION, "--json", GENERATION_URL=url)
    assert answer["status"] in ("released", "refused")
    assert "SmolLM2" in answer["model"]
    holds(answer, copy)


def test_or_by_quotes(copy: Path) -> None:
    url = "http://127.0.0.1:9"
    answer, _ = chatbot(
        copy, "ask", QUESTION, "--json", GENERATION_URL=url, COUNTERSIGN_GENERATION_FALLBACK="none"
    )
    assert (answer["status"], answer["mode"]) == ("released", "quotes")
    assert "not available" in answer["notices"][0]
    holds(answer, copy)


def test_nothing_indexed(home: Path, model_url: str) -> None:
    answer, _ = chatbot(home, "ask", QUESTION, "--json", GENERATION_URL=model_url)
    assert answer["status"] == "unavailable"
    assert "ingest sync" in answer["notices"][0]


def test_search(copy: Path, model_url: str) -> None:
    found, _ = chatbot(
        copy, "search", "waiting period for crowns", "-k", "3", "--json", GENERATION_URL=model_url
    )
    assert len(found["passages"]) == 3
    assert {"document", "title", "locator", "text", "score", "scores"} <= set(found["passages"][0])
    assert "dental-cover.md" in found["passages"][0]["document"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "  ", "--json"], "The question is empty."),
        (["ask", "x" * 9000, "--json"], "The question has 9,000 characters"),
        (["search", "?", "--json"], "The question is empty."),
    ],
)
def test_a_bad_question_is_wrong_usage(
    copy: Path, model_url: str, arguments: list[str], message: str
) -> None:
    error, told = chatbot(copy, *arguments, check=2, GENERATION_URL=model_url)
    assert error["error"].startswith(message)
    assert error["remedy"] in told.replace("\n", " ")


def test_settings_that_do_not_hold_are_wrong_usage(home: Path) -> None:
    error, _ = chatbot(home, "doctor", "--json", check=2, COUNTERSIGN_PORT="http")
    assert "port" in error["error"]
    assert not home.exists()


def test_doctor_says_how_everything_is(copy: Path, model_url: str) -> None:
    alert = Figure("thumbs down", "alert", (99, 99), (0.1, 0.4), 0.7, 0.2, 0.0, "Retrain.")
    keep(copy, Look(datetime(2026, 11, 20, tzinfo=UTC), (28, 7), (alert,)))
    parts, _ = chatbot(copy, "doctor", "--json", GENERATION_URL=model_url)
    assert {p["name"]: p["state"] for p in parts["parts"]} == {
        "database": "ready",
        "vectors": "ready",
        "answer cache": "ready",
        "documents": "ready",
        "search index": "ready",
        "language model": "ready",
        "review desk": "ready",
        "drift": "alert",
    }
    words, _ = chatbot(copy, "doctor", check=1, GENERATION_URL="http://127.0.0.1:9")
    assert "failed" in words
    assert "thumbs down went from 0.10 to 0.40" in words


@pytest.mark.parametrize("command", ["serve", "ask", "search", "doctor"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from chatbot.cli import app

    with pytest.raises(SystemExit):
        app([command, "--help"], prog_name="chatbot")
    assert f"Example: chatbot {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", ["sync", "status", "verify", "repair"])
def test_help_of_ingest_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ingest_app([command, "--help"], prog_name="ingest")
    assert f"Example: ingest {command}" in " ".join(capsys.readouterr().out.split())


def test_a_full_disk_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command(as_json: bool = False) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SystemExit) as caught:
        command(as_json=True)
    assert caught.value.code == 1
    assert "disk is full" in json.loads(capsys.readouterr().out)["error"]


def test_control_c_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        command()
    assert caught.value.code == 130
    assert "run the command again" in capsys.readouterr().err


def test_an_exit_code_passes_through() -> None:
    @guarded
    def command() -> None:
        raise typer.Exit(3)

    with pytest.raises(typer.Exit) as caught:
        command()
    assert caught.value.exit_code == 3


def test_answers_are_scored_as_a_reader_would_see_them(
    copy: Path, model_url: str, tmp_path: Path
) -> None:
    file, out = tmp_path / "asked.jsonl", tmp_path / "answers.jsonl"
    asked = [{"question": QUESTION, "answer": "80%"}, {"question": "Who won in 1966?"}]
    file.write_text("\n".join(map(json.dumps, asked)))
    scores, _ = chatbot(
        copy, "evaluate", "answers", str(file), "--out", str(out), "--json",
        GENERATION_URL=model_url,
    )  # fmt: skip
    assert scores["n"] == 2
    assert scores["released"]["n"] == 2
    assert scores["right_refusals"] == {"n": 1, "value": 1.0, "low": 0.2065, "high": 1.0}
    kept = [json.loads(line) for line in out.read_text().splitlines()]
    assert [k["status"] for k in kept] == ["released", "refused"]
    assert kept[0]["cited"]
    _, said = chatbot(copy, "evaluate", "answers", str(tmp_path / "none.jsonl"), check=2)
    assert "cannot be read" in said
