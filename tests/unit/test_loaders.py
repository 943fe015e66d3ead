"""Loaders: the words as a reader sees them, under their headings; a clear reason where not."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from fpdf import FPDF
from fpdf.enums import AccessPermission

from chatbot.errors import LoadFailed
from ingest.document import Block, Kind, Loaded
from ingest.loaders import SUFFIXES, load

LIMIT = 10_000_000


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Write a file and load it."""

    def write_and_load(name: str, content: str | bytes) -> Loaded:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load(path, LIMIT)

    return write_and_load


def texts(loaded: Loaded) -> list[str]:
    return [block.text for block in loaded.blocks]


def page(body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


# What cannot be read


def test_suffixes_are_the_promised_ones() -> None:
    wanted = ".md .markdown .txt .text .html .htm .xhtml .pdf .docx"
    assert frozenset(wanted.split()) == SUFFIXES


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xyz", b"words", "files that end in .xyz cannot be read"),
        ("a", b"words", "files that end in nothing"),
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n\t\n", "is empty"),
        ("a.txt", b"\xef\xbb\xbf  \n", "has no text"),
        ("a.html", page("<script>var x</script>").encode(), "has no text"),
        ("a.html", b"<!-- nothing -->", "has no text"),
        ("a.md", b"<!-- nothing -->", "has no text"),
        ("a.pdf", b"Just words.", "looks like no file of that type"),
        ("a.txt", b"%PDF-1.7\n1 0 obj", "looks like a PDF file"),
        ("a.html", b"%PDF-1.7\n1 0 obj", "looks like a PDF file"),
        ("a.txt", b"<!doctype html><p>x", "looks like an HTML page"),
        ("a.md", b"<?xml version='1.0'?>\n<html><p>x", "looks like an HTML page"),
        ("a.docx", b"Just words.", "looks like no file of that type"),
        ("a.docx", b"PK\x03\x04 and so on", "looks like a damaged ZIP archive"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "password-protected"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(99), "looks like a PNG image"),
        ("a.txt", b"words\x00\x01words", "is binary data"),
        ("a.html", b"<p>wo\x00rds", "is binary data"),
        ("a.md", bytes(range(256)) * 9, "is binary data"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj", "is a damaged PDF"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(
    read: Any, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(LoadFailed) as failure:
        read(name, content)
    assert says in failure.value.what
    assert name in failure.value.what
    assert failure.value.remedy


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("12345")
    assert load(path, 5).blocks
    with pytest.raises(LoadFailed, match="larger than the limit of 4 bytes"):
        load(path, 4)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="cannot be opened: No such file"):
        load(tmp_path / "a.txt", LIMIT)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("suffix", ["txt", "md", "html"])
def test_encodings(read: Any, encoding: str, suffix: str) -> None:
    words = "Die Öffnungszeiten für März – täglich geöffnet, außer montags."
    assert texts(read(f"a.{suffix}", words.encode(encoding))) == [words]


def test_cyrillic_without_a_mark(read: Any) -> None:
    words = "Правила возврата товара действуют с первого января этого года."
    assert texts(read("a.txt", words.encode("cp1251"))) == [words]


def test_a_page_names_its_encoding(read: Any) -> None:
    content = page("<p>Příliš žluťoučký kůň</p>", '<meta charset="iso-8859-2">')
    assert texts(read("a.html", content.encode("iso-8859-2"))) == ["Příliš žluťoučký kůň"]


@pytest.mark.parametrize("charset", ["utf-16", "nonsense", "ascii"])
def test_a_page_that_names_a_wrong_encoding(read: Any, charset: str) -> None:
    content = page("<p>Crème brûlée ☕</p>", f'<meta charset="{charset}">')
    assert "brûlée" in texts(read("a.html", content))[0] or charset == "ascii"


RIGHT_TO_LEFT = "שעות הפתיחה: 9–17 👩‍👩‍👧 🎉"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", "{}"), ("a.md", "{}"), ("a.html", "<p dir=rtl>{}</p>")],
)
def test_right_to_left_text_and_emoji_stay_as_they_are(read: Any, name: str, content: str) -> None:
    assert texts(read(name, content.format(RIGHT_TO_LEFT))) == [RIGHT_TO_LEFT]


# HTML


