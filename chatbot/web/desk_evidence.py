"""A draft's sentences and the passages behind them, as a reviewer sees them → HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.domain import Citation, Passage
from chatbot.steps.review_item import Answer
from chatbot.web.evidence import document_url, validity
from chatbot.web.icons import icon
from chatbot.web.markup import answer_html, escape, passage_html, place_of, sources, spans_of

_MARKS = {
    "ok": ("check", "Supported"),
    "bad": ("alert", "Not supported"),
    "plain": ("more", "Without a source"),
}


def sentence_html(n: int, answer: Answer) -> str:
    """One sentence of the draft with its mark and what the checks had against it."""
    sentence = answer.sentences[n]
    problems = answer.problems[n] if n < len(answer.problems) else ()
    kind = "bad" if problems else "ok" if sentence.citations else "plain"
    symbol, name = _MARKS[kind]
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    against = f'<ul class="problems">{listed}</ul>' if problems else ""
    markers = " ".join(str(c.marker) for c in sentence.citations)
    return (
        f'<li class="sentence {kind}" data-n="{n}" data-markers="{markers}">'
        f'<span class="mark" title="{name}">{icon(symbol)}<span class="unseen">{name}: </span>'
        f'</span><div class="words">{answer_html(sentence.text, sentence.citations, 0)}{against}'
        f"</div></li>"
    )


def evidence_cards(answer: Answer) -> str:
    """Each passage with its number; those that are quoted first opened, quotes marked."""
    quoted = sources(answer.citations)
    numbered = list(enumerate(answer.evidence, 1))
    known = {number for number, _ in numbered}
    for marker, citations in quoted.items():
        if marker not in known:
            numbered.append((marker, citations[0].passage))
    return "".join(_card(n, passage, quoted.get(n, ())) for n, passage in numbered)


def _card(number: int, passage: Passage, quoted: Sequence[Citation]) -> str:
    quotes = [c.quote for c in quoted]
    text = passage_html(passage.text, spans_of(passage.text, quotes), code=passage.kind == "code")
    link = escape(document_url(passage, "", quotes))
    unused = "" if quoted else '<span class="unused">not quoted</span>'
    return (
        f'<details class="source{"" if quoted else " quiet-source"}" data-marker="{number}"'
        f'{" open" if quoted else ""}><summary><span class="number">{number}</span>'
        f'<span class="name"><span class="title">{escape(passage.document.title)}</span>'
        f'<span class="where">{escape(place_of(passage))}</span></span>{unused}</summary>'
        f'<div class="passage">{text}</div><p class="source-foot">'
        f'<a class="open-document" href="{link}" target="_blank" rel="noopener">'
        f"{icon('document')}Open the document</a>{validity(passage.document)}</p></details>"
    )
