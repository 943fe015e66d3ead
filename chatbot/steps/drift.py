"""Whether people ask, or are answered, otherwise than in an earlier stretch of time.

Each figure of the latest window is held against that of a reference window. There is an alert only
where chance is an unlikely reason (p below `LEVEL` after correction for all figures looked at), the
difference is large, and it is for the worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.domain import AnswerRecord, Decision, Status
from chatbot.steps.rank import relevance
from chatbot.two_samples import Difference, clouds, holm, ranks, shares

LEVEL = 0.01
"""One look in a hundred may raise an alert though nothing has changed: a server looks each day."""
FEWEST = 50
"""Values of each window below which a figure is not judged."""
LARGE_SHARE = 0.2
"""Cohen's h that counts: 5% that became 10.5%, or 40% that became 50%."""
LARGE_RANK = 0.2
"""Cliff's delta that counts: three of five values of one window above those of the other."""
LARGE_CLOUD = 0.005
"""Inhomogeneity of questions that counts: about what comes of one in five being about another
subject (measured with MiniLM on bank customers' questions, with ones about articles mixed in)."""

_SUBJECTS = (
    "People ask about something else: `finetune drift` names the subjects. Index documents on what "
    "is missing, and take such questions into the dataset before the next training."
)
_MISSING = "Index documents on what is asked and not found."
_MODEL = (
    "Retrain with what the desk has corrected since (`finetune dataset --desk`), or go back "
    "(`finetune rollback`) where an adapter was promoted in this time."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered question, as far as drift is concerned; None: that figure does not concern it.

    Attributes:
        asker: who asked: told apart, never shown.
        relevance: of the best passage found, 0 to 1.
        refused: the documents did not hold the answer.
        quoted: readers were given quotes, because the model wrote nothing that holds.
        disliked: thumbs down.
        again: the asker had the same question answered once more.
    """

    record: str
    asker: str
    question: str
    relevance: float | None = None
    refused: bool | None = None
    quoted: bool | None = None
    disliked: bool | None = None
    again: bool | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time.

    Attributes:
        questions: those that stand for all that were asked, each of an asker once.
        vectors: theirs, in their order.
        decided: drafts that reviewers have decided on; `changed`: those they edited or rejected.
        far: whether each of the questions is far from all that the model was trained on; None:
            that is not known.
    """

    asked: Sequence[Asked]
    questions: Sequence[Asked]
    vectors: np.ndarray
    decided: int = 0
    changed: int = 0
    far: tuple[bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both windows.

    Attributes:
        state: `steady`, `alert`, `too few` or `not known`.
        size: the effect; `large`: from where it counts.
        p: corrected for all figures looked at.
        advice: what to do about an alert.
    """

    name: str
    state: str
    counts: tuple[int, int]
    values: tuple[float, float] | None = None
    size: float | None = None
    large: float | None = None
    p: float | None = None
    advice: str = ""


def asked_of(record: AnswerRecord, asker: str, rating: int = 0, again: bool = False) -> Asked:
    """What counts of an answer's record.

    Args:
        rating: thumbs: 1, -1, or 0 for none.
        again: the asker had it answered once more.
    """
    screening = record.screening
    through = screening is None or screening.decision is Decision.RELEASE
    released = record.status is Status.RELEASED
    answered = released or (record.status is Status.REFUSED and through)
    return Asked(
        record.id,
        asker,
        record.standalone,
        relevance(record.passages) if record.passages else None,
        not released if answered else None,
        record.mode == "quotes" if released else None,
        rating < 0 if released else None,
        again if answered else None,
    )


def distinct(asked: Iterable[Asked]) -> list[Asked]:
    """Each question of an asker once: what is asked again is no other question."""
    return list({(a.asker, " ".join(a.question.lower().split())): a for a in asked}.values())


def compare(reference: Window, latest: Window) -> list[Figure]:
    """Every figure of both windows, and which of them are alerts."""
    open_ = [*_questions(reference, latest), _relevances(reference, latest)]
    for name, value, advice in _SHARES:
        tallies = [_tally(w.asked, value) for w in (reference, latest)]
        open_.append(_share(name, tallies, advice))
    desk = [(w.changed, w.decided) for w in (reference, latest)]
    open_.append(_share("drafts edited or rejected", desk, _MODEL))
    return _judged(open_)


@dataclass(frozen=True, slots=True)
class _Open:
    """A figure before it is judged. `bad`: the direction for the worse, 1 or -1."""

    name: str
    counts: tuple[int, int]
    test: Callable[[], Difference] | None
    values: tuple[float, float] | None
    large: float
    bad: int
    advice: str


_SHARES: Sequence[tuple[str, Callable[[Asked], bool | None], str]] = (
    ("refused: not in the documents", lambda a: a.refused, _MISSING),
    ("quotes instead of an answer", lambda a: a.quoted, _MODEL),
    ("thumbs down", lambda a: a.disliked, _MODEL),
    ("asked again", lambda a: a.again, _MODEL),
)


def _questions(reference: Window, latest: Window) -> Iterable[_Open]:
    counts = (len(reference.vectors), len(latest.vectors))
    yield _Open(
        "questions", counts, lambda: clouds(reference.vectors, latest.vectors),
        None, LARGE_CLOUD, 1, _SUBJECTS,
    )  # fmt: skip
    name = "questions far from the training set"
    if reference.far is None or latest.far is None:
        yield _Open(name, counts, None, None, LARGE_SHARE, 1, _SUBJECTS)
    else:
        far = [(sum(w), len(w)) for w in (reference.far, latest.far)]
        yield _share(name, far, _SUBJECTS)


def _relevances(reference: Window, latest: Window) -> _Open:
    both = [[a.relevance for a in w.asked if a.relevance is not None] for w in (reference, latest)]
    counts = (len(both[0]), len(both[1]))
    middles = (float(np.median(both[0])), float(np.median(both[1]))) if all(counts) else None
    return _Open("relevance of the best passage", counts, lambda: ranks(*both), middles,
                 LARGE_RANK, -1, _MISSING)  # fmt: skip


def _share(name: str, tallies: Sequence[tuple[int, int]], advice: str) -> _Open:
    before, after = tallies
    counts = (before[1], after[1])
    values = (before[0] / before[1], after[0] / after[1]) if all(counts) else None
    return _Open(name, counts, lambda: shares(*before, *after), values, LARGE_SHARE, 1, advice)


def _tally(asked: Iterable[Asked], value: Callable[[Asked], bool | None]) -> tuple[int, int]:
    known = [v for a in asked if (v := value(a)) is not None]
    return sum(known), len(known)


def _judged(open_: Sequence[_Open]) -> list[Figure]:
    tests = {o.name: o.test() for o in open_ if o.test and min(o.counts) >= FEWEST}
    corrected = dict(zip(tests, holm([d.p for d in tests.values()]), strict=True))
    return [_figure(o, tests.get(o.name), corrected.get(o.name)) for o in open_]


def _figure(one: _Open, found: Difference | None, p: float | None) -> Figure:
    if found is None or p is None:
        state = "too few" if one.test else "not known"
        return Figure(one.name, state, one.counts, one.values)
    alert = p < LEVEL and found.size * one.bad >= one.large
    return Figure(one.name, "alert" if alert else "steady", one.counts, one.values,
                  round(found.size, 4), one.large, round(p, 5),
                  one.advice if alert else "")  # fmt: skip
