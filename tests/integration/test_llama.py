"""The embedded language model's server: reached on this machine only, with a key made now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chatbot.adapters.llama import LlamaServer, start_llama
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
