"""Bytes to text, whatever they were encoded in."""

from __future__ import annotations

import codecs
import re

from chatbot.errors import LoadFailed

# UTF-32 first: its little-endian mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARED = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,100}encoding=["']([\w.:-]+)""",
    re.I,
)
# What browsers take these labels to mean; the bytes that set the two apart are typographic quotes.
BROWSER_READS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
MAX_CONTROL = 0.01
# What is not ASCII in Western text; Central European or Cyrillic bytes read so give other signs.
WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœ€£§©®°«»‘’‚“”„•–—…·ºª¿¡´¼½²™\xa0"
)
MOST_ACCENTED = 0.2
SAMPLE = 1 << 20


def has_mark(data: bytes) -> bool:
    """Whether a byte order mark says which Unicode encoding this is."""
    return data.startswith(tuple(mark for mark, _ in MARKS))


def decode(data: bytes, name: str, declared: str | None = None) -> str:
    """The text of a file: by its byte order mark, its own declaration, UTF-8, or the best guess.

    Args:
        name: how an error calls the file.
        declared: encoding that the content itself names.

    Raises:
        LoadFailed: these bytes are no text.
    """
    text = _decode(data, declared)
    sample = (text or "")[:SAMPLE]
    if text is None or len(CONTROL.findall(sample)) > MAX_CONTROL * len(sample):
        raise LoadFailed(
            f"{name} is binary data, not text in an encoding that is known.",
            "Save it as text in UTF-8, or give it the extension that fits its format.",
        )
    return text


def declared_in_html(data: bytes) -> str | None:
    """The encoding that a page names in its first bytes, or None."""
    match = DECLARED.search(data, 0, 4096)
    return (match[1] or match[2]).decode("ascii") if match else None


def _decode(data: bytes, declared: str | None) -> str | None:
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    for encoding in (marked, _known(declared), "utf-8"):
        if encoding:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    return _guess(data)


def _known(label: str | None) -> str | None:
    if not label:
        return None
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    # A page whose bytes we could read as ASCII is not in UTF-16, whatever it says.
    return None if name.startswith(("utf-16", "utf-32")) else BROWSER_READS.get(name, name)


def _guess(data: bytes) -> str | None:
    if b"\x00" in data[:SAMPLE]:
        return None
    if _is_western(data[:SAMPLE]):
        return data.decode("cp1252", "replace")
    from charset_normalizer import from_bytes

    best = from_bytes(data[:SAMPLE]).best()
    return None if best is None else data.decode(best.encoding, "replace")


def _is_western(sample: bytes) -> bool:
    """Whether this is cp1252, which detection by statistics takes for others in a short text."""
    text = sample.decode("cp1252", "replace")
    accented = [character for character in text if not character.isascii()]
    return len(accented) < MOST_ACCENTED * len(text) and WESTERN.issuperset(accented)