def test_headings_make_a_path_and_ids_make_anchors(read: Any) -> None:
    loaded = read(
        "a.html",
        page(
            "<h1 id=top>Leave</h1><p>One.</p><h2><a name=sick></a>Illness</h2><p>Two.</p>"
            "<h4>Deep</h4><p>Three.</p><h2>Other</h2><p id=here>Four.</p>",
            "<title> The\n handbook </title>",
        ),
    )
    assert loaded.title == "The handbook"
    assert [(b.text, b.heading, b.anchor) for b in loaded.blocks] == [
        ("One.", ("Leave",), "top"),
        ("Two.", ("Leave", "Illness"), "sick"),
        ("Three.", ("Leave", "Illness", "Deep"), "sick"),
        ("Four.", ("Leave", "Other"), "here"),
    ]


def test_inline_elements_join_and_blocks_and_breaks_part(read: Any) -> None:
    content = page("<div>a<b>b</b>c&nbsp; d<div>e</div>f<br>g<p>h<span>i</span></p>j</div>")
    assert texts(read("a.html", content)) == ["abc d", "e", "f\ng", "hi", "j"]


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav>No</nav>",
        "<header>No</header>",
        "<footer>No</footer>",
        "<div role=navigation>No</div>",
        "<p hidden>No</p>",
        "<p style='color:red; display: none'>No</p>",
        "<p aria-hidden=true>No</p>",
        "<div class='navheader'>No</div>",
        "<div class='sphinxsidebar x'>No</div>",
        "<style>No</style><script>No</script><template>No</template><svg><text>No</text></svg>",
        "<!-- No -->",
    ],
)
def test_furniture_is_left_out(read: Any, furniture: str) -> None:
    assert texts(read("a.html", page(f"{furniture}<p>Yes</p>{furniture}tail"))) == ["Yes", "tail"]


def test_an_articles_own_header_stays(read: Any) -> None:
    content = page("<article><header><p>Yes</p></header></article>")
    assert texts(read("a.html", content)) == ["Yes"]


def test_main_is_preferred_where_it_has_most_of_the_words(read: Any) -> None:
    words = "<p>" + "Much to read. " * 9 + "</p>"
    assert texts(read("a.html", page(f"<p>Ad</p><main>{words}</main>"))) == [words[3:-5]]
    assert len(texts(read("a.html", page(f"{words}<main>Short</main>")))) == 2


def test_a_term_stays_with_the_start_of_its_definition(read: Any) -> None:
    content = page(
        "<dl><dt id=dst><code>target</code> (<i>integer</i>)<a class=headerlink>¶</a></dt>"
        "<dd><p>Sets it.</p><p>More.</p></dd><dt>bare</dt></dl>"
    )
    loaded = read("a.html", content)
    assert texts(loaded) == ["target (integer)\nSets it.", "More.", "bare"]
    assert {b.anchor for b in loaded.blocks} == {"dst"}


def test_lists_are_items_once_each(read: Any) -> None:
    content = page("<ul><li>one<ul><li>two</li></ul>three</li><li><p>four</p></li></ul>five")
    blocks = read("a.html", content).blocks
    assert [b.text for b in blocks] == ["one", "two", "three", "four", "five"]
    assert [b.kind for b in blocks] == [Kind.LIST] * 4 + [Kind.TEXT]


def test_a_table_is_one_block_with_its_caption(read: Any) -> None:
    content = page(
        "<table><caption>Prices</caption><tr><th>Item<th>Price</tr>"
        "<tr><td><p>A</p><p>b</p><td>1<br>EUR</tr></table>"
    )
    (block,) = read("a.html", content).blocks
    assert block == Block("Prices\nItem\tPrice\nA b\t1 EUR", Kind.TABLE)


def test_a_layout_table_is_no_table(read: Any) -> None:
    content = page("<table><tr><td><h2>H</h2><p>One.</p></td><td><p>Two.</p></td></tr></table>")
    assert [(b.kind, b.text) for b in read("a.html", content).blocks] == [
        (Kind.TEXT, "One."),
        (Kind.TEXT, "Two."),
    ]


def test_docbook_admonition_is_no_section(read: Any) -> None:
    content = page("<h2>S</h2><div class=note><h3 class=title>Note</h3><p>One.</p></div><p>Two.")
    blocks = read("a.html", content).blocks
    assert [(b.text, b.heading) for b in blocks] == [("Note\nOne.", ("S",)), ("Two.", ("S",))]


