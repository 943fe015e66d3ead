"""A sweep as a page to read: every combination with its scores, and plots of them.

The best stands out in colour; a row of the table that is pointed at shows its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from chatbot import plots
from chatbot.plots import Line, plot
from finetune.sweep import Outcome, best

_POINTS = 60
_STYLE = Path(__file__).with_name("sweep.css")
_AXES: tuple[tuple[str, str], ...] = (
    ("rank", "rank"),
    ("rate", "learning rate"),
    ("epochs", "epochs"),
)


def page(title: str, about: str, outcomes: Sequence[Outcome], again: str = "") -> str:
    """The whole page.

    Args:
        about: a line under the title: what was scored with what.
        again: the command that trains the best one.
    """
    done = [o for o in outcomes if not o.problem]
    first = best(outcomes)
    looks = {o.name: f"t{n}{' best' if o is first else ''}" for n, o in enumerate(outcomes)}
    plotted = f"{_against(done, looks)}{_training(done, looks)}" if done else ""
    chosen = f"<p>Best: <b class=mark>{first.name}</b></p>" if first else "<p>None was trained.</p>"
    said = f"<p><code>{escape(again)}</code></p>" if first and again else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{plots.STYLE}{_STYLE.read_text(encoding='utf-8')}{_pointed(outcomes)}"
        f"</style></head><body><h1>{escape(title)}</h1><p class=soft>{escape(about)}</p>{chosen}"
        f"{said}{_table(outcomes, looks)}{plotted}</body></html>\n"
    )


def _pointed(outcomes: Sequence[Outcome]) -> str:
    """A row that is pointed at lights its lines and dots up."""
    return "".join(
        f"body:has(tr.t{n}:hover) svg .t{n}{{--soft:var(--look);stroke-width:2.25;opacity:1}}"
        for n in range(len(outcomes))
    )


def _table(outcomes: Sequence[Outcome], looks: dict[str, str]) -> str:
    asked = any(o.scores for o in outcomes)
    heads = ["Rank", "Rate", "Epochs", "Loss on dev", *(["Worth of an answer"] if asked else []),
             "Last training loss", "Minutes"]  # fmt: skip
    rows = "".join(
        f'<tr class="{looks[o.name]}">'
        f"<th scope=row class=n>{o.rank}</th><td class=n>{o.rate:g}</td>"
        f"<td class=n>{o.epochs:g}</td>{_found(o, asked)}</tr>"
        for o in outcomes
    )
    above = "".join(f"<th scope=col class=n>{head}</th>" for head in heads)
    return (
        f"<div class=scroll><table><thead><tr>{above}</tr></thead><tbody>{rows}</tbody></table>"
        "</div>"
    )


def _found(one: Outcome, asked: bool) -> str:
    if one.problem:
        return f"<td class=bad colspan={4 if asked else 3}>{escape(one.problem)}</td>"
    worth = ""
    if asked:
        score = one.scores["worth"]
        worth = (
            f"<td class=n>{score['value']:.3f} <span class=soft>{score['low']:.3f} to "
            f"{score['high']:.3f}</span></td>"
        )
    return (
        f"<td class=n>{one.loss:.4f}</td>{worth}<td class=n>{_smooth(one.losses)[-1][1]:.4f}</td>"
        f"<td class=n>{one.seconds / 60:.1f}</td>"
    )


def _against(done: Sequence[Outcome], looks: dict[str, str]) -> str:
    """Each score against each setting that was tried with more than one value."""
    measures: list[tuple[str, Callable[[Outcome], float]]] = [("Loss on dev", lambda o: o.loss)]
    if any(o.scores for o in done):
        measures.append(("Worth of an answer", lambda o: float(o.scores["worth"]["value"])))
    figures = [
        f"<figure><figcaption>{name} by {title}</figcaption>"
        f"{_dots(done, setting, title, name, of, looks)}</figure>"
        for name, of in measures
        for setting, title in _AXES
        if len({getattr(o, setting) for o in done}) > 1
    ]
    if not figures:
        return ""
    said = "<h2>Scores</h2><p class=soft>A line joins what differs in nothing else. In colour: "
    said += "the best, and what is pointed at in the table.</p>"
    return f"{said}<div class=plots>{''.join(figures)}</div>"


def _dots(
    done: Sequence[Outcome],
    setting: str,
    title: str,
    name: str,
    of: Callable[[Outcome], float],
    looks: dict[str, str],
) -> str:
    places = sorted({getattr(o, setting) for o in done})
    others = [s for s, _ in _AXES if s != setting]

    def rest(one: Outcome) -> tuple[float, ...]:
        return tuple(getattr(one, s) for s in others)

    lines = [
        Line(
            [(places.index(getattr(o, setting)), of(o)) for o in same],
            looks=[looks[o.name] for o in same],
            names=[f"{o.name}: {of(o):.4f}" for o in same],
        )
        for _, group in groupby(sorted(done, key=rest), key=rest)
        for same in [sorted(group, key=lambda o: float(getattr(o, setting)))]
    ]
    return plot(lines, title, name, [f"{p:g}" for p in places])


def _training(done: Sequence[Outcome], looks: dict[str, str]) -> str:
    """The losses of training; the best drawn last, over the others."""
    ordered = sorted(done, key=lambda o: "best" in looks[o.name])
    lines = [Line(_smooth(o.losses), looks[o.name], o.name) for o in ordered]
    size = max(len(o.losses) for o in done) // _POINTS
    said = f"<p class=soft>Mean over {size} neighbouring steps, at most.</p>" if size > 1 else ""
    drawn = plot(lines, "step", "Training loss", width=480)
    return f"<h2>Training loss</h2>{said}<div class=wide>{drawn}</div>"


def _smooth(losses: Sequence[float]) -> list[tuple[float, float]]:
    """Step and mean loss of about `_POINTS` groups of neighbouring steps."""
    size = max(1, len(losses) // _POINTS)
    groups = [losses[n : n + size] for n in range(0, len(losses) - size + 1, size)]
    return [(n * size + (size + 1) / 2, sum(g) / len(g)) for n, g in enumerate(groups)]
