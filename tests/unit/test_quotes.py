"""Sentences of the documents in an answer's place: the likely ones, word for word."""

from __future__ import annotations

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.domain import Decision, Passage, Verdict
from chatbot.steps.evidence import Evidence, evidence_of, quotable
from chatbot.steps.quotes import best_quotes, likelihoods, quoted
from tests.strategies import passage

WORDS = HashedEmbeddings()
DENTAL = passage(
    "Fillings have a waiting period of 90 days. Crowns have a waiting period of 240 days."
)
CARD = passage("The new card reaches you by post within 7 working days. It is free.", "Card")


def evidence(*passages: Passage, score: float = 1.0) -> list[Evidence]:
    return [
        evidence_of(number, one, WORDS.encode(quotable(one)), score)
        for number, one in enumerate(passages, 1)
    ]


def quotes(question: str, *passages: Passage, least: float = 0.3) -> list[str]:
    vector = WORDS.encode([question])[0]
    return [q.quote for q in best_quotes(question, vector, evidence(*passages), least)]


def test_quotes_come_near_the_question() -> None:
    assert quotes("How long is the waiting period for fillings?", DENTAL, CARD) == [
        "Fillings have a waiting period of 90 days."
    ]
    assert quotes("How tall is an elephant?", DENTAL, CARD) == []
    assert quotes("?") == []
    assert quotes("?", DENTAL) == []


def test_quotes_are_whole_sentences_in_reading_order() -> None:
    listing = passage(
        "Waiting period of fillings\nThe waiting period of fillings is short. "
        "The waiting period of fillings is 90 days. The waiting period of fillings ends. "
        "The waiting period of fillings is the law."
    )
    found = quotes("waiting period of fillings", listing)
    assert len(found) == 3
    assert "Waiting period of fillings" not in found
    places = [listing.text.index(q) for q in found]
    assert places == sorted(places)


def test_nearness_words_and_how_it_was_found_make_a_sentence_likely() -> None:
    question = "How long is the waiting period for crowns?"
    vector = WORDS.encode([question])[0]
    fillings, crowns = likelihoods(question, vector, evidence(DENTAL))
    assert crowns.likelihood > fillings.likelihood
    worse = likelihoods(question, vector, evidence(DENTAL, score=0.5))
    assert worse[1].likelihood < crowns.likelihood
    assert worse[1].similarity == crowns.similarity


def test_a_heading_says_what_its_sentences_leave_out() -> None:
    text = "The waiting period is 240 days."
    under = passage(text, "Dental", heading=("Crowns",))
    question = "What is the waiting period for crowns?"
    vector = WORDS.encode([question])[0]
    (plain,) = likelihoods(question, vector, evidence(passage(text, "Dental")))
    (headed,) = likelihoods(question, vector, evidence(under))
    assert headed.likelihood > plain.likelihood


def test_a_quotation_is_released_for_its_words_alone() -> None:
    (one,) = evidence(DENTAL)
    draft, verdict = quoted(one, "Crowns have a waiting period of 240 days.")
    assert draft.text == "“Crowns have a waiting period of 240 days.” [1]"
    assert verdict == Verdict(Decision.RELEASE, draft.sha256, (), {"support": 1.0})
    _, made_up = quoted(one, "Crowns have a waiting period of 24 days.")
    assert made_up.decision is Decision.REFUSE
