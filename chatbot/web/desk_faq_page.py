"""The desk's page of the curated FAQ → HTML: the list, one entry, its form, what is asked. Pure.

Questions, answers and passages were written by others: all of them go through `markup`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from chatbot.adapters.faq_proposals import Proposal
from chatbot.steps.faq import FILE, FaqEntry, FaqState, signed_by_all
from chatbot.steps.review_item import Answer
from chatbot.web.desk_evidence import evidence_cards, sentence_html
from chatbot.web.desk_forms import shell
from chatbot.web.desk_page import plain_bar
from chatbot.web.desk_words import ago
from chatbot.web.icons import icon
from chatbot.web.markup import escape

VIEWS: Mapping[str, str] = {
    "": "All",
    "live": "Live",
    "proposed": "To sign",
    "suspended": "Suspended",
    "asked": "Often asked",
}
STATES: Mapping[FaqState, tuple[str, str]] = {
    FaqState.LIVE: ("Live", "good"),
    FaqState.PROPOSED: ("Waits for a signature", "plain"),
    FaqState.SUSPENDED: ("Suspended", "warn"),
}
SAID: Mapping[str, str] = {
    "approve": "Signed.",
    "edit": "Saved. Someone else has to sign it.",
    "review": "It rests on the documents as they are now. Someone has to sign it.",
    "suspend": "Suspended. It answers nobody.",
    "again": "Now in the FAQ, on the documents as they are now. Someone else has to sign it.",
    "promote": "Proposed. Someone else has to sign it.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry, and what this person may do with it.

    Attributes:
        changed: what has become of a source since; empty: nothing.
        may_edit: whether they may change it.
        why_not: why they may not sign it; empty: they may.
        evidence: the answer with all the passages that an editor may cite; None: not editing.
        typed: what was typed into the form, when it could not be saved.
    """

    entry: FaqEntry
    now: datetime
    changed: str = ""
    may_edit: bool = False
    why_not: str = ""
    evidence: Answer | None = None
    typed: Mapping[str, str] = field(default_factory=dict)


def list_page(
    site: str,
    entries: Sequence[FaqEntry],
    view: str,
    search: str,
    now: datetime,
    *,
    proposals: Sequence[Proposal] = (),
    people: int = 0,
    fault: str = "",
    problem: str = "",
    may_edit: bool = False,
) -> str:
    """The entries of a view, or what many people ask.

    Args:
        search: words that have to stand in a wording or in the answer.
        people: how many must have asked a question before it is proposed.
        fault: what is wrong with a file; `problem`: why something was not done.
    """
    fits = [e for e in entries if _fits(e, search)]
    shown = [e for e in fits if view in ("", e.state.value)]
    counts = {"": len(fits)} | {s.value: sum(e.state is s for e in fits) for s in FaqState}
    if view == "asked":
        body = _asked(proposals, people, may_edit=may_edit)
    elif shown:
        body = f'<ul class="faq-rows">{"".join(_row(e, now) for e in shown)}</ul>'
    else:
        body = _nothing(view, search, any_=bool(entries))
    wrong = _banner("warn", f"A file was not loaded: {fault}") if fault else ""
    return _page(site, "FAQ", f"{_head(view, search, counts)}{_problem(problem)}{wrong}{body}")


def entry_page(site: str, seen: Seen, said: str = "", problem: str = "") -> str:
    """One entry: what it says, what it rests on, and what can be done with it; or its form."""
    entry = seen.entry
    name, tone = STATES[entry.state]
    told = f'<p class="said" role="status">{icon("check")}{escape(said)}</p>' if said else ""
    body = _form(seen) if seen.evidence is not None else _answer(seen)
    also = "".join(f"<li>{escape(a)}</li>" for a in entry.alternatives)
    other = f'<p class="also">Also asked as</p><ul class="also">{also}</ul>' if also else ""
    inner = (
        f'<p class="crumb"><a href="/desk/faq" data-key="u">{icon("back")}All entries</a></p>'
        f'{told}{_problem(problem)}<header class="faq-head"><p class="facts">'
        f'<span class="badge {tone}">{name}</span>{_facts(seen)}</p>'
        f"<h1>{escape(entry.question)}</h1>{other}</header>{_banners(seen)}{body}"
    )
    return _page(site, entry.question, inner)


def _problem(words: str) -> str:
    return f'<p class="problem" role="alert">{icon("alert")}{escape(words)}</p>' if words else ""


def _page(site: str, title: str, inner: str) -> str:
    body = (
        f'{plain_bar(site, "FAQ")}<main class="insights faq">{inner}</main>'
        '<script type="module" src="/ui/faq.js"></script>'
    )
    return shell(site, title, body, "faq-page")


def _fits(entry: FaqEntry, search: str) -> bool:
    texts = " ".join((*entry.wordings, entry.answer.text, entry.owner)).casefold()
    return all(word in texts for word in search.casefold().split())


