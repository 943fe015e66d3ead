"""The life of a curated answer: who may sign, and what voids a signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import domain, gate
from chatbot.domain import Citation, Decision, Draft, Verdict
from chatbot.errors import NotAllowed
from chatbot.steps import faq
from chatbot.steps.faq import FaqEntry, FaqState, change_of, cited_only, vouched
from chatbot.steps.review_item import Answer, Reviewer, Signature
from tests.strategies import passage

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
PEOPLE = {n: Reviewer(n, frozenset({"reviewer"})) for n in ("anna", "bert", "cleo", "dora")}
AUDITOR = Reviewer("aud", frozenset({"auditor"}))
CROWNS = passage("Crowns wait 240 days.")
SENTENCE = Draft("Crowns wait 240 days [1].", (Citation(1, CROWNS, "Crowns wait 240 days."),))
OTHER = Draft("They wait 240 days [1].", (Citation(1, CROWNS, "Crowns wait 240 days."),))


def entry(**changed: Any) -> FaqEntry:
    values: dict[str, Any] = {
        "id": "crowns",
        "question": "How long do crowns wait?",
        "answer": Answer((SENTENCE,), (CROWNS,), ((),)),
        "author": "anna",
        "asker": ("dora",),
        "changed_at": NOW,
        "origin": "record:r1",
    }
    return FaqEntry(**(values | changed))


def live(by: str = "bert", **changed: Any) -> FaqEntry:
    one = entry(**changed)
    return faq.approve(one, PEOPLE[by], one.sha256, NOW)


def test_another_person_s_signature_makes_it_live_and_nothing_else_does() -> None:
    one = entry()
    assert vouched(one) == ()
    for who in (PEOPLE["anna"], PEOPLE["dora"], AUDITOR):  # the author, the asker, a reader
        with pytest.raises(NotAllowed):
            faq.approve(one, who, one.sha256, NOW)
    with pytest.raises(NotAllowed, match="changed since"):
        faq.approve(one, PEOPLE["bert"], entry(question="Another?").sha256, NOW)
    done = faq.approve(one, PEOPLE["bert"], one.sha256, NOW)
    assert done.state is FaqState.LIVE
    (verdict,) = vouched(done)
    assert isinstance(gate.release(SENTENCE, verdict), gate.Sentence)
    assert isinstance(gate.release(OTHER, verdict), domain.Held)


def test_where_the_policy_asks_for_two_people_one_is_not_enough() -> None:
    one = entry(needed=2)
    first = faq.approve(one, PEOPLE["bert"], one.sha256, NOW)
    assert (first.state, vouched(first)) == (FaqState.PROPOSED, ())
    with pytest.raises(NotAllowed, match="another person"):
        faq.approve(first, PEOPLE["bert"], first.sha256, NOW)
    second = faq.approve(first, PEOPLE["cleo"], first.sha256, NOW)
    assert second.state is FaqState.LIVE
    assert vouched(second)


@pytest.mark.parametrize(
    "changed",
    [
        {"question": "How long do fillings wait?"},
        {"alternatives": ("And braces?",)},
        {"expires": date(2027, 1, 1)},
        {"answer": Answer((OTHER,), (CROWNS,), ((),))},
        {"answer": Answer((Draft(SENTENCE.text, (Citation(1, CROWNS, "Crowns wait"),)),))},
        {"signatures": (Signature("anna", "approve", entry().sha256, NOW),)},
        {"signatures": (Signature("dora", "approve", entry().sha256, NOW),)},
        {"signatures": (Signature("bert", "reject", entry().sha256, NOW),)},
        {"state": FaqState.SUSPENDED},
        {"state": FaqState.PROPOSED},
    ],
)  # fmt: skip
def test_a_signature_counts_for_exactly_what_was_signed(changed: dict[str, Any]) -> None:
    """What is altered behind the state machine's back shows nothing to anyone."""
    assert vouched(live())
    assert vouched(replace(live(), **changed)) == ()


def test_the_checks_vouch_for_an_entry_of_a_file_alone_and_for_every_sentence_of_it() -> None:
    passed = Verdict(Decision.RELEASE, SENTENCE.sha256)
    of_file = {"origin": "file:f.yaml", "state": FaqState.LIVE}
    assert vouched(entry(**of_file, verdicts=(passed,))) == (passed,)
    assert vouched(entry(**(of_file | {"origin": "record:r1"}), verdicts=(passed,))) == ()
    held = replace(passed, decision=Decision.HOLD)
    assert vouched(entry(**of_file, verdicts=(held,))) == ()
    two = Answer((SENTENCE, OTHER), (CROWNS,), ((), ()))
    assert vouched(entry(**of_file, verdicts=(passed,), answer=two)) == ()
    assert vouched(entry(**of_file, verdicts=(), answer=Answer(()))) == ()