def test_code_keeps_its_lines(read: Any) -> None:
    (block,) = read("a.html", page("<pre>if x:\n    <b>go</b>()  \n\n</pre>")).blocks
    assert block == Block("if x:\n    go()", Kind.CODE)


def test_a_heading_with_nothing_under_it_is_not_lost(read: Any) -> None:
    assert texts(read("a.html", page("<h1>Help</h1><h2>Call 112</h2><h2>Wait</h2>"))) == [
        "Call 112",
        "Wait",
    ]


def test_soft_hyphens_and_control_characters_go(read: Any) -> None:
    assert texts(read("a.html", page("<p>Kran&shy;ken&#8203;haus&#7;</p>"))) == [
        "Kranken\u200bhaus"
    ]


def test_very_deep_nesting(read: Any) -> None:
    depth = 1500
    content = page("<div>" * depth + "deep <p>inside</p>" + "</div>" * depth + "<p>after</p>")
    assert "".join("".join(texts(read("a.html", content))).split()) == "deepinsideafter"
    with pytest.raises(LoadFailed, match="thousands deep"):
        read("a.html", page("<div>" * 3000 + "deep"))


def test_a_page_says_from_when_it_counts(read: Any) -> None:
    head = '<meta name="effective" content="2026-01-01"><meta name="expires" content="never">'
    loaded = read("a.html", page("<p>x</p>", head))
    assert (loaded.effective, loaded.expires) == (date(2026, 1, 1), None)


@pytest.mark.parametrize("mark", ["<main>", "<div role=main>"])
def test_ids_and_headings_inside_main_count(read: Any, mark: str) -> None:
    (block,) = read("a.html", page(f"<p>Ad</p>{mark}<h1 id=x>H</h1><p>Words of it.</p>")).blocks
    assert (block.heading, block.anchor) == (("H",), "x")


# Markdown


def test_markdown_as_rendered(read: Any) -> None:
    loaded = read(
        "a.md",
        "# The *title*\n\nSome **bold**\n`code` &amp; <b>raw</b> [link](u) ![alt](i)\nend\\\n"
        "new\n\n"
        "## It's here, now!\n\n- one\n  - two\n\n    more\n\n```py\nx =  1\n\ny\n```\n\n"
        "| A | B |\n| - | - |\n| 1 |   |\n| *x* | y |\n\n## It's here, now!\n\n"
        "<div><p>Raw <i>html</i></p></div>\n",
    )
    title = "The title"
    here = (title, "It's here, now!")
    slug = "its-here-now"
    assert loaded.title == title
    assert list(loaded.blocks) == [
        Block("Some bold code & raw link end\nnew", Kind.TEXT, (title,), None, "the-title"),
        Block("one", Kind.LIST, here, None, slug),
        Block("two", Kind.LIST, here, None, slug),
        Block("more", Kind.LIST, here, None, slug),
        Block("x =  1\n\ny", Kind.CODE, here, None, slug),
        Block("A\tB\n1\nx\ty", Kind.TABLE, here, None, slug),
        Block("Raw html", Kind.TEXT, here, None, f"{slug}-1"),
    ]


def test_front_matter(read: Any) -> None:
    loaded = read(
        "a.md", "---\ntitle: T\neffective: 2026-01-01\nexpires: '2026-12-31'\n---\n\nWords.\n"
    )
    assert (loaded.title, loaded.effective, loaded.expires) == (
        "T",
        date(2026, 1, 1),
        date(2026, 12, 31),
    )
    assert texts(loaded) == ["Words."]


def test_a_rule_at_the_top_is_no_front_matter(read: Any) -> None:
    assert texts(read("a.md", "---\n\nWords.\n\n---\n\nMore.\n")) == ["Words.", "More."]


@pytest.mark.parametrize(
    ("matter", "says"),
    [
        ("title: x\nbad: [1, 2\n", "line 4"),
        ("title: 'x\n", "line"),
        ("a: b: c\n", "line 2"),
        ("effective: soon\n", "effective in the front matter is 'soon', not a date"),
        ("effective: 2026-02-30\n", "front matter"),
        ("effective: 2026-02-01\nexpires: 2026-01-01\n", "lies before"),
    ],
)
def test_wrong_front_matter_says_where(read: Any, matter: str, says: str) -> None:
    with pytest.raises(LoadFailed) as failure:
        read("a.md", f"---\n{matter}---\n\nWords.\n")
    assert says in failure.value.what


