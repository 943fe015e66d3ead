"""Teaches the embedded sentence encoder to tell categories apart: a low-rank change, and a head.

The loss is cross entropy over the categories, and once more over what is held against what is
everyday, which is what the router decides. Now and then a question is learned in lower case, with
a courtesy, or among everyday ones, since none of these changes what it asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chatbot.adapters.low_rank import PREFIX, RANK, SCALE, linear_layers
from chatbot.adapters.models import EMBEDDING, locate

EPOCHS, BATCH = 3, 48
RATE, HEAD_RATE, WARM_UP = 1e-3, 5e-3, 60
LENGTH = 8.0
"""Length of the vector that the head is given; the encoder's own has length 1."""
MAX_TOKENS = 96
AMONG, LONGEST = 0.06, 300
"""Share of the texts that are learned among everyday ones, and characters of all together."""
_ENDINGS = (" Please.", " please", " Thanks.", " thank you", " pls")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Example:
    """One text, its category, how much it counts, and the share of epochs that it is seen in."""

    text: str
    category: str
    weight: float = 1.0
    share: float = 1.0


class TunedEncoder:
    """The encoder with a change and a head, in torch; of use after `learn` or `restore`.

    Args:
        order: which order to learn in; another one makes another model of the same kind.
    """

    def __init__(self, classes: Sequence[str], order: int = 0) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        folder = str(locate(EMBEDDING).parent)
        torch.manual_seed(0)
        self.classes = list(classes)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._encoder = AutoModel.from_pretrained(folder).requires_grad_(False)
        self._changes = {name: _changed(layer) for name, layer in linear_layers(self._encoder)}
        self._head = torch.nn.Linear(self._encoder.config.hidden_size, len(self.classes))
        self._order = order
        torch.manual_seed(order)

    def learn(
        self,
        examples: Sequence[Example],
        tell: Tell = lambda _: None,
        epochs: int = EPOCHS,
        share: float = 1.0,
    ) -> None:
        """Fits the change and the head, or goes on from what they are; tells after each epoch how
        it goes.

        Args:
            share: how fast to learn; less where much is known already.
        """
        import torch

        rng = random.Random(self._order)  # noqa: S311
        plan = [self._batches(examples, rng) for _ in range(epochs)]
        steps = sum(map(len, plan))
        thin = [p for pair in self._changes.values() for p in pair]
        optimizer = torch.optim.AdamW(
            [
                {"params": thin, "lr": share * RATE},
                {"params": self._head.parameters(), "lr": share * HEAD_RATE},
            ]
        )
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda s: min(1, (s + 1) / WARM_UP) * max(0.02, 1 - s / steps)
        )
        self._encoder.train()
        for number, batches in enumerate(plan, start=1):
            losses = []
            for tokens, batch in batches:
                loss = self._loss(tokens, batch)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(thin, 1.0)
                optimizer.step()
                rate.step()
                losses.append(loss.item())
            tell(f"epoch {number} of {epochs}: loss {np.mean(losses):.3f}")
        self._encoder.eval()

    def _batches(
        self, examples: Sequence[Example], rng: random.Random
    ) -> list[tuple[list[list[int]], list[Example]]]:
        """One epoch: texts of like length together, in random order."""
        seen = [e for e in examples if rng.random() < e.share]
        everyday = [e.text for e in seen if e.category == "everyday"]
        tokens = self._tokens([_among(_varied(e.text, rng), everyday, rng) for e in seen])
        order = sorted(range(len(seen)), key=lambda i: len(tokens[i]) + 4 * rng.random())
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        rng.shuffle(batches)
        return [([tokens[i] for i in batch], [seen[i] for i in batch]) for batch in batches]

    def _loss(self, tokens: Sequence[list[int]], batch: Sequence[Example]) -> Any:
        import torch

        wanted = torch.tensor([self.classes.index(e.category) for e in batch])
        weights = torch.tensor([e.weight for e in batch])
        vectors = torch.nn.functional.dropout(self._vectors(tokens), 0.1)
        logs = self._head(vectors * LENGTH).log_softmax(-1)
        held = [i for i, c in enumerate(self.classes) if c not in ("everyday", "medical")]
        everyday = self.classes.index("everyday")
        side = torch.where(wanted == everyday, logs[:, everyday], logs[:, held].logsumexp(-1))
        known = torch.tensor([e.category != "medical" for e in batch])
        losses = torch.nn.functional.nll_loss(logs, wanted, reduction="none") - side * known
        return (losses * weights).sum() / weights.sum()

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        found = self._tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)
        return found["input_ids"]  # type: ignore[no-any-return]

    def _vectors(self, tokens: Sequence[list[int]]) -> Any:
        import torch

        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = torch.tensor(found)
            mask[row, : len(found)] = 1
        # Where the processor multiplies such numbers itself, this is twice as fast.
        with torch.autocast("cpu", torch.bfloat16):
            states = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states.float() * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.nn.functional.normalize(mean, dim=-1)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probability of each class for each text (n x classes)."""
        import torch

        tokens = self._tokens(texts)
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        found = np.empty((len(texts), len(self.classes)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                logits = self._head(self._vectors([tokens[i] for i in rows]) * LENGTH)
                found[rows] = logits.softmax(-1).numpy()
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """What is to be stored: the change, and the head for vectors of length 1."""
        change = {
            f"{PREFIX}{name}.{letter}": part.detach().numpy().astype(np.float16)
            for name, pair in self._changes.items()
            for letter, part in zip("ab", pair, strict=True)
        }
        weight, bias = self._head.weight.detach().numpy(), self._head.bias.detach().numpy()
        head = {"second.dense": (LENGTH * weight.T).astype(np.float32), "second.bias": bias}
        return change | head

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes over what `arrays` or `mean` gave."""
        import torch

        for name, pair in self._changes.items():
            for letter, part in zip("ab", pair, strict=True):
                part.data = torch.from_numpy(arrays[f"{PREFIX}{name}.{letter}"].astype(np.float32))
        self._head.weight.data = torch.from_numpy((arrays["second.dense"] / LENGTH).T.copy())
        self._head.bias.data = torch.from_numpy(arrays["second.bias"])
        self._encoder.eval()


