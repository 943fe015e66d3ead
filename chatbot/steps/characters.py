"""Characters that look like Latin letters, as Latin letters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters of other scripts, and signs, that pass for Latin ones to the eye. What Unicode itself
# calls a Latin letter (full-width, circled, mathematical, small capital, flags) is found by name.
_LOOKALIKES = {
    "a": "аɑαаᎪꭺ∂λΛѦ",
    "b": "ЬвВβББƄᏏβ฿ßþ",
    "c": "сϲⅽСᏟҫς¢©",
    "d": "ԁɗⅾᎠժđ",
    "e": "еёєεЕЁΕɛҽ℮ەᎬэЭξΣ€",
    "f": "ϝғƒꓝ",
    "g": "ɡԍɢցǥᏀ",
    "h": "һнНηʜᎻհђћ",
    "i": "іїιІΙıɪӏ¡ӀїίᎥ",
    "j": "јʝЈɉᎫյ",
    "k": "кқκКΚᏦҡ",
    "l": "ⅼʟᏞӏłլ",
    "m": "мМΜᎷⅿ",
    "n": "пոηɴΝпИийЙиπ",
    "o": "оοОΟσөΘθ०๐໐օՕᎤ○øф",
    "p": "рРΡρᑭᏢþ",
    "q": "ԛգզ",
    "r": "гяЯʀᎡɾᴦ",
    "s": "ѕЅʂꜱՏ§ടЅ",
    "t": "тТτΤᎢţŧ†",
    "u": "υսцμԱʋµ",
    "v": "νѵᴠⅴѴᏙ√",
    "w": "ԝωшѡщϢᏔШЩա₩",
    "x": "хХχΧⅹ×ж",
    "y": "уүҮγУΥʏყ¥ч",
    "z": "ᴢƶᏃΖʐ",
}
_UPSIDE_DOWN = dict(
    zip("ɐqɔpǝɟƃɓɥᴉıɾʞlɯuodbɹsʇnʌʍxʎz∀ƐԐ¿¡˙", "abcdefgghiijklmnopqrstuvwxyzaee?!.", strict=True)
)
_TURNED = frozenset("ɐɔǝɟƃɓɥᴉɾʞɯɹʇʌʍʎ")
_TABLE = {ord(c): latin for latin, odd in _LOOKALIKES.items() for c in odd}
_LATIN_NAME = re.compile(
    r"(?:LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL |SCRIPT |OPEN |TURNED |REVERSED )?"
    r"|REGIONAL INDICATOR SYMBOL LETTER |CIRCLED LATIN (?:SMALL|CAPITAL) LETTER )"
    r"([A-Z])(?: WITH .*)?$"
)
_TAGS = re.compile(r"(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007e]")
_SEPARATORS = re.compile(r"[ \t\u00a0]+")


@lru_cache(maxsize=4096)
def _latin(char: str) -> str:
    """The Latin letter that a character passes for, nothing for what is not seen, or itself."""
    if ord(char) in _TABLE:
        return _TABLE[ord(char)]
    if 0xE0020 <= ord(char) <= 0xE007E:  # tags: invisible twins of ASCII
        return chr(ord(char) - 0xE0000)
    if unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc", "Co", "Cn") and char not in "\n\t":
        return ""
    found = _LATIN_NAME.search(unicodedata.name(char, ""))
    return found[1].lower() if found else char


def fold(text: str) -> str:
    """The text as a reader sees it: Latin letters for what looks like them, no marks on letters,
    nothing invisible, small signs for full-width ones, white space folded, ASCII kept as it is."""
    if text.isascii():
        return _SEPARATORS.sub(" ", text)
    wide = unicodedata.normalize("NFKC", "".join(_before(c) for c in text))
    bare = "".join(c if c.isascii() else _latin(c) for c in unicodedata.normalize("NFKD", wide))
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", bare))


def _before(char: str) -> str:
    """Look-alikes that NFKC would turn into several letters, or into none."""
    return _TABLE.get(ord(char), char)


def turned_upright(text: str) -> str | None:
    """A text written upside down, read from its end; None where it is not."""
    if sum(c in _TURNED for c in text) < 2:
        return None
    return "".join(_UPSIDE_DOWN.get(c, c) for c in reversed(text))


def foreign_letters(text: str) -> int:
    """Letters of a folded text that belong to no Latin alphabet."""
    return sum(
        1
        for c in text
        if not c.isascii() and c.isalpha() and not unicodedata.name(c, "").startswith("LATIN")
    )


def hidden_letters(text: str) -> bool:
    """Whether it holds letters that no one sees: tags, which stand for ASCII but are not drawn.

    A flag of a region is spelt in tags behind a black flag; that is none.
    """
    return bool(_TAGS.search(text))


def named_pictures(text: str) -> str:
    """The text with each emoji as its name in words, in place."""
    return "".join(
        f" {unicodedata.name(c, '').lower()} "
        if ord(c) > 0x2190 and unicodedata.category(c) == "So" and fold(c) == c
        else c
        for c in text
    )
