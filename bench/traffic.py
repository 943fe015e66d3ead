"""A day of questions with and without the answer cache: `python -m bench.traffic SQUAD.json`.

Which question is asked next follows Zipf's law over 5,000 questions of a SQuAD-formatted file, half
of the time in another wording; each article is a document, and one is changed and indexed anew
every hour. All parts are real but the language model: a stand-in copies from the passages at once,
and what the embedded one would have taken is added to each answer that asked it
(`--model-seconds`). The day passes in minutes, so what the cache forgets by the clock it keeps
longer here than it would.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from finetune.plots import STYLE, Line, plot

from bench.timing import quantile
from chatbot.bootstrap import App, bootstrap
from chatbot.domain import Finished, Person
from chatbot.settings import load_settings
from proof.stub_model import stub_model

HOURS = 24
_ME = Person("bench")
_KINDS = ("exact", "semantic")
_FOLLOWED = 2.5  # seconds until the application has taken over what was indexed
_LEAD = (
    "Can you tell me {}?", "I would like to know {}", "Please tell me: {}?", "{} please",
    "Quick question, {}?", "{} Thanks!",
)  # fmt: skip
_SWAPS = (
    ("What is the name of", "What is"), ("What year", "In which year"), ("In what year", "When"),
    ("How many", "What number of"), ("What was", "Which was"), ("What are", "Which are"),
    ("Who was", "Which person was"), ("What kind of", "Which type of"), ("Where", "In what place"),
)  # fmt: skip
_PAGE = """<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width"><title>{title}</title><style>{style}
:root {{ color-scheme: light dark; --soft: light-dark(#667, #99a);
  --mark: light-dark(#0a6c5d, #5fd0b8); --line: light-dark(#e4e4ea, #33343c) }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }}
main {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 2rem }}
h2 {{ font-size: 1rem; margin: 0 }}
</style><h1>{title}</h1><p>{words}</p><main>{plots}</main></html>"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer.

    Attributes:
        kind: `miss`, `exact`, `semantic`, `faq`.
        seconds: from the question to the last event, the model's share added.
        model: seconds of that which are the model's.
        other: it repeats the answer to another of the 5,000 questions.
    """

    hour: int
    kind: str
    seconds: float
    model: float
    other: bool = False


Measure = Callable[[list[Answer]], float]


def main() -> int:
    """Lets the day pass, prints one JSON document and draws the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("squad", type=Path, help="SQuAD-formatted file")
    parser.add_argument("--questions", type=int, default=5000)
    parser.add_argument("--asked", type=int, default=9600, help="in the whole day")
    parser.add_argument(
        "--without", type=int, default=960, help="of them asked without the cache too"
    )
    parser.add_argument("--zipf", type=float, default=1.0, help="exponent")
    parser.add_argument("--model-seconds", type=float, default=2.4, help="of one generated answer")
    parser.add_argument("--price", type=float, default=0.0, help="of one hour of the model")
    parser.add_argument("--out", type=Path, default=Path("day.html"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder, stub_model() as model:
        day = Day(Path(folder), asked, model)
        with_cache, without = day.pass_by()
    found = figures(with_cache, without, asked.price)
    asked.out.write_text(_page(with_cache, without, found), encoding="utf-8")
    print(json.dumps(found, indent=2))
    return 0


class Day:
    """The documents, the questions and the application that answers them."""

    def __init__(self, folder: Path, asked: argparse.Namespace, model: str) -> None:
        self._chance = random.Random(1)
        self._asked = asked
        self._folder = folder / "documents"
        self._folder.mkdir()
        articles = json.loads(asked.squad.read_text(encoding="utf-8"))["data"]
        for number, article in enumerate(articles):
            text = "\n\n".join(p["context"] for p in article["paragraphs"])
            (self._folder / f"{number}.md").write_text(f"# {article['title']}\n\n{text}\n")
        every = [
            " ".join(q["question"].split())
            for article in articles
            for paragraph in article["paragraphs"]
            for q in paragraph["qas"]
        ]
        every = list(dict.fromkeys(every))
        self._chance.shuffle(every)
        self._questions = every[: asked.questions]
        ranks = range(1, len(self._questions) + 1)
        self._weights = list(accumulate(rank**-asked.zipf for rank in ranks))
        self._settings = load_settings(home=folder / "home", generation_url=model)
        self._records: dict[str, int] = {}

    def pass_by(self) -> tuple[list[Answer], list[Answer]]:
        """The day's answers, and those of a sample of its questions that were answered afresh."""
        self._index()
        with_cache: list[Answer] = []
        without: list[Answer] = []
        every = max(1, self._asked.asked // max(1, self._asked.without))
        with bootstrap(self._settings) as app:
            for number in range(self._asked.asked):
                hour = number * HOURS // self._asked.asked
                if with_cache and hour != with_cache[-1].hour:
                    self._edit(hour)
                asked = self._draw()
                question = worded(self._questions[asked], self._chance)
                with_cache.append(self._ask(app, question, hour, asked))
                if number % every == 0:
                    without.append(self._ask(app, question, hour, asked, fresh=True))
        return with_cache, without

    def _draw(self) -> int:
        numbers = range(len(self._questions))
        return self._chance.choices(numbers, cum_weights=self._weights)[0]

    def _ask(
        self, app: App, question: str, hour: int, asked: int, *, fresh: bool = False
    ) -> Answer:
        talk = app.conversations.create(_ME.id)
        start = time.perf_counter()
        *_, last = app.chain.answer(question, talk.id, _ME, fresh=fresh)
        seconds = time.perf_counter() - start
        assert isinstance(last, Finished)
        record = last.record
        self._records[record.id] = asked
        generated = self._asked.model_seconds if "generate" in record.timings else 0.0
        first = self._records.get(record.repeats, asked)
        return Answer(hour, record.cache, seconds + generated, generated, first != asked)

    def _edit(self, hour: int) -> None:
        """One article is changed in one paragraph, and the folder indexed."""
        file = self._chance.choice(sorted(self._folder.iterdir()))
        paragraphs = file.read_text().split("\n\n")
        place = self._chance.randrange(1, len(paragraphs))
        paragraphs[place] = f"{paragraphs[place].strip()} This was revised in hour {hour}.\n"
        file.write_text("\n\n".join(paragraphs))
        self._index()
        time.sleep(_FOLLOWED)

    def _index(self) -> None:
        home = self._settings
        places = {"COUNTERSIGN_HOME": home.home, "COUNTERSIGN_MODELS": home.models_folder}
        subprocess.run(
            [sys.executable, "-m", "ingest.cli", "sync", str(self._folder)],
            env=os.environ | {name: str(place) for name, place in places.items()},
            check=True,
            capture_output=True,
        )


def worded(question: str, chance: random.Random) -> str:
    """As it stands half of the time; else otherwise written, introduced, or with a word changed."""
    kind = chance.random()
    if kind < 0.5:
        return question
    bare = question.rstrip("?. ")
    if kind < 0.7:
        return chance.choice([bare, question.lower(), bare.lower(), f" {bare} ??"])
    if kind < 0.85:
        return chance.choice(_LEAD).format(bare[:1].lower() + bare[1:])
    for one, other in _SWAPS:
        if question.startswith(one):
            return question.replace(one, other, 1)
    return bare.lower()


def figures(with_cache: list[Answer], without: list[Answer], price: float) -> dict[str, Any]:
    """Hit rates by kind, and seconds, the model's time and its price on both sides."""
    kinds = Counter(a.kind for a in with_cache)
    hits = [a for a in with_cache if a.kind in _KINDS]
    return {
        "asked": len(with_cache),
        "hit_rate": len(hits) / len(with_cache),
        "hit_rate_by_kind": {kind: kinds[kind] / len(with_cache) for kind in _KINDS},
        "hits_of_another_question": sum(a.other for a in hits),
        "with": _side(with_cache, price),
        "without": {"sample": len(without), **_side(without, price)},
    }


def _side(answers: list[Answer], price: float) -> dict[str, float]:
    seconds = [a.seconds for a in answers]
    model = sum(a.model for a in answers) / len(answers)
    return {
        "p50": round(quantile(seconds, 0.5), 4),
        "p95": round(quantile(seconds, 0.95), 4),
        "model_seconds_an_answer": round(model, 3),
        "cost_of_1000": round(1000 * model / 3600 * price, 4),
    }


def _page(with_cache: list[Answer], without: list[Answer], found: dict[str, Any]) -> str:
    def share(kinds: tuple[str, ...]) -> Measure:
        return lambda answers: 100 * sum(a.kind in kinds for a in answers) / len(answers)

    def p(part: float) -> Measure:
        return lambda answers: quantile([a.seconds for a in answers], part)

    def model(answers: list[Answer]) -> float:
        return sum(a.model for a in answers) / len(answers)

    plots = [
        _plot(
            "Hits, %",
            {"all": (with_cache, share(_KINDS)), "exact": (with_cache, share(("exact",)))},
        ),
        _plot("Median, s", {"with": (with_cache, p(0.5)), "without": (without, p(0.5))}),
        _plot("95% below, s", {"with": (with_cache, p(0.95)), "without": (without, p(0.95))}),
        _plot("Model, s an answer", {"with": (with_cache, model), "without": (without, model)}),
    ]
    words = (
        f"{found['asked']:,} questions, {100 * found['hit_rate']:.0f}% answered from the cache; "
        f"median {found['with']['p50']:.3f} s with it, {found['without']['p50']:.2f} s without."
    )
    title = "A day of questions, with the answer cache and without"
    return _PAGE.format(title=title, style=STYLE, words=escape(words), plots="".join(plots))


def _plot(title: str, sides: dict[str, tuple[list[Answer], Measure]]) -> str:
    """One line a side by the hour, the first one bold."""
    looks = ["best", *[""] * len(sides)]
    lines = [
        Line(_hourly(answers, of), look, name)
        for (name, (answers, of)), look in zip(sides.items(), looks, strict=False)
    ]
    keys = f"{lines[0].name}, bold, and {lines[1].name}"
    return f"<section><h2>{title}: {keys}</h2>{plot(lines, 'hour', title)}</section>"


def _hourly(answers: list[Answer], of: Measure) -> list[tuple[float, float]]:
    hours = sorted({a.hour for a in answers})
    return [(float(h), of([a for a in answers if a.hour == h])) for h in hours]


if __name__ == "__main__":
    sys.exit(main())
