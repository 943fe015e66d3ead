"""Real questions on two real manuals: is the right page found, and does every quote stand there?

    python -m bench.manuals QUESTIONS.jsonl --postgresql DIR --policy-html DIR \
        --policy-pdf FILE --policy-text FILE

Indexes what is not indexed yet under COUNTERSIGN_HOME, asks each question through the whole chain,
and prints one JSON document. Quotes are looked for in the page's text as lxml gives it, by other
code than the loader's, with white space left out on both sides.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from chatbot.bootstrap import App, bootstrap
from chatbot.domain import Finished, Passage, Person
from chatbot.gate import Shown, shown
from chatbot.settings import load_settings
from chatbot.steps.intervals import wilson

HOW_MANY = 5


def main() -> None:
    """Prints the scores."""
    options = _options()
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    places = {"postgresql": options.postgresql, "policy-html": options.policy_html,
              "policy-pdf": options.policy_pdf, "policy-text": options.policy_text}  # fmt: skip
    syncs = {name: _sync(name, path) for name, path in places.items()}
    with bootstrap(load_settings()) as app:
        scores = {"pages": _pages(app, questions), "sections": _sections(app, questions)}
        scores |= _answers(app, questions) if not options.no_answers else {}
    result = {"n": len(questions), "syncs": syncs, **scores}
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    for name in ("postgresql", "policy-html", "policy-pdf", "policy-text"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--no-answers", action="store_true", help="retrieval alone")
    return parser.parse_args()


def _sync(collection: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "ingest.cli", "sync", str(path), "--collection", collection]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _collection(question: dict[str, Any]) -> frozenset[str]:
    return frozenset({"postgresql" if question["source"] == "postgresql" else "policy-html"})


def _name(passage: Passage) -> str:
    return Path(passage.document.uri).name


def _pages(app: App, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether a right page is among the first five passages, by kind of question."""
    hits: dict[str, list[bool]] = {}
    for question in questions:
        found = app.retriever.find(question["question"], HOW_MANY, _collection(question))
        right = any(_name(s.passage) in question["pages"] for s in found)
        for group in ("all", question["kind"], question["source"]):
            hits.setdefault(group, []).append(right)
    return {group: share(results) for group, results in hits.items()}


def _sections(app: App, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether the Debian Policy's right section is found in its HTML, PDF and plain text."""
    asked = [q for q in questions if "section" in q]
    found: dict[str, list[bool]] = {c: [] for c in ("policy-html", "policy-pdf", "policy-text")}
    for question in asked:
        title = _letters(question["section"].split(" ", 1)[1])
        for collection, results in found.items():
            passages = app.retriever.find(question["question"], HOW_MANY, frozenset({collection}))
            headings = (_letters(" ".join(s.passage.locator.heading)) for s in passages)
            results.append(any(title in heading for heading in headings))
    same = [len(set(row)) == 1 for row in zip(*found.values(), strict=True)]
    return {name: share(results) for name, results in found.items()} | {"same_in_all": share(same)}


def _answers(app: App, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """How each turn ended, and whether each released sentence's quotes stand in their page."""
    person = Person("bench")
    status: dict[str, int] = {}
    cited, verbatim = [], []
    for question in questions:
        conversation = app.conversations.create(person.id).id
        asker = Person(person.id, _collection(question))
        *_, last = app.chain.answer(question["question"], conversation, asker, fresh=True)
        assert isinstance(last, Finished)
        view = shown(last.record)
        key = f"{view.status.value}, {last.record.mode}"
        status[key] = status.get(key, 0) + 1
        cited += _cited(view)
        verbatim += [_stands(c.quote, c.passage) for c in view.citations]
    return {"status": status, "sentences_cited": share(cited), "quotes_verbatim": share(verbatim)}


def _cited(view: Shown) -> list[bool]:
    """Whether each released sentence carries a marker."""
    from chatbot.steps.words import sentences

    return [bool(re.search(r"\[\d+\]", s)) for s in sentences(view.text)] if view.text else []


def _stands(quote: str, passage: Passage) -> bool:
    return _squeezed(quote) in _page_text(passage.document.uri)


@lru_cache(maxsize=256)
def _page_text(uri: str) -> str:
    from lxml import html

    return _squeezed(html.parse(uri).getroot().text_content())


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def share(results: list[bool]) -> dict[str, Any]:
    """How many of how many, with Wilson's 95% interval of the share."""
    n, hits = len(results), sum(results)
    if not n:
        return {"n": 0}
    low, high = wilson(hits, n)
    return {"n": n, "hits": hits, "share": round(hits / n, 4), "low": round(low, 4),
            "high": round(high, 4)}  # fmt: skip


if __name__ == "__main__":
    main()
