"""`finetune evaluate`, `baseline`, `report`: how good a model's answers are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.adapters.conversations import ConversationStore
from chatbot.clock import utc_now
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.figures import line
from chatbot.prompts import FOLDER, Prompt, load_prompt
from chatbot.settings import Settings, load_settings
from finetune.ability import ability_of, ability_scores, kept_items
from finetune.commands.common import MEASURED, Data, bar
from finetune.evaluate import Run, compared, opened_model, read_run, run, write_run
from finetune.live import Live, live_figures
from finetune.local import LocalChat, chat_of, load_trained
from finetune.report import page
from finetune.rows import Split, read_rows

if TYPE_CHECKING:
    from chatbot.adapters.generation import ServedChat

BASELINES = FOLDER / "baselines"


@guarded
def evaluate(
    data: Data,
    out: Annotated[Path, typer.Option(help="File that the run is kept in.")],
    split: Annotated[Split, typer.Option(help="Rows to ask: test, dev or hard.")] = Split.TEST,
    adapter: Annotated[
        str | None,
        typer.Option(
            help="Adapter to measure: a GGUF file, or a folder that `finetune train` "
            "wrote; none: the one of the settings."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model to measure instead.")] = None,
    most: Annotated[int, typer.Option(min=0, help="Rows at most; 0: all.")] = 0,
    against: Annotated[
        Path | None, typer.Option(help="A kept run over the same rows to compare with.")
    ] = None,
    able: Annotated[
        bool, typer.Option("--ability/--no-ability", help="Measure general ability as well.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Ask the model every row of a split and score its answers, with 95% intervals.

    A trained folder is asked through transformers, on the model that it was trained on; its general
    ability is not measured.

    Example: finetune evaluate var/dataset --adapter var/first.gguf --out var/runs/first.json
    """
    if split not in MEASURED:
        raise BadInput(f"{split} is learned from.", "Measure on test, dev or hard.")
    rows = read_rows(data, split)[: most or None]
    if not rows:
        raise BadInput(f"{data} has no rows to measure with.", "Make it from more documents.")
    other = read_run(against, rows) if against else None
    tokens = load_settings().answer_tokens
    with _opened(adapter, model) as (chat, name), bar(len(rows), "Asking") as told:
        measured = ability_of(chat) if able and not isinstance(chat, LocalChat) else None
        found = run(rows, chat, name, load_prompt("answer"), tokens, told)
    found = replace(found, ability=measured)
    write_run(found, out)
    report: dict[str, Any] = {"model": found.name, "test": found.test, **found.scores}
    if measured:
        report |= ability_scores(measured)
    if other:
        report["above"] = {"model": other.name, "worth": compared(found, other)}
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(found, report)))


@guarded
def ability(
    data: Data,
    kept: Annotated[Path, typer.Argument(help="A kept run of the same model; it is added there.")],
    adapter: Annotated[
        str | None, typer.Option(help="Adapter of that run; none: the one of the settings.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of that run.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a model can do beside answering from passages, for a run that lacks it.

    Eighty-six beginnings of texts, each with three ways to go on. An adapter with which a model
    can do less is not promoted.

    Example: finetune ability var/dataset var/runs/first.json --adapter var/first.gguf
    """
    found = read_run(kept, read_rows(data, *MEASURED))
    with (
        opened_model(_chosen(adapter, model)) as (chat, name),
        bar(len(kept_items()[0]), "Asking") as told,
    ):
        if name not in found.name:
            raise BadInput(f"{kept} is a run of {found.name}, not of {name}.", "Name its adapter.")
        measured = ability_of(chat, told)
    write_run(replace(found, ability=measured), kept)
    report = ability_scores(measured)
    if as_json:
        put_json({"model": name, "test": measured.test, **report})
    else:
        put("\n".join(line(n, score) for n, score in report.items()))


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
    rows, test = read_rows(data, Split.DEV)[:tried], read_rows(data, Split.TEST)
    if not rows or not test:
        raise BadInput(
            f"{data} has {len(rows)} rows of dev and {len(test)} of test.",
            "Prompts are tried on dev and measured on test: make it from more documents.",
        )
    prompts = [load_prompt("answer"), *map(load_baseline, sorted(BASELINES.glob("*.md")))]
    most, runs = settings.answer_tokens, {}
    with opened_model(settings) as (chat, name):
        for prompt in prompts:
            with bar(len(rows), f"Trying {prompt.name}") as told:
                found = run(rows, chat, f"{name}, prompt {prompt.name}", prompt, most, told)
            write_run(found, out / f"dev-{prompt.name}.json")
            runs[prompt.name] = found
        best = max(prompts, key=lambda p: runs[p.name].scores["worth"]["value"])
        with bar(len(test), "Asking") as told:
            found = run(test, chat, f"{name}, prompt {best.name}", best, most, told)
    write_run(found, out / "baseline.json")
    worths = {p.name: runs[p.name].scores["worth"] for p in prompts}
    if as_json:
        put_json({"prompts": worths, "best": best.name, **found.scores})
        return
    put("\n".join(["Worth on dev", *(line(name, worth) for name, worth in worths.items())]))
    put("\n".join(_lines(found, found.scores)))


@guarded
def report(
    data: Data,
    kept: Annotated[Path, typer.Argument(help="A run that `finetune evaluate` kept.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    against: Annotated[Path | None, typer.Option(help="Another run, side by side.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Add thumbs, second tries and the desk's decisions.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, help="How far --live looks back.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Write a run as a page to read: scores, and every question with what was answered.

    Example: finetune report var/dataset var/runs/first.json --out var/first.html --live
    """
    rows = read_rows(data, *MEASURED)
    other = read_run(against, rows) if against else None
    figures = _live(days) if live else None
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(read_run(kept, rows), other, figures), encoding="utf-8")
    if as_json:
        put_json({"file": str(out), "live": asdict(figures) if figures else None})
    else:
        put(str(out))


def _live(days: int) -> Live:
    since = utc_now() - timedelta(days=days)
    with open_stores(load_settings()) as (queue, _):
        given = ConversationStore(queue.engine).given(since)
        return live_figures(days, given, queue.statistics(since))


def load_baseline(path: Path) -> Prompt:
    """A prompt of those that are tried without tuning."""
    return load_prompt(path.stem, path.parent)


@contextmanager
def _opened(adapter: str | None, model: str | None) -> Iterator[tuple[ServedChat | LocalChat, str]]:
    """What is to be measured and how it is called: a trained folder in this process, or a model
    as it is served."""
    if adapter is None or not Path(adapter).is_dir():
        with opened_model(_chosen(adapter, model)) as served:
            yield served
        return
    if model:
        raise BadInput(f"{adapter} names its model itself.", "Leave --model out.")
    trained, tokenizer, plan = load_trained(Path(adapter))
    yield chat_of(trained, tokenizer), f"{plan.base}, adapter {Path(adapter).name}"


def _chosen(adapter: str | None, model: str | None) -> Settings:
    given = {"generation_adapter": adapter, "generation_model": model}
    return load_settings(**{k: v for k, v in given.items() if v is not None})


def _lines(found: Run, report: dict[str, Any]) -> list[str]:
    lines = [f"{found.name}, {report['n']} rows"]
    lines += [
        line(n, score) for n, score in report.items() if isinstance(score, dict) and "n" in score
    ]
    if "above" in report:
        lines.append(f"Above {report['above']['model']}:")
        lines.append(line("worth", report["above"]["worth"], "+.3f"))
    return lines
