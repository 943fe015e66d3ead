"""Settings: typed, frozen, described."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from chatbot.errors import BadSettings
from chatbot.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_HOME")
    monkeypatch.delenv("COUNTERSIGN_MODELS")


def test_defaults_are_safe() -> None:
    settings = load_settings()
    assert settings.host == "127.0.0.1"
    assert settings.generation_url is None
    assert settings.generation_key is None
    assert settings.home == Path("var")
    assert settings.models_folder == Path("var/models").absolute()


def test_environment_and_file_and_overrides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path(".env").write_text("COUNTERSIGN_PORT=1000\nCOUNTERSIGN_TITLE=File\nOTHER=1\n")
    monkeypatch.setenv("COUNTERSIGN_TITLE", "Environment")
    monkeypatch.setenv("GENERATION_URL", "http://127.0.0.1:9/v1")
    settings = load_settings(home=tmp_path)
    assert (settings.port, settings.title, settings.home) == (1000, "Environment", tmp_path)
    assert settings.generation_url == "http://127.0.0.1:9/v1"
    assert settings.database_url == f"sqlite:///{tmp_path}/catalogue.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COUNTERSIGN_PORT", "0"),
        ("COUNTERSIGN_PORT", "65536"),
        ("COUNTERSIGN_PORT", "http"),
        ("COUNTERSIGN_SUPPORT", "1.1"),
        ("COUNTERSIGN_RELEVANCE", "-0.1"),
        ("COUNTERSIGN_PASSAGES", "0"),
        ("COUNTERSIGN_GENERATION_CONTEXT", "511"),
        ("COUNTERSIGN_ANSWER_DEADLINE", "0"),
    ],
)
def test_a_value_that_does_not_hold_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=name.removeprefix("COUNTERSIGN_").lower()) as caught:
        load_settings()
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_adapters_of_collections_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().generation_adapters == {}
    monkeypatch.setenv("COUNTERSIGN_GENERATION_ADAPTERS", '{"handbook": "cover"}')
    assert load_settings().generation_adapters == {"handbook": "cover"}
    monkeypatch.setenv("COUNTERSIGN_GENERATION_ADAPTERS", "handbook=cover")
    with pytest.raises(BadSettings, match="generation_adapters") as caught:
        load_settings()
    assert caught.value.remedy


def test_a_key_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERATION_API_KEY", "sesame")
    settings = load_settings()
    assert settings.generation_key
    assert settings.generation_key.get_secret_value() == "sesame"
    assert "sesame" not in f"{settings!r} {settings}"


def test_settings_are_frozen_and_described() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("host", "public", "asks"),
    [
        ("127.0.0.1", None, True),
        ("127.0.0.1", "http://localhost:7860", True),
        ("127.0.0.1", "https://ask.example.org", False),
        ("0.0.0.0", None, False),
    ],
)
def test_strangers_ask_only_on_this_machine(host: str, public: str | None, asks: bool) -> None:
    assert load_settings(host=host, public_url=public).lets_anonymous_ask is asks
    assert load_settings(host=host, public_url=public, anonymous="yes").lets_anonymous_ask
