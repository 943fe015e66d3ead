"""Drift: found where it is strong, hardly ever where there is none, and never from few answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from chatbot.adapters.known_questions import (
    FILE,
    KnownQuestions,
    packed,
    read_known,
    serving_questions,
)
from chatbot.adapters.revisions import SHIPPED, Current, Revisions
from chatbot.domain import Decision, Screening, Status
from chatbot.errors import BadInput
from chatbot.steps import drift
from chatbot.steps.drift import Asked, Figure, Window, asked_of, compare, distinct
from chatbot.steps.topics import new_topics
from chatbot.two_samples import clouds, holm, ranks, shares
from tests.strategies import draft, record

DIMENSIONS = 24
NUMBERS = count()


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def window(
    drawn: np.random.Generator, size: int = 120, shift: float = 0.0, **shares_: float
) -> Window:
    """Answers of a stretch of time; shares are of what goes wrong."""
    changed = int(drawn.binomial(size, shares_.pop("changed", 0.2)))
    wrong = {"refused": 0.1, "quoted": 0.15, "disliked": 0.05, "again": 0.05} | shares_
    asked = []
    for _ in range(size):
        hits = {name: bool(drawn.random() < share) for name, share in wrong.items()}
        found = float(drawn.normal(0.6 - shift / 5, 0.1))
        asked.append(Asked(f"r{next(NUMBERS)}", "x", "How?", found, **hits))
    middle = np.zeros(DIMENSIONS)
    middle[:2] = 1.0, shift
    vectors = unit(drawn.normal(0.0, 0.25, (size, DIMENSIONS)) + middle)
    far = tuple(bool(f) for f in drawn.random(size) < 0.05 + shift / 4)
    return Window(asked, asked, vectors, size, changed, far)


def alerts(figures: list[Figure]) -> set[str]:
    return {f.name for f in figures if f.state == "alert"}


# --- the tests themselves, against figures from books ---------------------------------------------


@pytest.mark.parametrize(
    ("table", "p"), [((3, 4, 1, 4), 34 / 70), ((8, 10, 1, 6), 5 / 143), ((0, 60, 0, 60), 1.0)]
)
def test_shares_are_fishers(table: tuple[int, int, int, int], p: float) -> None:
    """The first is Fisher's own: a lady and eight cups of tea."""
    a, n, b, m = table
    assert shares(*table).p == pytest.approx(p)
    assert shares(b, m, a, n).size == -shares(*table).size


def test_ranks_are_mann_and_whitneys_with_ties() -> None:
    first, second = [20, 11, 17, 12], [19, 22, 16, 29, 24]
    assert ranks(first, second).size == pytest.approx(2 * 17 / 20 - 1)  # 17 of 20 pairs
    assert ranks(first, second).p == pytest.approx(0.1113, abs=1e-4)  # z = 1.592, corrected
    assert ranks(second, first).size == -ranks(first, second).size
    # Three of nine pairs are ties, each half a pair; variance 9 / 12 * (7 - 24 / 30).
    tied = ranks([1, 2, 2], [2, 3, 4])
    assert tied.size == pytest.approx(2 * 8 / 9 - 1)
    assert tied.p == pytest.approx(math.erfc(3.0 / math.sqrt(2 * 9 / 12 * (7 - 24 / 30))))
    assert ranks([1.0] * 60, [1.0] * 60) == ranks([2.0] * 60, [2.0] * 60)
    assert ranks([1.0] * 60, [1.0] * 60).p == 1.0


def test_clouds_apart_are_told_from_one_cloud() -> None:
    drawn = np.random.default_rng(2)
    one, same = (window(drawn).vectors for _ in range(2))
    other = window(drawn, shift=1.5).vectors
    assert clouds(one, same).p > 0.01
    assert clouds(one, same).size < drift.LARGE_CLOUD
    assert clouds(one, other).p < 0.001
    assert clouds(one, other).size > 0.1


def test_corrected_values_are_holms() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


# --- alerts ---------------------------------------------------------------------------------------


def test_where_nothing_drifts_there_is_hardly_an_alert() -> None:
    drawn = np.random.default_rng(3)
    looks = [compare(window(drawn, 150), window(drawn, 60)) for _ in range(60)]
    assert all(f.p is not None for figures in looks for f in figures)
    assert sum(bool(alerts(figures)) for figures in looks) <= 3


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"refused": 0.5}, {"refused: not in the documents"}),
        ({"quoted": 0.6}, {"quotes instead of an answer"}),
        ({"disliked": 0.4}, {"thumbs down"}),
        ({"again": 0.4}, {"asked again"}),
        ({"changed": 0.6}, {"drafts edited or rejected"}),
        ({"shift": 1.5}, {"questions", "questions far from the training set",
                          "relevance of the best passage"}),
    ],
)  # fmt: skip
def test_strong_drift_is_found_and_named(changed: dict[str, float], names: set[str]) -> None:
    drawn = np.random.default_rng(4)
    found = [alerts(compare(window(drawn, 150), window(drawn, 80, **changed))) for _ in range(6)]
    assert sum(names <= one for one in found) >= 5


def test_chance_is_counted_once_for_each_figure() -> None:
    drawn = np.random.default_rng(11)
    before, after = window(drawn, 150), window(drawn, 80, quoted=0.35)
    tallies = [(sum(bool(a.quoted) for a in w.asked), len(w.asked)) for w in (before, after)]
    alone = shares(*tallies[0], *tallies[1]).p
    figures = {f.name: f for f in compare(before, after)}
    assert figures["quotes instead of an answer"].p == pytest.approx(8 * alone, abs=1e-5)
    assert 0.001 < 8 * alone < 1


