"""The embedded language model's server: reached on this machine only, with a key made now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chatbot.adapters.llama import LlamaServer, start_llama
from chatbot.adapters.models import LANGUAGE, locate
from chatbot.adapters.prepared import prepared_model
from chatbot.errors import ModelUnusable
from chatbot.settings import load_settings


@pytest.fixture(scope="module")
def server() -> Iterator[LlamaServer]:
    made = start_llama(load_settings(threads=1))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/completion"),
        ("POST", "/tokenize"),
        ("GET", "/slots"),
        ("GET", "/props"),
        ("GET", "/metrics"),
        ("GET", "/"),
    ],
)
def test_without_its_key_it_answers_nothing(server: LlamaServer, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer none"}):
        answer = httpx.request(method, server.url + path, headers=headers, json={"prompt": "x"})
        assert answer.status_code in (401, 403, 404, 501)


def test_it_listens_on_this_machine_only(server: LlamaServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert len(server.key) >= 32
    assert server.key not in server.url


def test_let_go_of_at_once_it_stops() -> None:
    for _ in range(5):
        start_llama(load_settings(threads=1)).close()


@pytest.mark.parametrize("content", [None, b"", b"GGUF nonsense", b"x" * 10_000])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelUnusable, match=r"model\.gguf") as caught:
        start_llama(load_settings(generation_model=str(path)))
    assert caught.value.remedy


def test_the_embedded_model_is_prepared_once_and_checked(tmp_path: Path) -> None:
    base = locate(LANGUAGE)
    made = prepared_model(base, LANGUAGE.sha256, tmp_path)
    at = made.stat().st_mtime_ns
    (made.parent / "lock").unlink(missing_ok=True)
    assert prepared_model(base, LANGUAGE.sha256, tmp_path) == made
    assert not (made.parent / "lock").exists()  # nothing is written where it may not be
    assert made.stat().st_mtime_ns == at
    with made.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x55")
    with pytest.raises(ModelUnusable, match="not the one"):
        prepared_model(base, LANGUAGE.sha256, tmp_path)


def test_a_preparation_that_fails_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.gguf"
    nonsense.write_bytes(b"no model")
    with pytest.raises(ModelUnusable, match="cannot be prepared"):
        prepared_model(nonsense, "0" * 64, tmp_path)
    assert not list(tmp_path.rglob("model*"))
