"""What both sides are given: pages, questions, XQuAD's paragraphs."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.options import Options

READ_BY_BOTH = {".html", ".htm", ".md", ".txt"}


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
    """That many questions: all of them, as often as it takes, in a fixed random order."""
    texts = [one["question"] for one in load_questions(options)]
    repeated = (texts * (number // len(texts) + 1))[:number]
    random.Random(options.seed).shuffle(repeated)
    return repeated


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
