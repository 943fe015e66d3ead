"""What is sensitive, and what happens to it: one YAML file, read into frozen records.

A fault in the file is told with its line. See `policies/default.yaml`, which explains each field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml

from chatbot.domain import Decision, sha256_of
from chatbot.errors import BadPolicy

FOLDER = Path(__file__).resolve().parent.parent / "policies"
LEARNED = (
    "health",
    "crisis",
    "legal",
    "money",
    "employment",
    "personal-data",
    "account-security",
    "complaints-threats",
    "minors",
    "harmful",
    "medical",
)
"""Categories that the shipped classifier knows; any other one needs examples or patterns."""
LEAST_EXAMPLES = 10

_DURATION = re.compile(r"(\d+)\s*(m|min|h|d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

T = TypeVar("T")


class Action(StrEnum):
    """What happens to a question of a category."""

    RELEASE = "release"
    HOLD = "hold"
    REFUSE = "refuse"
    HOLD_HELPLINE = "hold_helpline"

    @property
    def decision(self) -> Decision:
        """The decision that it amounts to; a helpline is shown beside a held answer."""
        return Decision.HOLD if self is Action.HOLD_HELPLINE else Decision(self.value)

    @property
    def severity(self) -> int:
        """Larger comes first where several categories apply."""
        return [Action.RELEASE, Action.REFUSE, Action.HOLD, Action.HOLD_HELPLINE].index(self)


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of question and what happens to it.

    Attributes:
        title: its name, for people.
        why: why a person looks at it, in words for the asker.
        text: shown to the asker: the refusal, or where to find help at once.
        patterns: any of them in a question puts it into this category.
        reviewers: roles that may sign; `leads`: roles that may once it was escalated.
        respond_within: the time by which someone should have decided.
        support: with `release`: the least support by the documents, 0 to 1; None: as everywhere.
        examples: questions of this category, which teach it without training.
        threshold: probability from which a question belongs here; None: as was learned.
    """

    name: str
    title: str
    action: Action
    why: str
    text: str = ""
    patterns: tuple[re.Pattern[str], ...] = ()
    reviewers: tuple[str, ...] = ("reviewer", "lead")
    leads: tuple[str, ...] = ("lead",)
    respond_within: timedelta = timedelta(hours=8)
    two_signatures: bool = False
    priority: int = 0
    support: float | None = None
    examples: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole of it.

    Attributes:
        sample_rate: share of released answers that the desk looks at afterwards, 0 to 1.
        weak_retrieval: `hold` or `release` (which says so) where the documents hardly fit.
        unreadable: `hold` or `refuse` a question that cannot be read.
        fingerprint: SHA-256 of the file, hexadecimal.
    """

    name: str
    categories: Mapping[str, Category]
    sample_rate: float
    weak_retrieval: Action
    unreadable: Action
    fingerprint: str = field(default="")

    def category(self, name: str) -> Category:
        """The category of that name; one that the policy does not name is held by the usual rules.

        An item may outlive the policy that held it, so an unknown name is no error.
        """
        return self.categories.get(name) or Category(
            name, name or "Other", Action.HOLD, "A person checks this before it is shown."
        )


def load_policy(name_or_path: str | Path) -> Policy:
    """The shipped policy of that name (`default`, `strict`), or the one in that file.

    Raises:
        BadPolicy: the file is missing, unreadable or does not hold; the message names the line.
    """
    shipped = FOLDER / f"{name_or_path}.yaml"
    path = shipped if shipped.is_file() else Path(name_or_path)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        names = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))
        raise BadPolicy(
            f"The policy {path} cannot be read ({error}).",
            f"Give one of {names}, or the path of a policy file.",
        ) from error
    return parse_policy(content, str(path.name))


def parse_policy(content: str, name: str = "policy.yaml") -> Policy:
    """The policy that a YAML text holds.

    Raises:
        BadPolicy: it does not hold; the message names the line.
    """
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", "not YAML")
        _fail(name, line, f"{problem}.", "Correct the YAML there.")
    except RecursionError:
        _fail(name, 1, "it is nested too deeply.", "Write it as flat as policies/default.yaml.")
    if root is None:
        _fail(name, 1, "it is empty.", "Begin with a copy of policies/default.yaml.")
    fields = _Fields(name, root, "the policy")
    policy = Policy(
        name=name,
        sample_rate=fields.take("sample_rate", _share, 0.02),
        weak_retrieval=fields.take("weak_retrieval", _one_of("hold", "release"), Action.RELEASE),
        unreadable=fields.take("unreadable", _one_of("hold", "refuse"), Action.HOLD),
        categories={c.name: c for c in fields.take("categories", _categories)},
        fingerprint=sha256_of(content),
    )
    fields.done()
    return policy


def _fail(name: str, line: int, what: str, remedy: str = "") -> NoReturn:
    raise BadPolicy(f"{name}, line {line}: {what}", remedy)


class _Wrong(Exception):
    """A value that does not hold; the one who asked for it knows the line."""


class _Fields:
    """The fields of one mapping, taken one by one; what is left at the end is a mistake."""

    def __init__(self, file: str, node: yaml.Node, what: str) -> None:
        self.file, self.what, self.line = file, what, node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            _fail(file, self.line, f"{what} must be a list of `name: value` lines.")
        self._left: dict[str, tuple[int, yaml.Node]] = {}
        self._taken: list[str] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                _fail(file, line, "a name must be a plain word.")
            if key.value in self._left:
                _fail(file, line, f"`{key.value}` stands here a second time.", "Remove one.")
            self._left[key.value] = (line, value)

    def items(self) -> Iterator[tuple[str, int, yaml.Node]]:
        """Each name with its line and its value."""
        yield from ((name, line, node) for name, (line, node) in self._left.items())

    def take(self, name: str, read: Callable[[str, yaml.Node], T], default: T | None = None) -> T:
        """That field's value, or the default; without a default it must be there."""
        self._taken.append(name)
        if name not in self._left:
            if default is None:
                _fail(self.file, self.line, f"{self.what} lacks `{name}`.", "Add it.")
            return default
        line, node = self._left.pop(name)
        try:
            return read(self.file, node)
        except _Wrong as wrong:
            _fail(self.file, line, f"`{name}` {wrong}")

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
            _fail(self.file, line, f"`{name}` is no field of {self.what}.", f"Known: {known}.")


