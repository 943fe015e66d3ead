"""The desk's HTML: what is shown of an item, to whom, and that nothing in it is markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.adapters.drift import Look
from chatbot.adapters.queue_figures import Rates, Statistics, Waits
from chatbot.adapters.votes import Pair
from chatbot.domain import Citation, Draft, Turn
from chatbot.steps.drift import Figure
from chatbot.steps.intervals import wilson
from chatbot.steps.review_item import (
    OPEN,
    Answer,
    Message,
    Reviewer,
    ReviewItem,
    Signature,
    State,
)
from chatbot.web.desk_access import claimable, may_enter, may_read, may_work, recallable, why_not
from chatbot.web.desk_acts import ACTS, Claim, news_html, said
from chatbot.web.desk_forms import login_page, welcome_page
from chatbot.web.desk_insights import insights_page
from chatbot.web.desk_page import bar_html, dialogs_html, editor_html
from chatbot.web.desk_queue import Counts, Filter, queue_html, stamp_of
from chatbot.web.desk_render import ItemView, empty_html, evidence_html, item_html, more_html
from chatbot.web.desk_votes import votes_page
from chatbot.web.desk_words import REJECTIONS, SHORTCUTS, STATES, VIEWS, ago, clock, span
from tests.strategies import passage, record

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOSTILE = (
    '</textarea></pre><img src=x onerror="hacked()"><script>hacked()</script>'
    "' onclick=hacked() x='[x](javascript:hacked()) {{7*7}} ${hacked()}"
)
ANNA = Reviewer("anna", frozenset({"reviewer"}))


def answer(text: str = "We pay 80% [1].", *problems: str, quote: str = "We pay 80%.") -> Answer:
    source = passage(f"{quote} And more.")
    draft = Draft(text, (Citation(1, source, quote),))
    return Answer((draft,), (source, passage("Another one.", "Travel")), (problems,))


def item(**changed: Any) -> ReviewItem:
    fields: dict[str, Any] = {
        "id": "i1", "record": "r1", "conversation": "c1", "owner": "asker", "question": "How much?",
        "category": "money", "reasons": ("it is about money",), "answer": answer(),
        "created_at": NOW - timedelta(hours=1), "due_at": NOW + timedelta(hours=3),
        "draft_wanted": False,
    }  # fmt: skip
    return ReviewItem(**(fields | changed))


def held(**changed: Any) -> ReviewItem:
    until = NOW + timedelta(minutes=4)
    return item(state=State.CLAIMED, reviewer="anna", lease_until=until, fence=3, **changed)


def view(one: ReviewItem, **changed: Any) -> ItemView:
    fields: dict[str, Any] = {"me": "anna", "now": NOW, "title": "Money"}
    return ItemView(one, **(fields | changed))


def listed(*items: ReviewItem, me: str = "anna", wish: Filter | None = None, **counts: Any) -> str:
    return queue_html(items, Counts(**counts), wish or Filter(), "i1", me, NOW, str.title)


class Tags(HTMLParser):
    """Which elements and handlers a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or (
                "javascript:" in (value or "") and name in ("href", "src")
            ):
                self.handlers.append(name)


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