def mean(several: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of several models' arrays: as one model, and surer than each of them (model soups,
    Wortsman et al. 2022). The changes are put side by side, so that their products add up."""
    count, found = len(several), dict[str, np.ndarray]()
    for name in several[0]:
        parts = [arrays[name] for arrays in several]
        if name.endswith(".a"):
            found[name] = np.concatenate(parts)
        elif name.startswith(PREFIX):
            found[name] = np.concatenate([p / count for p in parts], axis=1)
        else:
            found[name] = np.mean(parts, axis=0)
    return found


def _changed(layer: Any) -> tuple[Any, Any]:
    """Two thin matrices whose product the layer adds from now on; nothing at first."""
    import torch

    a = torch.nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
    b = torch.nn.Parameter(torch.zeros(layer.out_features, RANK))
    layer.register_forward_hook(lambda _, given, out: out + (given[0] @ a.T) @ b.T * SCALE)
    return a, b


def _varied(text: str, rng: random.Random) -> str:
    """Mostly the text as it is; now and then in lower case, or with a courtesy."""
    which = rng.random()
    if which < 0.08:
        return text.lower().rstrip("?.!")
    if which < 0.14:
        return text.rstrip("?.!") + rng.choice(_ENDINGS)
    if which < 0.18:
        return f"Please {text[:1].lower()}{text[1:]}"
    return text


def _among(text: str, everyday: Sequence[str], rng: random.Random) -> str:
    """Now and then the text with everyday ones around it, short enough to be read whole."""
    if not everyday or rng.random() >= AMONG:
        return text
    parts = [text]
    for more in rng.choices(everyday, k=rng.randint(1, 5)):
        if sum(map(len, parts)) + len(more) <= LONGEST:
            parts.insert(rng.randint(0, len(parts)), more)
    return " ".join(parts)