def _categories(file: str, node: yaml.Node) -> list[Category]:
    found = [_category(file, *item) for item in _Fields(file, node, "`categories`").items()]
    if not found:
        raise _Wrong("names no category.")
    return found


def _category(file: str, name: str, line: int, node: yaml.Node) -> Category:
    if not _NAME.fullmatch(name):
        _fail(file, line, f"`{name}` is no name.", "Small letters, digits and hyphens.")
    fields = _Fields(file, node, f"the category `{name}`")
    category = Category(
        name=name,
        title=fields.take("title", _words, name.capitalize()),
        action=fields.take("action", _one_of(*Action)),
        why=fields.take("why", _words, "A person checks this before it is shown."),
        text=fields.take("text", _words, ""),
        patterns=fields.take("patterns", _patterns, ()),
        reviewers=fields.take("reviewers", _roles, ("reviewer", "lead")),
        leads=fields.take("leads", _roles, ("lead",)),
        respond_within=fields.take("respond_within", _duration, timedelta(hours=8)),
        two_signatures=fields.take("two_signatures", _yes, False),
        priority=fields.take("priority", _whole, 0),
        support=fields.take_or_none("support", _share),
        examples=fields.take("examples", _list_of_words, ()),
        threshold=fields.take_or_none("threshold", _share),
    )
    fields.done()
    _check(file, line, category)
    return category


def _check(file: str, line: int, category: Category) -> None:
    """What must hold between the fields of a category."""
    name, action = category.name, category.action
    if action in (Action.REFUSE, Action.HOLD_HELPLINE) and not category.text:
        _fail(file, line, f"`{name}` has the action {action} and no text.", "Add `text:`.")
    if category.support is not None and action is not Action.RELEASE:
        _fail(file, line, f"`{name}` has a least support, which only `release` uses.", "Remove it.")
    if name not in LEARNED and not category.patterns and len(category.examples) < LEAST_EXAMPLES:
        _fail(
            file,
            line,
            f"`{name}` has {len(category.examples)} examples and no patterns, and the shipped "
            "classifier does not know it.",
            f"Add `examples:` with {LEAST_EXAMPLES} questions, or `patterns:`.",
        )


def _scalar(node: yaml.Node, tags: str, what: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag.rsplit(":", 1)[1] not in tags.split():
        raise _Wrong(f"must be {what}.")
    return str(node.value)


def _words(_: str, node: yaml.Node) -> str:
    words = " ".join(_scalar(node, "str", "a text").split())
    if not words:
        raise _Wrong("is empty.")
    return words


def _share(_: str, node: yaml.Node) -> float:
    text = _scalar(node, "float int", "a number from 0 to 1")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _Wrong(f"is {text}; it must be a number from 0 to 1.")
    return value


def _whole(_: str, node: yaml.Node) -> int:
    text = _scalar(node, "int", "a whole number")
    if not re.fullmatch(r"-?\d{1,4}", text):
        raise _Wrong(f"is {text}; it must be a whole number.")
    return int(text)


def _yes(_: str, node: yaml.Node) -> bool:
    text = _scalar(node, "bool", "true or false").lower()
    return text in ("true", "yes", "on")


def _one_of(*allowed: str) -> Callable[[str, yaml.Node], Action]:
    def read(_: str, node: yaml.Node) -> Action:
        text = _scalar(node, "str", "one of " + ", ".join(allowed))
        if text not in allowed:
            raise _Wrong(f"is {text!r}; it must be one of {', '.join(allowed)}.")
        return Action(text)

    return read


def _duration(_: str, node: yaml.Node) -> timedelta:
    text = _scalar(node, "str", "a time such as 30m, 4h or 2d")
    found = _DURATION.fullmatch(text.strip())
    if not found or not 0 < int(found[1]) < 10_000:
        raise _Wrong(f"is {text!r}; it must be a time such as 30m, 4h or 2d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _list_of_words(file: str, node: yaml.Node) -> tuple[str, ...]:
    return tuple(text for text, _ in _texts(file, node))


def _roles(file: str, node: yaml.Node) -> tuple[str, ...]:
    roles = tuple(text for text, _ in _texts(file, node))
    if not roles:
        raise _Wrong("names no role.")
    return roles


def _patterns(file: str, node: yaml.Node) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(file, text, line) for text, line in _texts(file, node))


def _pattern(file: str, text: str, line: int) -> re.Pattern[str]:
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        _fail(file, line, f"the pattern {text!r} is no regular expression ({error}).")
    if pattern.search(""):
        _fail(file, line, f"the pattern {text!r} matches everything.", "Make it say more.")
    return pattern


def _texts(file: str, node: yaml.Node) -> list[tuple[str, int]]:
    """The texts of a list, each with its line."""
    if not isinstance(node, yaml.SequenceNode):
        raise _Wrong("must be a list, one `- text` a line.")
    found = []
    for item in node.value:
        line = item.start_mark.line + 1
        try:
            found.append((_words(file, item), line))
        except _Wrong as wrong:
            _fail(file, line, f"an entry of the list {wrong}")
    return found
