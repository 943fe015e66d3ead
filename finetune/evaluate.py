"""Asks a model every row of a test and scores what it answers; compares two such runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from chatbot.errors import BadInput
from chatbot.opening import open_language
from chatbot.prompts import Prompt
from chatbot.settings import Settings
from finetune.prompting import chat_messages
from finetune.rows import Row, fingerprint
from finetune.scores import Answered, difference, scores

if TYPE_CHECKING:
    from chatbot.adapters.generation import ServedChat

AT_ONCE = 4
Told = Callable[[int], None]
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Ability:
    """What a model can do without passages.

    Attributes:
        test: fingerprint of what it was given; abilities of different tests are not compared.
        right: item → whether it had it right.
    """

    test: str
    right: Mapping[str, bool]


@dataclass(frozen=True)
class Run:
    """One evaluation: what was asked of whom, and what it answered.

    Attributes:
        test: fingerprint of the rows; runs of different tests are not compared.
        ability: what it can do beside; None: it was not measured.
    """

    name: str
    test: str
    prompt: str
    answered: tuple[Answered, ...]
    ability: Ability | None = None

    @cached_property
    def scores(self) -> dict[str, Any]:
        """Every score with its interval."""
        return scores(self.answered)


@contextmanager
def opened_model(settings: Settings) -> Iterator[tuple[ServedChat, str]]:
    """The language model that the settings name, and how it is called; closed at the end.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    from chatbot.adapters.generation import close_connections

    language = open_language(settings)
    try:
        yield language.client, f"{language.name}, adapter {language.adapter or 'none'}"
    finally:
        language.close()
        close_connections()


def run(
    rows: Sequence[Row],
    model: BaseChatModel,
    name: str,
    prompt: Prompt,
    most: int,
    told: Told = lambda _: None,
) -> Run:
    """Asks the model each row, `AT_ONCE` at a time.

    Args:
        most: tokens of an answer at most.
        told: hears after each answer how many there are.

    Raises:
        GenerationFailed: the model does not answer.
    """

    def ask(row: Row) -> Answered:
        began = time.monotonic()
        text = written(model, chat_messages(row, prompt), most)
        return Answered(row, text, round(time.monotonic() - began, 3))

    answered = tuple(at_once(ask, rows, told))
    return Run(name, fingerprint(rows), prompt.fingerprint, answered)


def written(model: BaseChatModel, messages: Sequence[BaseMessage], most: int) -> str:
    """What the model writes, of `most` tokens at most.

    Raises:
        GenerationFailed: it does not answer.
    """
    pieces = model.stream(messages, max_tokens=most)
    return "".join(p.content for p in pieces if isinstance(p.content, str)).strip()


def at_once(
    ask: Callable[[Asked], Answer], asked: Sequence[Asked], told: Told = lambda _: None
) -> Iterator[Answer]:
    """The answers in their order, `AT_ONCE` of them in work; `told` hears how many there are."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for count, one in enumerate(pool.map(ask, asked), 1):
            told(count)
            yield one


def compared(first: Run, second: Run) -> dict[str, float]:
    """By how much the first's answers are worth more than the second's, with its interval.

    Raises:
        BadInput: they were asked different rows.
    """
    same_rows(first, second)
    return difference(first.answered, second.answered)


def same_rows(first: Run, second: Run) -> None:
    """Refuses to compare what cannot be.

    Raises:
        BadInput: the two were asked different rows.
    """
    if first.test != second.test:
        raise BadInput(
            f"{first.name} and {second.name} were measured on different rows.",
            "Measure both on the same dataset and split.",
        )


def write_run(found: Run, path: Path) -> None:
    """Keeps a run: its scores, and every answer beside its question's row id."""
    answers = [{"row": a.row.id, "text": a.text, "seconds": a.seconds} for a in found.answered]
    kept = {"name": found.name, "test": found.test, "prompt": found.prompt,
            "scores": found.scores, "answers": answers}  # fmt: skip
    if found.ability:
        kept["ability"] = asdict(found.ability)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_run(path: Path, rows: Sequence[Row]) -> Run:
    """A kept run over the rows that it was asked.

    Raises:
        BadInput: it cannot be read, or was asked other rows.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        by_id = {row.id: row for row in rows}
        answered = tuple(
            Answered(by_id[a["row"]], a["text"], a["seconds"]) for a in kept["answers"]
        )
        ability = Ability(**kept["ability"]) if "ability" in kept else None
        found = Run(kept["name"], kept["test"], kept["prompt"], answered, ability)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} is no run over these rows ({type(error).__name__}: {error}).",
            "Make it with `finetune evaluate` on the same dataset.",
        ) from error
    if found.test != fingerprint(a.row for a in answered):
        raise BadInput(
            f"{path} is no run over these rows: what was asked, or is right, was changed since.",
            "Make it with `finetune evaluate` on the same dataset.",
        )
    return found
