"""Adapters in live traffic: heard before they answer, with llama.cpp in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.adapters.revisions import SHIPPED, Current, Revisions
from chatbot.bootstrap import bootstrap
from chatbot.domain import Trial
from chatbot.errors import AdapterSilent
from chatbot.language import LanguageModel
from chatbot.opening import Language, hear, open_language, open_proven
from chatbot.settings import Settings, load_settings
from chatbot.steps.canary import CANDIDATE, INCUMBENT, on_candidate
from chatbot.steps.probe import Heard, noted
from chatbot.trace import STAND_IN
from tests.integration.adapters import write_adapter, write_model

pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return {
        "model": write_model(folder / "model.gguf"),
        "one": write_adapter(folder / "one.gguf", 1),
        "two": write_adapter(folder / "two.gguf", 2),
        "silent": write_adapter(folder / "silent.gguf", 3, loud=0.0),
    }


@pytest.fixture
def settings(tmp_path: Path, files: dict[str, Path]) -> Settings:
    return load_settings(home=tmp_path / "live", generation_model=str(files["model"]), threads=1)


@pytest.fixture
def revisions(settings: Settings) -> Revisions:
    return Revisions(settings.adapters_folder)


@pytest.fixture
def model(settings: Settings) -> Iterator[LanguageModel]:
    opened = LanguageModel(settings)
    yield opened
    opened.close()


def serve(revisions: Revisions, file: Path, card: dict[str, object] | None = None) -> str:
    revision = revisions.add(file, card or {})
    revisions.point(Current(revision, (SHIPPED,)))
    return revision


def test_an_adapter_that_answers_as_the_base_is_refused_at_the_start(
    settings: Settings, revisions: Revisions, files: dict[str, Path]
) -> None:
    serve(revisions, files["silent"])
    with pytest.raises(AdapterSilent, match="word for word"):
        open_proven(settings)
    with bootstrap(settings) as app:
        chat = app._language.voice().chat
        piece = next(iter(chat.stream("Say yes.", max_tokens=1)))
        assert "model" in piece.response_metadata[STAND_IN]  # the reader is told
        pings = {p.name: p for p in app.status()}
        assert pings["adapter"].state == "failed"
        assert "word for word" in pings["adapter"].detail


def test_one_that_is_silent_does_not_take_over(
    model: LanguageModel, revisions: Revisions, files: dict[str, Path]
) -> None:
    serve(revisions, files["one"])
    model.loading.get(60)
    model.follow()
    before = model.ready()
    assert before
    assert before.adapter
    assert model.trouble() == ""
    serve(revisions, files["silent"])
    model.follow()
    assert model.ready() is before
    assert "word for word" in model.trouble()
    revisions.point(Current(revisions.current().before[-1]))  # type: ignore[union-attr]
    model.follow()
    assert model.trouble() == ""


def test_one_that_answers_otherwise_than_when_it_was_promoted_does_not(
    settings: Settings, revisions: Revisions, files: dict[str, Path]
) -> None:
    language = open_language(settings.model_copy(update={"generation_adapter": str(files["one"])}))
    heard = listened(language)
    assert heard.base != heard.adapter
    serve(revisions, files["one"], {"heard": noted(heard)})
    open_proven(settings).close()
    other = Heard(heard.base, "Quite another answer.")
    serve(revisions, files["two"], {"heard": noted(other)})
    with pytest.raises(AdapterSilent, match="otherwise than"):
        open_proven(settings)


PROMPTS = [
    f"{word * 40}Why?" for word in ("river ", "book ", "hill ", "form ", "rule ", "day ", "cat ")
]


def said(model: LanguageModel, talk: str, prompt: str) -> str:
    return str(model.voice(talk).chat.invoke(prompt, max_tokens=12).content)


def alone(settings: Settings, file: Path) -> list[str]:
    language = open_language(settings.model_copy(update={"generation_adapter": str(file)}))
    try:
        return [str(language.client.invoke(p, max_tokens=12).content) for p in PROMPTS]
    finally:
        language.close()


def test_each_side_answers_as_its_adapter_would_alone_in_one_server(
    settings: Settings, revisions: Revisions, files: dict[str, Path]
) -> None:
    """What one adapter has read of a prompt must not be what the other answers from."""
    candidate = revisions.add(files["two"], {})
    incumbent = revisions.add(files["one"], {})
    revisions.point(Current(incumbent, (SHIPPED,), candidate=candidate, share=50))
    talks = [str(n) for n in range(40)]
    mine = next(t for t in talks if on_candidate(t, candidate, 50))
    other = next(t for t in talks if not on_candidate(t, candidate, 50))
    pools = {CANDIDATE: (mine, candidate), INCUMBENT: (other, incumbent)}
    wanted = {CANDIDATE: alone(settings, files["two"]), INCUMBENT: alone(settings, files["one"])}
    model = LanguageModel(settings)
    try:
        # The candidate reads a prompt, the incumbent as many others as there are places for, and
        # then that one: and the other way round.
        order = [(CANDIDATE, 0), *((INCUMBENT, n) for n in range(1, 7)), (INCUMBENT, 0)]
        order += [(CANDIDATE, n) for n in range(7)]
        for number, (side, prompt) in enumerate(order):
            talk, revision = pools[side]
            voice = model.voice(talk)
            assert voice.trial == Trial(candidate, 50, side)
            assert voice.adapter == f"adapter ({revision[:12]})"
            assert said(model, talk, PROMPTS[prompt]) == wanted[side][prompt], number
        assert model.voice("").trial is None  # drafts and trials are the incumbent's
    finally:
        model.close()


def test_a_silent_candidate_takes_no_part_and_the_incumbent_goes_on(
    model: LanguageModel, revisions: Revisions, files: dict[str, Path]
) -> None:
    model.loading.join()
    silent = revisions.add(files["silent"], {})
    revisions.point(Current(SHIPPED, candidate=silent, share=50))
    model.follow()
    assert {model.voice(str(n)).trial for n in range(40)} == {None}
    assert (
        STAND_IN
        not in next(iter(model.voice("1").chat.stream("Yes?", max_tokens=1))).response_metadata
    )
    assert "word for word" in model.trouble()
    revisions.point(Current(SHIPPED, candidate=revisions.add(files["one"], {}), share=50))
    model.follow()
    assert model.trouble() == ""
    sides = {v.side if (v := model.voice(str(n)).trial) else "" for n in range(40)}
    assert sides == {CANDIDATE, INCUMBENT}


def listened(language: Language) -> Heard:
    assert language.bare
    try:
        return hear(language.client, language.bare)
    finally:
        language.close()
