"""Trains a low-rank adapter (LoRA, arXiv:2106.09685; DoRA, arXiv:2402.09353) on a dataset's rows.

A plain loop: loss on the answers alone, several questions over the same passages as one sequence
(`finetune.tree`), a checkpoint every so often from which a killed training goes on to the same
weights. The order of work depends on the seed and the step alone.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.models import hash_file
from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from finetune.attention import use_tree_attention
from finetune.base import ATTENTION, FEED_FORWARD, load_base
from finetune.prompting import branches_of
from finetune.rows import Row, Split, fingerprint, read_rows
from finetune.split import smuggled
from finetune.tree import IGNORED, Branch, Tree, tree_of

CHECKPOINT = "checkpoint.pt"
METHODS = ("lora", "dora")
_WEIGHTS = "adapter_model.safetensors"
Told = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How an adapter is trained.

    Attributes:
        base: what it adapts: `embedded`, a GGUF file, a folder, or a repository on the hub.
        start: folder of an adapter to go on from instead of from nothing.
        method: `lora` or `dora`.
        rate: the greatest learning rate; it rises over the first steps and then falls to none.
        batch: lists of passages (with all their questions) between two steps.
        first_layer: layers below it stay as they are, which spares their part of the work back.
        longest: tokens of one sequence; a list with more questions makes several.
        keep_every: steps between two checkpoints.
    """

    base: str = "embedded"
    start: str = ""
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    first_layer: int = 8
    rate: float = 6e-4
    epochs: float = 1.0
    batch: int = 2
    longest: int = 2048
    seed: int = 7
    dtype: str = "bfloat16"
    keep_every: int = 50


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
    model, tokenizer = load_base(plan.base, plan.dtype)
    prompt = load_prompt("answer")
    trees = _trees(rows, branches_of(rows, tokenizer, prompt), plan.longest)
    adapted = _adapted(model, plan)
    about = {"plan": asdict(plan), "rows": fingerprint(rows), "prompt": prompt.fingerprint,
             "start": hash_file(Path(plan.start) / _WEIGHTS) if plan.start else ""}  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(adapted, plan, len(trees))
    run.restore(out / CHECKPOINT, about)
    for step in range(run.done, run.steps):
        told(run.step([trees[i] for i in run.chosen(step)]))
        if (step + 1) % plan.keep_every == 0 and step + 1 < run.steps:
            run.keep(out / CHECKPOINT, about)
    run.model.save_pretrained(out)
    record = about | {"count": len(rows), "trees": len(trees), "steps": run.steps,
                      "losses": run.losses, "seconds": round(run.seconds, 1)}  # fmt: skip
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (out / CHECKPOINT).unlink(missing_ok=True)
    return record


def _trees(rows: Sequence[Row], branches: Sequence[Branch], longest: int) -> list[Tree]:
    """Neighbouring rows over the same passages become one sequence, or several where too long."""
    lists = [[source.id for source in row.sources] for row in rows]
    found: list[Tree] = []
    for _, group in groupby(range(len(rows)), key=lists.__getitem__):
        found += _fitting([branches[n] for n in group], longest)
    return found


def _fitting(branches: Sequence[Branch], longest: int) -> list[Tree]:
    tree = tree_of(branches)
    if len(tree.tokens) <= longest:
        return [tree]
    half = len(branches) // 2
    return _fitting(branches[:half], longest) + _fitting(branches[half:], longest) if half else []


def _adapted(model: Any, plan: Plan) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(plan.seed)
    use_tree_attention(model)
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=0.0,
        target_modules=[*ATTENTION, *FEED_FORWARD],
        layers_to_transform=list(range(plan.first_layer, model.config.num_hidden_layers)),
        use_dora=plan.method == "dora",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    if plan.start:
        _go_on_from(adapted, Path(plan.start))
    return adapted


