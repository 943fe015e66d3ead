"""What both sides are given: pages, questions, XQuAD's paragraphs."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lxml.html

from bench.options import Options
from chatbot.steps.words import sentences

READ_BY_BOTH = {".html", ".htm", ".md", ".txt"}
_SHORT, _LONG = 40, 160  # characters of a sentence that can stand for a question


def sample_pages(options: Options) -> list[Path]:
    """Copies the sample to `options.documents`: the pages that answer the questions, then others
    drawn at random, so that questions are asked that the index can answer."""
    found = {p.name: p for p in sorted(options.folder.iterdir()) if p.suffix in READ_BY_BOTH}
    wanted = {page for asked in load_questions(options) for page in asked["pages"]}
    chosen = sorted(wanted & found.keys())[: options.pages]
    rest = sorted(found.keys() - set(chosen))
    room = min(options.pages - len(chosen), len(rest))
    names = sorted([*chosen, *random.Random(options.seed).sample(rest, room)])
    shutil.rmtree(options.documents, ignore_errors=True)
    options.documents.mkdir(parents=True)
    return [Path(shutil.copy(found[name], options.documents)) for name in names]


def load_questions(options: Options) -> list[dict[str, Any]]:
    """The questions whose pages lie in the folder: `question`, `pages`."""
    names = {p.name for p in options.folder.iterdir()}
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines if line.strip()]
    for one in asked:
        one["pages"] = one.get("pages") or [one.get("document") or ""]
    return [one for one in asked if set(one["pages"]) & names]


def many_questions(options: Options, number: int) -> list[str]:
    """That many questions, none twice, since a side may remember what it was asked: the real ones,
    then sentences of the indexed pages, which are as hard on an index and have all its words."""
    asked = [one["question"] for one in load_questions(options)]
    drawn = sorted({s for page in sorted(options.documents.iterdir()) for s in _said(page)})
    draw = random.Random(options.seed)
    draw.shuffle(drawn)
    chosen = [*asked, *drawn][:number]
    draw.shuffle(chosen)
    return chosen


def _said(page: Path) -> Iterator[str]:
    """Sentences of a question's length in a page's paragraphs."""
    if page.suffix.startswith(".htm"):
        paragraphs = [p.text_content() for p in lxml.html.parse(str(page)).getroot().iter("p")]
    else:
        paragraphs = page.read_text(encoding="utf-8", errors="replace").split("\n\n")
    for paragraph in paragraphs:
        for sentence in sentences(" ".join(paragraph.split())):
            if _SHORT <= len(sentence) <= _LONG:
                yield sentence


@dataclass(frozen=True, slots=True)
class Ranking:
    """Passages, questions, and for each question the number of the passage that answers it."""

    passages: list[str]
    questions: list[str]
    gold: list[int]


def load_squad(path: Path) -> Ranking:
    """A SQuAD-formatted file: each paragraph is a passage, unanswerable questions are left out."""
    ranking = Ranking([], [], [])
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                if not asked.get("is_impossible"):
                    ranking.questions.append(asked["question"])
                    ranking.gold.append(len(ranking.passages))
            ranking.passages.append(paragraph["context"])
    return ranking
