"""Votes are kept in the audit log, one a person and pair, and told beside an adapter's scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from chatbot.adapters.revisions import SHIPPED
from chatbot.commands.stores import open_stores
from chatbot.domain import Status
from chatbot.errors import BadInput, NotFound
from chatbot.settings import load_settings
from chatbot.steps.canary import CANDIDATE
from chatbot.steps.votes import LEFT, RIGHT, TIE, left_side
from finetune.cli import app
from tests.databases import engine, postgres
from tests.trials import SHADOW, SHOWN, Trial

__all__ = ("engine", "postgres")


@pytest.fixture
def trial(engine: Engine, tmp_path: Path) -> Trial:
    return Trial(engine, tmp_path)


def for_candidate(trial: Trial, answer: str, voter: str) -> str:
    return LEFT if left_side(answer, trial.candidate, voter) == CANDIDATE else RIGHT


def offered(trial: Trial, voter: str, askers: Sequence[str] = ()) -> str:
    pair = trial.votes.next(voter, askers)
    return pair.id if pair else ""


def test_each_pair_is_offered_once_the_least_voted_and_newest_first(trial: Trial) -> None:
    one, two, three = (trial.pair(n) for n in range(3))
    assert offered(trial, "anna") == three
    trial.votes.vote(three, "anna", (), TIE)
    assert offered(trial, "anna") == two
    assert offered(trial, "bert") == two  # on the other there is a vote already
    for answer in (two, one):
        trial.votes.vote(answer, "anna", (), TIE)
    assert offered(trial, "anna") == ""
    assert offered(trial, "bert") == three


def test_the_two_stand_in_the_order_that_was_drawn(trial: Trial) -> None:
    for n in range(20):
        answer = trial.pair(n)
        for voter in ("anna", "bert"):
            pair = trial.votes.pair(answer, voter, ())
            left = for_candidate(trial, answer, voter) == LEFT
            assert [pair.left.answer, pair.right.answer] == (
                [SHADOW, SHOWN] if left else [SHOWN, SHADOW]
            )


def test_what_cannot_be_compared_is_not_offered(trial: Trial) -> None:
    trial.pair(1, shadow=SHOWN)
    trial.pair(2, status=Status.HELD)
    trial.pair(3, passages=())
    trial.pair(4, minutes=-99)  # before the trial
    assert offered(trial, "anna") == ""
    assert offered(trial, "anna") == ""  # they are not read again either
    good = trial.pair(5)
    assert offered(trial, "anna") == good


def test_nobody_compares_answers_to_their_own_question(trial: Trial) -> None:
    mine = trial.pair(1, owner="anna-in-the-chat")
    assert offered(trial, "anna", ("anna", "anna-in-the-chat")) == ""
    with pytest.raises(NotFound):
        trial.votes.pair(mine, "anna", ("anna-in-the-chat",))
    with pytest.raises(NotFound):
        trial.votes.vote(mine, "anna", ("anna-in-the-chat",), LEFT)
    assert trial.votes.counted(trial.candidate) == {}
    assert offered(trial, "bert") == mine


def test_the_last_vote_of_a_person_counts_and_all_are_in_the_log(trial: Trial) -> None:
    answer = trial.pair(1)
    liked = for_candidate(trial, answer, "anna")
    trial.votes.vote(answer, "anna", (), {LEFT: RIGHT, RIGHT: LEFT}[liked])
    trial.votes.vote(answer, "anna", (), liked)
    found = trial.votes.counted(trial.candidate)[SHIPPED]
    assert (found["counts"]["pairs"], found["counts"]["voters"], found["wins"]["value"]) == (
        1,
        1,
        1.0,
    )
    entries = trial.audit.of(f"votes:{trial.candidate}")
    assert [e.actor for e in entries] == ["anna", "anna"]
    assert not any(text in json.dumps(dict(e.body)) for e in entries for text in (SHOWN, SHADOW))
    assert trial.audit.verify() == []


def test_a_vote_that_is_none_and_a_pair_that_is_none_are_refused(trial: Trial) -> None:
    answer = trial.pair(1)
    with pytest.raises(BadInput, match="no vote"):
        trial.votes.vote(answer, "anna", (), "candidate")
    with pytest.raises(NotFound):
        trial.votes.vote("f" * 32, "anna", (), LEFT)
    trial.canary.withdraw(trial.now, "bert")  # the trial has ended
    with pytest.raises(NotFound):
        trial.votes.vote(answer, "anna", (), LEFT)
    assert offered(trial, "anna") == ""


def test_a_deleted_conversation_takes_its_pair_and_leaves_the_vote(trial: Trial) -> None:
    answer = trial.pair(1, owner="asker")
    trial.votes.vote(answer, "anna", (), TIE)
    [talk] = trial.store.list("asker")
    trial.store.delete(talk.id, "asker")
    assert offered(trial, "bert") == ""
    assert trial.votes.counted(trial.candidate)[SHIPPED]["counts"]["pairs"] == 1


def test_votes_against_another_incumbent_are_counted_apart(trial: Trial) -> None:
    answer = trial.pair(1)
    trial.votes.vote(answer, "anna", (), TIE)
    trial.revisions.point(replace(trial.now, revision="b" * 16))
    trial.votes.vote(answer, "anna", (), TIE)
    assert set(trial.votes.counted(trial.candidate)) == {SHIPPED, "b" * 16}


def test_the_commands_tell_the_votes(home: Path) -> None:
    home.mkdir()
    with open_stores(load_settings()) as (queue, _):
        trial = Trial(queue.engine, home)
        for n in range(12):
            answer = trial.pair(n)
            trial.votes.vote(answer, "anna", (), for_candidate(trial, answer, "anna"))
    page = home / "h.html"
    shadowed = run("canary", "--json")
    told = shadowed["votes"][SHIPPED]
    assert (told["counts"]["pairs"], told["preferred"]["value"]) == (12, 1.0)
    assert 0.5 < told["preferred"]["low"] < 1.0
    cards = run("history", "--page", str(page), "--json")["adapters"]
    assert [c["votes"] for c in cards] == [shadowed["votes"]]
    assert "12 pairs, 1 voters; better in 1.000 of 12 decided" in page.read_text()
    assert "Votes against shipped: 12 pairs" in CliRunner().invoke(app, ["canary"]).stdout
    promoted = run("promote", "--whole", "--by", "anna", "--json")
    assert promoted["votes"] == shadowed["votes"]


def run(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))
