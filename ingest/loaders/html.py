"""HTML pages, as browsers read them."""

from __future__ import annotations

from datetime import date
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from chatbot.errors import LoadFailed
from ingest.document import Block, Loaded
from ingest.loaders.builder import Builder, words
from ingest.loaders.encoding import declared_in_html, decode
from ingest.loaders.html_walk import Walker

MEDIA_TYPE = "text/html"
MOST = 0.5  # of the page's words, which must stand in <main> for the rest to be furniture


def load(data: bytes, name: str, stem: str) -> Loaded:
    """The blocks of a page, without navigation and other furniture."""
    root = _parse(data, name)
    body = root.find("body")
    builder = Builder()
    blocks = _blocks(body if body is not None else root, builder)
    title = root.find(".//title")
    return Loaded(
        title=words(title.text_content() if title is not None else "")
        or builder.first_heading
        or stem,
        media_type=MEDIA_TYPE,
        blocks=blocks,
        effective=_day(root, "effective"),
        expires=_day(root, "expires"),
    )


def feed(builder: Builder, fragment: str) -> None:
    """Add what a piece of HTML shows, as inside a Markdown file."""
    if not fragment.strip():
        return
    root = _tree(f"<html><body>{fragment}".encode())
    if root is not None:
        Walker(builder).walk(root)


def _parse(data: bytes, name: str) -> Any:
    text = decode(data, name, declared_in_html(data))
    # Parsed as UTF-8 whatever it was: then what the page says of its encoding no longer matters.
    root = _tree(text.encode("utf-8", "replace"), name)
    if root is None:
        raise LoadFailed(f"{name} has no text.", "Add text to it, or leave it out.")
    return root


def _tree(data: bytes, name: str = "The HTML in it") -> Any:
    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True
    )
    try:
        root = lxml_html.document_fromstring(data, parser=parser, ensure_head_body=False)
    except etree.ParserError:
        return None
    except etree.XMLSyntaxError as error:
        # The parser mends whatever a page gets wrong; only want of memory makes it give up.
        raise MemoryError from error
    if any("xcessive depth" in entry.message for entry in parser.error_log.filter_from_fatals()):
        # Everything from there on is missing from the tree.
        raise LoadFailed(
            f"{name} nests its elements thousands deep.", "Save it again from a browser."
        )
    return root


def _blocks(body: Any, builder: Builder) -> tuple[Block, ...]:
    Walker(builder).walk(body)
    everything = builder.finish()
    main = next(iter(body.iter("main")), None)
    if main is None:
        main = body.find(".//*[@role='main']")
    if main is None:
        return everything
    inner = Builder()
    Walker(inner).walk(main)
    blocks = inner.finish()
    return blocks if _length(blocks) >= MOST * _length(everything) else everything


def _length(blocks: tuple[Block, ...]) -> int:
    return sum(len(block.text) for block in blocks)


def _day(root: Any, name: str) -> date | None:
    # As our own samples say it; pages use names like these for other things, so no error here.
    for meta in root.iterfind(f".//meta[@name='{name}']"):
        try:
            return date.fromisoformat(meta.get("content", "").strip())
        except ValueError:
            return None
    return None
