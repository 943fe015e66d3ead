"""The gate: what a reader sees was released for exactly these words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given

import chatbot
from chatbot.domain import AnswerRecord, Decision, Draft, Held, Status, Verdict
from chatbot.gate import HELD_TEXT, Sentence, release, shown
from chatbot.steps.review_item import Answer, ReviewItem, Signature, State
from tests.strategies import DRAFTS, RECORDS, VERDICTS, draft, passage, record, released

PACKAGE = Path(chatbot.__file__).parent
SECRET = "The secret words [1]."


@given(DRAFTS)
def test_released_words_are_the_drafts(one: Draft) -> None:
    event = release(one, released(one))
    assert isinstance(event, Sentence)
    assert (event.text, event.citations) == (one.text, one.citations)


@pytest.mark.parametrize("key", [None, object(), "key", True])
def test_no_one_else_makes_a_sentence(key: object) -> None:
    with pytest.raises(TypeError, match=r"only chatbot\.gate"):
        Sentence(SECRET, (), key=key)
    with pytest.raises(TypeError):
        Sentence(SECRET, ())  # type: ignore[call-arg]


def test_a_sentence_is_not_copied_with_other_words() -> None:
    with pytest.raises(TypeError):
        replace(release(draft(), released(draft())), text=SECRET)  # type: ignore[type-var]


@given(DRAFTS, VERDICTS)
def test_a_verdict_for_other_words_holds(one: Draft, verdict: Verdict) -> None:
    assert isinstance(release(one, verdict), Held)


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        replace(released(draft()), decision=Decision.HOLD, reasons=("risky",)),
        replace(released(draft()), decision=Decision.REFUSE),
        replace(released(draft()), decision=cast(Any, "release")),
        replace(released(draft()), decision=cast(Any, None)),
        released(draft("Other words [1].")),
        released(draft(quote="Another quote.")),
        replace(released(draft()), draft_sha256=""),
    ],
)
def test_whatever_is_odd_about_a_verdict_holds(verdict: Verdict | None) -> None:
    event = release(draft(), verdict)
    assert isinstance(event, Held)
    assert event.text == HELD_TEXT
    assert draft().text not in repr(event)


def test_a_stored_record_shows_what_was_released() -> None:
    one = record([draft("One [1]."), draft("Two [1].")], notices=("Note.",))
    view = shown(AnswerRecord.from_json(one.to_json()))
    assert (view.status, view.text, view.notices) == (
        Status.RELEASED,
        "One [1]. Two [1].",
        ("Note.",),
    )
    assert view.citations == one.citations
    assert view.passages == one.passages


def tampered() -> Iterator[AnswerRecord]:
    one, other = draft("One [1]."), draft("Two [1].")
    good = record([one, other])
    (citation,) = one.citations
    newer = replace(citation.passage, document=replace(citation.passage.document, version="2"))
    yield replace(good, sentences=(replace(one, text=SECRET), other))
    yield replace(good, sentences=(one, other, draft(SECRET)))
    yield replace(good, sentences=(replace(one, citations=()), other))
    yield replace(good, sentences=(replace(one, citations=(replace(citation, quote="x"),)), other))
    yield replace(good, sentences=(replace(one, citations=(replace(citation, passage=newer),)),))
    yield replace(good, sentences=(replace(one, citations=(replace(citation, marker=2),)), other))
    yield replace(good, verdicts=())
    yield replace(good, verdicts=good.verdicts[:1])
    yield replace(
        good, verdicts=(good.verdicts[0], replace(good.verdicts[1], decision=Decision.HOLD))
    )
    yield replace(good, status=Status.HELD)


@pytest.mark.parametrize("one", list(tampered()))
def test_a_record_that_was_changed_shows_nothing(one: AnswerRecord) -> None:
    view = shown(AnswerRecord.from_json(one.to_json()))
    assert (view.status, view.text, view.message) == (Status.HELD, "", HELD_TEXT)
    assert (view.citations, view.passages, view.notices) == ((), (), ())


@pytest.mark.parametrize("status", [Status.REFUSED, Status.UNAVAILABLE])
def test_a_refused_turn_shows_no_sentence(status: Status) -> None:
    view = shown(record([draft(SECRET)], status=status, notices=("Not in the documents.",)))
    assert (view.status, view.text, view.citations) == (status, "", ())
    assert view.notices == ("Not in the documents.",)


@given(RECORDS)
def test_any_record_shows_only_what_its_verdicts_released(one: AnswerRecord) -> None:
    view = shown(one)
    if view.text and view.status is not Status.HELD:
        good = {v.draft_sha256 for v in one.verdicts if v.decision is Decision.RELEASE}
        assert all(d.sha256 in good for d in one.sentences)


def test_the_same_words_with_the_same_source_are_the_same_draft() -> None:
    assert draft().sha256 == Draft(draft().text, draft().citations).sha256
    assert passage("a").id != passage("b").id


# What a person has signed.

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def signed(**changes: Any) -> tuple[AnswerRecord, ReviewItem]:
    """A held record and its item, signed and delivered; `changes` come after the signature."""
    one = record([], status=Status.HELD)
    answer = Answer((draft(SECRET),), (passage("The secret words"),), ((),))
    signature = Signature("anna", "approve", answer.sha256, NOW)
    item = ReviewItem(
        one.id, one.id, "talk", "asker", one.question, "health", (), NOW, NOW,
        state=State.DELIVERED, answer=answer, signatures=(signature,), delivered=answer.sha256,
    )  # fmt: skip
    return one, replace(item, **changes)


def test_signed_words_are_shown_and_so_is_that_a_person_signed_them() -> None:
    view = shown(*signed())
    assert (view.status, view.text, view.signed_by) == (Status.RELEASED, SECRET, ("anna",))


def forgeries() -> Iterator[dict[str, Any]]:
    _, item = signed()
    (signature,) = item.signatures
    assert item.answer
    other = replace(item.answer, sentences=(draft("Other words [1]."),))
    newer = replace(passage("The secret words").document, version="2")
    moved = replace(item.answer, evidence=(replace(passage("The secret words"), document=newer),))
    yield {"answer": other}
    yield {"answer": moved}
    yield {"answer": None}
    yield {"signatures": ()}
    yield {"needed": 2}
    yield {"needed": 2, "signatures": (signature, signature)}
    yield {"signatures": (replace(signature, reviewer="asker"),)}
    yield {"account": "anna"}
    yield {"signatures": (replace(signature, sha256=other.sha256),)}
    yield {"signatures": (replace(signature, decision="looked"),)}
    yield {"delivered": ""}
    yield {"delivered": other.sha256}
    yield {"record": "another"}
    for state in State:
        if state not in (State.DELIVERED, State.SEEN):
            yield {"state": state}


@pytest.mark.parametrize("changes", list(forgeries()), ids=str)
def test_a_signature_that_does_not_cover_the_words_shows_nothing(changes: dict[str, Any]) -> None:
    view = shown(*signed(**changes))
    assert (view.status, view.text) == (Status.HELD, "")
    assert "secret" not in repr(view)
    assert "Other words" not in repr(view)


def test_a_rejection_shows_what_the_reviewer_wrote_and_no_draft() -> None:
    rejected = (Signature("anna", "reject", "", NOW, "advice"),)
    view = shown(*signed(signatures=rejected, note="Please call us."))
    assert (view.status, view.text, view.message) == (Status.REFUSED, "", "Please call us.")
    assert "secret" not in repr(view)


# The source itself: no door goes round the gate.


def trees(*names: str) -> list[tuple[str, ast.AST]]:
    paths = [PACKAGE / name for name in names]
    files = [file for p in paths for file in ([p] if p.is_file() else sorted(p.rglob("*.py")))]
    return [(str(f.relative_to(PACKAGE)), ast.parse(f.read_text(encoding="utf-8"))) for f in files]


def peeks(tree: ast.AST) -> list[int]:
    """Lines that read a record's words; `chain.answer(…)` is a call, not a reading."""
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    inside = {"sentences", "answer", "dropped", "verdicts"}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in inside and id(node) not in called
    ]


@pytest.mark.parametrize(("name", "tree"), trees("web", "cli.py", "console.py", "bootstrap.py"))
def test_no_door_looks_into_a_record(name: str, tree: ast.AST) -> None:
    if name.startswith("web/desk"):
        return  # a reviewer's page: drafts are what it is for; only a reviewer's session opens it
    assert peeks(tree) == []
    strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert not {"sentences", "dropped", "verdicts"} & strings


def test_looking_into_a_record_would_be_seen() -> None:
    assert peeks(ast.parse("x.chain.answer('q')\nx.answer\nf(record.sentences)")) == [2, 3]


@pytest.mark.parametrize(("name", "tree"), trees("."))
def test_only_the_gate_has_the_key(name: str, tree: ast.AST) -> None:
    if name == "gate.py":
        return
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert not {"_KEY", "__new__"} & names
    made = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    assert not [n for n in made if isinstance(n.func, ast.Name) and n.func.id == "Sentence"]