def test_an_edit_makes_its_writer_the_author_and_voids_what_was_signed() -> None:
    before = live()
    wanted = replace(before, question="How long must I wait for a crown?")
    after = faq.edit(before, "bert", wanted, NOW)
    assert (after.state, after.author, after.signatures) == (FaqState.PROPOSED, "bert", ())
    with pytest.raises(NotAllowed, match="wrote themselves"):
        faq.approve(after, PEOPLE["bert"], after.sha256, NOW)
    assert faq.approve(after, PEOPLE["anna"], after.sha256, NOW).state is FaqState.LIVE
    for bad in (
        {"question": " "},
        {"answer": Answer(())},
        {"answer": Answer((Draft("Without a source."),))},
        {"effective": date(2027, 1, 2), "expires": date(2027, 1, 1)},
    ):
        with pytest.raises(NotAllowed):
            faq.edit(before, "bert", replace(before, **bad), NOW)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (None, "“Dental cover” was deleted or moved"),
        ({"version": "f" * 64}, "was changed (version"),
        ({"collection": "secret"}, "was moved to the collection secret"),
        ({"expires": date(2026, 11, 21)}, "expired on 2026-11-21"),
        ({"effective": date(2026, 11, 23)}, "does not count yet"),
        ({"expires": date(2026, 11, 22)}, ""),
        ({}, ""),
    ],
)
def test_what_has_become_of_a_source_is_told(now: dict[str, Any] | None, words: str) -> None:
    seen = CROWNS.document
    documents = {} if now is None else {seen.id: replace(seen, **now)}
    told = change_of(entry(), documents, TODAY)
    assert words in told
    assert bool(told) == bool(words)
    assert change_of(entry(answer=Answer((Draft("Bare."),))), documents, TODAY)


def test_only_cited_passages_stay_and_are_numbered_anew() -> None:
    fillings = passage("Fillings wait 90 days.", "Fillings")
    unused = passage("Nothing to do with it.", "Unused")
    drafts = (
        Draft("Fillings wait 90 days [4].", (Citation(4, fillings, "Fillings wait 90 days."),)),
        Draft("Crowns wait 240 days [2].", (Citation(2, CROWNS, "Crowns wait 240 days."),)),
        Draft("It says [9]."),
    )
    kept = cited_only(Answer(drafts, (unused, CROWNS, unused, fillings), ((), (), ("odd",))))
    assert kept.text == "Fillings wait 90 days [2]. Crowns wait 240 days [1]. It says [9]."
    assert kept.evidence == (CROWNS, fillings)
    assert [c.marker for c in kept.citations] == [2, 1]
    assert kept.problems == ((), (), ("odd",))


WHO = st.sampled_from([*PEOPLE.values(), AUDITOR])
DEEDS = st.lists(
    st.tuples(st.sampled_from(["approve", "stale", "edit", "suspend", "reopen"]), WHO), max_size=25
)


@given(st.integers(1, 2), DEEDS)
def test_whatever_is_done_what_answers_was_signed_by_enough_others(
    needed: int, deeds: list[tuple[str, Reviewer]]
) -> None:
    one = entry(needed=needed)
    for what, who in deeds:
        before = one
        try:
            one = _done(one, what, who)
        except NotAllowed:
            continue
        assert one.version == before.version + 1
        signers = {s.reviewer for s in one.signatures if s.sha256 == one.sha256}
        assert not signers & {one.author, *one.asker}
        assert bool(vouched(one)) == (one.state is FaqState.LIVE)
        assert one.state is not FaqState.LIVE or len(signers) >= needed
        assert (one.state is FaqState.SUSPENDED) == bool(one.reason)


def _done(one: FaqEntry, what: str, who: Reviewer) -> FaqEntry:
    if what == "approve":
        return faq.approve(one, who, one.sha256, NOW)
    if what == "stale":
        return faq.approve(one, who, "0" * 64, NOW)
    if what == "edit":
        wanted = replace(one, question=f"{one.question}?")
        return faq.edit(one, who.id, wanted, NOW)
    if what == "suspend":
        return faq.suspend(one, "a source has changed", NOW)
    return faq.reopen(one, replace(one.answer, problems=()), NOW)


def test_dates_of_its_own() -> None:
    one = entry(effective=date(2026, 11, 22), expires=date(2026, 11, 23))
    assert [one.counts_on(date(2026, 11, d)) for d in (21, 22, 23, 24)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert one.collections == {"handbook"}
    assert one.documents == (CROWNS.document,)
