"""Markdown: CommonMark with tables, as it looks when rendered."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatbot.errors import LoadFailed
from ingest.document import Kind, Loaded
from ingest.loaders.builder import Builder, lines, words
from ingest.loaders.encoding import decode

MEDIA_TYPE = "text/markdown"
FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M)
BREAK_TAG = re.compile(r"<br\b", re.I)
NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def load(data: bytes, name: str, stem: str) -> Loaded:
    """The blocks of a Markdown file, its front matter read apart."""
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n")
    fields, text = _front_matter(text, name)
    builder = Builder()
    _Renderer(builder).render(_parser().parse(text))
    blocks = builder.finish()
    title = fields.get("title")
    effective, expires = (_day(fields, key, name) for key in ("effective", "expires"))
    if effective and expires and expires < effective:
        raise LoadFailed(
            f"{name}: expires {expires} lies before effective {effective}.",
            "Correct the dates in the front matter.",
        )
    return Loaded(
        title=words(str(title)) if title is not None else builder.first_heading or stem,
        media_type=MEDIA_TYPE,
        blocks=blocks,
        effective=effective,
        expires=expires,
    )


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _front_matter(text: str, name: str) -> tuple[dict[str, Any], str]:
    match = FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        fields = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: a date such as 2026-02-30, which YAML recognises before it fails.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 2}" if mark else "front matter"
        problem = getattr(error, "problem", None) or str(error)
        raise LoadFailed(
            f"{name}, {where}: the front matter is not valid YAML ({problem}).",
            "Correct the lines between the two --- marks, or delete them.",
        ) from error
    if fields is not None and not isinstance(fields, dict):
        return {}, text  # two thematic breaks around ordinary words
    return fields or {}, text[match.end() :]


def _day(fields: dict[str, Any], key: str, name: str) -> date | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise LoadFailed(
            f"{name}: {key} in the front matter is {value!r}, not a date.",
            f"Write it as year-month-day, for example {key}: 2026-01-31.",
        ) from error


class _Renderer:
    """Feeds a builder from markdown-it's tokens."""

    def __init__(self, out: Builder) -> None:
        self._out = out
        self._slugs: Counter[str] = Counter()
        self._lists = 0
        self._rows: list[str] = []
        self._cells: list[str] = []
        self._in_table = False

    def render(self, tokens: list[Token]) -> None:
        """Add the blocks that these tokens show."""
        heading = 0
        for token in tokens:
            if token.type == "heading_open":
                heading = int(token.tag[1])
            elif token.type == "heading_close":
                heading = 0
            elif token.type == "inline":
                self._inline(shown(token.children or []), heading)
            else:
                self._structure(token)

    def _inline(self, text: str, heading: int) -> None:
        if heading:
            self._out.anchor = self._slug(text)
            self._out.heading(heading, words(text))
        elif self._in_table:
            self._cells.append(words(text))
        else:
            self._out.add(text, Kind.LIST if self._lists else Kind.TEXT)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._lists += 1
            case "bullet_list_close" | "ordered_list_close":
                self._lists -= 1
            case "fence" | "code_block":
                self._out.add(lines(token.content), Kind.CODE)
            case "html_block":
                self._html(token.content)
            case "table_open":
                self._in_table = True
            case "tr_close":
                self._rows.append("\t".join(self._cells).rstrip())
                self._cells.clear()
            case "table_close":
                self._out.add("\n".join(filter(str.strip, self._rows)), Kind.TABLE)
                self._rows.clear()
                self._in_table = False

    def _html(self, content: str) -> None:
        from ingest.loaders import html  # lxml only where a file needs it

        html.feed(self._out, content)

    def _slug(self, text: str) -> str:
        slug = NOT_IN_SLUG.sub("", text.lower()).replace(" ", "-")
        seen = self._slugs[slug]
        self._slugs[slug] += 1
        return f"{slug}-{seen}" if seen else slug


def shown(tokens: list[Token]) -> str:
    """The words of inline tokens, without their markup; hard line breaks stay."""
    parts: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak" or (
            token.type == "html_inline" and BREAK_TAG.match(token.content)
        ):
            parts.append("\x00")
    return "\n".join(filter(None, map(words, "".join(parts).split("\x00"))))
