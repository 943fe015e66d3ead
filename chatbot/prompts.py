"""Loads the prompts in `prompts/`, fills them in, and fingerprints them.

A prompt is a file: YAML front matter (`name`, `version`, `variables`), then one part a message,
each under a heading `# system`, `# user` or `# assistant`. A variable stands as `{{name}}` and is
replaced in one pass, so that braces in a question or a document stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from chatbot.domain import sha256_of
from chatbot.errors import BadSettings

FOLDER = Path(__file__).resolve().parent.parent / "prompts"
_FILE = re.compile(r"---\n(?P<front>.*?)\n---\n(?P<body>.*)", re.DOTALL)
_PART = re.compile(r"^# (system|user|assistant)\n", re.MULTILINE)
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_MESSAGES = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: its parts as (role, text with variables), and the SHA-256 of its file."""

    name: str
    version: int
    variables: frozenset[str]
    parts: tuple[tuple[str, str], ...]
    fingerprint: str

    def render(self, values: Mapping[str, str]) -> list[BaseMessage]:
        """The messages with each variable replaced by its value.

        Raises:
            KeyError: a variable has no value.
        """
        return [
            _MESSAGES[role](_VARIABLE.sub(lambda found: values[found[1]], text).strip())
            for role, text in self.parts
        ]


def load_prompt(name: str, folder: Path = FOLDER) -> Prompt:
    """The prompt of that name.

    Raises:
        BadSettings: the file is missing or malformed, or uses variables that it does not declare.
    """
    path = folder / f"{name}.md"
    try:
        content = path.read_text(encoding="utf-8")
        found = _FILE.fullmatch(content)
        front = yaml.safe_load(found["front"]) if found else None
    except (OSError, yaml.YAMLError) as error:
        raise BadSettings(f"The prompt {path.name} cannot be read ({error}).") from error
    if not found or not isinstance(front, dict):
        raise BadSettings(f"The prompt {path.name} has no front matter.", "See prompts/README.md.")
    pieces = _PART.split(found["body"])[1:]
    parts = tuple(zip(pieces[::2], pieces[1::2], strict=True))
    used = {v for _, part in parts for v in _VARIABLE.findall(part)}
    declared = frozenset(front.get("variables", []))
    if used != declared or not parts:
        raise BadSettings(
            f"The prompt {path.name} declares {sorted(declared)} and uses {sorted(used)}.",
            "Make the two agree.",
        )
    return Prompt(str(front["name"]), int(front["version"]), declared, parts, sha256_of(content))
