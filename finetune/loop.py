"""The plain loop of a training, with a checkpoint from which a killed one goes on to the same
weights. The order of work depends on the seed and the step alone.

On several devices (`torchrun`) each has the whole model and works on its share of a step;
only the adapter's gradients, which are small, go from one to another.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from chatbot.errors import BadInput
from chatbot.files import whole
from finetune.base import team
from finetune.pieces import Piece, autocast
from finetune.plan import Plan

CHECKPOINT = "checkpoint.pt"
Told = Callable[[dict[str, float]], None]


@lru_cache(maxsize=2)  # a step can reach into the next epoch
def _order(seed: int, epoch: int, pieces: int) -> list[int]:
    order = list(range(pieces))
    random.Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311
    return order


class Run:
    """One training: the model, its optimiser, and how far it is."""

    def __init__(self, model: Any, plan: Plan, pieces: Sequence[Piece]) -> None:
        import torch

        self.model = model
        self._team = team()
        self.losses: list[float] = []
        self.seconds = 0.0
        self.done = 0
        self._plan = plan
        self._pieces = pieces
        self.steps = max(1, math.ceil(len(pieces) * plan.epochs / plan.batch))
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=plan.rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        model.eval()  # no dropout: a step depends on its number alone

    def go(self, checkpoint: Path, about: dict[str, Any], told: Told) -> None:
        """Takes all steps, those that a checkpoint has left.

        Raises:
            BadInput: the checkpoint is of another plan, other rows, or another prompt.
        """
        self._restore(checkpoint, about)
        for step in range(self.done, self.steps):
            now = self._step([self._pieces[n] for n in self._chosen(step)])
            if not self._team.is_main_process:
                continue
            told(now)
            if (step + 1) % self._plan.keep_every == 0 and step + 1 < self.steps:
                self._keep(checkpoint, about)

    def record(self) -> dict[str, Any]:
        """What is recorded of what was done, and on what."""
        return {"trees": len(self._pieces), "steps": self.steps, "losses": self.losses,
                "seconds": round(self.seconds, 1), "device": self._team.device.type,
                "processes": self._team.num_processes}  # fmt: skip

    def _chosen(self, step: int) -> list[int]:
        """Numbers of the pieces of a step: each epoch has all of them in an order of its own."""
        first = step * self._plan.batch
        return [self._place(n) for n in range(first, first + self._plan.batch)]

    def _place(self, number: int) -> int:
        epoch, at = divmod(number, len(self._pieces))
        return _order(self._plan.seed, epoch, len(self._pieces))[at]

    def _step(self, pieces: Sequence[Piece]) -> dict[str, float]:
        """One step of the optimiser; each device works on its share of the pieces."""
        import torch

        began = time.monotonic()
        weight = sum(p.weight for p in pieces)
        total = 0.0
        for piece in pieces[self._team.process_index :: self._team.num_processes]:
            with autocast(self.model, self._plan.dtype):
                loss = piece.loss(self.model) / weight
            loss.backward()
            total += loss.item()
        total = self._of_all(total)
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
            "tokens_per_second": sum(p.tokens for p in pieces) / took,
            "seconds_left": (self.steps - self.done) * self.seconds / self.done,
        }

    def _of_all(self, total: float) -> float:
        """Gives every device the gradients and the loss of all of them."""
        import torch
        from accelerate.utils import reduce

        if self._team.num_processes == 1:
            return total
        for parameter in self._parameters:
            own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = reduce(own, "sum")
        return float(reduce(torch.tensor(total, device=self._team.device), "sum"))

    def _share_of_rate(self) -> float:
        warm = max(1, self.steps // 20)
        if self.done < warm:
            return (self.done + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (self.done - warm) / max(1, self.steps - warm)))

    def _keep(self, path: Path, about: dict[str, Any]) -> None:
        """Writes what is needed to go on, in one piece or not at all."""
        import torch

        state = {
            "about": json.dumps(about),
            "weights": [p.detach().clone() for p in self._parameters],
            "optimizer": self._optimizer.state_dict(),
            "losses": self.losses,
            "seconds": self.seconds,
        }
        with whole(path) as unfinished:
            torch.save(state, unfinished)

    def _restore(self, path: Path, about: dict[str, Any]) -> None:
        import torch

        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
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
