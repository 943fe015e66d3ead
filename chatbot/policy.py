"""What is sensitive, and what happens to it: one YAML file, read into frozen records.

A fault in the file is told with its line. See `policies/default.yaml`, which explains each field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import yaml

from chatbot.domain import Decision, sha256_of
from chatbot.errors import BadFile, BadPolicy
from chatbot.fields import Fields, Wrong, compose, fail, list_of_words, scalar, texts, words

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
        return _policy(content, name)
    except BadFile as fault:
        raise BadPolicy(fault.what, fault.remedy) from fault


def _policy(content: str, name: str) -> Policy:
    root = compose(content, name, "policies/default.yaml")
    fields = Fields(name, root, "the policy")
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


def _categories(file: str, node: yaml.Node) -> list[Category]:
    found = [_category(file, *item) for item in Fields(file, node, "`categories`").items()]
    if not found:
        raise Wrong("names no category.")
    return found


def _category(file: str, name: str, line: int, node: yaml.Node) -> Category:
    if not _NAME.fullmatch(name):
        fail(file, line, f"`{name}` is no name.", "Small letters, digits and hyphens.")
    fields = Fields(file, node, f"the category `{name}`")
    category = Category(
        name=name,
        title=fields.take("title", words, name.capitalize()),
        action=fields.take("action", _one_of(*Action)),
        why=fields.take("why", words, "A person checks this before it is shown."),
        text=fields.take("text", words, ""),
        patterns=fields.take("patterns", _patterns, ()),
        reviewers=fields.take("reviewers", _roles, ("reviewer", "lead")),
        leads=fields.take("leads", _roles, ("lead",)),
        respond_within=fields.take("respond_within", _duration, timedelta(hours=8)),
        two_signatures=fields.take("two_signatures", _yes, False),
        priority=fields.take("priority", _whole, 0),
        support=fields.take_or_none("support", _share),
        examples=fields.take("examples", list_of_words, ()),
        threshold=fields.take_or_none("threshold", _share),
    )
    fields.done()
    _check(file, line, category)
    return category


def _check(file: str, line: int, category: Category) -> None:
    """What must hold between the fields of a category."""
    name, action = category.name, category.action
    if action in (Action.REFUSE, Action.HOLD_HELPLINE) and not category.text:
        fail(file, line, f"`{name}` has the action {action} and no text.", "Add `text:`.")
    if category.support is not None and action is not Action.RELEASE:
        fail(file, line, f"`{name}` has a least support, which only `release` uses.", "Remove it.")
    if name not in LEARNED and not category.patterns and len(category.examples) < LEAST_EXAMPLES:
        fail(
            file,
            line,
            f"`{name}` has {len(category.examples)} examples and no patterns, and the shipped "
            "classifier does not know it.",
            f"Add `examples:` with {LEAST_EXAMPLES} questions, or `patterns:`.",
        )


def _share(_: str, node: yaml.Node) -> float:
    text = scalar(node, "float int", "a number from 0 to 1")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Wrong(f"is {text}; it must be a number from 0 to 1.")
    return value


def _whole(_: str, node: yaml.Node) -> int:
    text = scalar(node, "int", "a whole number")
    if not re.fullmatch(r"-?\d{1,4}", text):
        raise Wrong(f"is {text}; it must be a whole number.")
    return int(text)


def _yes(_: str, node: yaml.Node) -> bool:
    text = scalar(node, "bool", "true or false").lower()
    return text in ("true", "yes", "on")


def _one_of(*allowed: str) -> Callable[[str, yaml.Node], Action]:
    def read(_: str, node: yaml.Node) -> Action:
        text = scalar(node, "str", "one of " + ", ".join(allowed))
        if text not in allowed:
            raise Wrong(f"is {text!r}; it must be one of {', '.join(allowed)}.")
        return Action(text)

    return read


def _duration(_: str, node: yaml.Node) -> timedelta:
    text = scalar(node, "str", "a time such as 30m, 4h or 2d")
    found = _DURATION.fullmatch(text.strip())
    if not found or not 0 < int(found[1]) < 10_000:
        raise Wrong(f"is {text!r}; it must be a time such as 30m, 4h or 2d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _roles(file: str, node: yaml.Node) -> tuple[str, ...]:
    roles = tuple(text for text, _ in texts(file, node))
    if not roles:
        raise Wrong("names no role.")
    return roles


def _patterns(file: str, node: yaml.Node) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(file, text, line) for text, line in texts(file, node))


def _pattern(file: str, text: str, line: int) -> re.Pattern[str]:
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        fail(file, line, f"the pattern {text!r} is no regular expression ({error}).")
    if pattern.search(""):
        fail(file, line, f"the pattern {text!r} matches everything.", "Make it say more.")
    return pattern
