"""The page that shows a dataset's rows one by one → HTML. Pure.

Questions, answers and passages were written by others: all of them are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlencode

from chatbot.web.icons import icon
from chatbot.web.markup import escape, passage_html, spans_of
from chatbot.web.parts import theme_button
from finetune.relabel import FROZEN
from finetune.rows import REFUSAL, WAITS, Row, Split

PAGE = 50
_KINDS = {"": "Any answer", "waits": "Waits for a label", "answer": "Has an answer",
          "refusal": "Refusal is right"}  # fmt: skip
_WRITERS = {"": "Asked by anyone", "person": "By a person", "program": "By a program"}
_MOVES = (Split.TRAIN, Split.DEV, Split.HARD)
_KEYS = (
    ("J", "Next row"), ("K", "Row before"), ("E", "Write the answer"), ("0 – 9", "Which passage"),
    ("Ctrl Enter", "Save, and on to the next"), ("Esc", "Leave the field"), ("/", "Search"),
    ("U", "Back to the list"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sift:
    """Which rows are listed, and from which page of the list on; as in the page's address."""

    split: str = ""
    origin: str = ""
    kind: str = ""
    writer: str = ""
    q: str = ""
    page: int = 1

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Sift:
        """What an address names; what it does not is not sifted by."""
        page = said.get("page", "")
        known = {f.name: said.get(f.name, "")[:200] for f in fields(cls) if f.name != "page"}
        return cls(**known, page=max(1, int(page)) if page.isdecimal() else 1)

    def chosen(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that fit, in their order."""
        words = self.q.casefold().split()
        return [row for row in rows if self._fits(row) and _says(row, words)]

    def address(self, **more: str) -> str:
        """The page's address with it."""
        said = {name: value for name, value in asdict(self).items() if value not in ("", 1)}
        return "/?" + urlencode(said | more)

    def _fits(self, row: Row) -> bool:
        return (
            self.split in ("", row.split)
            and self.origin in ("", row.origin)
            and self.kind in ("", _kind(row))
            and self.writer in ("", "program" if row.synthetic else "person")
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that is shown at once.

    Attributes:
        title: the dataset's name.
        by: who changes rows.
        listed: the rows that fit.
        row: the one that is open; None: none is.
        stamp: what names the open row's state, as the form sends it back.
        typed: what was filled in and refused; empty: what the row says is shown.
        problem: why it was refused.
        done: words about what was just done.
    """

    title: str
    by: str
    rows: Sequence[Row]
    listed: Sequence[Row]
    sift: Sift
    row: Row | None = None
    stamp: str = ""
    typed: Mapping[str, str] | None = None
    problem: str = ""
    done: str = ""


def page_html(look: Look) -> str:
    """The whole page."""
    reading = ' class="reading"' if look.row else ""
    return (
        f'<!doctype html><html lang="en"{reading}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Without this a browser would send the form with `Origin: null`, and it would be refused.
        '<meta name="referrer" content="same-origin">'
        f"<title>{escape(look.title)} · rows</title>"
        '<link rel="icon" href="/ui/favicon.svg" type="image/svg+xml">'
        '<script src="/ui/theme.js"></script>'
        '<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/chat.css">'
        '<link rel="stylesheet" href="/ui/desk.css">'
        '<link rel="stylesheet" href="/ui/rows/rows.css">'
        '<script type="module" src="/ui/rows/rows.js"></script></head><body class="rows-page">'
        f'{_bar(look)}<nav id="queue" aria-label="Rows">{_filters(look)}'
        f"{'' if look.row else _news(look)}{_list(look)}</nav>"
        f'<main id="item">{_item(look)}</main>'
        f'<aside id="evidence" aria-label="Passages">{_passages(look.row)}</aside>{_help()}'
        "</body></html>"
    )


def _bar(look: Look) -> str:
    return (
        '<a class="skip" href="#asked">Skip to the open row</a><header class="bar desk-bar">'
        f'<a class="quiet" id="back" href="{escape(look.sift.address())}" aria-label="Back to the '
        f'list">{icon("back")}</a><a class="brand" href="/"><img src="/ui/favicon.svg" alt="" '
        f'width="22" height="22"><span>{escape(look.title)}</span></a>'
        f'<div class="bar-end"><span class="who">{escape(look.by)}</span>'
        '<button type="button" class="quiet" data-act="help" aria-label="Keyboard shortcuts" '
        f'title="Keyboard shortcuts (?)">{icon("keys")}</button>{theme_button()}</div></header>'
    )


def _filters(look: Look) -> str:
    origins = {"": "Any origin"} | {o: o for o in sorted({r.origin for r in look.rows})}
    splits = {"": "Any split"} | {s.value: s.value for s in Split}
    selects = "".join(
        _select(name, label, choices, getattr(look.sift, name))
        for name, label, choices in (
            ("kind", "Answer", _KINDS), ("split", "Split", splits), ("origin", "Origin", origins),
            ("writer", "Who asked", _WRITERS),
        )
    )  # fmt: skip
    sifted = look.sift != Sift(page=look.sift.page)
    clear = '<a href="/">Clear</a>' if sifted else ""
    return (
        '<form class="sift" id="sift" action="/" method="get" role="search">'
        f'<div class="search">{icon("none")}<label class="unseen" for="search">Search questions, '
        f'answers and passages</label><input id="search" name="q" type="search" maxlength="200" '
        f'placeholder="Search" value="{escape(look.sift.q)}"></div>'
        f'<div class="selects">{selects}</div><div class="sift-end">'
        f'<span role="status">{len(look.listed):,} of {len(look.rows):,} rows</span>{clear}'
        '<button type="submit" class="text">Show</button></div></form>'
    )


def _select(name: str, label: str, choices: Mapping[str, str], chosen: str) -> str:
    options = "".join(
        f'<option value="{escape(v)}"{" selected" if v == chosen else ""}>{escape(words)}</option>'
        for v, words in choices.items()
    )
    return f'<select name="{name}" aria-label="{label}">{options}</select>'


def _list(look: Look) -> str:
    if not look.listed:
        words = "No row fits. Ask for less." if look.rows else "This dataset has no rows."
        return f'<p class="nothing">{words}</p>'
    pages = -(-len(look.listed) // PAGE)
    at = min(look.sift.page, pages)
    items = "".join(_entry(r, look) for r in look.listed[(at - 1) * PAGE : at * PAGE])
    turns = [(at - 1, "Before", at > 1), (at + 1, "More", at < pages)]
    links = "".join(
        f'<a class="turn" href="{escape(replace(look.sift, page=n).address())}">{words}</a>'
        for n, words, there in turns
        if there
    )
    turner = f'<p class="turns-pages"><span>Page {at} of {pages:,}</span>{links}</p>'
    return f'<ul class="rows">{items}</ul>{turner if pages > 1 else ""}'


def _entry(row: Row, look: Look) -> str:
    here = ' aria-current="true"' if look.row and look.row.id == row.id else ""
    badges = {"waits": ("warn", "waits for a label"), "refusal": ("", "refusal")}
    said = [badges[_kind(row)]] if _kind(row) in badges else []
    said += [("sample", "synthetic")] if row.synthetic else []
    ends = "".join(f'<span class="badge {tone}">{words}</span>' for tone, words in said)
    return (
        f'<li><a class="row" href="{escape(look.sift.address(row=row.id))}"{here}>'
        f'<span class="row-top"><span class="kind">{row.split}</span>'
        f'<span class="clock">{escape(row.origin)}</span></span>'
        f'<span class="asked">{escape(row.question)}</span>'
        f'<span class="row-end">{ends}</span></a></li>'
    )


def _item(look: Look) -> str:
    row = look.row
    if row is None:
        return _blank(look)
    facts = [row.split.value, row.origin, row.licence, "synthetic" if row.synthetic else ""]
    shown = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    why = row.notes.get(WAITS, "")
    waits = f'<p class="why"><span>Waits for a label:</span> {escape(why)}</p>' if why else ""
    notes = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(said))}</dd>"
        for name, said in row.notes.items()
        if name != WAITS
    )
    folded = f'<dl class="notes" aria-label="Notes">{notes}</dl>' if notes else ""
    return (
        f'{_news(look)}<article class="item"><p class="facts">{shown}</p>'
        f'<h1 id="asked" tabindex="-1">{escape(row.question)}</h1>{waits}{folded}'
        f"{_frozen(row) if row.split is Split.TEST else _form(row, look)}</article>"
    )


def _news(look: Look) -> str:
    """What was done or, beside no form, refused: where a narrow screen shows it, too."""
    done = f'<p class="banner done" role="status">{escape(look.done)}</p>' if look.done else ""
    if look.row or not look.problem:
        return done
    return f'{done}<p class="banner warn" role="alert">{escape(look.problem)}</p>'


def _blank(look: Look) -> str:
    waiting = sum(row.waits for row in look.rows)
    if not look.rows:
        words, link = "Make rows with finetune dataset.", ""
    elif waiting:
        words = f"{waiting:,} {'row waits' if waiting == 1 else 'rows wait'} for a label."
        first = next(row for row in look.rows if row.waits)
        address = escape(Sift(kind="waits").address(row=first.id))
        link = f'<a class="primary" href="{address}">Begin with the first</a>'
    else:
        words, link = "Every row has a label. Choose one to look at it.", ""
    head = "Nothing here yet" if not look.rows else "Which row?"
    return f'<article class="item blank-item"><h1>{head}</h1><p>{words}</p>{link}</article>'


def _frozen(row: Row) -> str:
    return (
        f'<section class="draft"><h2>What is right</h2><p class="said">{escape(row.target)}</p>'
        f'{_accepted(row)}<p class="banner">{FROZEN.capitalize()}.</p></section>'
    )


def _accepted(row: Row) -> str:
    listed = "".join(f"<li>{escape(a)}</li>" for a in row.accepted)
    return f'<h2>As right</h2><ul class="as-right">{listed}</ul>' if listed else ""


def _form(row: Row, look: Look) -> str:
    typed = look.typed or {
        "answer": row.written or row.answer,
        "marker": "" if row.waits else str(row.marker),
        "accepted": "\n".join(row.accepted),
        "split": row.split.value,
    }
    choices = "".join(
        f'<label><input type="radio" name="marker" value="{n}" required'
        f"{' checked' if typed.get('marker') == str(n) else ''}><span>{n or 'None'}</span></label>"
        for n in range(len(row.sources) + 1)
    )
    moves = {s.value: s.value for s in _MOVES}
    return (
        f'<form class="label" id="label" method="post" action="{escape(look.sift.address())}" '
        f'autocomplete="off"><input type="hidden" name="row" value="{row.id}">'
        f'<input type="hidden" name="seen" value="{look.stamp}">'
        '<fieldset class="which"><legend>Which passage holds the answer?</legend>'
        f'<div class="markers">{choices}</div></fieldset>'
        '<label class="field"><span>The right answer</span><textarea name="answer" rows="3" '
        f'maxlength="4000" aria-describedby="how">{escape(typed.get("answer", ""))}</textarea>'
        '</label><p class="hint-line" id="how">A few words or whole sentences. Markers such as [1] '
        f"are needed only where it rests on several passages. Where none holds it, “{REFUSAL}” is "
        'right.</p><details class="fold"><summary>Other right answers, split</summary>'
        '<label class="field"><span>Other right answers, one a line</span><textarea '
        f'name="accepted" rows="3" maxlength="4000">{escape(typed.get("accepted", ""))}</textarea>'
        '</label><label class="field"><span>Split (rows never move to or from the test)</span>'
        f"{_select('split', 'Split', moves, typed.get('split', ''))}</label></details>"
        f'<p class="problem" role="alert">{escape(look.problem)}</p>'
        '<div class="main-acts"><button type="submit" class="primary"><span>Save, next</span>'
        "<kbd>Ctrl Enter</kbd></button></div></form>"
    )


def _passages(row: Row | None) -> str:
    if row is None:
        return ""
    cards = []
    for n, source in enumerate(row.sources, 1):
        held = row.marker == n
        spans = spans_of(source.text, (row.answer, *row.accepted)) if held else ()
        used = '<span class="unused">holds the answer</span>' if held else ""
        cards.append(
            f'<details class="source" open data-marker="{n}"><summary><span class="number">{n}'
            f'</span><span class="name"><span class="title">{escape(source.where)}</span>'
            f'</span>{used}</summary><div class="passage">{passage_html(source.text, spans)}</div>'
            f'<p class="source-foot validity">{escape(source.document)} · version '
            f"{escape(source.version[:12] or 'unknown')}</p></details>"
        )
    return f'<div class="evidence-inner"><h2>Passages</h2>{"".join(cards)}</div>'


def _help() -> str:
    keys = "".join(f"<dt><kbd>{key}</kbd></dt><dd>{words}</dd>" for key, words in _KEYS)
    return (
        '<dialog id="help" class="help" aria-labelledby="help-title"><form method="dialog">'
        f'<h2 id="help-title">Keyboard</h2><dl>{keys}</dl><div class="dialog-end">'
        '<button class="primary" value="yes">Close</button></div></form></dialog>'
    )


def _kind(row: Row) -> str:
    return "waits" if row.waits else "answer" if row.marker else "refusal"


def _says(row: Row, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = "\n".join((row.question, row.target, *(f"{s.where}\n{s.text}" for s in row.sources)))
    return all(word in text.casefold() for word in words)
