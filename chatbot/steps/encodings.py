"""Text that was written in a code, read back: base64, hexadecimal, Morse, Caesar and the like."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator

from chatbot.steps.spelling import Lexicon, segments

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4}[\s]?){3,}[A-Za-z0-9+/_-]{0,4}={0,2}")
_BASE32 = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
_HEX = re.compile(r"(?:(?:0x|\\x|%|&#x)?[0-9a-f]{2}[\s,;:-]{0,2}){6,}", re.IGNORECASE)
_BINARY = re.compile(r"(?:[01]{7,8}[\s,;-]*){4,}")
_NUMBERS = re.compile(r"(?:\b\d{2,3}\b[\s,;:-]{1,2}){5,}\d{2,3}\b")
_ORDINALS = re.compile(r"(?:\b(?:1?\d|2[0-6])\b[\s,;/-]{1,3}){5,}(?:1?\d|2[0-6])\b")
_MORSE = re.compile(r"(?:[.·•∙_−–—-]{1,6}[ /|]+){3,}[.·•∙_−–—-]{1,6}")
_BRAILLE = re.compile(r"[\u2800-\u28ff]")
_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})|=([0-9A-F]{2})(?=\S)")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<!--.*?-->", re.DOTALL)
_SOFT_CODES = re.compile(r"%[0-9a-fA-F]{2}|&(?:#\d|#x|\w{2,8};)|\\[ux]|=[0-9A-F]{2}|<[/!a-zA-Z]")

_CODE = dict(
    zip(
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- "
        ".-- -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
        "abcdefghijklmnopqrstuvwxyz0123456789",
        strict=True,
    )
)
_DOTS = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", "abcdefghijklmnopqrstuvwxyz", strict=True))
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LONG_WORD, _MOST_LETTERS = 12, 200
_MEANT = 0.6
"""Share of known words from which a text that was read back is taken for a text."""


def unescaped(text: str) -> str:
    """The text with what editors and browsers write for a character put back (`%20`, `&amp;`, a
    Unicode escape); mark-up is taken out."""
    if not _SOFT_CODES.search(text):
        return text
    for _ in range(3):
        before = text
        text = _TAG.sub("", html.unescape(_unquoted(text)))
        text = _ESCAPE.sub(lambda f: _char(f[1] or f[2] or f[3]), text)
        if text == before:
            break
    return text


def _unquoted(text: str) -> str:
    """Runs of `%41` as the characters that their bytes stand for."""
    return _PERCENT.sub(
        lambda f: bytes.fromhex(f[0].replace("%", "")).decode("utf-8", "replace"), text
    )


def _char(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def decoded(text: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """What the coded parts of a text say, each with the name of the code."""
    for name, pattern, read in _CODES:
        for found in pattern.finditer(text):
            said = read(found[0])
            if said and _reads(said, lexicon):
                yield said, name
    if _BRAILLE.search(text):
        yield "".join(_DOTS.get(c, " " if _BRAILLE.match(c) else c) for c in text), "Braille"


def deciphered(text: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """What a text says whose letters were exchanged or turned round: the likeliest ways only."""
    lower = text.lower()
    ways = [(_shifted(lower, n), f"Caesar {n}" if n != 13 else "ROT13") for n in range(1, 26)]
    ways += [
        (lower[::-1], "reversed letters"),
        (" ".join(w[::-1] for w in lower.split()), "reversed words"),
        (lower.translate(str.maketrans(_LOWER, _LOWER[::-1])), "Atbash"),
        (_pig_latin(lower), "Pig Latin"),
    ]
    letters = "".join(c for c in lower if c.isalpha())
    if len(lower.split()) * _LONG_WORD <= len(letters):
        ways.append((" ".join(segments(letters[:_MOST_LETTERS], lexicon)), "no spaces"))
    said, name = max(ways, key=lambda way: lexicon.share(way[0]))
    if _reads(said, lexicon):
        yield said, name


def _reads(text: str, lexicon: Lexicon) -> bool:
    letters = sum(c.isalpha() for c in text)
    return letters >= 4 and letters * 2 > len(text) and lexicon.share(text) >= _MEANT


def _shifted(text: str, by: int) -> str:
    return text.translate(str.maketrans(_LOWER, _LOWER[by:] + _LOWER[:by]))


def _pig_latin(text: str) -> str:
    def back(found: re.Match[str]) -> str:
        word = found[0]
        if word.endswith(("way", "yay", "hay")) and word[0] in "aeiou":
            return word[:-3]
        stem = word.removesuffix("ay")
        cluster = re.search(r"(?:[bcdfghjklmnpqrstvwxyz]|qu){1,3}$", stem)
        return cluster[0] + stem[: cluster.start()] if cluster and stem != word else word

    return re.sub(r"[a-z]+", back, text)


def _from_bytes(raw: bytes) -> str:
    """The bytes as text; nothing where they are none: words taken for base64 give noise."""
    text = raw.decode("utf-8", "replace")
    noise = sum(c == "\ufffd" or (c < " " and c not in "\r\n\t") for c in text)
    return text.replace("\ufffd", "") if noise * 20 <= len(text) else ""


def _from_base64(text: str) -> str:
    packed = re.sub(r"\s", "", text).rstrip("=").translate(str.maketrans("-_", "+/"))
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    try:
        return _from_bytes(base64.b64decode(packed + "=" * (-len(packed) % 4)))
    except (binascii.Error, ValueError):
        return ""


def _from_base32(text: str) -> str:
    packed = text.rstrip("=")
    try:
        return _from_bytes(base64.b32decode(packed + "=" * (-len(packed) % 8)))
    except (binascii.Error, ValueError):
        return ""


def _from_hex(text: str) -> str:
    digits = re.sub(r"0x|\\x|&#x|[^0-9a-fA-F]", "", text)
    return _from_bytes(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _from_binary(text: str) -> str:
    groups = re.findall(r"[01]+", text)
    size = 7 if all(len(g) == 7 for g in groups) else 8
    bits = "".join(groups)
    codes = (int(bits[i : i + size], 2) for i in range(0, len(bits) - size + 1, size))
    return _from_bytes(bytes(codes))


def _from_numbers(text: str) -> str:
    codes = [int(n) for n in re.findall(r"\d+", text)]
    return "".join(map(chr, codes)) if all(32 <= c < 127 for c in codes) else ""


def _from_ordinals(text: str) -> str:
    words = re.split(r"\s*/\s*|\s{2,}", text)
    numbers = ([int(n) for n in re.findall(r"\d+", w)] for w in words)
    return " ".join("".join(_LOWER[n - 1] for n in w if 0 < n <= 26) for w in numbers)


def _from_morse(text: str) -> str:
    plain = re.sub(r"[·•∙]", ".", re.sub(r"[_−–—]", "-", text))
    words = re.split(r"\s*[/|]\s*|\s{2,}", plain)
    return " ".join("".join(_CODE.get(c, "") for c in w.split()) for w in words)


_CODES: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("binary digits", _BINARY, _from_binary),
    ("hexadecimal", _HEX, _from_hex),
    ("base64", _BASE64, _from_base64),
    ("base32", _BASE32, _from_base32),
    ("character codes", _NUMBERS, _from_numbers),
    ("letter numbers", _ORDINALS, _from_ordinals),
    ("Morse", _MORSE, _from_morse),
)
