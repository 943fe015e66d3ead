"""Rebuild the PDF and DOCX files of the sample handbook from samples/src.

Run ``python samples/build.py``. Every ``src/as-pdf/*.md`` becomes a PDF and every
``src/as-docx/*.md`` a Word document in ``handbook/``. With the same library
versions the result is the same, byte for byte: all dates come from the sources.
"""

import argparse
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from docx import Document
from docx.document import Document as DocxDocument
from docx.oxml import OxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph as DocxParagraph
from fpdf import FPDF, FontFace
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

HERE = Path(__file__).parent
PUBLISHER = "Alder Mutual Health"
GREEN = (22, 84, 72)
PALE = (231, 240, 237)
GREY = (95, 95, 95)
HEADING_POINTS = {1: 22.0, 2: 15.0, 3: 12.0}
LINE = 5.4  # height of a line of body text in a PDF, in mm


@dataclass(frozen=True)
class Run:
    """A stretch of text that is bold or is not."""

    text: str
    bold: bool = False


Runs: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of body text."""

    runs: Runs


@dataclass(frozen=True)
class ListBlock:
    """A bulleted or numbered list without further lists inside it."""

    items: tuple[Runs, ...]
    numbered: bool


@dataclass(frozen=True)
class Table:
    """A table; its first row holds the column headings."""

    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = Heading | Paragraph | ListBlock | Table


@dataclass(frozen=True)
class Source:
    """One document: its title, the day it takes effect, and its content."""

    title: str
    effective: datetime
    blocks: tuple[Block, ...]

    @property
    def validity(self) -> str:
        """Return the line printed under the title."""
        return f"Valid from {self.effective.day} {self.effective:%B %Y}"


def read_source(path: Path) -> Source:
    """Read the front matter and the Markdown body of one source file."""
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    blocks = tuple(to_block(node) for node in SyntaxTreeNode(tokens).children)
    effective = datetime.fromisoformat(fields["effective"]).replace(tzinfo=UTC)
    return Source(fields["title"], effective, blocks)


def to_block(node: SyntaxTreeNode) -> Block:
    """Turn a top-level Markdown node into a block."""
    match node.type:
        case "heading":
            return Heading(int(node.tag[1]), plain(to_runs(node)))
        case "paragraph":
            return Paragraph(to_runs(node))
        case "bullet_list" | "ordered_list":
            items = tuple(to_runs(item) for item in node.children)
            return ListBlock(items, node.type == "ordered_list")
        case "table":
            rows = (row for part in node.children for row in part.children)
            return Table(tuple(tuple(plain(to_runs(c)) for c in row.children) for row in rows))
        case other:
            message = f"{other} is not supported in the sources"
            raise ValueError(message)


def to_runs(node: SyntaxTreeNode) -> Runs:
    """Collect the text below a node; the sources use no inline mark but bold."""
    return tuple(
        Run(leaf.content or " ", bold=leaf.parent is not None and leaf.parent.type == "strong")
        for leaf in node.walk()
        if leaf.type == "softbreak" or (leaf.type == "text" and leaf.content)
    )


def plain(runs: Runs) -> str:
    """Return the text of the runs without their formatting."""
    return "".join(run.text for run in runs)


class HandbookPdf(FPDF):  # type: ignore[misc]  # fpdf is untyped in this project's mypy set-up
    """An A4 page with the publisher at its head and the page number at its foot."""

    def __init__(self, source: Source) -> None:
        """Set the metadata and open the first page."""
        super().__init__(format="A4")
        self.source = source
        self.set_title(source.title)
        self.set_author(PUBLISHER)
        self.set_subject(source.validity)
        self.set_lang("en")
        self.set_creation_date(source.effective)
        self.set_margins(24, 26, 24)
        self.set_auto_page_break(True, margin=26)
        self.add_page()

    def header(self) -> None:
        """Print the publisher and, after page 1, the title above a thin line."""
        self.set_y(12)
        self.set_font("helvetica", size=8.5)
        self.set_text_color(*GREY)
        self.cell(self.epw / 2, 5, PUBLISHER)
        title = self.source.title if self.page_no() > 1 else ""
        self.cell(self.epw / 2, 5, title, align="R")
        self.set_draw_color(*GREEN)
        self.line(self.l_margin, 18.5, self.w - self.r_margin, 18.5)
        self.set_y(self.t_margin)

    def footer(self) -> None:
        """Print the page number."""
        self.set_y(-17)
        self.set_font("helvetica", size=8.5)
        self.set_text_color(*GREY)
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="C")

    def body_font(self) -> None:
        """Return to the font of body text."""
        self.set_font("helvetica", size=10.5)
        self.set_text_color(25, 25, 25)

    def write_block(self, block: Block) -> None:
        """Print one block and the space after it."""
        self.body_font()
        match block:
            case Heading():
                self.write_heading(block)
            case Paragraph():
                self.write_text(block.runs)
                self.ln(2.6)
            case ListBlock():
                self.write_list(block)
            case Table():
                self.write_table(block)

    def write_text(self, runs: Runs) -> None:
        """Print runs of text from the current position to the right margin."""
        text = "".join(f"**{run.text}**" if run.bold else run.text for run in runs)
        self.multi_cell(0, LINE, text, align="L", markdown=True, new_x="LMARGIN", new_y="NEXT")

    def keep_together(self, lines: float) -> None:
        """Begin a new page if so many lines of text do not fit on this one."""
        if self.will_page_break(lines * LINE):
            self.add_page()
            self.body_font()

    def write_list(self, block: ListBlock) -> None:
        """Print a list, on one page if it is short."""
        lines = sum(1.2 + len(plain(item)) // 90 for item in block.items)
        self.keep_together(min(lines, 12))
        for number, item in enumerate(block.items, start=1):
            self.write_item(f"{number}." if block.numbered else "\x95", item)
        self.ln(2)

    def write_item(self, mark: str, runs: Runs) -> None:
        """Print one item of a list, indented behind its mark."""
        margin = self.l_margin
        self.set_x(margin + 2)
        self.cell(6, LINE, mark)
        self.set_left_margin(margin + 8)
        self.write_text(runs)
        self.set_left_margin(margin)
        self.set_x(margin)
        self.ln(0.8)

    def write_heading(self, heading: Heading) -> None:
        """Print a heading, add it to the outline, and keep it with what follows."""
        if self.will_page_break(48 if heading.level == 3 else 60):
            self.add_page()
        elif heading.level > 1:
            self.ln(6 - heading.level)
        self.start_section(heading.text, level=heading.level - 1)
        points = HEADING_POINTS[heading.level]
        self.set_font("helvetica", style="B", size=points)
        self.set_text_color(*GREEN)
        self.multi_cell(0, points * 0.47, heading.text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1.6)
        if heading.level == 1:
            self.body_font()
            self.set_text_color(*GREY)
            self.cell(0, LINE, self.source.validity, new_x="LMARGIN", new_y="NEXT")
            self.ln(4)

    def write_table(self, block: Table) -> None:
        """Print a table; a long one repeats its headings on every page."""
        self.keep_together(min(1.6 * len(block.rows), 20))
        self.set_font_size(9.5)
        self.set_draw_color(170, 190, 184)
        columns = zip(*block.rows, strict=True)
        widths = [min(max(len(cell) for cell in column), 42) + 8 for column in columns]
        style = FontFace(emphasis="BOLD", color=GREEN, fill_color=PALE)
        with self.table(
            block.rows,
            headings_style=style,
            col_widths=tuple(widths),
            line_height=LINE - 0.4,
            padding=(1.2, 1.8),
            text_align="LEFT",
        ):
            pass
        self.ln(4)


def build_pdf(source: Source) -> bytes:
    """Return the document as a PDF."""
    pdf = HandbookPdf(source)
    for block in source.blocks:
        pdf.write_block(block)
    return bytes(pdf.output())


def build_docx(source: Source) -> bytes:
    """Return the document as a Word file."""
    document = Document()
    set_properties(document, source)
    for block in source.blocks:
        match block:
            case Heading(level, text):
                document.add_heading(text, level)
                if level == 1:
                    document.add_paragraph(source.validity, style="Subtitle")
            case Paragraph(runs):
                add_runs(document.add_paragraph(), runs)
            case ListBlock():
                add_list(document, block)
            case Table():
                add_table(document, block)
    buffer = io.BytesIO()
    document.save(buffer)
    return normalise_zip(buffer.getvalue())


def set_properties(document: DocxDocument, source: Source) -> None:
    """Set the metadata, the fonts and the line at the head of the page."""
    properties = document.core_properties
    properties.title = source.title
    properties.author = properties.last_modified_by = PUBLISHER
    properties.subject = source.validity
    properties.comments = ""
    properties.language = "en"
    properties.created = properties.modified = source.effective.replace(tzinfo=None)
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.header.paragraphs[0].text = PUBLISHER
    document.styles["Subtitle"].font.color.rgb = RGBColor(*GREY)
    for level, points in HEADING_POINTS.items():
        font = document.styles[f"Heading {level}"].font
        font.size = Pt(points)
        font.color.rgb = RGBColor(*GREEN)


def add_runs(paragraph: DocxParagraph, runs: Runs) -> None:
    """Append runs of text to a paragraph."""
    for run in runs:
        paragraph.add_run(run.text).bold = run.bold or None


def add_list(document: DocxDocument, block: ListBlock) -> None:
    """Append a list; each numbered list starts again at 1."""
    style = document.styles["List Number" if block.numbered else "List Bullet"]
    numbering = document.part.numbering_part.element
    shared = style.element.pPr.numPr.numId.val
    number = numbering.add_num(numbering.num_having_numId(shared).abstractNumId.val)
    if block.numbered:
        number.add_lvlOverride(0).add_startOverride(1)
    for item in block.items:
        paragraph = document.add_paragraph(style=style)
        properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_numId().val = number.numId
        add_runs(paragraph, item)


def add_table(document: DocxDocument, block: Table) -> None:
    """Append a table whose first row is marked as its heading."""
    columns = len(block.rows[0])
    table = document.add_table(0, columns, style="Light Grid Accent 3")
    for texts in block.rows:
        for cell, text in zip(table.add_row().cells, texts, strict=True):
            cell.text = text
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    document.add_paragraph()


def normalise_zip(data: bytes) -> bytes:
    """Write a zip archive again with a fixed date on every member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return buffer.getvalue()


def build(source_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every built file."""
    for path in sorted(source_dir.glob("as-pdf/*.md")):
        yield f"{path.stem}.pdf", build_pdf(read_source(path))
    for path in sorted(source_dir.glob("as-docx/*.md")):
        yield f"{path.stem}.docx", build_docx(read_source(path))


def write_all(files: Iterable[tuple[str, bytes]], folder: Path) -> None:
    """Write the files into the folder and say so."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files:
        (folder / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")


def main() -> None:
    """Read the command line and build everything."""
    parser = argparse.ArgumentParser(description="Rebuild the PDF and DOCX samples.")
    parser.add_argument("--out", type=Path, default=HERE / "handbook", help="output folder")
    write_all(build(HERE / "src"), parser.parse_args().out)


if __name__ == "__main__":
    main()