def everything(text: str) -> str:
    """All that the desk draws, with one text in every place that others can write to."""
    source = replace(passage(f"{text} more", title=text or "x", heading=[text]), kind="text")
    wild = Answer((Draft(f"{text} [1].", (Citation(1, source, text),)),), (source,), ((text,),))
    one = held(
        question=text, reasons=(text,), answer=wild, category=text, note=text, reason_code=text,
        thread=(Message("asker", text, NOW), Message(text, text, NOW)),
    )  # fmt: skip
    signed = replace(
        one, state=State.DELIVERED, signatures=(Signature(text, "approve", "x", NOW),),
        decided_at=NOW,
    )  # fmt: skip
    turns = (Turn(text, text),)
    mine = view(one, turns=turns, similar=(signed,), title=text, why_not="")
    theirs = view(replace(one, reviewer=text), title=text, why_not=text)
    drawn = [item_html(v, [text]) for v in (mine, theirs, view(signed, title=text))]
    wish = Filter("open", text, text)
    drawn += [evidence_html(mine), more_html(mine), listed(one, signed, me=text, wish=wish)]
    drawn += [news_html(text, "error", text, me=text, undo=text), login_page(text, text, text)]
    drawn += [welcome_page(text, text, owner, text, text) for owner in (text, "", None)]
    rates = (Rates(text, text, 1, 2, 3),)
    waits = (Waits(text, 1, timedelta(1), timedelta(2)),)
    wrote = record(wild.sentences, standalone=text, notices=(text,))
    drawn += [votes_page(text, Pair(text, wrote, wrote), last=text), votes_page(text, None, text)]
    figures = Statistics({text: 3}, rates, waits, 4, 1, 1)
    alert = Figure(text, "alert", (99, 99), (0.1, 0.4), 0.7, 0.2, 0.0, text)
    drifted = Look(NOW, (28, 7), (alert,))
    return "".join([*drawn, insights_page(text, figures, 7, str, drifted), bar_html(text)])


def test_what_others_wrote_is_shown_as_text() -> None:
    calm, wild = tags(everything("word")), tags(everything(HOSTILE))
    assert wild.found == calm.found
    assert wild.handlers == []
    assert "&lt;script&gt;hacked()&lt;/script&gt;" in everything(HOSTILE)


@given(st.text(st.sampled_from("<>\"'&/= abonclickscript[]()`*_#1\n\t\u202e\x00"), max_size=40))
def test_no_text_adds_an_element(text: str) -> None:
    allowed = {"em", "strong", "code", "li", "ul", "ol", "pre", "blockquote", "hr", "h4", "p", "br"}
    allowed |= {"mark", "table", "tr", "td", "div", "a", "span", "svg", "path", "option", "details"}
    wild = tags(everything(f"w{text}"))
    assert set(wild.found - tags(everything("word")).found) <= allowed
    assert wild.handlers == []


def test_sentences_are_marked_and_their_quotes_highlighted() -> None:
    bad = replace(answer(), sentences=(*answer().sentences, Draft("It is free."), Draft("Yes.")),
                  problems=((), ("no passage supports it",), ()))  # fmt: skip
    shown = view(held(answer=bad))
    html = item_html(shown)
    assert 'class="sentence ok" data-n="0" data-markers="1"' in html
    assert 'class="sentence bad" data-n="1"' in html
    assert "Not supported: " in html
    assert "no passage supports it" in html
    assert 'class="sentence plain" data-n="2"' in html
    assert "1 of 3 not supported" in html
    evidence = evidence_html(shown)
    assert "<mark>We pay 80%.</mark> And more." in evidence
    assert evidence.count('data-marker="') == 2
    assert "not quoted" in evidence


def test_the_page_claims_what_it_shows() -> None:
    one = held()
    html = item_html(view(one))
    assert one.answer
    for claim in ('data-item="i1"', 'data-fence="3"', f'data-sha="{one.answer.sha256}"'):
        assert claim in html
    assert 'data-mine="yes"' in html
    assert stamp_of(html) == stamp_of(item_html(view(one)))
    assert stamp_of(html) != stamp_of(item_html(view(replace(one, fence=4))))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (item(), ""),
        (held(), "this needs one of these roles: lead"),
        (replace(held(), reviewer="bert"), ""),
        (replace(held(), lease_until=NOW), ""),
        (item(state=State.NEEDS_INFO), ""),
        (item(state=State.SEEN), "your role only reads"),
    ],
)
def test_only_who_holds_it_is_offered_decisions(one: ReviewItem, why: str) -> None:
    html = item_html(view(one, why_not=why))
    assert 'data-mine="no"' in html
    assert 'data-act="approve"' not in html
    assert 'data-act="recall"' not in html


