"""Writes the reference's generated pages from the code: `python docs/make_reference.py`.

The command lines' `--help` (in the manner of simonw/llm's docs/help.md), the tree of errors, and
the records and events. A test holds the pages in step with the code.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from enum import EnumType
from pathlib import Path

import typer

from chatbot import domain, errors, gate
from chatbot.steps import review_item, rights

FOLDER = Path(__file__).parent / "reference"
WIDTH = 88
EVENTS = (
    domain.Retrieved, domain.Notice, gate.Sentence, domain.Held, domain.Refused, domain.Finished,
)  # fmt: skip


def pages() -> dict[str, str]:
    """Each page's file name and text."""
    import chatbot.cli
    import finetune.cli
    import ingest.cli

    return {
        "chatbot.md": commands("chatbot", chatbot.cli.app),
        "ingest.md": commands("ingest", ingest.cli.app),
        "finetune.md": commands("finetune", finetune.cli.app),
        "errors.md": error_page(),
        "records.md": record_page(),
        "rights.md": right_page(),
    }


def commands(name: str, app: typer.Typer) -> str:
    """Every command of a program with what its `--help` says."""
    root = typer.main.get_command(app)
    parts = [f"# {name}", "What `--help` says, for every command.", *_helps(root, name)]
    return "\n\n".join(parts) + "\n"


def _helps(command: typer.core.TyperCommand | typer.core.TyperGroup, path: str) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True, max_content_width=WIDTH)
    context.terminal_width = WIDTH
    level = "##" + "#" * max(0, path.count(" ") - 1)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"{level} {path}\n\n```text\n{text.strip()}\n```"
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _helps(inner, f"{path} {name}")


def error_page() -> str:
    """The tree of errors, and what each means."""
    lines = [
        "# Errors and exit codes",
        "",
        "Every error that Countersign raises on purpose says what failed and why, then what to do.",
        'With `--json` a command prints `{"error": …, "remedy": …}` on standard output.',
        "",
        "| exit code | means |",
        "| --: | --- |",
        "| 0 | done |",
        "| 1 | failed |",
        "| 2 | what was given cannot be used; nothing was changed |",
        "| 3 | done in part |",
        "| 130 | stopped with Ctrl-C; what was done is kept |",
        "",
        "```text",
        inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1],
        "```",
        "",
        "| error | exit | means |",
        "| --- | --: | --- |",
    ]
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    own = (c for c in found if issubclass(c, errors.CountersignError))
    lines += [
        f"| `{one.__name__}` | {one.exit_code} | {_first(one)} |"
        for one in sorted(own, key=lambda c: inspect.getsourcelines(c)[1])
    ]
    return "\n".join(lines) + "\n"


def record_page() -> str:
    """The events that carry an answer, and the records that are kept."""
    lines = [
        "# Events and records",
        "",
        "A question becomes a stream of events; every door reads the same one. What is kept of it "
        "is an `AnswerRecord`; what a person decides about it is a `ReviewItem`.",
        "",
        "## Events",
        "",
        "In the order in which they may come. `Finished` is always the last.",
    ]
    lines += [part for one in EVENTS for part in _record(one)]
    lines += ["", "## Records of a question"]
    lines += [part for one in _defined(domain) if one not in EVENTS for part in _record(one)]
    lines += ["", "## What a door may show"]
    lines += _record(gate.Shown)
    lines += ["", "## Records of the review desk"]
    lines += [part for one in _defined(review_item) for part in _record(one)]
    return "\n".join(lines) + "\n"


def right_page() -> str:
    """Which role may do what, and what each address needs."""
    meanings = _meanings(inspect.cleandoc((rights.Right.__doc__ or "").partition("Attributes:")[2]))
    names = [role.title for role in rights.ROLES.values()]
    lines = [
        "# Roles, rights and addresses",
        "",
        "`chatbot user add NAME --role ROLE` gives a role; one person may have several. A role "
        "that only the policy names may ask, see the desk and sign what the policy says. What a "
        "right reaches is narrowed once more where it is used: one's own conversations, the items "
        "of one's categories, the collections of one's groups.",
        "",
        f"| right | {' | '.join(names)} |",
        f"| --- |{' :-: |' * len(names)}",
    ]
    for right in rights.Right:
        has = ("✓" if right in role.rights else "" for role in rights.ROLES.values())
        lines.append(f"| `{right.value}` | {' | '.join(has)} |")
    lines += ["", "| right | somebody with it may |", "| --- | --- |"]
    lines += [f"| `{r.value}` | {meanings[r.name]} |" for r in rights.Right]
    lines += [
        "",
        "## Addresses",
        "",
        "What each needs: a right, `nobody` (anyone may have it), or `event` (what is behind it "
        "looks itself who asks). An address that is not here is not served.",
        "",
        "| address | to read | to write |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{r.path}` | {r.get or ''} | {r.post or ''} |" for r in rights.ROUTES]
    return "\n".join(lines) + "\n"


def _defined(module: object) -> list[type]:
    name = getattr(module, "__name__", "")
    found = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == name]
    return sorted(found, key=lambda c: inspect.getsourcelines(c)[1])


def _record(one: type) -> list[str]:
    text = inspect.cleandoc(one.__doc__ or "")
    about, _, listed = text.partition("\nAttributes:\n")
    lines = ["", f"### {one.__name__}", "", " ".join(about.split())]
    if isinstance(one, EnumType):
        return [*lines, "", ", ".join(f"`{member.value}`" for member in one)]
    if not dataclasses.is_dataclass(one):
        return lines
    meanings = _meanings(inspect.cleandoc(listed))
    lines += ["", "| field | type | meaning |", "| --- | --- | --- |"]
    for field in dataclasses.fields(one):
        kind = str(field.type).replace(" | ", " or ")
        lines.append(f"| `{field.name}` | `{kind}` | {meanings.get(field.name, '')} |")
    return lines


def _meanings(listed: str) -> dict[str, str]:
    """Name → meaning, from a docstring's `name: meaning` lines; others stand behind a semicolon."""
    found = {}
    for part in re.split(r"\n(?=\S)", listed):
        name, _, meaning = part.partition(":")
        meaning = " ".join(meaning.split())
        for inner in re.finditer(r";\s+`(\w+)`: ([^;]+)", meaning):
            found[inner[1]] = inner[2].rstrip(".") + "."
        found[name.strip()] = re.sub(r";\s+`\w+`: [^;]+$", ".", meaning)
    return found


def _first(one: Callable[..., object]) -> str:
    return inspect.cleandoc(one.__doc__ or "").split("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    for file, page in pages().items():
        (FOLDER / file).write_text(page, encoding="utf-8")
