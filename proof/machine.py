"""The state machine of the review: many random lives of an item, and faults that must be found."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import types
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from chatbot.steps import review
from chatbot.steps.review_item import State
from proof.desk_machine import DeskMachine, over
from proof.desk_model import Violation
from proof.report import Report

STEPS = 50
_ENOUGH = 5000
_AT_ONCE = 200  # Hypothesis remembers each run of a batch: larger ones get slow
_TRIES = 2000
FAULTS = {
    "the asker may sign": ("if reviewer.id in (item.owner, item.account)", "if False"),
    "anyone may sign": ("if not reviewer.roles & frozenset(wanted)", "if False"),
    "one person may sign twice": (
        "if any(s.reviewer == reviewer.id for s in item.signatures)",
        "if False",
    ),
    "one signature is enough": (">= max(item.needed, 1)", ">= 1"),
    "anyone may sign what was escalated": (
        "item.leads if item.level else item.reviewers",
        "item.reviewers",
    ),
    "any text may be signed": ("item.outdated or answer.sha256 != sha256", "item.outdated"),
    "a changed source may be signed": (
        "item.outdated or answer.sha256 != sha256",
        "answer.sha256 != sha256",
    ),
    "old fences count": ("_require(item.fence == fence", "_require(True"),
    "leases never run out": ("item.held_by(now) == reviewer.id", "item.reviewer == reviewer.id"),
    "items are taken from their holders": ("holder in (None, reviewer.id)", "True"),
    "fences do not grow": ("fence=item.fence + 1", "fence=item.fence"),
    "undo has no end": ("now < item.deliver_after", "item.created_at <= now"),
    "anyone may undo": ("item.signatures[-1].reviewer == reviewer.id", "True"),
    "no time to undo": ("now >= item.deliver_after", "item.created_at <= now"),
    "stale sources are delivered": ("_require(is_current(item, sources)", "_require(True"),
    "time approves": ("state=State.EXPIRED", "state=State.APPROVED"),
    "signatures outlive their source": (
        "replace(item, signatures=(), outdated=True, draft_wanted=True)",
        "replace(item, draft_wanted=True)",
    ),
    "samples are delivered": (
        "deliver_after=None if done else now + UNDO",
        "deliver_after=now + UNDO",
    ),
    "what was held is called a miss": (
        '_require(item.kind == "sample", "call',
        '_require(True, "call',
    ),
    "versions stand still": ("version=item.version + 1", "version=item.version"),
    "what was delivered is withdrawn": (
        '"withdraw", *OPEN, *DECIDED',
        '"withdraw", *OPEN, *DECIDED, *REACHED',
    ),
}
"""Name → what to replace in `steps/review.py`, and by what."""


def main() -> int:
    """Lets many items live at random, then looks for faults put in on purpose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="runs")
    asked = parser.parse_args()
    workers = multiprocessing.cpu_count()
    lives = Report(f"violations of the review's rules in runs of {STEPS} steps")
    faults = Report("faults put into the review's rules and not found")
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pieces = -(-asked.count // _AT_ONCE)
        parts = list(pool.imap_unordered(_lives, range(pieces)))
        found = dict(pool.imap_unordered(_found, FAULTS))
    for runs, _, violation in parts:
        lives.tried += runs
        lives.wrong += [violation] if violation else []
    unvisited = set(State) - {state for _, visited, _ in parts for state in visited}
    if asked.count >= _ENOUGH:
        lives.wrong += [f"no run reached the state {s.value!r}" for s in sorted(unvisited)]
    for name, seen in found.items():
        faults.count("" if seen else name)
    return lives.end(asked.count) | faults.end(len(FAULTS))


def _lives(number: int) -> tuple[int, set[State], str | None]:
    made = over(review)
    violation = violation_of(made, _AT_ONCE, number)
    # Hypothesis gives up only on a violation; otherwise it has had so many runs.
    return _AT_ONCE, made.visited, violation


def _found(name: str) -> tuple[str, bool]:
    return name, violation_of(over(faulty(name)), _TRIES) is not None


def violation_of(made: type[DeskMachine], runs: int, number: int = 0) -> str | None:
    """The first thing that the rules do wrong in so many runs; None: nothing."""
    config = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(made), settings=config)
    except Violation as violation:
        return str(violation)
    return None


def faulty(name: str) -> types.ModuleType:
    """The rules with that fault in them."""
    old, new = FAULTS[name]
    source = Path(str(review.__file__)).read_text("utf-8")
    if old not in source:
        raise ValueError(f"the fault {name!r} fits nowhere in steps/review.py any more")
    module = types.ModuleType("faulty")
    exec(compile(source.replace(old, new), "faulty", "exec"), module.__dict__)
    return module


if __name__ == "__main__":
    sys.exit(main())
