"""A run as a page to read: scores, live use, and every question with what was answered; two runs
side by side.

Everything that others wrote (questions, passages, answers) is escaped; the page needs no network
and no script.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from finetune.ability import ability_change, ability_scores
from finetune.evaluate import Run, compared
from finetune.live import Live
from finetune.report_parts import LESS, live_part, scores_table, signed
from finetune.rows import Source
from finetune.scores import Answered, worth

_STYLE = Path(__file__).with_suffix(".css")
_FILTERS = {
    "all": "All",
    "changed": "Changed",
    "better": "A better",
    "worse": "B better",
    "wrong": "Not right",
    "bare": "No passage holds it",
}


def page(run: Run, against: Run | None = None, live: Live | None = None) -> str:
    """The whole page; questions on which the answers are worth least come first.

    Args:
        against: another run over the same rows.
        live: figures of live use; None: they were not asked for.

    Raises:
        BadInput: the two runs were asked different rows.
    """
    runs = [run, against] if against else [run]
    verdict = _verdict(run, against) if against else ""
    title = " against ".join(r.name for r in runs)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><h1>How good the answers are</h1><p class=soft>{len(run.answered):,} questions · "
        f"test <span class=n>{run.test[:12]}</span></p>"
        f"<div class=runs>{''.join(map(_run, runs, 'ab'))}</div>{verdict}"
        f"<h2>Scores</h2><p class=soft>Each with its 95% interval and the number it is over.</p>"
        f"{scores_table([{**r.scores, **_able(r)} for r in runs])}"
        f"{live_part(live) if live else ''}{_questions(run, against)}</body></html>\n"
    )


def _run(run: Run, letter: str) -> str:
    score = run.scores["worth"]
    return (
        f"<section class=run><p><span class='tag {letter}'>{letter.upper()}</span>"
        f"<span>{escape(run.name)}</span></p><b class=n>{score['value']:.3f}</b>"
        f"<p class=soft>worth of an answer, {score['low']:.3f} to {score['high']:.3f}</p>"
        f"<small>prompt {escape(run.prompt[:12])}</small></section>"
    )


def _able(run: Run) -> dict[str, dict[str, float]]:
    return ability_scores(run.ability) if run.ability else {}


def _verdict(run: Run, against: Run) -> str:
    said = [
        _change("An answer of A is worth", compared(run, against), ("more", "less"), "than B's")
    ]
    if run.ability and against.ability and run.ability.test == against.ability.test:
        change = dict(ability_change(run.ability, against.ability))
        said.append(
            _change("General ability is", change, ("higher", "lower"), "with A than with B")
        )
    return "".join(said)


def _change(what: str, gap: dict[str, float], words: tuple[str, str], than: str) -> str:
    tone = "good" if gap["low"] > 0 else "bad" if gap["high"] < 0 else ""
    doubt = "" if tone else ": that may be chance"
    return (
        f"<p class='verdict {tone}'>{what} <b class=n>{abs(gap['value']):.3f} "
        f"{words[gap['value'] < 0]}</b> {than} <span class=soft>(95% interval "
        f"{signed(gap['low'], '.3f')} to {signed(gap['high'], '.3f')}{doubt})</span></p>"
    )


def _questions(run: Run, against: Run | None) -> str:
    others = {a.row.id: a for a in against.answered} if against else {}
    pairs = [(a, others.get(a.row.id)) for a in sorted(run.answered, key=worth)]
    kinds = [_kinds(a, other) for a, other in pairs]
    shown = {
        name: sum(name == "all" or name in some for some in kinds)
        for name in _FILTERS
        if against or name not in ("changed", "better", "worse")
    }
    choices = "".join(
        f"<label><input type=radio name=show value={name}{' checked' * (name == 'all')}>"
        f"{_FILTERS[name]} <small>{count:,}</small></label>"
        for name, count in shown.items()
    )
    cards = "".join(_card(*pair, some) for pair, some in zip(pairs, kinds, strict=True))
    return f"<h2>Questions</h2><fieldset class=filters aria-label=Show>{choices}</fieldset>{cards}"


def _kinds(answered: Answered, other: Answered | None) -> set[str]:
    value = worth(answered)
    gap = value - worth(other) if other else 0.0
    found = {
        "changed": other is not None and other.text != answered.text,
        "better": gap > LESS,
        "worse": gap < -LESS,
        "wrong": value < 1 - LESS,
        "bare": not answered.row.marker,
    }
    return {name for name, true in found.items() if true}


def _card(answered: Answered, other: Answered | None, kinds: set[str]) -> str:
    row = answered.row
    said = "".join(_said(a, letter) for a, letter in zip((answered, other), "ab", strict=True) if a)
    read = "".join(_passage(n, s, n == row.marker) for n, s in enumerate(row.sources, 1))
    gap = worth(answered) - worth(other) if other else 0.0
    tone = "up" if gap > LESS else "down" if gap < -LESS else ""
    change = f"<span class='n {tone}'>{signed(gap, '.2f')}</span>" if tone else ""
    return (
        f"<article class='{' '.join(sorted(kinds))}'><header><h3>{escape(row.question)}</h3>"
        f"{change}</header><p class='right soft'>Right: {escape(row.target)}</p>"
        f"<div class=said>{said}</div><details><summary>{len(row.sources)} passages"
        f"{'' if row.marker else ', none holds it'}</summary>{read}</details></article>"
    )


def _said(answered: Answered, letter: str) -> str:
    value = worth(answered)
    look = "good" if value > 1 - LESS else "bad" if value < LESS else "part"
    text = escape(answered.text) or "<em>nothing</em>"
    return (
        f"<div class={look}><span class='tag {letter}'>{letter.upper()}</span><div><p>{text}</p>"
        f"<small class=n>worth {value:.2f} · {answered.seconds:.1f} s</small></div></div>"
    )


def _passage(number: int, source: Source, holds: bool) -> str:
    look = " class=holds" if holds else ""
    return f"<p{look}><b>[{number}] {escape(source.where)}</b>\n{escape(source.text)}</p>"
