"""Trains a low-rank adapter on a dataset: what is learned, on what, and what is recorded.

`finetune.adapt` makes the adapter, `finetune.pieces` what it learns from, `finetune.losses` says
what is made small, `finetune.loop` does it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatbot.adapters.models import hash_file
from chatbot.domain import sha256_of
from chatbot.errors import BadInput
from chatbot.prompts import Prompt, load_prompt
from finetune.adapt import WEIGHTS, adapted
from finetune.base import load_base
from finetune.loop import CHECKPOINT, Run, Told
from finetune.pairs import FILE, read_pairs
from finetune.pieces import Piece, answer_pieces, pair_pieces
from finetune.plan import Plan
from finetune.rows import Row, Split, fingerprint, read_rows
from finetune.split import smuggled

RECORD = "training.json"


def train(data: Path, out: Path, plan: Plan, told: Told = lambda _: None) -> dict[str, Any]:
    """Trains on the dataset's training rows and writes a PEFT adapter to a folder.

    A folder that holds a checkpoint of the same plan and rows is gone on with.

    Args:
        told: hears after each step its number, the loss, tokens a second, and the share done.

    Returns:
        What is recorded about the training: plan, rows, losses, seconds.

    Raises:
        BadInput: there are no rows, some are also measured with, the folder holds the checkpoint
            of another training, the adapter to go on from does not fit, or the base does not go
            with the method.
        ModelUnusable: the base cannot be loaded.
    """
    from accelerate import PartialState

    state = PartialState()
    rows = rows_to_learn(data)
    prompt = load_prompt("answer")
    model, tokenizer = load_base(plan.base, plan.dtype, state.device, plan.method == "qlora")
    model = adapted(model, plan)
    about = described(data, rows, plan, prompt)
    pieces = _pieces(data, rows, model, tokenizer, prompt, plan)
    run = Run(model, plan, pieces)
    out.mkdir(parents=True, exist_ok=True)
    run.go(out / CHECKPOINT, about, told)
    record = about | {"count": len(rows), "trees": len(pieces), "steps": run.steps,
                      "losses": run.losses, "seconds": round(run.seconds, 1)}  # fmt: skip
    if state.is_main_process:
        model.save_pretrained(out, save_embedding_layers=False)
        (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
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


def described(data: Path, rows: list[Row], plan: Plan, prompt: Prompt) -> dict[str, Any]:
    """What makes a training the one that it is: the same gives the same weights."""
    about = {"plan": plan.told(), "rows": fingerprint(rows), "prompt": prompt.fingerprint,
             "start": hash_file(Path(plan.start) / WEIGHTS) if plan.start else ""}  # fmt: skip
    if plan.method == "dpo":
        pairs = read_pairs(data, rows)
        about["pairs"] = sha256_of("\n".join(sorted(f"{p.row.id} {p.rejected}" for p in pairs)))
    return about


def _pieces(
    data: Path, rows: list[Row], model: Any, tokenizer: Any, prompt: Prompt, plan: Plan
) -> list[Piece]:
    if plan.method != "dpo":
        pieces = answer_pieces(rows, model, tokenizer, prompt, plan.longest)
    elif model.config.is_encoder_decoder:
        raise BadInput(
            f"{plan.base} reads with an encoder: pairs are not learned from with it.",
            "Train it with lora or dora, or choose a model without one.",
        )
    else:
        pieces = pair_pieces(read_pairs(data, rows), model, tokenizer, prompt, plan)
    if not pieces:
        kind = f"no pairs in {FILE}" if plan.method == "dpo" else "no rows"
        raise BadInput(
            f"{data} has {kind} to learn from with at most {plan.longest} tokens.",
            "Make the dataset from more, or with shorter passages.",
        )
    return pieces
