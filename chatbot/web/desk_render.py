"""One item of the desk → HTML: question, draft, conversation, evidence. Pure.

Question, draft, passages and messages were written by others, some of them with ill intent. All of
them go through `markup`: shown as text, never as markup of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chatbot.domain import Turn
from chatbot.steps.review_item import DECIDED, OPEN, REACHED, Answer, ReviewItem, State
from chatbot.web.desk_evidence import evidence_cards, sentence_html
from chatbot.web.desk_queue import stamped
from chatbot.web.desk_words import STATES, ago, clock, rejection
from chatbot.web.icons import icon
from chatbot.web.markup import escape


@dataclass(frozen=True, slots=True)
class ItemView:
    """Everything that is shown of one item.

    Attributes:
        me: name of the reviewer who looks.
        why_not: why they may not decide; empty: they may.
        turns: the conversation before the question, as it was released.
        similar: items of the same kind that someone signed.
        title: the category's name for people.
        recallable: whether they may take it back.
    """

    item: ReviewItem
    me: str
    now: datetime
    why_not: str = ""
    turns: Sequence[Turn] = ()
    similar: Sequence[ReviewItem] = field(default_factory=tuple)
    title: str = ""
    recallable: bool = False

    @property
    def mine(self) -> bool:
        """Whether the reviewer holds it and may decide."""
        return self.item.held_by(self.now) == self.me and not self.why_not


def item_html(view: ItemView, colleagues: Sequence[str] = ()) -> str:
    """The question, what is to be known about it, the draft, and what can be done.

    Args:
        colleagues: names of those who could decide it instead.
    """
    item = view.item
    sha = item.answer.sha256 if item.answer else ""
    attributes = (
        f' data-item="{escape(item.id)}" data-fence="{item.fence}" data-sha="{sha}"'
        f' data-version="{item.version}" data-state="{item.state}"'
        f' data-mine="{"yes" if view.mine else "no"}"'
    )
    inner = (
        f'<header class="item-head">{_facts(view)}<h1 tabindex="-1" id="asked">'
        f"{escape(item.question)}</h1>{_reasons(item)}</header>"
        f'<div class="banners">{_banners(view)}</div>'
        f'<div class="messages">{_messages(item, view.now)}</div>'
        f'<section class="draft" aria-labelledby="draft-title">{_draft(item)}</section>'
        f'<div class="acts" role="toolbar" aria-label="Decide">{_acts(view)}</div>'
        f'<ul class="colleagues" hidden>{"".join(f"<li>{escape(c)}</li>" for c in colleagues)}</ul>'
    )
    return stamped("item", inner, attributes)


def empty_html(waiting: int) -> str:
    """What stands there while nothing is open."""
    if waiting:
        words = f"{waiting} {'answer waits' if waiting == 1 else 'answers wait'} for someone."
        body = (
            f"<h1>Ready for the next one?</h1><p>{words}</p>"
            f'<button type="button" class="primary" data-act="next">Take the most urgent'
            f"<kbd>N</kbd></button>"
        )
    else:
        body = (
            f'<div class="all-done">{icon("check")}</div><h1>Nothing waits for you</h1>'
            "<p>New questions appear in the list by themselves.</p>"
        )
    return stamped("item blank-item", body, ' data-item="" data-mine="no"')


def evidence_html(view: ItemView) -> str:
    """The passages that the draft rests on, quotes marked."""
    answer = view.item.answer
    inner = evidence_cards(answer) if answer else ""
    words = "No passage was found for this question." if answer else "It comes with the draft."
    nothing = f'<p class="none-yet">{words}</p>'
    return stamped("evidence-inner", f"<h2>Evidence</h2>{inner or nothing}")


def more_html(view: ItemView) -> str:
    """The conversation before, and similar answers that were signed."""
    return stamped("more-inner", _conversation(view.turns) + _similar(view))


def _facts(view: ItemView) -> str:
    item = view.item
    words, tone = clock(item, view.now)
    facts = [f'<span class="kind">{escape(view.title)}</span>']
    if item.state in OPEN:
        facts.append(f'<span class="clock {tone}">{icon("clock")}{words}</span>')
    facts.append(f'<span class="state-name">{STATES[item.state]}</span>')
    if item.kind == "sample":
        facts.append('<span class="badge sample">Sample of a released answer</span>')
    facts.append(f"<span>Asked {ago(item.created_at, view.now)}</span>")
    if item.needed > 1:
        facts.append(f"<span>{len(item.signatures)} of {item.needed} signatures</span>")
    return f'<p class="facts">{"".join(facts)}</p>'


def _reasons(item: ReviewItem) -> str:
    label = "Sample" if item.kind == "sample" else "Held"
    lines = [(label, "; ".join(item.reasons)), ("To be told at", item.contact)]
    return "".join(
        f'<p class="why"><span>{name}:</span> {escape(words)}</p>' for name, words in lines if words
    )


def _banners(view: ItemView) -> str:
    """What keeps the reviewer from deciding, or what they have to know before."""
    item, found = view.item, []
    holder = item.held_by(view.now)
    if item.outdated:
        act = ("redraft", "Draft again") if view.mine and not item.draft_wanted else ("", "")
        found.append(("warn", "A source has changed since this was drafted. It cannot be approved "
                      "until it is drafted again.", *act))  # fmt: skip
    if holder and holder != view.me:
        found.append(("calm", f"{holder} is working on this.", "", ""))
    elif view.why_not and item.state in OPEN:
        found.append(("calm", f"You can read this, not decide it: {view.why_not}.", "", ""))
    elif item.state in (State.PENDING, State.ESCALATED):
        found.append(("calm", "Nobody holds this. Take it to decide.", "take", "Take it"))
    if item.state in DECIDED or item.state in (State.RECALLED, *REACHED):
        found.append(("calm", _decided(view), "", ""))
    return "".join(
        f'<div class="banner {tone}" role="note"><p>{escape(words)}</p>'
        + (f'<button type="button" class="text" data-act="{act}">{name}</button>' if act else "")
        + "</div>"
        for tone, words, act, name in found
    )


def _decided(view: ItemView) -> str:
    item = view.item
    who = item.signatures[-1].reviewer if item.signatures else "someone"
    words = f"{STATES[item.state]} · decided by {who}"
    if item.decided_at:
        words += f", {ago(item.decided_at, view.now)}"
    if item.reason_code:
        words += f" · {rejection(item.reason_code)}"
    return words + (f" · Told the asker: “{item.note}”" if item.note else "")


def _messages(item: ReviewItem, now: datetime) -> str:
    return "".join(
        f'<div class="message {"theirs" if m.sender == "asker" else "ours"}">'
        f'<p class="from">{escape("The asker" if m.sender == "asker" else m.sender)}'
        f"<span>{ago(m.at, now)}</span></p><p>{escape(m.text)}</p></div>"
        for m in item.thread
    )


def _draft(item: ReviewItem) -> str:
    answer = item.answer
    if item.draft_wanted and item.state in OPEN:
        again = "again " if answer else ""
        head = f'<p class="drafting"><span class="pulse"></span>Being drafted {again}…</p>'
    else:
        head = ""
    if answer is None or not answer.sentences:
        none = "" if head else '<p class="no-draft">There is no draft. Write the answer yourself, '
        none += "" if head else "ask the asker, or reject the question.</p>"
        return f'<h2 id="draft-title">Draft</h2>{head}{none}{_plain("")}'
    rows = "".join(sentence_html(n, answer) for n in range(len(answer.sentences)))
    return (
        f'<h2 id="draft-title">{_draft_title(item)}{_score(item, answer)}</h2>{head}'
        f'<ol class="sentences">{rows}</ol>{_plain(answer.text)}{_replaced(item.draft)}'
    )


def _replaced(draft: str) -> str:
    """What the model had drafted, where a reviewer has put other words there."""
    if not draft:
        return ""
    return (
        '<details class="fold"><summary><h2>First draft</h2><span>changed by a reviewer</span>'
        f'</summary><p class="then-said first-draft">{escape(draft)}</p></details>'
    )


def _draft_title(item: ReviewItem) -> str:
    if item.outdated:
        return "Outdated draft"
    return "Answer" if item.state not in OPEN or item.kind == "sample" else "Draft"


def _score(item: ReviewItem, answer: Answer) -> str:
    if item.outdated:
        return '<span class="tally bad">checked against sources that have changed</span>'
    bad = sum(1 for problems in answer.problems if problems)
    if bad:
        return f'<span class="tally bad">{bad} of {len(answer.sentences)} not supported</span>'
    return '<span class="tally ok">every sentence passed the checks</span>'


def _plain(text: str) -> str:
    return f'<pre class="plain-draft" hidden>{escape(text)}</pre>'


_MAIN = (("approve", "Approve", "A", "primary"), ("edit", "Edit", "E", "second"),
         ("reject", "Reject", "R", "second"))  # fmt: skip
_SAMPLE = (("approve", "Right", "A", "primary"),
           ("missed", "Missed", "M", "second"),
           ("reject", "Recall", "R", "second"))  # fmt: skip
_REST = (("ask", "Ask the asker", "Q"), ("escalate", "Escalate", "X"),
         ("reassign", "Hand over", "H"), ("redraft", "Draft again", "D"),
         ("put-back", "Put back", "B"))  # fmt: skip


def _acts(view: ItemView) -> str:
    item = view.item
    if not view.mine:
        recall = _button("recall", "Recall this answer", "C", "second")
        return recall if view.recallable else ""
    blocked = not item.answer or not item.answer.sentences or item.outdated or item.draft_wanted
    sample = item.kind == "sample"
    main = "".join(
        _button(act, name, key, look, off=act in ("approve", "missed") and blocked)
        for act, name, key, look in (_SAMPLE if sample else _MAIN)
    )
    rest = "".join(
        _button(act, name, key, "third")
        for act, name, key in _REST
        if not (sample and act in ("ask", "redraft"))
    )
    return (
        f'<div class="main-acts">{main}</div><details class="rest-acts"><summary>More</summary>'
        f'<div class="rest-list">{rest}</div></details>'
    )


def _button(act: str, name: str, key: str, look: str, *, off: bool = False) -> str:
    disabled = " disabled" if off else ""
    about = ' title="It was right, but a person should have seen it before"'
    return (
        f'<button type="button" class="{look}" data-act="{act}" aria-keyshortcuts="{key}"'
        f"{about if act == 'missed' else ''}{disabled}><span>{name}</span><kbd>{key}</kbd></button>"
    )


def _conversation(turns: Sequence[Turn]) -> str:
    if not turns:
        return ""
    drawn = "".join(
        f'<li><p class="then-asked">{escape(t.question)}</p>'
        f'<p class="then-said">{escape(t.answer) or "<em>Nothing was shown.</em>"}</p></li>'
        for t in turns
    )
    count = f"{len(turns)} turn{'' if len(turns) == 1 else 's'} before"
    return (
        f'<details class="fold" open><summary><h2>Conversation</h2><span>{count}</span></summary>'
        f'<ol class="turns">{drawn}</ol></details>'
    )


def _similar(view: ItemView) -> str:
    if not view.similar:
        return ""
    drawn = "".join(_signed(other, view.now) for other in view.similar if other.answer)
    return (
        '<details class="fold" open><summary><h2>Signed before</h2>'
        f"<span>{len(view.similar)} similar</span></summary>"
        f'<ol class="turns">{drawn}</ol></details>'
    )


def _signed(item: ReviewItem, now: datetime) -> str:
    text = item.answer.text if item.answer else ""
    who = item.signatures[-1].reviewer if item.signatures else ""
    when = ago(item.decided_at, now) if item.decided_at else ""
    return (
        f'<li><p class="then-asked">{escape(item.question)}</p>'
        f'<p class="then-said">{escape(text)}</p>'
        f'<p class="then-who">{escape(STATES[item.state])} · {escape(who)}, {when}'
        f'<button type="button" class="text" data-act="use">Start from this text</button></p></li>'
    )