def _head(view: str, search: str, counts: Mapping[str, int]) -> str:
    tabs = "".join(
        f'<a href="/desk/faq?{escape(urlencode({"view": key, "q": search}))}"'
        f"{' aria-current=page' if key == view else ''}>{name}"
        + (f'<span class="count">{counts[key]}</span>' if key in counts else "")
        + "</a>"
        for key, name in VIEWS.items()
    )
    return (
        '<div class="insights-head"><h1>FAQ</h1><form class="search" role="search" method="get" '
        f'action="/desk/faq"><input type="hidden" name="view" value="{escape(view)}">'
        f'{icon("none")}<label class="unseen" for="q">Search the FAQ</label><input id="q" name="q" '
        f'type="search" value="{escape(search)}" placeholder="Search" maxlength="80"></form></div>'
        f'<nav class="periods faq-views" aria-label="Entries">{tabs}</nav>'
    )


def _row(entry: FaqEntry, now: datetime) -> str:
    name, tone = STATES[entry.state]
    why = entry.reason or entry.note
    reason = f'<span class="row-why">{escape(why)}</span>' if why else ""
    owner = f"{escape(entry.owner)} · " if entry.owner else ""
    signed = f'<span class="badge plain">{_count(entry)}</span>' if _is_half_signed(entry) else ""
    return (
        f'<li><a class="faq-row" href="/desk/faq?{escape(urlencode({"entry": entry.id}))}">'
        f'<span class="row-top"><span class="badge {tone}">{name}</span>{signed}'
        f'<span class="clock">{owner}{ago(entry.changed_at, now)}</span></span>'
        f'<span class="asked">{escape(entry.question)}</span>{reason}</a></li>'
    )


def _is_half_signed(entry: FaqEntry) -> bool:
    return entry.state is FaqState.PROPOSED and entry.needed > 1


def _count(entry: FaqEntry) -> str:
    return f"{len(entry.signatures)} of {entry.needed} signed"


def _nothing(view: str, search: str, *, any_: bool) -> str:
    if search:
        inner = '<p>No entry has these words.</p><a href="/desk/faq">Show all of them</a>'
    elif any_:
        inner = {
            "live": "<p>No entry answers at the moment.</p>",
            "proposed": "<p>Nothing waits for a signature.</p>",
        }.get(view, "<p>Every entry is in order.</p>")
    else:
        inner = (
            "<h2>No entry yet</h2><p>Write some into the folder <code>faq</code>, or propose what "
            'is asked again and again.</p><a href="/desk/faq?view=asked">See what is asked</a>'
        )
    return f'<div class="nothing faq-nothing">{inner}</div>'


def _asked(proposals: Sequence[Proposal], people: int, *, may_edit: bool) -> str:
    if not proposals:
        return (
            f'<div class="nothing faq-nothing"><p>Nothing was asked by {people} or more different '
            "people in 90 days that the FAQ does not answer.</p></div>"
        )
    rows = "".join(_proposal(one, may_edit=may_edit) for one in proposals)
    return (
        f'<p class="hint-line">Asked by at least {people} different people in 90 days, and not '
        f'answered here. Who asked is not shown.</p><ul class="faq-rows">{rows}</ul>'
    )


def _proposal(one: Proposal, *, may_edit: bool) -> str:
    also = "".join(f"<li>{escape(a)}</li>" for a in one.alternatives)
    if not one.record:
        act = '<span class="badge warn">Never answered</span>'
    elif may_edit:
        kept = "".join(
            _hidden(name, value)
            for name, value in (("record", one.record), ("question", one.question),
                                ("alternatives", "\n".join(one.alternatives)))
        )  # fmt: skip
        act = (
            f'<form method="post" action="/desk/faq">{kept}<button class="second" name="act" '
            'value="promote">Propose the answer given</button></form>'
        )
    else:
        act = ""
    return (
        f'<li class="faq-row proposal"><div><span class="row-top"><strong>{one.people} people'
        f'</strong><span class="clock">{one.times} times</span></span>'
        f'<span class="asked">{escape(one.question)}</span><ul class="also">{also}</ul></div>'
        f"{act}</li>"
    )


def _facts(seen: Seen) -> str:
    entry = seen.entry
    facts = [f"Owner: {entry.owner}"] if entry.owner else []
    by = f"By {entry.author}, " if entry.author != entry.owner else ""
    facts.append(f"{by}{ago(entry.changed_at, seen.now)}")
    facts += [f"From {entry.effective}"] if entry.effective else []
    facts += [f"Until {entry.expires}"] if entry.expires else []
    if entry.signatures:
        facts.append("Signed by " + ", ".join(s.reviewer for s in entry.signatures))
    if entry.state is FaqState.LIVE and not signed_by_all(entry):
        facts.append("Every sentence passed the checks")
    if _is_half_signed(entry):
        facts.append(_count(entry))
    if entry.origin.startswith(FILE):
        facts.append(f"From the file {entry.origin.removeprefix(FILE)}")
    return "".join(f"<span>{escape(fact)}</span>" for fact in facts)


