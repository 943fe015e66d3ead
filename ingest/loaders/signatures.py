"""Tells file formats by their first bytes."""

from __future__ import annotations

import io
import re
import zipfile

PDF = "a PDF file"
WORD = "a Word document"
HTML = "an HTML page"
ZIP = "a ZIP archive"

FIRST_BYTES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word file (.doc) or a password-protected one"),
    (b"{\\rtf", "a rich text file (RTF)"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh9", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
IN_ARCHIVES = (
    ("word/document.xml", WORD),
    ("xl/workbook.xml", "an Excel workbook"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/container.xml", "an EPUB book"),
    ("content.xml", "an OpenDocument file"),
)
PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!doctype\s+html|<html[\s>])", re.I | re.S
)
PDF_HEADER_WITHIN = 1024


def looks_like(data: bytes) -> str | None:
    """What the bytes begin like, in words for a message; None for anything that may be text."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf")
    for signature, kind in FIRST_BYTES:
        if head.startswith(signature):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(data)
    if head.startswith(b"%PDF-"):
        return PDF
    if PAGE.match(head):
        return HTML
    # Readers accept a PDF header after some junk; in readable text it is just a mention of it.
    position = head.find(b"%PDF-", 0, PDF_HEADER_WITHIN)
    return PDF if position >= 0 and re.search(rb"[\x00-\x08\x80-\xff]", data[:2048]) else None


def _archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return "a damaged ZIP archive"
    return next((kind for name, kind in IN_ARCHIVES if name in names), ZIP)
