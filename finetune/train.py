"""Trains a low-rank adapter on a dataset: what is learned, on what, and what is recorded.

`finetune.adapt` makes the adapter, `finetune.pieces` what it learns from, `finetune.losses` says
what is made small, `finetune.loop` does it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.adapters.models import hash_file
from chatbot.errors import BadInput
from chatbot.prompts import Prompt, load_prompt
from finetune.adapt import WEIGHTS, adapted
from finetune.base import load_base
from finetune.loop import CHECKPOINT, Run, Told
from finetune.pieces import answer_pieces
from finetune.plan import RECORD, Plan
from finetune.rows import Row, Split, fingerprint, read_rows
from finetune.split import smuggled


def train(data: Path, out: Path, plan: Plan, told: Told = lambda _: None) -> dict[str, Any]:
    """Trains on the dataset's training rows and writes a PEFT adapter to a folder.

    A folder that holds a checkpoint of the same plan and rows is gone on with.

    Args:
        told: hears after each step its number, the loss, tokens a second, and the share done.

    Returns:
        What is recorded about the training: plan, rows, losses, seconds.

    Raises:
        BadInput: there are no rows, some are also measured with, the folder holds the checkpoint
            of another training, or the adapter to go on from does not fit.
        ModelUnusable: the base cannot be loaded.
    """
    rows = rows_to_learn(data)
    prompt = load_prompt("answer")
    model, tokenizer = load_base(plan.base, plan.dtype)
    pieces = answer_pieces(rows, tokenizer, prompt, plan.longest)
    model = adapted(model, plan)
    about = described(rows, plan, prompt)
    run = Run(model, plan, pieces)
    out.mkdir(parents=True, exist_ok=True)
    run.go(out / CHECKPOINT, about, told)
    record = about | {"count": len(rows), "trees": len(pieces), "steps": run.steps,
                      "losses": run.losses, "seconds": round(run.seconds, 1)}  # fmt: skip
    model.save_pretrained(out)
    unfinished = out / f"{RECORD}.new"
    unfinished.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(out / RECORD)
    (out / CHECKPOINT).unlink(missing_ok=True)
    return record


def rows_to_learn(data: Path) -> list[Row]:
    """The training rows of a dataset.

    Raises:
        BadInput: there are none, or some are also measured with.
    """
    known = read_rows(data)
    rows = [r for r in known if r.split is Split.TRAIN]
    if not rows:
        raise BadInput(f"{data} has no training rows.", "Make them with `finetune dataset`.")
    faults = smuggled(rows, (r for r in known if r.split is not Split.TRAIN))
    if faults:
        row, fault = next(iter(faults.items()))
        raise BadInput(
            f"{len(faults)} training rows are not apart from those measured with: {row} {fault}.",
            "Take them out, or make the dataset anew with `finetune dataset`.",
        )
    return rows


def described(rows: list[Row], plan: Plan, prompt: Prompt) -> dict[str, Any]:
    """What makes a training the one that it is: the same gives the same weights."""
    named = asdict(plan) | {"start": Path(plan.start).name}  # a card does not tell of a disk
    return {"plan": named, "rows": fingerprint(rows), "prompt": prompt.fingerprint,
            "start": hash_file(Path(plan.start) / WEIGHTS) if plan.start else ""}  # fmt: skip
