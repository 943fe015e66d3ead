"""PDF files, read with PDFium. It is not thread-safe: one file at a time in a process."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pypdfium2
from pypdfium2 import raw

from chatbot.errors import LoadFailed
from ingest.document import Block, Loaded
from ingest.loaders.builder import Builder, words
from ingest.loaders.pdf_headings import Section, by_outline, by_size, outline
from ingest.loaders.pdf_layout import feed, leading
from ingest.loaders.pdf_lines import Line, page_lines
from ingest.loaders.pdf_running import body_lines

MEDIA_TYPE = "application/pdf"


def load(data: bytes, name: str, stem: str) -> Loaded:
    """The blocks of a PDF with their page numbers."""
    with closing(_open(data, name)) as document:
        pages = body_lines([_page(document, n, name) for n in range(len(document))])
        if not any(pages):
            raise LoadFailed(
                f"{name} has no text layer; its pages are pictures or empty.",
                "Run OCR on it first, for example with ocrmypdf.",
            )
        marks = outline(document)
        title = words(document.get_metadata_value("Title"))
    if marks:
        sections = [by_outline(lines, marks.get(n, [])) for n, lines in enumerate(pages)]
    else:
        sections = by_size(pages)
    builder = Builder()
    blocks = _blocks(builder, sections, leading(pages))
    return Loaded(title or builder.first_heading or stem, MEDIA_TYPE, blocks)


def _open(data: bytes, name: str) -> Any:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise LoadFailed(
                f"{name} is encrypted with a password.", "Save a copy without a password."
            ) from error
        raise LoadFailed(
            f"{name} is a damaged PDF: {error}", "Open it in a PDF reader and save it again."
        ) from error


def _page(document: Any, number: int, name: str) -> list[Line]:
    try:
        with closing(document[number]) as page, closing(page.get_textpage()) as text_page:
            return page_lines(text_page)
    except pypdfium2.PdfiumError as error:
        raise LoadFailed(
            f"{name}: page {number + 1} is damaged: {error}",
            "Open it in a PDF reader and save it again.",
        ) from error


def _blocks(builder: Builder, pages: list[list[Section]], usual: float) -> tuple[Block, ...]:
    for number, sections in enumerate(pages, 1):
        builder.page = number
        for section in sections:
            if section.level:
                builder.heading(section.level, section.title)
            feed(builder, section.lines, usual)
    return builder.finish()
