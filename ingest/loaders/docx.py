"""Word documents, tracked changes as if accepted, without page headers, footers and contents."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.exceptions import InvalidXmlError
from lxml import etree

from chatbot.errors import LoadFailed
from ingest.document import Loaded
from ingest.loaders.builder import Builder, words
from ingest.loaders.docx_walk import Walker, roles

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
SMALL = 8 * 1024 * 1024  # up to here any ratio is harmless: XML packs very well
DAMAGED = (
    PackageNotFoundError,
    InvalidXmlError,
    etree.XMLSyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,  # python-docx, where a part that it takes for granted is missing
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def load(data: bytes, name: str, stem: str) -> Loaded:
    """The blocks of a Word document."""
    _check_size(data, name)
    try:
        document: Any = Document(io.BytesIO(data))
        styles, body = document.styles.element, document.element.body
        title = words(document.core_properties.title or "")
    except DAMAGED as error:
        raise LoadFailed(
            f"{name} is a damaged Word document: {error}", "Open it in Word and save it again."
        ) from error
    builder = Builder()
    Walker(builder, roles(styles)).walk(body)
    blocks = builder.finish()
    return Loaded(title or builder.first_heading or stem, MEDIA_TYPE, blocks)


def _check_size(data: bytes, name: str) -> None:
    """Refuse an archive that would fill the memory. zipfile reads no more than what is declared."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED or unpacked > max(SMALL, MAX_RATIO * len(data)):
        raise LoadFailed(
            f"{name} would unpack to {unpacked:,} bytes, far more than a document holds.",
            "Check where it comes from; if you trust it, split it into smaller documents.",
        )
