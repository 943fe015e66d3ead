"""Trains a low-rank adapter on a dataset: what is learned, on what, and what is recorded.

`finetune.adapt` makes the adapter, `finetune.pieces` what it learns from, `finetune.losses` says
what is made small, `finetune.loop` does it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatbot.adapters.models import hash_file
from chatbot.domain import sha256_of
from chatbot.errors import BadInput
from chatbot.files import whole
from chatbot.prompts import Prompt, load_prompt
from finetune.adapt import WEIGHTS, adapted
from finetune.base import load_base, team
from finetune.loop import CHECKPOINT, Run, Told
from finetune.pieces import Piece, answer_pieces, pair_pieces
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
        BadInput: there are no rows (or pairs), some are also measured with, the folder holds the
            checkpoint of another training, the adapter to go on from does not fit, or what the
            method needs is not installed.
        ModelUnusable: the base cannot be loaded.
    """
    rows = rows_to_learn(data)
    prompt = load_prompt("answer")
    chosen = [row for row in rows if row.rejected] if plan.method == "dpo" else rows
    model, tokenizer = load_base(plan.base, plan.dtype, team().device, four_bit=plan.four_bit)
    model = adapted(model, plan)
    about = described(rows, plan, prompt)
    run = Run(model, plan, _pieces(chosen, model, tokenizer, prompt, plan))
    out.mkdir(parents=True, exist_ok=True)
    run.go(out / CHECKPOINT, about, told)
    record = about | run.record() | {"count": len(chosen)}
    if leads():
        model.save_pretrained(out)
        with whole(out / RECORD) as unfinished:
            unfinished.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (out / CHECKPOINT).unlink(missing_ok=True)
    return record


def leads() -> bool:
    """Whether this process is the one of several that writes; one alone always is."""
    return bool(team().is_main_process)


def _pieces(
    rows: Sequence[Row], model: Any, tokenizer: Any, prompt: Prompt, plan: Plan
) -> list[Piece]:
    if plan.method == "dpo":
        found = pair_pieces(rows, model, tokenizer, prompt, plan) if rows else []
        lack = "no drafts that a person changed, rejected and labelled, or disliked"
    else:
        found = answer_pieces(rows, model, tokenizer, prompt, plan.longest)
        lack = "no rows"
    if not found:
        raise BadInput(
            f"There are {lack} among the training rows, of at most {plan.longest} tokens.",
            "Make the dataset from more: `finetune dataset --desk`.",
        )
    return found


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
    named = plan.named() | {"start": Path(plan.start).name}  # a card does not tell of a disk
    about = {"plan": named, "rows": fingerprint(rows), "prompt": prompt.fingerprint,
             "start": hash_file(Path(plan.start) / WEIGHTS) if plan.start else ""}  # fmt: skip
    if plan.method == "dpo":
        about["pairs"] = sha256_of("\n".join(sorted(f"{r.id} {r.rejected}" for r in rows)))
    return about