def test_who_holds_it_is_said() -> None:
    taken = replace(held(), reviewer="bert")
    assert "bert is working on this." in item_html(view(taken))
    assert 'class="holder" title="bert works on it"' in listed(taken)
    assert '<span class="holder mine">Yours</span>' in listed(held())
    assert 'aria-current="true"' in listed(held())


@pytest.mark.parametrize(
    "changed",
    [{"outdated": True}, {"draft_wanted": True}, {"answer": None}, {"answer": Answer(())}],
)
def test_a_draft_that_is_missing_or_outdated_cannot_be_approved(changed: dict[str, Any]) -> None:
    html = item_html(view(held(**changed)))
    assert 'data-act="approve" aria-keyshortcuts="A" disabled' in html
    assert 'data-act="reject" aria-keyshortcuts="R">' in html


def test_the_draft_that_a_reviewer_changed_can_be_seen() -> None:
    assert "first-draft" not in item_html(view(held()))
    html = item_html(view(held(draft="We pay <b>all</b> [1].")))
    assert '<p class="then-said first-draft">We pay &lt;b&gt;all&lt;/b&gt; [1].</p>' in html


def test_an_outdated_draft_is_clearly_marked() -> None:
    html = item_html(view(held(outdated=True)))
    assert "Outdated draft" in html
    assert "A source has changed" in html
    assert "every sentence passed" not in html
    assert '<span class="badge warn">Outdated</span>' in listed(held(outdated=True))


def test_a_delivered_answer_can_be_recalled_by_those_who_may() -> None:
    signed = item(state=State.DELIVERED, signatures=(Signature("anna", "approve", "x", NOW),))
    assert recallable(signed, ANNA)
    assert recallable(item(state=State.APPROVED, kind="sample"), ANNA)
    assert not recallable(item(state=State.APPROVED), ANNA)
    assert not recallable(item(kind="sample"), ANNA)
    assert not recallable(signed, Reviewer("aud", frozenset({"auditor"})))
    assert 'data-act="recall"' in item_html(view(signed, recallable=True))
    assert 'data-act="recall"' not in item_html(view(signed))


def test_clocks() -> None:
    assert clock(item(), NOW) == ("3 h left", "calm")
    assert clock(item(due_at=NOW + timedelta(minutes=14)), NOW) == ("14 min left", "soon")
    assert clock(item(due_at=NOW), NOW) == ("under a minute overdue", "late")
    assert clock(item(due_at=NOW - timedelta(minutes=75)), NOW) == ("1 h 15 min overdue", "late")
    assert span(timedelta(days=2, hours=1, minutes=5)) == "2 d 1 h"
    assert ago(NOW, NOW) == "just now"
    assert ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert "1 overdue" in listed(item(), overdue=1)


def test_every_state_has_words_and_a_view() -> None:
    assert set(STATES) == set(State)
    shown = [state for _, states in VIEWS.values() for state in states]
    assert Counter(shown) == Counter(State)
    assert {*VIEWS["open"][1], *VIEWS["asked"][1]} == OPEN


def test_an_empty_desk_says_so() -> None:
    assert "Nothing waits for you" in empty_html(0)
    assert "1 answer waits for someone." in empty_html(1)
    assert "Everything is done." in listed()
    assert "Nothing here fits that." in listed(wish=Filter("open", "", "x"))


def test_two_signatures_are_counted() -> None:
    one = held(needed=2, signatures=(Signature("bert", "approve", "x", NOW),))
    assert "1 of 2 signed" in listed(one)
    assert "1 of 2 signatures" in item_html(view(one))


def test_every_shortcut_that_is_promised_exists() -> None:
    given = item(state=State.DELIVERED)
    views = (view(held()), view(held(kind="sample")), view(given, recallable=True))
    buttons = "".join(map(item_html, views))
    promised = {key for _, group in SHORTCUTS for key, _ in group}
    for key in "AMERQXHDBC":
        assert f'aria-keyshortcuts="{key}"' in buttons
        assert key in promised
    for code, _ in REJECTIONS:
        assert f'value="{code}"' in dialogs_html()