def _banners(seen: Seen) -> str:
    entry, found = seen.entry, ""
    again = (
        '<button class="text" name="act" value="review" data-key="r">Review again</button>'
        if seen.may_edit
        else ""
    )
    if entry.state is FaqState.SUSPENDED:
        found += _banner("warn", entry.reason, _deed(seen, again))
    elif seen.changed:
        words = f"Since this was written, {seen.changed}."
        found += _banner("warn", words, _deed(seen, again))
    if entry.note:
        found += _banner("calm", f"{entry.note}. This entry does not answer them.")
    if any(entry.answer.problems):
        words = "What is marked is not said by the documents as they are now: edit it first."
        found += _banner("warn", words)
    if entry.state is FaqState.PROPOSED and seen.why_not:
        found += _banner("calm", f"You cannot sign this: {seen.why_not}.")
    return found


def _banner(tone: str, words: str, act: str = "") -> str:
    return f'<div class="banner {tone}" role="note"><p>{escape(words)}</p>{act}</div>'


def _answer(seen: Seen) -> str:
    answer = seen.entry.answer
    rows = "".join(sentence_html(n, answer) for n in range(len(answer.sentences)))
    cards = evidence_cards(answer)
    changed = seen.changed or seen.entry.state is FaqState.SUSPENDED
    stale = '<span class="tally bad">checked before that</span>' if changed else ""
    rests = cards or '<p class="none-yet">No document says this any more.</p>'
    return (
        f'<section class="draft"><h2>Answer{stale}</h2><ol class="sentences">{rows}</ol></section>'
        f'{_acts(seen)}<section class="faq-evidence"><h2>Rests on</h2>{rests}</section>'
    )


def _acts(seen: Seen) -> str:
    if not seen.may_edit:
        return ""
    entry, found = seen.entry, ""
    if entry.state is FaqState.PROPOSED and not seen.changed:
        unfit = seen.why_not or not entry.documents or any(entry.answer.problems)
        off = " disabled" if unfit else ""
        found += _deed(
            seen,
            f'<button class="primary" name="act" value="approve" data-key="a"{off}>Approve'
            "<kbd>A</kbd></button>",
        )
    link = escape(urlencode({"entry": entry.id, "edit": 1}))
    found += f'<a class="second" href="/desk/faq?{link}" data-key="e">Edit<kbd>E</kbd></a>'
    if entry.state is not FaqState.SUSPENDED:
        fields = (
            '<label class="field"><span>Why</span><input name="reason" maxlength="300" required>'
            '</label><button class="danger" name="act" value="suspend">Suspend</button>'
        )
        found += (
            '<details class="faq-suspend"><summary class="second" data-key="s">Suspend<kbd>S</kbd>'
            f"</summary>{_deed(seen, fields)}</details>"
        )
    return f'<div class="faq-acts">{found}</div>'


def _deed(seen: Seen, inner: str) -> str:
    entry = seen.entry
    kept = _hidden("entry", entry.id) + _hidden("sha256", entry.sha256)
    return f'<form method="post" action="/desk/faq">{kept}{inner}</form>' if inner else ""


def _form(seen: Seen) -> str:
    entry, typed = seen.entry, seen.typed
    answer = seen.evidence or entry.answer
    kept = "".join(
        _hidden(name, value)
        for name, value in (("entry", entry.id), ("version", str(entry.version)),
                            ("shown", evidence_stamp(answer)))
    )  # fmt: skip
    fields = (
        _area("Question", "question", typed.get("question", entry.question), 2)
        + _area("Other wordings, one a line", "alternatives",
                typed.get("alternatives", "\n".join(entry.alternatives)), 4)
        + _area("Answer; markers such as [1] point at the passages below", "text",
                typed.get("text", entry.answer.text), 8)
        + '<div class="faq-fields">'
        + _input("Owner", "owner", "text", typed.get("owner", entry.owner))
        + _input("From", "effective", "date", typed.get("effective", str(entry.effective or "")))
        + _input("Until", "expires", "date", typed.get("expires", str(entry.expires or "")))
        + "</div>"
    )  # fmt: skip
    back = escape(urlencode({"entry": entry.id}))
    return (
        f'<form class="faq-form" method="post" action="/desk/faq">{kept}{fields}'
        '<div class="faq-acts"><button class="primary" name="act" value="edit" '
        'data-key="Enter">Save<kbd>Ctrl Enter</kbd></button>'
        f'<a class="second" href="/desk/faq?{back}" data-key="Escape">Cancel<kbd>Esc</kbd></a>'
        '<p class="hint-line">Someone else has to sign it before it answers anyone.</p></div>'
        f'</form><section class="faq-evidence"><h2>Passages to cite</h2>{evidence_cards(answer)}'
        "</section>"
    )


def evidence_stamp(answer: Answer) -> str:
    """Names the passages that a form's markers point at, in their order."""
    return " ".join(f"{p.id}@{p.document.version[:16]}" for p in answer.evidence)


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _area(label: str, name: str, value: str, rows: int) -> str:
    return (
        f'<label class="field"><span>{label}</span><textarea name="{name}" rows="{rows}" '
        f'maxlength="8000">{escape(value)}</textarea></label>'
    )


def _input(label: str, name: str, kind: str, value: str) -> str:
    return (
        f'<label class="field"><span>{label}</span><input type="{kind}" name="{name}" '
        f'maxlength="80" value="{escape(value)}"></label>'
    )
