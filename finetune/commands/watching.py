"""`finetune drift`: whether people ask, or are answered, otherwise than before."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.adapters.drift import LATEST_DAYS, REFERENCE_DAYS, Look, look
from chatbot.adapters.known_questions import serving_questions
from chatbot.adapters.revisions import Revisions
from chatbot.clock import utc_now
from chatbot.commands.routing import open_encoder
from chatbot.commands.stores import open_stores
from chatbot.console import FAILED, AsJson, guarded, put, put_json
from chatbot.settings import load_settings
from chatbot.steps.drift import Figure
from finetune.vectors import known_questions


@guarded
def drift(
    data: Annotated[
        Path | None,
        typer.Option(help="Dataset to call near or far; none: the serving adapter's."),
    ] = None,
    reference: Annotated[
        int, typer.Option(min=1, help="Days before the latest ones to compare with.")
    ] = REFERENCE_DAYS,
    latest: Annotated[int, typer.Option(min=1, help="Days up to now.")] = LATEST_DAYS,
    as_json: AsJson = False,
) -> None:
    """Compare the latest days with those before: questions, retrieval, refusals, quotes, desk,
    thumbs.

    An alert is a difference for the worse that is large and hardly chance; it comes with what to
    do. Exit code: 0 none, or too few answers to tell; 1 an alert.

    Example: finetune drift --data var/dataset
    """
    encoder, settings = open_encoder(), load_settings()
    if data:
        known = known_questions(data, encoder, encoder.name)
    else:
        known = serving_questions(Revisions(settings.adapters_folder), encoder.name)
    with open_stores(settings) as (queue, _):
        found = look(queue, encoder, known, utc_now(), (reference, latest))
    if as_json:
        put_json(_report(found))
    else:
        put("\n".join(_lines(found)))
    if found.alerts:
        raise typer.Exit(FAILED)


def _report(found: Look) -> dict[str, Any]:
    return {
        "at": found.at.isoformat(timespec="seconds"),
        "days": dict(zip(("reference", "latest"), found.days, strict=True)),
        "state": found.state,
        "figures": [_plain(f) for f in found.figures],
        "topics": [asdict(t) for t in found.topics],
        "advice": list(dict.fromkeys(f.advice for f in found.alerts)),
    }


def _lines(found: Look) -> list[str]:
    days = f"{found.days[0]} days", f"last {found.days[1]}"
    lines = [f"{'':<36} {days[0]:>14} {days[1]:>14}  {'size':>6} {'large':>6} {'p':>8}"]
    lines += [_line(f) for f in found.figures]
    lines += [f"New: {', '.join(t.words)} ({t.count} questions; look at {', '.join(t.records)})"
              for t in found.topics]  # fmt: skip
    lines += list(dict.fromkeys(f.advice for f in found.alerts))
    return [*lines, found.words[:1].upper() + found.words[1:] + "."]


def _line(figure: Figure) -> str:
    values = [f"{v:.3f}" for v in figure.values] if figure.values else ["–", "–"]
    shown = [f"{v} of {n:,}" for v, n in zip(values, figure.counts, strict=True)]
    line = f"{figure.name:<36} {shown[0]:>14} {shown[1]:>14}"
    if figure.p is None or figure.size is None or figure.large is None:
        return f"{line}  {figure.state}"
    return f"{line}  {figure.size:>+6.3f} {figure.large:>6.3f} {figure.p:>8.4f}  {figure.state}"


def _plain(figure: Figure) -> dict[str, Any]:
    values = figure.values or (None, None)
    return {
        "name": figure.name, "state": figure.state,
        "reference": {"n": figure.counts[0], "value": values[0]},
        "latest": {"n": figure.counts[1], "value": values[1]},
        "size": figure.size, "large": figure.large, "p": figure.p, "advice": figure.advice,
    }  # fmt: skip
