"""The log's lines: of one form, with their request, and nobody's words."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from chatbot.logs import configure_logs, take_over_logs
from chatbot.web.requests import HEADER, Requests, door_of, name_of

log = structlog.get_logger()
PLANTED = "zebulon@example.org"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, threading.excepthook
    yield
    logging.captureWarnings(False)
    structlog.configure(**before)
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_object_a_line_from_the_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    log.debug("quiet")
    log.info("heard", record="r1", figures=(1, 2.5, None))
    (line,) = lines(capsys)
    assert line.pop("timestamp").startswith("20")
    assert line == {"event": "heard", "level": "info", "record": "r1", "figures": [1, 2.5, None]}


def test_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("text", "warning")
    log.warning("heard", part="x")
    said = capsys.readouterr().err
    assert "heard" in said
    assert "{" not in said


def test_personal_data_is_taken_out_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "debug")
    log.error("asked by " + PLANTED, detail=[PLANTED, {"to": PLANTED}], who=ValueError(PLANTED))
    try:
        int(PLANTED)
    except ValueError:
        log.exception("failed")
    said = capsys.readouterr().err
    assert PLANTED not in said
    assert said.count("an e-mail address") == 4
    assert "ValueError" in said


def test_of_a_library_only_who_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "debug")
    logging.getLogger("uvicorn").propagate = True  # a server of another test may have turned it off
    take_over_logs()
    logging.getLogger("sqlalchemy").warning("parameters: %s", "Zebulon's question")
    try:
        dict[str, str]()["Zebulon's question"]
    except KeyError:
        logging.getLogger("uvicorn.error").exception("Zebulon's question")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("Zebulon's question", RuntimeWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: dict[str, str]()["Zebulon's question"])
    thread.start()
    thread.join()
    found = lines(capsys)
    spoke = ["sqlalchemy", "uvicorn.error", "py.warnings", None]
    assert [line.get("logger") for line in found] == spoke
    assert "Zebulon" not in json.dumps(found)
    assert found[1]["error"] == found[-1]["error"] == "KeyError"
    assert __file__ in found[0]["place"]


async def application(scope: Scope, _receive: Receive, send: Send) -> None:
    log.warning("inside", seen=dict(scope["headers"])[b"x-request-id"].decode()[:4])
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    "claimed",
    ["", "zebulon", PLANTED, "0664-1234567", "4111111111111111", "a" * 65, "x" * 32, "Ä" * 32],
)
def test_a_request_is_named_anew_where_its_name_is_not_of_the_form(claimed: str) -> None:
    assert name_of(claimed) != claimed
    assert name_of(name_of(claimed)) != claimed
    assert len(name_of(claimed)) == 32


def test_the_name_is_in_the_answer_and_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    counted: list[tuple[str, int]] = []
    client = TestClient(Requests(application, lambda *c: counted.append(c)))
    given = "0123456789abcdef" * 2
    assert client.get("/documents/anna?q=b", headers={HEADER: given}).headers[HEADER] == given
    made = client.get("/desk", headers={HEADER: PLANTED}).headers[HEADER]
    assert name_of(made) == made
    found = lines(capsys)
    assert [line["request"] for line in found] == [given, given, made, made]
    assert found[0]["seen"] == "0123"
    assert (found[1]["door"], found[1]["status"]) == ("documents", 204)
    assert counted == [("documents", 204), ("desk", 204)]
    assert "anna" not in json.dumps(found)


def test_a_request_that_breaks_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise KeyError(PLANTED)

    configure_logs("json", "info")
    counted: list[tuple[str, int]] = []
    with pytest.raises(KeyError):
        TestClient(Requests(broken, lambda *c: counted.append(c))).get("/v1/x")
    assert counted == [("api", 500)]
    (line,) = lines(capsys)
    assert line["status"] == 500


@pytest.mark.parametrize("path", ["/anna", "/anna/b", "", "//", "/gradio_api_x"])
def test_doors_are_few(path: str) -> None:
    assert door_of(path) in ("page", "other")
