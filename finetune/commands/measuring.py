"""`finetune evaluate`, `baseline`, `report`: how good a model's answers are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.console import AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.figures import line
from chatbot.prompts import FOLDER, Prompt, load_prompt
from chatbot.settings import load_settings
from finetune.commands.common import MEASURED, Data, bar
from finetune.evaluate import Run, compared, opened_model, read_run, run, write_run
from finetune.report import page
from finetune.rows import Split, read_rows

BASELINES = FOLDER / "baselines"


@guarded
def evaluate(
    data: Data,
    out: Annotated[Path, typer.Option(help="File that the run is kept in.")],
    split: Annotated[Split, typer.Option(help="Rows to ask: test, dev or hard.")] = Split.TEST,
    adapter: Annotated[
        str | None, typer.Option(help="Adapter to measure; none: the one of the settings.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model to measure instead.")] = None,
    most: Annotated[int, typer.Option(min=0, help="Rows at most; 0: all.")] = 0,
    against: Annotated[
        Path | None, typer.Option(help="A kept run over the same rows to compare with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the model every row of a split and score its answers, with 95% intervals.

    Example: finetune evaluate var/dataset --adapter var/first.gguf --out var/runs/first.json
    """
    if split not in MEASURED:
        raise BadInput(f"{split} is learned from.", "Measure on test, dev or hard.")
    given = {"generation_adapter": adapter, "generation_model": model}
    settings = load_settings(**{k: v for k, v in given.items() if v is not None})
    rows = read_rows(data, split)[: most or None]
    if not rows:
        raise BadInput(f"{data} has no rows to measure with.", "Make it from more documents.")
    other = read_run(against, rows) if against else None
    with opened_model(settings) as (chat, name), bar(len(rows), "Asking") as told:
        found = run(rows, chat, name, load_prompt("answer"), settings.answer_tokens, told)
    write_run(found, out)
    report: dict[str, Any] = {"model": found.name, "test": found.test, **found.scores}
    if other:
        report["above"] = {"model": other.name, "worth": compared(found, other)}
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(found, report)))


@guarded
def baseline(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder that the runs are kept in.")],
    model: Annotated[str | None, typer.Option(help="Model to measure instead.")] = None,
    tried: Annotated[int, typer.Option(min=1, help="Rows that each prompt is tried on.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Score the model without an adapter, with the best of the prompts in prompts/baselines.

    Each prompt is tried on rows of dev; the best is then asked every row of test. Tuning has to
    earn its place against that.

    Example: finetune baseline var/dataset --out var/runs
    """
    chosen = {"generation_model": model} if model else {}
    settings = load_settings(generation_adapter="none", **chosen)
    rows = read_rows(data, Split.DEV)[:tried]
    prompts = [load_prompt("answer"), *map(load_baseline, sorted(BASELINES.glob("*.md")))]
    most, runs = settings.answer_tokens, {}
    with opened_model(settings) as (chat, name):
        for prompt in prompts:
            with bar(len(rows), f"Trying {prompt.name}") as told:
                runs[prompt.name] = run(rows, chat, f"{name}, {prompt.name}", prompt, most, told)
        best = max(prompts, key=lambda p: runs[p.name].scores["worth"]["value"])
        test = read_rows(data, Split.TEST)
        with bar(len(test), "Asking") as told:
            found = run(test, chat, f"{name}, prompt {best.name}", best, most, told)
    for prompt in prompts:
        write_run(runs[prompt.name], out / f"dev-{prompt.name}.json")
    write_run(found, out / "baseline.json")
    worths = {p.name: runs[p.name].scores["worth"] for p in prompts}
    if as_json:
        put_json({"prompts": worths, "best": best.name, **found.scores})
        return
    put("\n".join(f"{name:<10} {w['value']:.3f} on {w['n']} of dev" for name, w in worths.items()))
    put("\n".join(_lines(found, {"n": len(test)})))


@guarded
def report(
    data: Data,
    kept: Annotated[Path, typer.Argument(help="A run that `finetune evaluate` kept.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    against: Annotated[Path | None, typer.Option(help="Another run, side by side.")] = None,
) -> None:
    """Write a run as a page to read: scores, and every question with what was answered.

    Example: finetune report var/dataset var/runs/first.json --out var/first.html
    """
    rows = read_rows(data, *MEASURED)
    other = read_run(against, rows) if against else None
    out.write_text(page(read_run(kept, rows), other), encoding="utf-8")
    put(str(out))


def load_baseline(path: Path) -> Prompt:
    """A prompt of those that are tried without tuning."""
    return load_prompt(path.stem, path.parent)


def _lines(found: Run, report: dict[str, Any]) -> list[str]:
    lines = [f"{found.name}, {report['n']} rows"]
    lines += [line(n, score) for n, score in found.scores.items() if isinstance(score, dict)]
    if "above" in report:
        lines.append(f"Above {report['above']['model']}:")
        lines.append(line("worth", report["above"]["worth"], "+.3f"))
    return lines