def _go_on_from(adapted: Any, start: Path) -> None:
    from peft import load_peft_weights, set_peft_model_state_dict

    try:
        left = set_peft_model_state_dict(adapted, load_peft_weights(str(start), device="cpu"))
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{start} cannot be gone on from ({error}).",
            "Name a folder that `finetune train` wrote, with the same rank and base.",
        ) from error
    if left.unexpected_keys:
        raise BadInput(
            f"{start} adapts other parts of the model.", "Train with the settings it was made with."
        )


@lru_cache(maxsize=2)  # a step can reach into the next epoch
def _order(seed: int, epoch: int, trees: int) -> list[int]:
    order = list(range(trees))
    random.Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311
    return order


class _Run:
    """One training: the model, its optimiser, and how far it is."""

    def __init__(self, model: Any, plan: Plan, trees: int) -> None:
        import torch

        self.model = model
        self.losses: list[float] = []
        self.seconds = 0.0
        self.done = 0
        self._plan = plan
        self._trees = trees
        self.steps = max(1, math.ceil(trees * plan.epochs / plan.batch))
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=plan.rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        model.train()

    def chosen(self, step: int) -> list[int]:
        """Numbers of the trees of a step: each epoch has all of them in an order of its own."""
        first = step * self._plan.batch
        return [self._place(n) for n in range(first, first + self._plan.batch)]

    def _place(self, number: int) -> int:
        epoch, at = divmod(number, self._trees)
        return _order(self._plan.seed, epoch, self._trees)[at]

    def step(self, trees: Sequence[Tree]) -> dict[str, float]:
        """One step of the optimiser."""
        import torch

        began = time.monotonic()
        answers = sum(int((t.labels != IGNORED).sum()) for t in trees)
        total = 0.0
        for tree in trees:
            loss = self._loss(tree) / answers
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.rate * self._share_of_rate()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.done += 1
        self.losses.append(round(total, 4))
        took = time.monotonic() - began
        self.seconds += took
        return {
            "step": self.done,
            "steps": self.steps,
            "loss": total,
            "tokens_per_second": sum(len(t.tokens) for t in trees) / took,
            "seconds_left": (self.steps - self.done) * self.seconds / self.done,
        }

    def _share_of_rate(self) -> float:
        warm = max(1, self.steps // 20)
        if self.done < warm:
            return (self.done + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (self.done - warm) / max(1, self.steps - warm)))

    def _loss(self, tree: Tree) -> Any:
        """Sum over the answers' tokens; only where an answer stands are words worked out."""
        import torch

        base = self.model.get_base_model()
        device = next(self.model.parameters()).device
        learned = np.flatnonzero(tree.labels != IGNORED)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._plan.dtype == "bfloat16"):
            hidden = base.model(
                input_ids=torch.tensor(tree.tokens[None], device=device),
                position_ids=torch.tensor(tree.positions[None], device=device),
                use_cache=False,
                lengths=tree.lengths,
            ).last_hidden_state[0, torch.tensor(learned, device=device)]
            logits = base.lm_head(hidden)
        wanted = torch.tensor(tree.labels[learned], device=device)
        return torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="sum")

    def keep(self, path: Path, about: dict[str, Any]) -> None:
        """Writes what is needed to go on, in one piece or not at all."""
        import torch

        state = {
            "about": json.dumps(about),
            "weights": [p.detach().clone() for p in self._parameters],
            "optimizer": self._optimizer.state_dict(),
            "losses": self.losses,
            "seconds": self.seconds,
        }
        unfinished = path.with_suffix(".new")
        torch.save(state, unfinished)
        unfinished.replace(path)

    def restore(self, path: Path, about: dict[str, Any]) -> None:
        """Goes on from a checkpoint, where there is one.

        Raises:
            BadInput: it is of another plan, other rows, or another prompt.
        """
        import torch

        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if json.loads(state["about"]) != about:
            raise BadInput(
                f"{path.parent} holds the checkpoint of another training.",
                "Name another folder, or delete it.",
            )
        with torch.no_grad():
            for parameter, kept in zip(self._parameters, state["weights"], strict=True):
                parameter.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        self.losses, self.seconds = state["losses"], state["seconds"]
        self.done = len(self.losses)
