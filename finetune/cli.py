"""`finetune …`: the life of an adapter, from reviewed answers to the model that is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.revisions import Revisions
from chatbot.commands.routing import open_encoder
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.console import screen as console
from chatbot.errors import BadInput
from chatbot.prompts import FOLDER, Prompt, load_prompt
from chatbot.settings import load_settings
from chatbot.steps.review_item import SIGNED
from finetune import dataset as making
from finetune.desk_rows import liked_rows, signed_rows
from finetune.evaluate import Run, compared, opened_model, read_run, run, write_run
from finetune.lifecycle import Lifecycle
from finetune.report import page
from finetune.rows import Row, Split, read_rows

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
Data = Annotated[Path, typer.Argument(help="Folder that `finetune dataset` wrote.")]
BASELINES = FOLDER / "baselines"
_ALL = 1_000_000
_MEASURED = (Split.TEST, Split.DEV, Split.HARD)


def main() -> None:
    """The `finetune` command."""
    app()


@app.callback()
def parts() -> None:
    """The life of an adapter, from reviewed answers to the model that is served."""


@app.command()
@guarded
def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="squad*.json, xquad*.json, medquad*.csv.")
    ] = None,
    desk: Annotated[
        bool, typer.Option("--desk", help="Add what was signed at the desk, or found good.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, help="Lists of passages around each passage asked about.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make rows to learn from and to measure with: questions over passages as retrieval gives them.

    Whole documents go to one split, by a hash of their name; near-duplicates of measured questions
    are left out of training.

    Example: finetune dataset squad_v2.json medquad.csv --out var/dataset
    """
    own = _own_rows() if desk else []
    about = making.make_dataset(files or [], own, out, open_encoder(), rounds=rounds, seed=seed)
    if as_json:
        put_json(about)
        return
    put(f"{about['rows']:,} rows over {about['passages']:,} passages in {out}")
    put("\n".join(f"{n:>8,}  {name}" for name, n in about["splits"].items()))


def _own_rows() -> list[Row]:
    with open_stores(load_settings()) as (queue, _):
        items = queue.list(states=SIGNED, limit=_ALL)
        liked = ConversationStore(queue.engine).liked()
        return [*signed_rows(items), *liked_rows(liked)]


@app.command()
@guarded
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the adapter; a killed run goes on in it.")],
    base: Annotated[
        str, typer.Option(help="`embedded`, a GGUF file, a folder, or an id on the hub.")
    ] = "embedded",
    method: Annotated[str, typer.Option(help="lora or dora.")] = "lora",
    rank: Annotated[int, typer.Option(min=1)] = 16,
    rate: Annotated[float, typer.Option(min=0, help="Greatest learning rate.")] = 8e-4,
    epochs: Annotated[float, typer.Option(min=0, help="How often each row is seen.")] = 1.0,
    seed: Annotated[int, typer.Option()] = 7,
    as_json: AsJson = False,
) -> None:
    """Train a low-rank adapter on the dataset's training rows, on a CPU or a GPU.

    Example: finetune train var/dataset --out var/adapters/first
    """
    from finetune.train import METHODS, Plan
    from finetune.train import train as training

    if method not in METHODS:
        raise BadInput(f"There is no method {method}.", f"Choose one of {', '.join(METHODS)}.")
    plan = Plan(base=base, method=method, rank=rank, rate=rate, epochs=epochs, seed=seed)
    with _steps() as told:
        record = training(data, out, plan, told)
    if as_json:
        put_json({k: v for k, v in record.items() if k != "losses"})
    else:
        put(f"{record['steps']:,} steps in {record['seconds'] / 60:.0f} minutes: {out}")


@app.command()
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
    if split not in _MEASURED:
        raise BadInput(f"{split} is learned from.", "Measure on test, dev or hard.")
    given = {"generation_adapter": adapter, "generation_model": model}
    settings = load_settings(**{k: v for k, v in given.items() if v is not None})
    rows = read_rows(data, split)[: most or None]
    if not rows:
        raise BadInput(f"{data} has no rows to measure with.", "Make it from more documents.")
    other = read_run(against, rows) if against else None
    with opened_model(settings) as (chat, name), _bar(len(rows), "Asking") as told:
        found = run(rows, chat, name, load_prompt("answer"), settings.answer_tokens, told)
    write_run(found, out)
    report: dict[str, Any] = {"model": found.name, "test": found.test, **found.scores}
    if other:
        report["above"] = {"model": other.name, "worth": compared(found, other)}
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(found, report)))


@app.command()
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
            with _bar(len(rows), f"Trying {prompt.name}") as told:
                runs[prompt.name] = run(rows, chat, f"{name}, {prompt.name}", prompt, most, told)
        best = max(prompts, key=lambda p: runs[p.name].scores["worth"]["value"])
        test = read_rows(data, Split.TEST)
        with _bar(len(test), "Asking") as told:
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


@app.command()
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
    rows = read_rows(data, *_MEASURED)
    other = read_run(against, rows) if against else None
    out.write_text(page(read_run(kept, rows), other), encoding="utf-8")
    put(str(out))