def test_fixed_parts_give_every_control_a_name() -> None:
    page = bar_html("Site") + editor_html() + dialogs_html()
    for part in page.split("<button ")[1:]:
        head, _, rest = part.partition(">")
        assert "aria-label" in head or rest.split("</button>")[0].strip()


@pytest.mark.parametrize("data", [None, [], "x", {}, {"item": 3, "fence": "1", "have": [1]}])
def test_odd_claims_are_no_claims(data: object) -> None:
    assert Claim.read(data) == Claim()


def test_a_claim_is_cut_and_its_filter_known() -> None:
    claim = Claim.read({"item": "x" * 999, "view": "secrets", "fence": True, "text": "y" * 30_000,
                        "have": {"item": "s", 3: "t"}})  # fmt: skip
    assert len(claim.item) == 80
    assert len(claim.text) == 20_001
    assert (claim.filter.view, claim.fence) == ("open", -1)
    assert claim.have["item"] == "s"


def test_deeds_carry_the_claims_to_the_state_machine() -> None:
    one = held()
    assert one.answer
    sha = one.answer.sha256
    approve = ACTS["approve"](Claim(fence=3, sha256=sha), ANNA, None, timedelta(minutes=5))
    done = approve(one, NOW)
    assert done.state is State.APPROVED
    assert said(done, "approve", NOW) == ("Approved", 10.0)
    for wrong in (Claim(fence=2, sha256=sha), Claim(fence=3, sha256="other"), Claim(sha256=sha)):
        with pytest.raises(Exception, match=r"claimed again|changed since"):
            ACTS["approve"](wrong, ANNA, None, timedelta(minutes=5))(one, NOW)
    with pytest.raises(Exception, match="reason is needed"):
        ACTS["reject"](Claim(fence=3, code="because"), ANNA, None, timedelta())(one, NOW)


def test_who_may_do_what() -> None:
    own = item(account="anna")
    assert not may_read(own, ANNA)
    assert not may_read(item(owner="anna"), ANNA)
    assert may_read(item(), ANNA)
    assert not may_read(item(reviewers=("clinician",), leads=("lead",)), ANNA)
    assert may_read(item(reviewers=("clinician",)), Reviewer("aud", frozenset({"auditor"})))
    assert not may_work({"auditor"})
    assert not may_enter({"manager"})
    assert may_enter({"manager", "reviewer"})
    assert why_not(item(), Reviewer("aud", frozenset({"auditor"}))) == "your role only reads"
    assert claimable(item(), ANNA, None)
    assert not claimable(item(), ANNA, "bert")
    assert not claimable(item(state=State.NEEDS_INFO), ANNA, None)
    assert not claimable(item(state=State.SEEN), ANNA, None)


def test_the_share_of_misses_has_an_honest_interval() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(0, 100)
    assert low == 0.0
    assert 0.03 < high < 0.04
    low, high = wilson(5, 100)
    assert (round(low, 3), round(high, 3)) == (0.022, 0.112)
    page = insights_page("Site", Statistics({}, (), (), 100, 5, 2), 7, str)
    assert "5.0%" in page
    assert "5 of 100 sampled · 95% interval 2.2% to 11%" in page
    assert "2 of 100 sampled" in page
    assert "Nothing was decided in this time." in page


def test_drift_is_told_where_there_is_some() -> None:
    calm = Figure("thumbs down", "steady", (99, 99), (0.1, 0.1), 0.0, 0.2, 1.0)
    alert = replace(calm, state="alert", values=(0.012, 0.4), advice="Retrain.")
    strange = replace(alert, name="questions", values=None)
    nothing = Statistics({}, (), (), 0, 0, 0)
    page = insights_page("Site", nothing, 7, str, Look(NOW, (28, 7), (alert, strange)))
    assert "Thumbs down: 1.2% → 40%" in page
    assert "Questions: of another kind" in page
    assert page.count("Retrain.") == 1
    quiet = insights_page("Site", nothing, 7, str, Look(NOW, (28, 7), (calm,)))
    assert quiet == insights_page("Site", nothing, 7, str)
