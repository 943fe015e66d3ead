"""Public sets of questions with answers, as paragraphs and what is asked about them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbot.domain import sha256_of
from chatbot.errors import BadInput
from chatbot.steps.words import sentences
from finetune.rows import Source
from ingest.document import Block, Kind, Loaded
from ingest.split import split

Count = Callable[[Sequence[str]], list[int]]

_SPACE = re.compile(r"\s+")
_WHAT_IS = re.compile(r"What is \(are\) (?P<topic>.+?) ?\?")
_TOPIC = re.compile(r"affected by (?P<topic>.+?) ?\?")
_MEDQUAD_TYPES = ("information", "frequency")
_WORDS = range(6, 41)
_MEDQUAD_SHARE = 0.35  # its questions are all alike; more of them teach nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what is right to answer.

    Attributes:
        gold: passages of the paragraph it was asked about; the answer stands in the first.
        answers: right answers, the preferred one first; none: its paragraph does not hold it.
        synthetic: a program wrote the question.
        notes: anything else that its row is to keep.
    """

    question: str
    answers: tuple[str, ...]
    gold: tuple[Source, ...]
    origin: str
    licence: str
    synthetic: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collected:
    """Passages, and the questions about them."""

    passages: tuple[Source, ...]
    asked: tuple[Asked, ...]


def load_public(file: Path, count: Count) -> Collected:
    """A file in SQuAD's format (`.json`) or MedQuAD's (`.csv`), known by how its name begins; or a
    question file (`.jsonl`) of one's own or of `finetune synthesise`.

    Args:
        count: tokens of texts; long paragraphs are cut as `ingest` cuts documents.

    Raises:
        BadInput: the file is missing, unknown, or not what its name says.
    """
    readers: dict[str, Callable[[], Iterator[Collected]]] = {
        "squad": lambda: _squad(file, "squad_v2", count),
        "xquad": lambda: _squad(file, "xquad", count),
        "medquad": lambda: _medquad(file, count),
    }
    read = next((r for name, r in readers.items() if file.name.startswith(name)), None)
    if file.suffix == ".jsonl":
        read = lambda: _questions(file)  # noqa: E731
    if read is None:
        raise BadInput(
            f"{file.name} is no set that is known.",
            f"Names begin with {', '.join(readers)}; question files end with .jsonl.",
        )
    try:
        parts = list(read())
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BadInput(
            f"{file} cannot be read ({type(error).__name__}: {error}).",
            "Give the set as it is published.",
        ) from error
    return Collected(
        tuple(dict.fromkeys(p for part in parts for p in part.passages)),
        tuple(a for part in parts for a in part.asked),
    )


def _squad(file: Path, origin: str, count: Count) -> Iterator[Collected]:
    """Rajpurkar et al., "Know What You Don't Know" (arXiv:1806.03822); Artetxe et al. for XQuAD."""
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        title = article["title"].replace("_", " ")
        for paragraph in article["paragraphs"]:
            passages = cut(title, paragraph["context"], title, count)
            asked = (_question(q, passages, origin) for q in paragraph["qas"])
            yield Collected(passages, tuple(a for a in asked if a))


def _question(raw: dict[str, Any], passages: tuple[Source, ...], origin: str) -> Asked | None:
    said = [_SPACE.sub(" ", a["text"]).strip() for a in raw["answers"]]
    ranked = sorted(dict.fromkeys(said), key=lambda a: (-said.count(a), len(a)))
    holding = [p for p in passages if ranked and ranked[0] in p.text]
    if ranked and not holding:  # the cut went through it
        return None
    gold = (*holding, *(p for p in passages if p not in holding))
    question = _SPACE.sub(" ", raw["question"]).strip()
    return Asked(question, tuple(ranked), gold, origin, "CC BY-SA 4.0")


def _medquad(file: Path, count: Count) -> Iterator[Collected]:
    """Ben Abacha and Demner-Fushman (arXiv:1901.08079): what a topic is and how
    frequent. The answer's first sentence is what is right to say."""
    with file.open(encoding="utf-8", newline="") as lines:
        for raw in csv.DictReader(lines):
            asked = _WHAT_IS.fullmatch(raw["question"])
            named = asked or _TOPIC.search(raw["question"])
            text = _SPACE.sub(" ", raw["answer"]).strip()
            first = next(iter(sentences(text)), "")
            fits = len(first.split()) in _WORDS and first.endswith(".")
            if raw["type"] not in _MEDQUAD_TYPES or named is None or not fits:
                continue
            topic = named["topic"]
            if int(sha256_of(topic)[:4], 16) / 0xFFFF > _MEDQUAD_SHARE:
                continue
            question = f"What is {topic}?" if asked else raw["question"].replace(" ?", "?")
            passages = cut(topic, text, f"MedQuAD {topic.lower()}", count)
            if first in passages[0].text:
                licence = "CC BY 4.0"
                yield Collected(
                    passages, (Asked(question, (first,), passages, "medquad", licence),)
                )


def _questions(file: Path) -> Iterator[Collected]:
    """A question with its answer and the passage that holds it, one JSON object a line."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        raw = json.loads(line)
        source, answer = Source(**raw["passage"]), raw["answer"]
        if not answer or answer not in source.text:
            raise ValueError(f"“{answer}” does not stand in its passage word for word")
        answers = (answer, *raw.get("accepted", ()))
        origin, licence = raw["origin"], raw["licence"]
        asked = Asked(raw["question"], answers, (source,), origin, licence,
                      raw.get("synthetic", False), raw.get("notes", {}))  # fmt: skip
        yield Collected((source,), (asked,))


def cut(where: str, text: str, document: str, count: Count) -> tuple[Source, ...]:
    """A paragraph as the passages that `ingest` would make of it."""
    whole = Loaded(where, "text/plain", (Block(_SPACE.sub(" ", text).strip(), Kind.TEXT),))
    version = sha256_of(text)
    return tuple(Source(where, p.text, document, version) for p in split(whole, count))
