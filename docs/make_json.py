"""Writes docs/reference/json.md by running commands: `python docs/make_json.py`.

What a command prints is shown as an outline: each name, and what kind of value it has. A test runs
the same commands and holds the page against what they print.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import chatbot.cli
import finetune.cli
import ingest.cli
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.settings import load_settings
from chatbot.steps.review import drafted

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT / "samples" / "handbook"
QUESTION = "How do I order a replacement card?"
HELD = "Can I take ibuprofen with my blood thinner?"
PASSWORD = "correct horse battery staple"  # noqa: S105
_SAME = {"scores", "timings", "prompts", "sources", "hits"}
"""Names whose value is a mapping with names that vary, and values of one kind."""
_EITHER = {"adapter"}
"""Names whose value is `null` or a text, as it happens."""
_BEGINNING = """# JSON of the commands

With `--json` a command prints one JSON document on standard output and nothing else there;
`chatbot screen` prints one a line. On an error it is `{"error": …, "remedy": …}`, with the
[exit code](errors.md) that says what kind.

Below, what each holds: a name, and what kind of value it has. `[]` is a list, `{}` a mapping whose
names vary, `nothing` a value that was `null` when the page was made. New names may be added;
those that are here stay.
"""


def page() -> str:
    """The page's text. Runs the commands in `COUNTERSIGN_HOME`, where the handbook is indexed."""
    parts = [_BEGINNING]
    for program, shown, found in _results():
        parts.append(f"## {program} {shown}\n\n```text\n{outline(found)}\n```\n")
    return "\n".join(parts)


def outline(value: Any) -> str:
    """A value's names and kinds, indented."""
    return "\n".join(_lines(value, ""))


def _results() -> list[tuple[str, str, Any]]:
    home = Path(os.environ["COUNTERSIGN_HOME"])
    data, pairs = home / "questions.jsonl", home / "pairs.csv"
    data.write_text(json.dumps({"text": QUESTION, "category": "everyday"}), encoding="utf-8")
    pairs.write_text(f"question_1,question_2,similar\n{QUESTION},{QUESTION},1\n", encoding="utf-8")
    asked = _run("chatbot", "ask", QUESTION)
    held = _run("chatbot", "ask", HELD)
    person = _run("chatbot", "user", "add", "anna", "--role", "reviewer", "--password-stdin",
                  given=f"{PASSWORD}\n")  # fmt: skip
    listed = _run("chatbot", "review", "list")
    item = listed["items"][0]["id"]
    _draft(item, asked)
    claimed = _run("chatbot", "review", "claim", item, "--as", "anna")
    done = _run("chatbot", "review", "edit", item, "--as", "anna", "--text", "Ask a doctor.")
    screened = CliRunner().invoke(chatbot.cli.app, ["screen"], input=f"{QUESTION}\n").stdout
    return [
        ("chatbot", "ask QUESTION", asked),
        ("chatbot", "search QUERY", _run("chatbot", "search", "card", "-k", "1")),
        ("chatbot", "screen", json.loads(screened)),
        ("chatbot", "doctor", _run("chatbot", "doctor")),
        ("chatbot", "policy check FILE QUESTION",
         _run("chatbot", "policy", "check", "default", HELD)),
        ("chatbot", "review list", listed),
        ("chatbot", "review claim, review show", claimed),
        ("chatbot", "review approve, edit, reject, ask, escalate, put-back, reassign, recall",
         done),
        ("chatbot", "audit show RECORD", _run("chatbot", "audit", "show", held["record"])),
        ("chatbot", "audit verify", _run("chatbot", "audit", "verify")),
        ("chatbot", "faq check", _run("chatbot", "faq", "check")),
        ("chatbot", "faq list", _run("chatbot", "faq", "list")),
        ("chatbot", "cache status", _run("chatbot", "cache", "status")),
        ("chatbot", "cache why QUESTION", _run("chatbot", "cache", "why", QUESTION)),
        ("chatbot", "cache clear", _run("chatbot", "cache", "clear")),
        ("chatbot", "evaluate screen DATA", _run("chatbot", "evaluate", "screen", str(data))),
        ("chatbot", "evaluate cache PAIRS", _run("chatbot", "evaluate", "cache", str(pairs))),
        ("chatbot", "user add NAME", person),
        ("chatbot", "user link NAME", _run("chatbot", "user", "link", "anna")),
        ("chatbot", "user list", _run("chatbot", "user", "list")),
        ("chatbot", "user disable NAME", _run("chatbot", "user", "disable", "anna")),
        ("ingest", "sync PATH", _run("ingest", "sync", str(HANDBOOK), "--collection", "handbook")),
        ("ingest", "status", _run("ingest", "status")),
        ("ingest", "verify", _run("ingest", "verify")),
        ("ingest", "repair", _run("ingest", "repair")),
        ("finetune", "history", _run("finetune", "history")),
    ]  # fmt: skip


