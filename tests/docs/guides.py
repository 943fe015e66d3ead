"""The commands of the tutorial and the how-to pages, and a way to run them without processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import typer
from typer.testing import CliRunner, Result

import chatbot.cli
import finetune.cli
import ingest.cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDES = (
    "tutorial.md", "how-to/own-documents.md", "how-to/model-server.md", "how-to/policy.md",
    "how-to/desk.md", "how-to/faq-and-cache.md", "how-to/adapter.md", "how-to/users.md",
    "how-to/backup.md", "how-to/troubleshooting.md", "security.md", "project/contributing.md",
)  # fmt: skip
PROGRAMS: dict[str, typer.Typer] = {
    "chatbot": chatbot.cli.app,
    "finetune": finetune.cli.app,
    "ingest": ingest.cli.app,
}
_SETS = re.compile(r"\w+=")
_OURS = re.compile(r"\.venv/bin/(chatbot|finetune|ingest)")


def text_of(page: str) -> str:
    """A page's Markdown."""
    return (DOCS / page).read_text(encoding="utf-8")


def commands_of(page: str) -> list[str]:
    """The lines of its shell blocks, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


def command_named(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that those words call, and the words after its name.

    Raises:
        KeyError: there is no such command.
    """
    command: Any = typer.main.get_command(PROGRAMS[words[0]])
    rest = words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def parse(line: str) -> None:
    """Reads a line as its command would, and does nothing more.

    Raises:
        click.UsageError: an option or an argument is not one of its own.
    """
    command, rest = command_named(shlex.split(line.removeprefix(".venv/bin/")))
    command.make_context(command.name, rest)


class Shell:
    """Runs the lines of one page, one after the other, in a folder and a home of their own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.env = {"COUNTERSIGN_HOME": str(home)}
        self._first: dict[str, str] = {}
        (folder / "faq").symlink_to(ROOT / "faq")

    def run(self, line: str) -> str:
        """What the line prints. ITEM and RECORD stand for those of the first item at the desk.

        Raises:
            AssertionError: it ends with an exit code other than 0.
        """
        line = re.sub(r"(?<![\w./])(samples|policies)/", rf"{ROOT}/\1/", line)
        for word, name in (("ITEM", "id"), ("RECORD", "record")):
            if re.search(rf"\b{word}\b", line):
                line = re.sub(rf"\b{word}\b", self._first_item()[name], line)
        if line.startswith("make ") or line.endswith(" make run"):
            return self._made(line)
        if _OURS.search(line):
            done = self._called(line)
            assert done.exit_code == 0, f"{line}\n{done.output}"
            return done.output
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            self.env[name] = shlex.split(value)[0]
            return ""
        return self._other(line)

    def _first_item(self) -> dict[str, str]:
        if not self._first:
            found = self._called(".venv/bin/chatbot review list --json")
            self._first = json.loads(found.stdout)["items"][0]
        return self._first

    def _called(self, line: str) -> Result:
        before, _, after = line.rpartition(" | ")
        given = self._other(before) if before else None
        words = shlex.split(after)
        env = dict(self.env)
        while _SETS.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        app = PROGRAMS[Path(words[0]).name]
        with contextlib.chdir(self.folder):
            return CliRunner().invoke(app, words[1:], input=given, env=env)

    def _other(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=os.environ | self.env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    def _made(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"{line} -n"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout
