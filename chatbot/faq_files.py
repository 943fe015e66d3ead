"""The FAQ that people write by hand: YAML files in one folder, read into frozen records.

A fault is told with its file and line. See `faq/README.md`, which explains each field.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import yaml

from chatbot.domain import sha256_of
from chatbot.errors import BadFile
from chatbot.fields import (
    Fields,
    Wrong,
    compose,
    entries,
    fail,
    list_of_words,
    scalar,
    texts,
    words,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_EXAMPLE = "faq/handbook.yaml"
_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Words of a document that an answer rests on.

    Attributes:
        document: the name of its file, its last folders with it where that is not enough; or its
            title.
        line: where it stands in the file.
    """

    document: str
    quote: str
    line: int


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as its file has it.

    Attributes:
        answer: its sentences; `[1]` is the first of the sources, none means any of them.
        line: where it begins.
    """

    id: str
    file: str
    line: int
    collection: str
    question: str
    alternatives: tuple[str, ...]
    answer: tuple[str, ...]
    sources: tuple[Source, ...]
    owner: str
    effective: date | None
    expires: date | None

    @property
    def digest(self) -> str:
        """Fingerprint of what it says, wherever it stands."""
        said = asdict(self)
        for place in (said, *said["sources"]):
            place.pop("line")
        return sha256_of(json.dumps(said, default=str, sort_keys=True, ensure_ascii=False))


def load_faq(folder: Path) -> list[Written]:
    """Every entry of every YAML file in a folder; none where there is no such folder.

    Raises:
        BadFile: a file does not hold; the message names the line.
    """
    found: dict[str, Written] = {}
    for path in sorted(folder.glob("*.y*ml")):
        for one in parse_faq(_read(path), path.name):
            if (other := found.setdefault(one.id, one)) is not one:
                what = f"`{one.id}` is an entry of {other.file}, line {other.line}, too."
                fail(path.name, one.line, what, "Give one of them another id.")
    return list(found.values())


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _BYTES:
            raise BadFile(f"{path} is larger than {_BYTES:,} bytes.", "Split it.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadFile(f"{path} cannot be read ({error}).", "Write it as UTF-8.") from error


def parse_faq(content: str, name: str = "faq.yaml") -> list[Written]:
    """The entries that a YAML text holds.

    Raises:
        BadFile: it does not hold; the message names the line.
    """
    fields = Fields(name, compose(content, name, _EXAMPLE), "the file")
    collection = fields.take("collection", words)
    owner = fields.take("owner", words, "")
    read = fields.take("entries", lambda file, node: _entries(file, node, collection, owner))
    fields.done()
    return read


def _entries(file: str, node: yaml.Node, collection: str, owner: str) -> list[Written]:
    read: dict[str, Written] = {}
    for item, line in entries(node):
        one = _entry(Fields(file, item, "the entry"), line, collection, owner)
        if one.id in read:
            what = f"`{one.id}` is the entry of line {read[one.id].line}, too."
            fail(file, line, what, "Give one of them another id.")
        read[one.id] = one
    if not read:
        raise Wrong("holds no entry.")
    return list(read.values())


def _entry(fields: Fields, line: int, collection: str, owner: str) -> Written:
    one = Written(
        id=fields.take("id", _id),
        file=fields.file,
        line=line,
        collection=collection,
        question=fields.take("question", words),
        alternatives=fields.take("alternatives", list_of_words, ()),
        answer=fields.take("answer", _some_words),
        sources=fields.take("sources", _sources),
        owner=fields.take("owner", words, owner),
        effective=fields.take_or_none("effective", _day),
        expires=fields.take_or_none("expires", _day),
    )
    fields.done()
    if one.effective and one.expires and one.expires < one.effective:
        fail(fields.file, line, f"`{one.id}` ends before it begins.", "Correct its dates.")
    return one


def _id(_: str, node: yaml.Node) -> str:
    text = scalar(node, "str int", "a name")
    if not _NAME.fullmatch(text):
        raise Wrong(f"is {text!r}; it must be small letters, digits and hyphens.")
    return text


def _some_words(file: str, node: yaml.Node) -> tuple[str, ...]:
    found = tuple(text for text, _ in texts(file, node))
    if not found:
        raise Wrong("holds no sentence.")
    return found


def _sources(file: str, node: yaml.Node) -> tuple[Source, ...]:
    found = []
    for item, line in entries(node):
        fields = Fields(file, item, "the source")
        found.append(Source(fields.take("document", words), fields.take("quote", words), line))
        fields.done()
    if not found:
        raise Wrong("names no document.")
    return tuple(found)


def _day(_: str, node: yaml.Node) -> date:
    text = scalar(node, "timestamp str", "a day such as 2026-12-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"is {text!r}; it must be a day such as 2026-12-31.") from None