# Plain text

POLICY = """\
Policy Manual
*************

1. Source
*********

4.9. Main script: "debian/rules"
================================

This file must be an executable makefile.  It has
more than one line.

* one item
* another item that goes on and on to a second
  line

TERM
   What it means, in words that go on for long enough.

   if x:
       go()

+-----+-----+
| a   | b   |
+=====+=====+
| 1   | 2   |
+-----+-----+

2. Other
********

Last.
"""


def test_text_with_underlined_headings(read: Any) -> None:
    loaded = read("a.txt", POLICY)
    rules = ("1. Source", '4.9. Main script: "debian/rules"')
    assert [(b.kind, b.heading) for b in loaded.blocks[1:]] == [
        (Kind.TEXT, rules),
        (Kind.LIST, rules),
        (Kind.LIST, rules),
        (Kind.TEXT, rules),
        (Kind.CODE, rules),
        (Kind.TABLE, rules),
        (Kind.TEXT, ("2. Other",)),
    ]
    assert texts(loaded) == [
        "Policy Manual",
        "This file must be an executable makefile. It has more than one line.",
        "* one item",
        "* another item that goes on and on to a second line",
        "TERM\nWhat it means, in words that go on for long enough.",
        "if x:\n    go()",
        "+-----+-----+\n| a   | b   |\n+=====+=====+\n| 1   | 2   |\n+-----+-----+",
        "Last.",
    ]


def test_numbered_sections_without_underlines_but_not_lists(read: Any) -> None:
    loaded = read(
        "a.txt", "1. Scope\n\nWords.\n\n1.1 Purpose\n\nMore.\n\n7. Buy milk\n\n8. Sleep\n"
    )
    assert [(b.text, b.heading) for b in loaded.blocks] == [
        ("Words.", ("1. Scope",)),
        ("More.", ("1. Scope", "1.1 Purpose")),
        ("7. Buy milk", ("1. Scope", "1.1 Purpose")),
        ("8. Sleep", ("1. Scope", "1.1 Purpose")),
    ]


def test_line_breaks_that_were_meant_stay(read: Any) -> None:
    address = "Alder Mutual Health\n1 Long Street\nTown"
    assert texts(read("a.txt", address + "\f\r\nNext.")) == [address, "Next."]


# PDF


def pdf(*pages: str, outline: bool = False, **secret: Any) -> bytes:
    """A PDF; in a page's text a line that begins with # is a heading."""
    document = FPDF()
    document.set_margin(20)
    for lines in pages:
        document.add_page()
        for line in lines.split("\n"):
            heading = line.startswith("#")
            if heading and outline:
                document.start_section(line.strip("# "), level=line.count("#") - 1)
            document.set_font("Helvetica", size=16 if heading else 11)
            document.multi_cell(0, 8, line.strip("# "), new_x="LMARGIN", new_y="NEXT")
            document.ln(4)
    if secret:
        document.set_encryption(**secret)
    return bytes(document.output())


@pytest.mark.parametrize("outline", [True, False])
def test_pdf_headings_pages_and_paragraphs(read: Any, outline: bool) -> None:
    long = "This paragraph goes on and on. " * 8
    first, second = f"# Cover\nIntro.\n{long}", "More of it.\n# Claims\nSend them."
    loaded = read("a.pdf", pdf(first, second, outline=outline))
    assert loaded.title == "Cover"
    assert [(b.text, b.heading, b.page) for b in loaded.blocks] == [
        ("Intro.", ("Cover",), 1),
        (long.strip(), ("Cover",), 1),
        ("More of it.", ("Cover",), 2),
        ("Send them.", ("Claims",), 2),
    ]


