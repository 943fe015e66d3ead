"""A run as a page to read: scores, and every question with what was answered; two side by side.

Everything that others wrote (questions, passages, answers) is escaped; the page needs no network.
"""

from __future__ import annotations

from html import escape

from finetune.evaluate import Run, compared
from finetune.rows import Source
from finetune.scores import Answered, worth

_NAMES = {
    "worth": "Worth of an answer",
    "f1": "F1",
    "exact": "Exactly right",
    "right_citation": "Given answers that cite the right passage",
    "citation_precision": "Markers that name the right passage",
    "citation_recall": "Answers with the right marker, of all that there are",
    "wrong_refusals": "Refused though a passage holds it",
    "right_refusals": "Refused where no passage holds it",
    "unsupported": "Sentences with a word that is not in their passage",
    "words": "Words of an answer",
    "seconds": "Seconds",
}
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent);
  --soft: color-mix(in srgb, currentColor 60%, transparent); --good: #1f7a4d; --bad: #b3372c; }
@media (prefers-color-scheme: dark) { :root { --good: #6fd09f; --bad: #ff9a8c; } }
* { box-sizing: border-box } body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 72rem; padding: 2rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } .soft { color: var(--soft) }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0 } .scroll { overflow-x: auto }
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line) }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap }
article { border-top: 1px solid var(--line); padding: 1rem 0 } h2 { font-size: 1rem; margin: 0 }
.said { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: .75rem }
.said p { margin: .35rem 0; padding-left: .75rem; border-left: 3px solid var(--line) }
.said p.good { border-color: var(--good) } .said p.bad { border-color: var(--bad) }
summary { cursor: pointer; color: var(--soft) } details p { margin: .4rem 0 }
"""


def page(run: Run, against: Run | None = None) -> str:
    """The whole page; questions on which the answers are worth least come first.

    Raises:
        BadInput: the two runs were asked different rows.
    """
    others = {a.row.id: a for a in against.answered} if against else {}
    title = f"{run.name}{f' and {against.name}' if against else ''}"
    above = ""
    if against:
        gap = compared(run, against)
        interval = f"95% interval {gap['low']:+.3f} to {gap['high']:+.3f}"
        above = f"<p>The first is worth {gap['value']:+.3f} more than the second ({interval}).</p>"
    asked = sorted(run.answered, key=worth)
    cards = "".join(_card(a, others.get(a.row.id)) for a in asked)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p class=soft>{len(run.answered)} questions, test "
        f"{run.test[:12]}, prompt {run.prompt[:12]}</p>{above}{_scores(run, against)}{cards}"
        "</body></html>\n"
    )


def _scores(run: Run, against: Run | None) -> str:
    columns = [r.scores for r in (run, against) if r]
    heads = "".join(f"<th>{escape(r.name)}</th>" for r in (run, against) if r)
    rows = "".join(
        f"<tr><th scope=row>{title}</th>"
        + "".join(f"<td class=n>{_figure(scores[name])}</td>" for scores in columns)
        + "</tr>"
        for name, title in _NAMES.items()
    )
    return f"<div class=scroll><table><tr><td></td>{heads}</tr>{rows}</table></div>"


def _figure(score: dict[str, float]) -> str:
    if not score["n"]:
        return "–"
    return (
        f"{score['value']:.3f} <span class=soft>{score['low']:.3f} to {score['high']:.3f}, "
        f"n = {score['n']:.0f}</span>"
    )


def _card(answered: Answered, other: Answered | None) -> str:
    row = answered.row
    right = f"Right: {escape(row.target)}"
    said = "".join(_said(a) for a in (answered, other) if a)
    read = "".join(_passage(n, s) for n, s in enumerate(row.sources, 1))
    return (
        f"<article><h2>{escape(row.question)}</h2><p class=soft>{right}</p>"
        f"<div class=said>{said}</div><details><summary>{len(row.sources)} passages</summary>"
        f"{read}</details></article>"
    )


def _said(answered: Answered) -> str:
    value = worth(answered)
    look = "good" if value > 0.99 else "bad" if value < 0.01 else "part"
    text = escape(answered.text) or "<em>nothing</em>"
    return f"<p class={look}>{text} <span class=soft>worth {value:.2f}</span></p>"


def _passage(number: int, source: Source) -> str:
    return f"<p><b>[{number}] {escape(source.where)}</b><br>{escape(source.text)}</p>"
