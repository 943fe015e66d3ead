"""`finetune train`: from a dataset to an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn

from chatbot.console import AsJson, guarded, put, put_json
from chatbot.console import screen as console
from chatbot.errors import BadInput
from finetune.commands.common import Data
from finetune.plan import METHODS, Plan
from finetune.provenance import trained
from finetune.train import leads
from finetune.train import train as training

_RATES = {"dpo": 5e-5}


@guarded
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the adapter; a killed run goes on in it.")],
    base: Annotated[
        str, typer.Option(help="`embedded`, a GGUF file, a folder, or an id on the hub.")
    ] = "embedded",
    start: Annotated[
        Path | None, typer.Option(help="Adapter folder to go on from, of the same shape.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="lora, dora, qlora (base in 4 bits) or dpo (reviewers' edits).")
    ] = "lora",
    rank: Annotated[int, typer.Option(min=1)] = 16,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Greatest learning rate; none: 6e-4, dpo 5e-5.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Lists of passages, or pairs, of a step on all devices.")
    ] = 2,
    beta: Annotated[
        float, typer.Option(min=0, help="With dpo: how strongly it is held to its start.")
    ] = 0.1,
    epochs: Annotated[float, typer.Option(min=0, help="How often each row is seen.")] = 1.0,
    seed: Annotated[int, typer.Option()] = 7,
    as_json: AsJson = False,
) -> None:
    """Train a low-rank adapter on the dataset's training rows, on a CPU or a GPU.

    On several GPUs: torchrun --nproc_per_node 4 -m finetune.cli train … --batch 8; each has
    the whole model and a share of every step.

    Example: finetune train var/dataset --out var/adapters/first
    """
    if method not in METHODS:
        raise BadInput(f"There is no method {method}.", f"Choose one of {', '.join(METHODS)}.")
    plan = Plan(
        base=base,
        start=str(start or ""),
        method=method,
        rank=rank,
        rate=_RATES.get(method, Plan().rate) if rate is None else rate,
        batch=batch,
        beta=beta,
        epochs=epochs,
        seed=seed,
    )
    with steps() as told:
        record = training(data, out, plan, told)
    if not leads():
        return
    trained(out, data)
    if as_json:
        put_json({k: v for k, v in record.items() if k != "losses"})
    else:
        put(f"{record['steps']:,} steps in {record['seconds'] / 60:.0f} minutes: {out}")


@contextmanager
def steps() -> Iterator[Any]:
    """A progress bar; what it gives is told after each step what `train` tells."""
    with Progress(*Progress.get_default_columns(), TextColumn("{task.fields[about]}"),
                  console=console(), transient=True) as progress:  # fmt: skip
        task = progress.add_task("Training", total=None, about="")

        def told(now: dict[str, float], before: str = "") -> None:
            about = f"{before}loss {now['loss']:.3f}, {now['tokens_per_second']:,.0f} tokens/s"
            progress.update(task, total=now["steps"], completed=now["step"], about=about)

        yield told