def test_pdf_table_and_running_lines(read: Any) -> None:
    class Running(FPDF):  # type: ignore[misc]  # fpdf2 is not typed
        def header(self) -> None:
            self.set_font("Helvetica", size=8)
            self.cell(0, 8, "Alder Health", new_x="LMARGIN", new_y="NEXT")

        def footer(self) -> None:
            self.set_y(-15)
            self.cell(0, 8, f"Page {self.page_no()}")

    document = Running()
    for number in range(3):
        document.add_page()
        document.set_font("Helvetica", size=11)
        document.cell(0, 8, f"Body number {number * 7}.", new_x="LMARGIN", new_y="NEXT")
    with document.table() as table:
        for row in (("Plan", "Price", "Days"), ("Basic", "EUR 5", "30"), ("Plus", "EUR 9", "60")):
            table.row(row)
    loaded = read("a.pdf", bytes(document.output()))
    assert [(b.text, b.page) for b in loaded.blocks] == [
        ("Body number 0.", 1),
        ("Body number 7.", 2),
        ("Body number 14.", 3),
        ("Plan\tPrice\tDays\nBasic\tEUR 5\t30\nPlus\tEUR 9\t60", 3),
    ]
    assert loaded.blocks[-1].kind is Kind.TABLE


def test_a_scanned_pdf_needs_ocr(read: Any) -> None:
    document = FPDF()
    document.add_page()
    document.rect(10, 10, 50, 50)
    with pytest.raises(LoadFailed, match=r"has no text layer.*OCR"):
        read("a.pdf", bytes(document.output()))


def test_an_encrypted_pdf_is_refused(read: Any) -> None:
    secret = pdf(
        "Words.",
        owner_password="o",
        user_password="u",
        permissions=AccessPermission.none(),
    )
    with pytest.raises(LoadFailed, match="encrypted with a password"):
        read("a.pdf", secret)


# Word


def word(build: Any) -> bytes:
    document = docx.Document()
    build(document)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def test_word_document_in_order(read: Any) -> None:
    def build(document: Any) -> None:
        document.core_properties.title = "Staff handbook"
        document.sections[0].header.paragraphs[0].text = "Confidential"
        document.add_heading("Leave", 1)
        document.add_paragraph("You have 28\tdays.")
        document.add_paragraph("Ask first", style="List Bullet")
        table = document.add_table(2, 2)
        for number, cell in enumerate(c for row in table.rows for c in row.cells):
            cell.text = f"c{number}"
        document.add_heading("Illness", 2)
        document.add_paragraph("Call us.\nThen rest.")

    loaded = read("a.docx", word(build))
    assert loaded.title == "Staff handbook"
    assert list(loaded.blocks) == [
        Block("You have 28 days.", Kind.TEXT, ("Leave",)),
        Block("Ask first", Kind.LIST, ("Leave",)),
        Block("c0\tc1\nc2\tc3", Kind.TABLE, ("Leave",)),
        Block("Call us.\nThen rest.", Kind.TEXT, ("Leave", "Illness")),
    ]


def test_word_headings_by_outline_level_and_by_the_style_below(read: Any) -> None:
    def build(document: Any) -> None:
        style = document.styles.add_style("Überschrift eigen", 1)
        style.base_style = document.styles["Heading 1"]
        document.add_paragraph("Kapitel", style=style)
        document.add_paragraph("Text.")
        marked = document.add_paragraph("Unter")
        level = parse_xml(f"<w:outlineLvl {nsdecls('w')} w:val='1'/>")
        marked._p.get_or_add_pPr().append(level)
        document.add_paragraph("Mehr.")

    blocks = read("a.docx", word(build)).blocks
    assert [(b.text, b.heading) for b in blocks] == [
        ("Text.", ("Kapitel",)),
        ("Mehr.", ("Kapitel", "Unter")),
    ]


def test_word_changes_show_as_accepted_and_hidden_text_not_at_all(read: Any) -> None:
    runs = (
        "<w:r><w:t xml:space='preserve'>We pay </w:t></w:r>"
        "<w:del><w:r><w:delText>80%</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>90%</w:t></w:r></w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>"
        "<w:hyperlink><w:r><w:t> back</w:t></w:r></w:hyperlink>"
    )

    def build(document: Any) -> None:
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{runs}</w:p>"))

    assert texts(read("a.docx", word(build))) == ["We pay 90% back"]


def test_a_zip_bomb_is_refused(read: Any) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", " " * 20_000_000)
    with pytest.raises(LoadFailed, match="would unpack to 20,000,000 bytes"):
        read("a.docx", target.getvalue())


def test_other_archives_are_no_word_documents(read: Any) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(LoadFailed, match="looks like an Excel workbook"):
        read("a.docx", target.getvalue())


def test_a_word_document_with_broken_parts(read: Any) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(LoadFailed, match="is a damaged Word document"):
        read("a.docx", target.getvalue())
