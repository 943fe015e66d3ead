"""The embedding model: nothing but the pinned file is loaded, and it tells what fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from chatbot.adapters.embeddings import TextEncoder, embedding_name, open_embeddings
from chatbot.adapters.models import EMBEDDING, LANGUAGE, EmbeddedModel, check_sha256, find, locate
from chatbot.domain import Decision, Passage
from chatbot.errors import ModelUnusable
from chatbot.settings import load_settings
from chatbot.steps.evidence import evidence_of, quotable
from chatbot.steps.quotes import best_quotes
from chatbot.steps.verify import check, split_markers
from tests.strategies import passage


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return open_embeddings(load_settings())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The prepared model, to be spoiled."""
    settings = load_settings()
    embedding_name(settings)
    return Path(shutil.copytree(settings.models_folder, tmp_path / "models"))


def test_another_file_than_the_pinned_one_is_not_loaded(copied: Path) -> None:
    settings = load_settings(models=copied)
    (model,) = copied.glob("*/*.onnx")
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelUnusable, match=r"not the one that was pinned.*was not loaded"):
        open_embeddings(settings)
    model.unlink()
    with pytest.raises(ModelUnusable, match="cannot be read") as caught:
        open_embeddings(settings)
    assert caught.value.remedy


def test_its_name_is_known_without_loading_it(encoder: TextEncoder) -> None:
    assert embedding_name(load_settings()) == encoder.name


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    settings = load_settings(embedding_model=str(tmp_path / "nothing"), models=tmp_path / "models")
    with pytest.raises(ModelUnusable, match="cannot be prepared") as caught:
        open_embeddings(settings)
    assert "COUNTERSIGN_EMBEDDING_MODEL" in caught.value.remedy


@pytest.mark.parametrize("model", [EMBEDDING, LANGUAGE], ids=lambda m: m.name)
def test_the_embedded_models_are_the_pinned_ones(model: EmbeddedModel) -> None:
    assert locate(model) == find(model)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ModelUnusable, match="not installed") as caught:
        find(EmbeddedModel("no-such-package-at-all", "x", "y", "A model"))
    assert "make install" in caught.value.remedy


def test_sha256_is_compared(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"")
    check_sha256(
        tmp_path / "model", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    with pytest.raises(ModelUnusable, match="pinned"):
        check_sha256(tmp_path / "model", "e3b0")


def test_the_manifest_says_why_this_engine(copied: Path) -> None:
    (manifest,) = (json.loads(p.read_text()) for p in copied.glob("*/manifest.json"))
    kept = manifest["checks"][manifest["engine"]]
    assert kept["cosine"] >= 0.99
    assert kept["texts_per_second"] == max(
        c["texts_per_second"] for c in manifest["checks"].values() if c["cosine"] >= 0.99
    )


# Verification with real vectors

DENTAL = passage(
    "A waiting period is the time that must pass before we pay for a treatment. "
    "Fillings have a waiting period of 90 days. Crowns have a waiting period of 240 days. "
    "It is counted from the first day of your cover.",
    "Dental cover",
)
CARD = passage(
    "The new card reaches you by post within 7 working days. A replacement card is free of charge. "
    "Your old card stops working at once.",
    "Card and address",
)


@pytest.mark.parametrize(
    ("sentence", "released"),
    [
        ("Crowns have a waiting period of 240 days [1].", True),
        ("The waiting period for crowns is 240 days [1].", True),
        ("You get the new card within 7 working days [2].", True),
        ("A replacement card costs nothing.", False),
        ("The replacement card is free of charge.", True),
        ("Crowns have a waiting period of 90 days [1].", False),
        ("Crowns have a waiting period of 240 weeks [1].", False),
        ("Crowns do not have a waiting period [1].", False),
        ("You get the new card within 7 months [2].", False),
        ("Your old card keeps working [2].", False),
        ("The dentist must be registered in Marrowby [1].", False),
        ("Elephants live in herds of up to 90 animals [1].", False),
        ("Our opening hours are printed on the back of the card [2].", False),
    ],
)
def test_what_supports_what(encoder: TextEncoder, sentence: str, released: bool) -> None:
    support = load_settings().support
    evidence = [
        evidence_of(n, p, encoder.encode(quotable(p))) for n, p in enumerate((DENTAL, CARD), 1)
    ]
    vector = encoder.encode([split_markers(sentence)[0]])[0]
    _, verdict = check(sentence, vector, evidence, support)
    assert (verdict.decision is Decision.RELEASE) is released, verdict


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How long must I wait for crowns?", "Crowns have a waiting period of 240 days."),
        (
            "When does my new card arrive?",
            "The new card reaches you by post within 7 working days.",
        ),
        ("Who won the world cup?", None),
    ],
)
def test_the_nearest_sentences(encoder: TextEncoder, question: str, quote: str | None) -> None:
    passages: tuple[Passage, ...] = (DENTAL, CARD)
    evidence = [evidence_of(n, p, encoder.encode(quotable(p))) for n, p in enumerate(passages, 1)]
    vector = np.asarray(encoder.embed_query(question), np.float32)
    found = [q.quote for q in best_quotes(question, vector, evidence, 0.3)]
    assert (quote in found) if quote else not found
