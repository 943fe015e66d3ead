"""An adapter on a server of its own answers readers only once it was heard to answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatbot.adapters.fallback import FallbackChat
from chatbot.errors import AdapterSilent, GenerationFailed
from chatbot.language import LanguageModel
from chatbot.opening import open_proven
from chatbot.settings import Settings, load_settings
from tests.contract.test_served_chat import opened, stub
from tests.model_stub import Handler, Stub, missing, piece

__all__ = ("opened", "stub")


def by_name(handler: Handler) -> None:
    """Knows the adapter `law`; every other name is answered by the base, as TGI does."""
    server = handler.server
    assert isinstance(server, Stub)
    name = server.asked[-1][2]["model"]
    said = "Four weeks [2]." if name == "law" else "The passage says much."
    handler.stream(piece(said), piece("", "stop"), "[DONE]")


def served(stub: Stub, adapter: str, fallback: str = "none") -> Settings:
    stub.replies["/v1/chat/completions"] = by_name
    return load_settings(
        generation_url=stub.url, generation_model=adapter, generation_base="tgi",
        generation_fallback=fallback, generation_timeout=2,
    )  # fmt: skip


@pytest.fixture
def models() -> Iterator[list[LanguageModel]]:
    made: list[LanguageModel] = []
    yield made
    for model in made:
        model.close()


def test_a_known_adapter_answers(stub: Stub) -> None:
    language = open_proven(served(stub, "law"))
    assert (language.name, language.adapter) == ("tgi", "law")
    assert [asked[2]["model"] for asked in stub.asked] == ["tgi", "law"]
    assert all(asked[2]["temperature"] == 0 for asked in stub.asked)
    language.close()


def test_one_that_the_server_does_not_know_is_refused(
    stub: Stub, models: list[LanguageModel]
) -> None:
    settings = served(stub, "misspelt")
    with pytest.raises(AdapterSilent, match="word for word"):
        open_proven(settings)
    models.append(LanguageModel(settings))
    with pytest.raises(GenerationFailed, match="misspelt was not taken"):
        models[0].voice()
    models.append(LanguageModel(served(stub, "misspelt", "embedded")))
    chat = models[1].voice().chat
    assert isinstance(chat, FallbackChat)
    assert chat.first is None  # the base of that server is not asked by readers


def test_a_server_that_comes_up_later_is_asked_again(
    stub: Stub, models: list[LanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.language._AGAIN", -1.0)
    settings = served(stub, "law")
    stub.replies["/v1/chat/completions"] = missing
    model = LanguageModel(settings)
    models.append(model)
    model.follow()
    with pytest.raises(GenerationFailed, match="was not answered"):
        model.voice()
    stub.replies["/v1/chat/completions"] = by_name
    model.follow()
    assert model.voice().adapter == "law"
    assert model.trouble() == ""
    asked = len(stub.asked)
    model.follow()
    assert len(stub.asked) == asked  # once proven it is left alone


def test_without_the_base_s_name_nothing_is_asked(stub: Stub) -> None:
    settings = served(stub, "law").model_copy(update={"generation_base": None})
    open_proven(settings).close()
    assert stub.asked == []
