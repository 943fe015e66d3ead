"""Chat models: words in pieces, tokens counted, stopped when no one reads on."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from chatbot.adapters.fakes import ScriptedChat
from chatbot.adapters.generation import close_connections, open_chat
from chatbot.adapters.llama import start_llama
from chatbot.settings import load_settings

MESSAGES = [
    SystemMessage("You are a helpful assistant."),
    HumanMessage("Count from one to fifty, in words, with commas between them."),
]


@pytest.fixture(scope="module", params=["fake", "embedded"])
def chat(request: pytest.FixtureRequest) -> Iterator[BaseChatModel]:
    if request.param == "fake":
        yield ScriptedChat(replies=("one, two, three, " * 40,), pause=0.001)
        return
    settings = load_settings(threads=1)
    server = start_llama(settings)
    served = open_chat(server.url, server.key, server.model, settings)
    yield served
    served.close()
    close_connections()
    server.close()


class TestChatModel:
    def test_words_come_in_pieces(self, chat: BaseChatModel) -> None:
        pieces = [str(p.content) for p in chat.stream(MESSAGES, max_tokens=24)]
        assert len([p for p in pieces if p]) > 3
        assert "".join(pieces).strip()

    def test_the_same_question_has_the_same_answer(self, chat: BaseChatModel) -> None:
        first, second = (
            "".join(str(p.content) for p in chat.stream(MESSAGES, max_tokens=16)) for _ in range(2)
        )
        assert first == second

    def test_tokens_are_counted(self, chat: BaseChatModel) -> None:
        few, many = (chat.get_num_tokens(t) for t in ("one two", "one two " * 100))
        assert 1 <= few <= 8
        assert many >= 150
        assert chat.get_num_tokens("") >= 0
        assert chat.get_num_tokens("a\ud800b{}") > 0

    def test_a_reader_who_leaves_stops_it(self, chat: BaseChatModel) -> None:
        stream = chat.stream(MESSAGES, max_tokens=400)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        gc.collect()
        start = time.monotonic()
        next(iter(chat.stream(MESSAGES, max_tokens=4)))
        assert time.monotonic() - start < 2.0
