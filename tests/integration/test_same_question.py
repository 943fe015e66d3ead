"""The shipped likeness of questions on the real embedding model, and the commands around it."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from chatbot.adapters.cache_scores import pair_hits, scores
from chatbot.adapters.embeddings import TextEncoder, open_embeddings
from chatbot.adapters.same_pairs import labelled_pairs, load_pairs
from chatbot.adapters.same_question import SHIPPED, SameQuestion, open_same_question
from chatbot.adapters.train_same_question import read_wordnet, train_same_question
from chatbot.cli import app
from chatbot.errors import BadInput, ModelUnusable
from chatbot.settings import load_settings
from tests.conftest import ROOT

PAIRS = ROOT / "policies" / "same"
BOUND = load_settings().cache_wrong_hits


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return open_embeddings(load_settings())


@pytest.fixture(scope="module")
def same(encoder: TextEncoder) -> SameQuestion:
    return open_same_question(encoder)


def test_near_misses_do_not_hit_and_other_wordings_do(same: SameQuestion) -> None:
    tested = [p for p in load_pairs(PAIRS) if p.side == "test"]
    near = [p for p in tested if p.kind not in ("paraphrase", "topic")][::8]
    reworded = [p for p in tested if p.kind == "paraphrase"][::4]
    pairs = [(p.one, p.two, p.same) for p in [*near, *reworded]]
    report = scores(pairs, pair_hits(same, pairs, BOUND))
    assert len(near) > 100
    assert len(reworded) > 80
    assert report["wrong_hits"] == 0
    assert report["hit_rate_same"]["value"] > 0.1


def test_eight_stored_questions_take_three_milliseconds(same: SameQuestion) -> None:
    stored = [p.two for p in load_pairs(PAIRS) if p.kind == "topic"][:8]
    asked = "How long do I have to give something back?"
    vectors = same.vectors(stored)
    vector = same.vector(asked)
    found = same.likeness(asked, vector, stored, vectors)  # learns the words once
    assert len(found) == 8
    assert all(0 <= f <= 1 for f in found)
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        same.likeness(asked, vector, stored, vectors)
        taken.append(time.perf_counter() - start)
    assert sorted(taken)[10] < 0.003
    assert same.likeness(asked, vector, [], np.zeros((0, vector.size), np.float32)) == []


def test_a_question_is_like_itself_and_never_like_its_negation(same: SameQuestion) -> None:
    asked = "Can I return shoes without a receipt?"
    stored = [asked, "Can I return shoes with a receipt?"]
    like = same.likeness(asked, same.vector(asked), stored, same.vectors(stored))
    assert like[0] > 0.999
    assert like[1] == 0.0


def test_weights_that_are_damaged_or_of_another_model_are_refused(
    tmp_path: Path, encoder: TextEncoder
) -> None:
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(SHIPPED.read_bytes()[:1000])
    with pytest.raises(ModelUnusable, match="cannot be read"):
        open_same_question(encoder, damaged)
    content = dict(np.load(SHIPPED))
    about = json.loads(bytes(content["about"])) | {"embedding_model": "another"}
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    other = tmp_path / "other.npz"
    np.savez(other, **content)
    with pytest.raises(ModelUnusable, match="learned on another"):
        open_same_question(encoder, other)


def test_training_again_gives_what_is_shipped(
    tmp_path: Path, encoder: TextEncoder, same: SameQuestion
) -> None:
    pairs = [p for p in load_pairs(PAIRS) if p.kind == "topic"]
    content, about = train_same_question(pairs[:2000], same.meanings, encoder)
    file = tmp_path / "mine.npz"
    file.write_bytes(content)
    again = open_same_question(encoder, file)
    assert again.meanings == same.meanings
    assert about["different"] >= 1000
    with pytest.raises(BadInput, match="too few"):
        train_same_question(pairs[:10], same.meanings, encoder)


def test_synonyms_come_from_wordnet(tmp_path: Path) -> None:
    for part in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"index.{part}").write_text("  1 a licence\n")
        (tmp_path / f"{part}.exc").write_text("")
    (tmp_path / "index.verb").write_text(
        "buy v 1 0 1 1 00000001\npurchase v 1 0 1 1 00000001\nsell v 1 0 1 1 00000002\n"
    )
    (tmp_path / "verb.exc").write_text("bought buy\n")
    found = read_wordnet(tmp_path, ["buy", "purchase", "sell", "bought"])
    assert found["buy"] == found["purchase"] == found["bought"]
    assert "sell" not in found
    with pytest.raises(BadInput, match="no WordNet"):
        read_wordnet(tmp_path / "none", ["buy"])


def test_evaluate_cache_counts_hits_and_wrong_ones(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([
            ("question_1", "question_2", "similar"),
            ("How do I reset my password?", "how do i reset my  password?", 1),
            ("How do I reset my password?", "What is the way to reset a password?", 1),
            ("Is the gym open on Monday?", "Is the gym open on Tuesday?", 0),
            ("How do I reset my password?", "how do I reset my password?", 0),
        ])  # fmt: skip
    done = CliRunner().invoke(app, ["evaluate", "cache", str(file), "--json"])
    report = json.loads(done.stdout)
    assert (report["pairs"], report["hits"], report["wrong_hits"]) == (4, 3, 1)
    assert report["hit_rate_same"]["value"] == 1.0
    assert report["wrong_rate"]["low"] < 0.25 < report["wrong_rate"]["high"]


def test_pairs_that_are_none_are_named(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("question_1,question_2,similar\na,b,maybe\n")
    with pytest.raises(BadInput, match="maybe"):
        labelled_pairs(file)
    file.write_text("question_1,question_2,similar\n")
    with pytest.raises(BadInput, match="no pairs"):
        labelled_pairs(file)
    with pytest.raises(BadInput, match="no pairs"):
        load_pairs(tmp_path)
