"""What others wrote reaches the page as words and as nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from chatbot import gate
from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Document,
    Draft,
    Finished,
    Locator,
    Passage,
    Person,
    Retrieved,
    ScoredPassage,
    Status,
    Verdict,
)
from chatbot.errors import GenerationFailed
from chatbot.waiting import Queued
from chatbot.web.evidence import document_url
from chatbot.web.markup import answer_html, escape, passage_html, plain_answer, spans_of
from chatbot.web.places import sidebar_html, welcome_html
from chatbot.web.render import thread_html, turn_html
from chatbot.web.turns import Phase, Turn, turn_of
from chatbot.web.viewer import document_page, may_read, not_found_page

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/p.png'>",
    "![x](https://evil.example/p.png)",
    "![x][r]\n\n[r]: https://evil.example/p.png",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1) 'title')",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](https://evil.example)",
    "<javascript:alert(1)>",
    "<https://evil.example>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<iframe src=https://evil.example></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>body{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>ok</button></form>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<template><img src=x onerror=alert(1)></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "</div></article><script>alert(1)</script>",
    "</textarea></title><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "`<img src=x onerror=alert(1)>`",
    "```\n<script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "<x/onclick=alert(1)>\x00<scr\x00ipt>",
    "\ue0001\ue001<b>x</b>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
]
_HARMLESS = {
    "article", "div", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "code", "pre", "h1", "h2",
    "h3", "h4", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "span", "mark", "a",
    "button", "svg", "path", "details", "summary", "section", "nav", "html", "head", "meta",
    "title", "link", "script", "body", "main", "header",
}  # fmt: skip
_ATTRIBUTES = {
    "class", "id", "href", "hidden", "role", "type", "title", "tabindex", "viewbox", "width",
    "height", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "focusable",
    "d", "charset", "name", "content", "rel", "src", "lang",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))


def read(html: str) -> list[tuple[str, dict[str, str]]]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.tags


def assert_harmless(html: str) -> None:
    for tag, attributes in read(html):
        assert tag in _HARMLESS, (tag, html)
        for name, value in attributes.items():
            assert name in _ATTRIBUTES or name.startswith(("aria-", "data-")), (tag, name)
            if name in ("href", "src"):
                assert value.startswith(("/", "#")), value
                assert not value.startswith("//"), value
        if tag == "script":
            assert attributes.get("src", "").startswith("/ui/")


def passage(text: str, title: str = "Dental", key: str = "p1", collection: str = "main") -> Passage:
    document = Document(f"d/{title}", collection, f"/x/{title}.md", title, "ab" * 32, "text/plain")
    return Passage(key, document, 0, text, Locator((title, "Limits"), 3, None, 0, len(text)))


def record(
    *drafts: Draft, status: Status = Status.RELEASED, notices: tuple[str, ...] = ()
) -> AnswerRecord:
    found = tuple(ScoredPassage(c.passage, 1.0) for d in drafts for c in d.citations)
    return AnswerRecord(
        "r1", "Question?", "Question?", status, "generated", drafts,
        tuple(Verdict(Decision.RELEASE, d.sha256) for d in drafts), (("dropped words", ()),),
        notices, (), found, {}, "m", None, "e", 1, "miss", {}, datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


PERSON = Person("someone")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing_in_an_answer(text: str) -> None:
    html = answer_html(f"{text} [1].", [Citation(1, passage(text, text, text), text)], 0)
    assert_harmless(html)
    assert all(tag not in ("script", "button", "img") for tag, _ in read(html))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing_anywhere_else(text: str) -> None:
    source = passage(text, text, text)
    draft = Draft(f"{text} [1].", (Citation(1, source, text),))
    turn = turn_of(record(draft, notices=(text,)), 0, text, PERSON)
    turn.question = turn.run = turn.record = text
    failed = Turn(0, text, text)
    failed.fail(GenerationFailed(text, text))
    listed = SimpleNamespace(id=text, title=text, updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert_harmless(thread_html([turn, failed], text))
    assert_harmless(sidebar_html([listed], text, now))
    assert_harmless(welcome_html([source.document], [text], text))
    assert_harmless(passage_html(text, spans_of(text, [text])))
    page = document_page(text, source.document, [source], text, text, text)
    assert_harmless(page)
    assert_harmless(not_found_page(text))


def test_markers_are_named_links_and_only_for_sources_that_exist() -> None:
    cited = [Citation(1, passage("We pay EUR 400."), "EUR 400")]
    html = answer_html("We pay EUR 400 [1]. See also [7] and a[0].", cited, 4)
    links = [a for tag, a in read(html) if tag == "a"]
    assert len(links) == 1
    assert links[0]["aria-label"] == "Source 1: Dental, page 3, Limits"
    assert links[0]["href"] == "#source-4-1"
    assert "[7]" in html
    assert "a[0]" in html
    assert "400\u2060<a" in html  # no blank, no line break between a word and its marker


def test_markdown_of_an_answer() -> None:
    html = answer_html("Two plans:\n- **Basic** pays\n- *Plus* pays more", [], 0)
    assert "<li><strong>Basic</strong> pays</li>" in html
    assert "<em>Plus</em>" in html
    table = answer_html("| a | b |\n| --- | --- |\n| 1 | 2 |", [], 0)
    assert "<td>2</td>" in table
    assert "<h4>Big</h4>" in answer_html("# Big", [], 0)


def test_characters_that_reorder_text_are_removed() -> None:
    assert escape("a\u202eb\u2066c\x00d\ue000") == "abcd"


def test_quotes_are_marked_across_lines_and_merged() -> None:
    text = "We pay at most\nEUR 400 a year. Not more."
    spans = spans_of(text, ["at most EUR 400", "EUR 400 a year.", "absent", ""])
    assert spans == [(7, 30)]
    assert passage_html(text, spans) == (
        "<p>We pay <mark>at most</mark></p><p><mark>EUR 400 a year.</mark> Not more.</p>"
    )


def test_lines_with_tabs_become_a_table() -> None:
    html = passage_html("Plan\tPays\nBasic\t400 & more\n\nText", [(10, 19)])
    assert "<td>Plan</td><td>Pays</td>" in html
    assert "<td><mark>Basic</mark></td><td><mark>400</mark> &amp; more</td>" in html
    assert html.endswith("<p>Text</p>")
    assert passage_html("a\tb", code=True) == "<pre><code>a\tb</code></pre>"


def test_a_copied_answer_is_plain_and_lists_its_sources() -> None:
    cited = [Citation(1, passage("We pay\nEUR 400."), "We pay\nEUR 400.")]
    assert plain_answer("**Basic** pays <400> [1].", cited) == (
        "Basic pays <400> [1].\n\nSources\n[1] Dental, page 3, Limits: “We pay EUR 400.”"
    )


def test_live_and_stored_turns_look_the_same() -> None:
    draft = Draft("We pay [1].", (Citation(1, passage("We pay."), "We pay."),))
    kept = record(draft, notices=("Quoted.",))
    live = Turn(0, "Question?", "c")
    live.take(Retrieved("Question?", kept.passages), PERSON)
    sentence = gate.release(draft, kept.verdicts[0])
    live.take(sentence, PERSON)
    assert live.phase is Phase.WRITING
    assert 'aria-live="polite"' in turn_html(live, last=True)
    live.take(Finished(kept), PERSON)
    assert turn_html(live, last=True) == turn_html(turn_of(kept, 0, "c", PERSON), last=True)


def test_an_answer_that_is_given_again_can_be_asked_afresh() -> None:
    draft = Draft("We pay [1].", (Citation(1, passage("We pay."), "We pay."),))
    said = ("Answered before, on 1 June 2026.", "Quoted.")
    kept = replace(record(draft, notices=said), cache="exact")
    turn = turn_of(kept, 0, "c", PERSON)
    assert turn_html(turn, last=True).count('class="afresh" data-act="retry"') == 1
    assert "afresh" not in turn_html(turn, last=False)  # it would take the turns after it along
    new = turn_of(record(draft, notices=("Quoted.",)), 0, "c", PERSON)
    assert "afresh" not in turn_html(new, last=True)


def test_words_that_the_gate_did_not_release_are_not_shown() -> None:
    draft = Draft("Take two pills [1].", (Citation(1, passage("pills"), "pills"),))
    forged = record(draft)
    object.__setattr__(forged, "verdicts", ())
    html = turn_html(turn_of(forged, 0, "c", PERSON), last=True)
    assert "two pills" not in html
    assert "dropped words" not in html
    assert "card held" in html


def test_a_source_that_became_private_takes_its_answer_along() -> None:
    draft = Draft("Secret [1].", (Citation(1, passage("Secret.", collection="hr"), "Secret."),))
    html = turn_html(turn_of(record(draft), 0, "c", Person("x", frozenset({"main"}))), last=True)
    assert "Secret" not in html
    assert escape(gate.WITHDRAWN_TEXT) in html


@pytest.mark.parametrize(
    ("status", "card"),
    [(Status.REFUSED, "refused"), (Status.UNAVAILABLE, "unavailable")],
)
def test_each_outcome_has_its_own_card_with_its_own_words(status: Status, card: str) -> None:
    html = turn_html(
        turn_of(record(status=status, notices=("Why so.",)), 0, "c", PERSON), last=True
    )
    assert f'class="card {card}"' in html
    assert html.count("Why so.") == 1


def test_a_held_answer_shows_that_it_is_held_and_nothing_else() -> None:
    turn = turn_of(record(status=Status.HELD, notices=("two pills",)), 0, "c", PERSON)
    html = turn_html(turn, last=True)
    assert 'class="card held"' in html
    assert escape(gate.HELD_TEXT) in html
    assert "pills" not in html
    assert "dropped words" not in html


def test_what_was_shown_before_an_answer_was_held_is_marked_as_withdrawn() -> None:
    draft = Draft("Take two pills [1].", (Citation(1, passage("pills"), "pills"),))
    html = turn_html(turn_of(record(draft, status=Status.HELD), 0, "c", PERSON), last=True)
    assert "<del>Take two pills [1].</del>" in html
    assert html.count("two pills") == 1


def test_the_reading_page_marks_the_passage_and_shows_overlaps_once() -> None:
    document = passage("x").document
    first = Passage("a", document, 0, "One two three", Locator((), None, None, 0, 13))
    second = Passage("b", document, 1, "three four", Locator((), None, None, 8, 18))
    page = document_page("Site", document, [first, second], "b", "0-5", "c-1")
    assert page.count("three") == 1
    assert '<section id="passage" class="hit" tabindex="-1"><p><mark>three</mark> four' in page
    assert 'href="/?c=c-1"' in page
    assert (
        document_url(second, "c", ["four"]) == "/documents/d%2FDental?passage=b&at=6-10&c=c#passage"
    )


def test_reading_needs_the_collection() -> None:
    document = passage("x", collection="hr").document
    assert may_read(Person("a"), document)
    assert may_read(Person("a", frozenset({"hr"})), document)
    assert not may_read(Person("a", frozenset({"main"})), document)
    assert not may_read(None, document)


def test_whoever_waits_sees_how_many_are_before_them() -> None:
    turn, person = Turn(0, "How much?", "c", documents=3), Person("x")
    turn.take(Queued(2), person)
    assert "2 questions before yours" in turn_html(turn, last=True)
    turn.take(Queued(1), person)
    assert "1 question before yours" in turn_html(turn, last=True)
    turn.take(Retrieved("How much?", ()), person)
    assert "before yours" not in turn_html(turn, last=True)
