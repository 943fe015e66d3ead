"""YAML files that people write, read field by field; a fault is told with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import yaml

from chatbot.errors import BadFile

T = TypeVar("T")


def fail(name: str, line: int, what: str, remedy: str = "") -> NoReturn:
    """Tells what is wrong in which line.

    Raises:
        BadFile: always.
    """
    raise BadFile(f"{name}, line {line}: {what}", remedy)


def compose(content: str, name: str, example: str) -> yaml.Node:
    """A YAML text as nodes that know their lines.

    Args:
        example: a file to begin with, for whoever has written none.

    Raises:
        BadFile: it is no YAML, empty, or nested too deeply.
    """
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", "not YAML")
        fail(name, line, f"{problem}.", "Correct the YAML there.")
    except RecursionError:
        fail(name, 1, "it is nested too deeply.", f"Write it as flat as {example}.")
    if root is None:
        fail(name, 1, "it is empty.", f"Begin with a copy of {example}.")
    return root


class Wrong(Exception):
    """A value that does not hold; the one who asked for it knows the line."""


class Fields:
    """The fields of one mapping, taken one by one; what is left at the end is a mistake."""

    def __init__(self, file: str, node: yaml.Node, what: str) -> None:
        self.file, self.what, self.line = file, what, node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            fail(file, self.line, f"{what} must be a list of `name: value` lines.")
        self._left: dict[str, tuple[int, yaml.Node]] = {}
        self._taken: list[str] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                fail(file, line, "a name must be a plain word.")
            if key.value in self._left:
                fail(file, line, f"`{key.value}` stands here a second time.", "Remove one.")
            self._left[key.value] = (line, value)

    def items(self) -> Iterator[tuple[str, int, yaml.Node]]:
        """Each name with its line and its value."""
        yield from ((name, line, node) for name, (line, node) in self._left.items())

    def take(self, name: str, read: Callable[[str, yaml.Node], T], default: T | None = None) -> T:
        """That field's value, or the default; without a default it must be there."""
        self._taken.append(name)
        if name not in self._left:
            if default is None:
                fail(self.file, self.line, f"{self.what} lacks `{name}`.", "Add it.")
            return default
        line, node = self._left.pop(name)
        try:
            return read(self.file, node)
        except Wrong as wrong:
            fail(self.file, line, f"`{name}` {wrong}")

    def take_or_none(self, name: str, read: Callable[[str, yaml.Node], T]) -> T | None:
        """That field's value; None where it is not there."""
        if name in self._left:
            return self.take(name, read)
        self._taken.append(name)
        return None

    def done(self) -> None:
        """Fails where a field is left that no one took."""
        for name, (line, _) in self._left.items():
            known = ", ".join(self._taken)
            fail(self.file, line, f"`{name}` is no field of {self.what}.", f"Known: {known}.")


def scalar(node: yaml.Node, tags: str, what: str) -> str:
    """A value of one of these YAML tags, as it is written."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.rsplit(":", 1)[1] not in tags.split():
        raise Wrong(f"must be {what}.")
    return str(node.value)


def words(_: str, node: yaml.Node) -> str:
    """A text that is not empty, its white space as single blanks."""
    text = " ".join(scalar(node, "str", "a text").split())
    if not text:
        raise Wrong("is empty.")
    return text


def list_of_words(file: str, node: yaml.Node) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(text for text, _ in texts(file, node))


def texts(file: str, node: yaml.Node) -> list[tuple[str, int]]:
    """The texts of a list, each with its line."""
    found = []
    for item, line in entries(node):
        try:
            found.append((words(file, item), line))
        except Wrong as wrong:
            fail(file, line, f"an entry of the list {wrong}")
    return found


def entries(node: yaml.Node) -> list[tuple[yaml.Node, int]]:
    """The entries of a list, each with its line."""
    if not isinstance(node, yaml.SequenceNode):
        raise Wrong("must be a list, one `- text` a line.")
    return [(item, item.start_mark.line + 1) for item in node.value]