@app.command()
@guarded
def export(
    adapter: Annotated[Path, typer.Argument(help="Folder that `finetune train` wrote.")],
    out: Annotated[Path, typer.Option(help="GGUF file to write.")],
    base: Annotated[str, typer.Option(help="`embedded`, or the base's GGUF file.")] = "embedded",
    merged: Annotated[
        str | None, typer.Option(help="Merge into the base: F32, F16, Q8_0, Q4_0 or Q4_1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an adapter as a GGUF adapter, or merged into its base, for llama.cpp.

    Example: finetune export var/adapters/first --out var/first.gguf
    """
    from chatbot.adapters.models import LANGUAGE, find, hash_file
    from finetune.gguf_files import heads_of, merge, write_adapter

    model = find(LANGUAGE) if base == "embedded" else Path(base)
    if not model.is_file():
        raise BadInput(f"There is no model file {model}.", "Name the base's GGUF file.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if merged:
        factors = out.with_suffix(".adapter")
        try:
            write_adapter(adapter, factors, heads_of(model), model.stem)
            merge(model, factors, out, merged)
        finally:
            factors.unlink(missing_ok=True)
    else:
        write_adapter(adapter, out, heads_of(model), model.stem)
    size = out.stat().st_size
    if as_json:
        put_json({"file": str(out), "bytes": size, "sha256": hash_file(out)})
    else:
        put(f"{out} ({size / 1e6:.1f} MB)")


@app.command()
@guarded
def promote(
    adapter: Annotated[Path, typer.Argument(help="GGUF adapter that `finetune export` wrote.")],
    data: Annotated[Path, typer.Option(help="Dataset whose test rows both runs were asked.")],
    evaluation: Annotated[Path, typer.Option("--run", help="The adapter's kept run.")],
    against: Annotated[Path, typer.Option(help="Kept run of what serves now, on the same rows.")],
    by: Annotated[str, typer.Option(help="Who takes the responsibility.")],
    as_json: AsJson = False,
) -> None:
    """Have an adapter serve, if it is proven to be no worse than what serves now.

    Example: finetune promote var/first.gguf --data var/dataset --run var/runs/first.json
    --against var/runs/base.json --by anna
    """
    rows = read_rows(data, *_MEASURED)
    candidate, incumbent = read_run(evaluation, rows), read_run(against, rows)
    with _lifecycle() as life:
        revision = life.promote(adapter, candidate, incumbent, by, {"data": str(data)})
    if as_json:
        put_json({"revision": revision})
    else:
        put(f"Adapter {revision} serves from now on.")


@app.command()
@guarded
def rollback(
    by: Annotated[str, typer.Option(help="Who takes the responsibility.")],
    as_json: AsJson = False,
) -> None:
    """Have the adapter before serve again; a running server changes over by itself.

    Example: finetune rollback --by anna
    """
    with _lifecycle() as life:
        revision = life.rollback(by)
    if as_json:
        put_json({"revision": revision})
    else:
        put(f"Adapter {revision} serves again.")


@app.command()
@guarded
def history(as_json: AsJson = False) -> None:
    """Show every adapter that was promoted here, and which one serves.

    Example: finetune history
    """
    with _lifecycle() as life:
        found = life.history()
    if as_json:
        put_json({"adapters": found})
        return
    for card in found:
        mark = "*" if card["serving"] else " "
        f1 = card["scores"]["f1"]["value"]
        put(f"{mark} {card['revision']}  {card['at']}  F1 {f1:.3f}  by {card['by']}")
    if not found:
        put("No adapter was promoted here yet.")


def load_baseline(path: Path) -> Prompt:
    """A prompt of those that are tried without tuning."""
    return load_prompt(path.stem, path.parent)


@contextmanager
def _lifecycle() -> Iterator[Lifecycle]:
    settings = load_settings()
    with open_stores(settings) as (_, audit):
        yield Lifecycle(Revisions(settings.adapters_folder), audit)


def _lines(found: Run, report: dict[str, Any]) -> list[str]:
    lines = [f"{found.name}, {report['n']} rows"]
    for name, score in found.scores.items():
        if isinstance(score, dict):
            interval = f"[{score['low']:.3f}, {score['high']:.3f}]"
            lines.append(f"{name:<20} {score['value']:>8.3f}  {interval:<20} n = {score['n']}")
    if "above" in report:
        apart = report["above"]["worth"]
        interval = f"{apart['low']:+.3f} to {apart['high']:+.3f}"
        lines.append(f"Worth above {report['above']['model']}: {apart['value']:+.3f}, {interval}")
    return lines


@contextmanager
def _steps() -> Iterator[Any]:
    with Progress(*Progress.get_default_columns(), TextColumn("{task.fields[about]}"),
                  console=console(), transient=True) as progress:  # fmt: skip
        task = progress.add_task("Training", total=None, about="")

        def told(now: dict[str, float]) -> None:
            about = f"loss {now['loss']:.3f}, {now['tokens_per_second']:,.0f} tokens/s"
            progress.update(task, total=now["steps"], completed=now["step"], about=about)

        yield told


@contextmanager
def _bar(total: int, what: str) -> Iterator[Any]:
    with Progress(console=console(), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


if __name__ == "__main__":
    main()
