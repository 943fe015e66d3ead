"""`finetune sweep`: which rank, rate and number of epochs are best."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from chatbot.console import FAILED, PART, AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.settings import load_settings
from finetune import sweep as sweeping
from finetune.commands.common import Data
from finetune.commands.training import steps
from finetune.plan import METHODS, Plan
from finetune.sweep import Outcome, best, combined
from finetune.sweep_page import page

Number = TypeVar("Number", int, float)


@guarded
def sweep(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder for the adapters and the table; gone on with after a kill.")
    ],
    ranks: Annotated[str, typer.Option(help="Ranks to try.")] = "8,16",
    rates: Annotated[str, typer.Option(help="Greatest learning rates to try.")] = "3e-4,6e-4",
    epochs: Annotated[str, typer.Option(help="How often each row is seen.")] = "1",
    base: Annotated[
        str, typer.Option(help="`embedded`, a GGUF file, a folder, or an id on the hub.")
    ] = "embedded",
    method: Annotated[str, typer.Option(help="lora or dora.")] = "lora",
    ask: Annotated[
        int, typer.Option(min=0, help="Rows of dev that each is asked; they decide then.")
    ] = 0,
    seed: Annotated[int, typer.Option()] = 7,
    as_json: AsJson = False,
) -> None:
    """Train every combination and score it on dev: a table, a page with plots, and the best.

    The score is the loss of the right answers over all rows of dev; with --ask what the answers to
    that many rows are worth.

    Example: finetune sweep var/dataset --ranks 8,16 --rates 3e-4,6e-4 --epochs 1,2 --out var/sweep
    """
    if method not in METHODS:
        raise BadInput(f"No sweep with {method}.", f"Choose one of {', '.join(METHODS)}.")
    plan = Plan(base=base, method=method, seed=seed)
    plans = combined(plan, numbers(ranks, int), numbers(rates, float), numbers(epochs, float))
    out.mkdir(parents=True, exist_ok=True)
    found: list[Outcome] = []
    most = load_settings().answer_tokens
    with steps() as told:

        def heard(name: str, now: dict[str, float]) -> None:
            told(now, f"{len(found) + 1} of {len(plans)}, ")

        for outcome in sweeping.sweep(data, out, plans, ask, most, heard):
            found.append(outcome)
            _keep(out, data, plan, found)
    if as_json:
        put_json(sweeping.plain(found))
    else:
        put("\n".join(map(_line, found)))
        first = best(found)
        put(f"Best: {first.name if first else 'none'}. {out / 'sweep.html'}")
    failed = [o for o in found if o.problem]
    if failed:
        raise SystemExit(FAILED if len(failed) == len(found) else PART)


def numbers(text: str, kind: Callable[[str], Number]) -> list[Number]:
    """Numbers above 0, apart by commas.

    Raises:
        BadInput: they are not.
    """
    try:
        found = [kind(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) <= 0:
        raise BadInput(f"{text!r} is no list of numbers above 0.", "Write them like 8,16.")
    return found


def _keep(out: Path, data: Path, plan: Plan, found: Sequence[Outcome]) -> None:
    """Writes the table and the page, as far as the sweep is."""
    first = best(found)
    again = f"finetune train {data} --out FOLDER --base {plan.base} --method {plan.method}"
    if first:
        again += f" --seed {plan.seed} --rank {first.rank}"
        again += f" --rate {first.rate:g} --epochs {first.epochs:g}"
    about = f"{plan.method} on {plan.base}, dataset {data}, seed {plan.seed}"
    table = json.dumps(sweeping.plain(found), indent=1) + "\n"
    (out / "sweep.json").write_text(table, encoding="utf-8")
    (out / "sweep.html").write_text(page(f"Sweep {out.name}", about, found, again), "utf-8")


def _line(one: Outcome) -> str:
    said = one.problem or f"loss {one.loss:.4f}"
    if one.scores:
        worth = one.scores["worth"]
        said += f", worth {worth['value']:.3f} [{worth['low']:.3f}, {worth['high']:.3f}]"
    return f"{one.name:<36} {said}"
