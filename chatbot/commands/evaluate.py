"""`chatbot evaluate …`: how well a part does on labelled data, with 95% intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.adapters.training_data import Row, rows
from chatbot.commands.routing import router_by
from chatbot.commands.screen import PolicyName
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.domain import Decision, Screening
from chatbot.errors import BadInput
from chatbot.steps.intervals import share

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
_TEXTS = ("text", "question", "prompt")
_EVERYDAY = ("everyday", "release", "")


@app.callback()
def parts() -> None:
    """How well a part does on labelled data, with 95% intervals."""


@app.command()
@guarded
def screen(
    data: Annotated[
        Path, typer.Argument(help="CSV or JSON lines: text, and category or decision.")
    ],
    policy: PolicyName = None,
    as_json: AsJson = False,
) -> None:
    """How many questions are held, by category, and how many are held or released as labelled.

    A question without a label counts for the share that is held only.

    Example: chatbot evaluate screen policies/questions/test.jsonl
    """
    labelled = [(_text(data, row), _label(row)) for row in _rows(data)]
    if not labelled:
        raise BadInput(f"{data} holds no questions.", "Give one question a row.")
    router = router_by(policy)
    report = scores(labelled, [router.screen(text) for text, _ in labelled])
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(report)))


def scores(
    labelled: Sequence[tuple[str, str | None]], found: Sequence[Screening]
) -> dict[str, Any]:
    """Shares with their intervals: held, right, and both by label. Refused counts as held."""
    kept = [s.decision is not Decision.RELEASE for s in found]
    labels = [label for _, label in labelled]
    known = [(k, n) for k, n in zip(kept, labels, strict=True) if n is not None]
    by_label = {
        name: share([k for k, n in known if n == name]) for name in sorted({n for _, n in known})
    }
    report: dict[str, Any] = {"n": len(kept), "held": share(kept)}
    if known:
        report["right"] = share([k == (n not in _EVERYDAY) for k, n in known])
        report["held_by_label"] = by_label
    return report


def _rows(data: Path) -> list[Row]:
    try:
        return list(rows(data))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{data} cannot be read ({error}).", "Give a CSV or JSON-lines file."
        ) from error


def _text(data: Path, row: Row) -> str:
    for name in _TEXTS:
        if isinstance(row, Mapping) and isinstance(row.get(name), str):
            return row[name]
    raise BadInput(f"A row of {data} has no text.", f"Name the column one of {', '.join(_TEXTS)}.")


def _label(row: Row) -> str | None:
    return row.get("decision") or row.get("category")


def _lines(report: Mapping[str, Any]) -> list[str]:
    def line(name: str, found: Mapping[str, float]) -> str:
        interval = f"[{found['low']:.1%}, {found['high']:.1%}]"
        return f"{name:<28} {found['value']:>7.1%}  {interval:<18} n = {found['n']}"

    lines = [line("held or refused", report["held"])]
    if "right" in report:
        lines.append(line("as labelled", report["right"]))
        lines += [line(f"held of {n or 'everyday'}", s) for n, s in report["held_by_label"].items()]
    return lines