def _draft(item: str, asked: dict[str, Any]) -> None:
    """Does what a running server does: puts a draft on the item, from an answer that was given."""
    from chatbot.adapters.conversations import ConversationStore
    from chatbot.steps.review_item import Answer

    settings = load_settings()
    engine = open_database(settings.database_url)
    record = ConversationStore(engine).record(asked["record"])
    evidence = tuple(scored.passage for scored in record.passages)
    answer = Answer(record.sentences, evidence, tuple(() for _ in record.sentences))
    queue = ReviewQueue(engine, AuditLog(engine, settings.anchor_file))
    queue.apply(item, "system", "drafted", lambda i, now: drafted(i, answer, now, record.model))
    engine.dispose()


def _run(program: str, *arguments: str, given: str | None = None) -> Any:
    apps = {"chatbot": chatbot.cli.app, "finetune": finetune.cli.app, "ingest": ingest.cli.app}
    around = {"COUNTERSIGN_FAQ": str(ROOT / "faq"), "COUNTERSIGN_REVIEWER_PASSWORD": PASSWORD}
    done = CliRunner().invoke(apps[program], [*arguments, "--json"], input=given, env=around)
    if done.exit_code:
        raise RuntimeError(f"{program} {' '.join(arguments)}: {done.output}")
    return json.loads(done.stdout)


def _lines(value: Any, indent: str) -> list[str]:
    lines = []
    for name, inner in value.items():
        if name in _SAME and isinstance(inner, dict):
            values = list(inner.values())
            lines += _named(f"{name}{{}}", _merged(values) if values else "text", indent)
        elif isinstance(inner, list):
            lines += _named(f"{name}[]", _merged(inner) if inner else None, indent)
        else:
            lines += _named(name, inner, indent)
    return lines


def _named(name: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        return [f"{indent}{name}", *_lines(value, f"{indent}  ")]
    kind = "text or nothing" if name in _EITHER else _kind(value)
    return [f"{indent}{name}: {kind}"]


def _merged(values: Sequence[Any]) -> Any:
    """One value that has what any of them has."""
    if not all(isinstance(v, dict) for v in values):
        return values[0]
    return {name: inner for value in values for name, inner in value.items()}


def _kind(value: Any) -> str:
    kinds: list[tuple[Callable[[Any], bool], str]] = [
        (lambda v: v is None, "nothing"),
        (lambda v: isinstance(v, bool), "yes or no"),
        (lambda v: isinstance(v, int | float), "number"),
        (lambda v: isinstance(v, list), "list"),
    ]
    return next((kind for holds, kind in kinds if holds(value)), "text")


def main() -> None:
    """Makes the page over a home folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_HOME"] = folder
        _run("ingest", "sync", str(HANDBOOK), "--collection", "handbook")
        file = Path(__file__).parent / "reference" / "json.md"
        file.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
