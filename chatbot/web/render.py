"""Turns, conversations and the empty page → HTML. Pure; every text goes through `markup`.

Each turn always has the same slots in the same order. `gr.HTML` compares the old page with the new
one place by place, so that what has not changed keeps its identity: focus stays where it is, and a
screen reader hears only the sentence that was added.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.domain import Passage, Status
from chatbot.steps.review_item import State
from chatbot.web.evidence import evidence_html
from chatbot.web.held import card_body, withdrawn_html
from chatbot.web.icons import icon
from chatbot.web.markup import (
    answer_html,
    escape,
    headings_of,
    place_of,
    plain_answer,
    source_name,
    sources,
)
from chatbot.web.turns import Phase, Turn

_CARDS = {
    "held": ("held", "A person looks at this first"),
    "closed": ("none", "This question is closed"),
    "recalled": ("alert", "This answer was taken back"),
    "not-found": ("none", "Not in the documents"),
    "refused": ("none", "No answer to this question"),
    "unavailable": ("alert", "No answer right now"),
    "failed": ("alert", "This did not work"),
}
_UNAVAILABLE = "The language model did not answer. The passages below were found; try again soon."
_NOT_FOUND = "Nothing that was found answers this question, so no answer was written."
_REFUSED = "Questions of this kind are not answered here."
_FALLBACKS = {"unavailable": _UNAVAILABLE, "not-found": _NOT_FOUND, "refused": _REFUSED}


def thread_html(
    turns: Sequence[Turn], conversation: str, *, last: bool = True, note: str = ""
) -> str:
    """Finished turns of one conversation.

    Args:
        last: whether the last of them is the last of the conversation, and may be asked again.
        note: what its owner is told about it.
    """
    told = f'<p class="notice">{escape(note)}</p>' if note else ""
    drawn = [turn_html(t, last=last and t is turns[-1]) for t in turns]
    return (
        f'<div class="thread" data-conversation="{escape(conversation)}" '
        f'data-turns="{len(turns)}">{told}{"".join(drawn)}</div>'
    )


def turn_html(turn: Turn, *, last: bool) -> str:
    """One turn: question, notices, answer, card, sources, status, actions."""
    live = ' aria-live="polite" aria-atomic="false"' if turn.working else ""
    body = answer_html(turn.text, turn.citations, turn.index) if turn.text else ""
    label = f"Question {turn.index + 1}"
    return (
        f'<article class="turn {turn.phase}" data-turn="{turn.index}" aria-label="{label}" '
        f'data-conversation="{escape(turn.conversation)}" data-phase="{turn.phase}" '
        f'data-record="{escape(turn.record)}" data-run="{escape(turn.run)}"{_desk(turn)}>'
        f'<div class="question"><p>{escape(turn.question)}</p>{_edit_button(turn)}</div>'
        f'<div class="reply">'
        f'<div class="notices">{_notices(turn, last)}</div>'
        f'<div class="answer"{live}>{body or withdrawn_html(turn.withdrawn)}</div>'
        f'<div class="outcome" role="status">{_outcome(turn)}</div>'
        f'<div class="cited">{_cited(turn)}</div>'
        f'<div class="progress" role="status">{_progress(turn)}</div>'
        f'<div class="actions">{_actions(turn, last)}</div>'
        f"</div>"
        f'<div class="evidence" hidden>{evidence_html(turn)}</div>'
        f'<div class="plain" hidden>{_plain(turn)}</div>'
        f"</article>"
    )


def _desk(turn: Turn) -> str:
    """What the page needs to ask whether anything has changed on the desk."""
    if turn.waiting is None:
        return ""
    state = "open" if turn.waiting.open else "closed"
    return f' data-desk="{state}" data-version="{turn.waiting.version}"'


def _edit_button(turn: Turn) -> str:
    if turn.working:
        return ""
    return (
        f'<button type="button" class="quiet edit" data-act="edit" data-turn="{turn.index}" '
        f'aria-label="Edit question {turn.index + 1}" title="Edit the question">'
        f"{icon('edit')}</button>"
    )


def _notices(turn: Turn, last: bool) -> str:
    afresh = ""
    if turn.repeated and last and not turn.working:
        afresh = ' <button type="button" class="afresh" data-act="retry">Ask afresh</button>'
    said = [escape(n) for n in turn.notices]
    said[:1] = [first + afresh for first in said[:1]]
    return "".join(f'<p class="notice">{n}</p>' for n in said)


def kind_of(turn: Turn) -> str | None:
    """Which card the turn ends in: a key of `_CARDS`, or None for none."""
    if turn.phase is Phase.FAILED:
        return "failed"
    if turn.waiting and turn.waiting.state is State.RECALLED:
        return "recalled"
    if turn.waiting and turn.waiting.open:
        return "held"
    if turn.waiting and turn.status is Status.HELD:
        return "closed"
    if turn.status is Status.REFUSED:
        return "not-found" if turn.passages else "refused"
    return (
        {Status.HELD: "held", Status.UNAVAILABLE: "unavailable"}.get(turn.status or Status.HELD)
        if turn.status
        else None
    )


def _outcome(turn: Turn) -> str:
    kind = kind_of(turn)
    if turn.phase is Phase.STOPPED:
        kept = (
            "What you see was released; it is not kept in this conversation." if turn.text else ""
        )
        return f'<p class="stopped-note">You stopped this answer. {kept}</p>'
    if kind is None:
        return ""
    symbol, title = _CARDS[kind]
    if kind in ("held", "closed") and turn.waiting:
        inside = card_body(turn.waiting, turn.record, turn.helpline)
        return _card(kind, symbol, title, inside)
    message = turn.message or _FALLBACKS.get(kind, "")
    remedy = f'<p class="remedy">{escape(turn.remedy)}</p>' if turn.remedy else ""
    inside = f"<p>{escape(message)}</p>{remedy}{_searched(turn, kind)}"
    return _card(kind, symbol, title, inside)


def _card(kind: str, symbol: str, title: str, inside: str) -> str:
    return (
        f'<section class="card {kind}"><div class="card-icon">{icon(symbol)}</div><div>'
        f"<h3>{title}</h3>{inside}</div></section>"
    )


def _searched(turn: Turn, kind: str) -> str:
    if kind not in ("not-found", "unavailable") or not turn.passages:
        return ""
    links = "".join(
        f'<li><a href="#source-{turn.index}-p{n}" class="open-source" role="button" '
        f'data-turn="{turn.index}" data-marker="p{n}"><span>{escape(p.document.title)}</span> '
        f'<span class="where">{escape(place_of(p))}</span></a></li>'
        for n, p in enumerate(turn.passages)
    )
    return f'<h4>Closest passages in what was searched</h4><ul class="searched">{links}</ul>'


def _cited(turn: Turn) -> str:
    if turn.working or not turn.citations:
        return ""
    chips = "".join(
        f'<li><a class="chip open-source" href="#source-{turn.index}-{n}" role="button" '
        f'data-turn="{turn.index}" data-marker="{n}" '
        f'aria-label="Source {n}: {escape(source_name(quoted[0]))}">'
        f'<span class="number">{n}</span><span class="title">'
        f'{escape(quoted[0].passage.document.title)}</span><span class="where">'
        f"{escape(_short(quoted[0].passage))}</span></a></li>"
        for n, quoted in sources(turn.citations).items()
    )
    return f'<ul class="chips" aria-label="Sources of this answer">{chips}</ul>'


def _short(passage: Passage) -> str:
    if passage.locator.page is not None:
        return f"page {passage.locator.page}"
    return (headings_of(passage) or ("start",))[-1]


def _progress(turn: Turn) -> str:
    if not turn.working:
        return ""
    count = len(turn.passages)
    text = {
        Phase.SEARCHING: f"Waiting for the {escape(turn.waiting_for)} to load…"
        if turn.waiting_for
        else f"Searching {_many(turn.documents, 'document')}…",
        Phase.READING: f"Reading {_many(count, 'passage')}…",
        Phase.WRITING: "Writing…",
    }[turn.phase]
    if turn.ahead:
        text = f"{_many(turn.ahead, 'question')} before yours…"
    return f'<span class="pulse" aria-hidden="true"></span><span>{text}</span>'


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _actions(turn: Turn, last: bool) -> str:
    if turn.working:
        return ""
    buttons = []
    if turn.text:
        buttons.append(_button("copy", "Copy the answer", turn, "copy"))
    if turn.text and turn.record:
        buttons.append(_button("up", "This answer helped", turn, "up", worth=1))
        buttons.append(_button("down", "Something is wrong", turn, "down", worth=-1))
    if turn.record and turn.status is not Status.HELD and turn.waiting is None:
        buttons.append(_button("person", "Have a person look at this", turn, "person"))
    if last and not (turn.waiting and turn.waiting.open):
        buttons.append(_button("retry", "Answer again", turn, "retry"))
    return "".join(buttons)


def _button(act: str, name: str, turn: Turn, symbol: str, *, worth: int = 0) -> str:
    pressed = "true" if turn.rating == worth else "false"
    state = f' aria-pressed="{pressed}"' if worth else ""
    return (
        f'<button type="button" class="quiet" data-act="{act}" data-turn="{turn.index}"{state} '
        f'aria-label="{name}" title="{name}">{icon(symbol)}</button>'
    )


def _plain(turn: Turn) -> str:
    return escape(plain_answer(turn.text, turn.citations)) if turn.text else ""