def test_what_gets_better_is_no_alert() -> None:
    drawn = np.random.default_rng(5)
    figures = compare(window(drawn, 200, refused=0.6), window(drawn, 100, refused=0.0))
    assert alerts(figures) == set()
    assert min(f.p for f in figures if f.p is not None) < 1e-6


def test_a_difference_that_is_sure_and_small_is_no_alert() -> None:
    def many(hits: int) -> Window:
        asked = [Asked(str(n), "x", "How?", quoted=n < hits) for n in range(20_000)]
        return Window(asked, [], np.zeros((0, 0), np.float32))

    figures = {f.name: f for f in compare(many(3000), many(3400))}
    one = figures["quotes instead of an answer"]
    assert one.p is not None
    assert one.p < drift.LEVEL
    assert one.state == "steady"


def test_few_answers_say_nothing() -> None:
    drawn = np.random.default_rng(6)
    few = window(drawn, drift.FEWEST - 1, shift=2.0, refused=1.0)
    figures = compare(window(drawn, 200), replace(few, far=None))
    assert {f.state for f in figures} == {"too few", "not known"}
    assert all(f.p is None for f in figures)


# --- what counts ----------------------------------------------------------------------------------


def test_a_record_counts_where_it_can() -> None:
    good = asked_of(record([draft()], mode="quotes"), "ann", rating=-1, again=True)
    assert (good.refused, good.quoted, good.disliked, good.again) == (False, True, True, True)
    assert good.relevance == pytest.approx(0.85)
    lacking = asked_of(record(status=Status.REFUSED), "ann", rating=-1)
    assert (lacking.refused, lacking.quoted, lacking.disliked) == (True, None, None)
    policy = Screening(Decision.REFUSE, "weapons")
    for other in (record(screening=policy), record([draft()], status=Status.HELD)):
        kept = asked_of(other, "ann")
        assert (kept.refused, kept.quoted, kept.disliked, kept.again) == (None,) * 4


def test_a_question_asked_over_and_over_counts_once() -> None:
    same = [Asked("1", "ann", "How  much?"), Asked("2", "ann", "how much?")]
    assert len(distinct([*same, Asked("3", "bert", "how much?")])) == 2


# --- subjects -------------------------------------------------------------------------------------


def spread(drawn: np.random.Generator, axis: int, size: int) -> np.ndarray:
    middle = np.zeros(DIMENSIONS)
    middle[axis] = 1.0
    return unit(drawn.normal(0.0, 0.05, (size, DIMENSIONS)) + middle)


def test_new_subjects_are_named_in_words_that_several_people_used() -> None:
    drawn = np.random.default_rng(7)
    known = spread(drawn, 0, 60)
    texts = [f"Can Marlene park bicycle {n} at 12 Baker Street?" for n in range(8)]
    asked = [Asked(f"r{n}", f"asker {n}", t.replace("Marlene", "I" if n else "Marlene"))
             for n, t in enumerate(texts)]  # fmt: skip
    old = [Asked(f"o{n}", f"asker {n}", "What about tax?") for n in range(20)]
    vectors = np.concatenate([spread(drawn, 1, 8), spread(drawn, 0, 20)])
    (topic,) = new_topics([*asked, *old], vectors, known)
    assert set(topic.words) == {"park", "bicycle"}
    assert topic.count == 8
    assert topic.records == ("r0", "r1", "r2", "r3", "r4")


def test_one_person_makes_no_subject() -> None:
    drawn = np.random.default_rng(8)
    asked = [Asked(f"r{n}", "ann", "Where is Marlene?") for n in range(9)]
    assert new_topics(asked, spread(drawn, 1, 9), spread(drawn, 0, 60)) == []


# --- the file of known questions ------------------------------------------------------------------


def test_known_questions_come_back_nearly_the_same(tmp_path: Path) -> None:
    vectors = window(np.random.default_rng(9)).vectors
    known, path = KnownQuestions("m", "s", vectors, 0.3), tmp_path / "questions.npz"
    path.write_bytes(packed(known))
    found = read_known(path)
    assert (found.model, found.source, found.far) == ("m", "s", 0.3)
    assert (found.vectors * vectors).sum(axis=1).min() > 0.9998
    assert found.are_far(np.stack([vectors[0], -vectors[0]])) == (False, True)


def test_only_what_serves_and_fits_is_compared_with(tmp_path: Path) -> None:
    revisions, file = Revisions(tmp_path / "adapters"), tmp_path / "x.gguf"
    file.write_text("weights")
    assert serving_questions(revisions, "m") is None
    content = packed(KnownQuestions("m", "s", np.eye(3, dtype=np.float32), 0.3))
    revisions.point(Current(revisions.add(file, {}, {FILE: content})))
    assert serving_questions(revisions, "m") is not None
    assert serving_questions(revisions, "another") is None
    revisions.point(Current(SHIPPED))
    assert serving_questions(revisions, "m") is None


@pytest.mark.parametrize("spoil", [lambda b: b[:40], lambda b: b"", lambda b: b"PK\x03\x04junk"])
def test_a_spoilt_file_is_said_to_be_so(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "questions.npz"
    path.write_bytes(spoil(packed(KnownQuestions("m", "s", np.eye(3, dtype=np.float32), 0.3))))
    with pytest.raises(BadInput, match="does not hold known questions"):
        read_known(path)
