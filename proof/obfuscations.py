"""Ways to write a question so that a filter does not know it, each as a function."""

from __future__ import annotations

import base64
import codecs
import random
import re
from collections.abc import Callable
from urllib.parse import quote

Way = Callable[[str, random.Random], str]

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_HOMOGLYPHS = str.maketrans("aceopxyijsABCEHIKMOPTXY", "асеорхуіјѕАВСЕНІКМОРТХУ")
_GREEK = str.maketrans("aoinuvtkABEHIKMNOPTXZ", "αοιηυντκΑΒΕΗΙΚΜΝΟΡΤΧΖ")
_SMALL = str.maketrans(_LOWER, "ᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘǫʀsᴛᴜᴠᴡxʏᴢ")
_TURNED = str.maketrans(_LOWER + "?.!", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz¿˙¡")
_LEET = str.maketrans("aeiost", "431057")
_STRONG = str.maketrans("aeiostbgl", "@31057891")
_MORSE = dict(
    zip(
        _LOWER + "0123456789",
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- "
        ".-- -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
        strict=True,
    )
)
_MARKS = "\u0300\u0301\u0302\u0303\u0308\u0316\u0323\u0330\u0334\u0336"
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff"


def _letters(text: str, by: Callable[[str], str]) -> str:
    return "".join(by(c) if c.isalpha() else c for c in text)


def _shifted(first: int) -> Way:
    """ASCII letters as those of another block of Unicode that begins with its capitals."""

    def way(text: str, _: random.Random) -> str:
        def by(c: str) -> str:
            if not c.isascii():
                return c
            return chr(first + (ord(c) - 65 if c.isupper() else ord(c) - 97 + 26))

        return _letters(text, by)

    return way


def _one_case(first: int) -> Way:
    def way(text: str, _: random.Random) -> str:
        return _letters(text.lower(), lambda c: chr(first + ord(c) - 97) if c.isascii() else c)

    return way


def _morse(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return " / ".join(" ".join(_MORSE[c] for c in w) for w in words)


def _caesar(text: str, rng: random.Random) -> str:
    by = rng.randint(1, 25)
    table = str.maketrans(_LOWER, _LOWER[by:] + _LOWER[:by])
    return text.lower().translate(table)


def _typos(text: str, rng: random.Random) -> str:
    """One slip in every second word of four letters or more."""

    def slip(found: re.Match[str]) -> str:
        word = found[0]
        if rng.random() < 0.5:
            return word
        at = rng.randrange(1, len(word) - 1)
        return rng.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + rng.choice(_LOWER) + word[at + 1 :],
            )
        )

    return re.sub(r"[A-Za-z]{4,}", slip, text)


def _inside(mark: str) -> Way:
    """A mark inside each word of four letters or more."""

    def way(text: str, rng: random.Random) -> str:
        def cut(found: re.Match[str]) -> str:
            at = rng.randrange(1, len(found[0]) - 1)
            return found[0][:at] + mark + found[0][at:]

        return re.sub(r"[A-Za-z]{4,}", cut, text)

    return way


def _pig_latin(text: str, _: random.Random) -> str:
    def word(found: re.Match[str]) -> str:
        head = re.match(r"[^aeiou]*", found[0])
        start = head.end() if head else 0
        return found[0][start:] + found[0][:start] + ("ay" if start else "way")

    return re.sub(r"[a-z]+", word, text.lower())


def _repeated(text: str, rng: random.Random) -> str:
    return _letters(text, lambda c: c * rng.choice((1, 1, 3, 4)))


def _mixed(text: str, rng: random.Random) -> str:
    tables: tuple[dict[int, int], ...] = (_HOMOGLYPHS, _GREEK, {})
    return _letters(text, lambda c: rng.choice((c, c.upper())).translate(rng.choice(tables)))


def _accented(text: str, rng: random.Random) -> str:
    table = {"a": "àáâãä", "e": "èéêë", "i": "ìíîï", "o": "òóôõö", "u": "ùúûü", "c": "ç", "n": "ñ"}
    return "".join(rng.choice(table.get(c, c)) for c in text)


WAYS: dict[str, Way] = {
    "zero-width characters": lambda t, r: _letters(t, lambda c: c + r.choice(_UNSEEN)),
    "soft hyphens": lambda t, _: _letters(t, lambda c: c + "\u00ad"),
    "Cyrillic look-alikes": lambda t, _: t.translate(_HOMOGLYPHS),
    "Greek look-alikes": lambda t, _: t.translate(_GREEK),
    "mixed scripts and case": _mixed,
    "full-width letters": lambda t, _: _letters(
        t, lambda c: chr(ord(c) + 0xFEE0) if c.isascii() else c
    ),
    "mathematical letters": _shifted(0x1D400),
    "circled letters": _one_case(0x24D0),
    "squared letters": lambda t, _: _letters(
        t.upper(), lambda c: chr(0x1F170 + ord(c) - 65) if c.isascii() else c
    ),
    "flag letters": lambda t, _: _letters(
        t.upper(), lambda c: chr(0x1F1E6 + ord(c) - 65) + "\u200b" if c.isascii() else c
    ),
    "small capitals": lambda t, _: t.lower().translate(_SMALL),
    "combining marks": lambda t, r: _letters(t, lambda c: c + r.choice(_MARKS) + r.choice(_MARKS)),
    "accents": _accented,
    "leetspeak": lambda t, _: t.lower().translate(_LEET),
    "strong leetspeak": lambda t, _: t.lower().translate(_STRONG),
    "letters apart": lambda t, _: " ".join(t.replace(" ", "")),
    "letters apart, words too": lambda t, _: "   ".join(" ".join(w) for w in t.split()),
    "dots between letters": lambda t, _: " ".join(".".join(w) for w in t.split()),
    "hyphens in words": _inside("-"),
    "stars in words": _inside("*"),
    "tags in words": _inside("<b></b>"),
    "repeated letters": _repeated,
    "no spaces": lambda t, _: re.sub(r"[^a-z0-9]", "", t.lower()),
    "underscores": lambda t, _: t.replace(" ", "_"),
    "typing errors": _typos,
    "vowels dropped": lambda t, _: re.sub(r"(?<=\w)[aeiou]", "", t.lower()),
    "base64": lambda t, _: base64.b64encode(t.encode()).decode(),
    "base64 in an everyday sentence": lambda t, _: (
        "Please answer this for me: " + base64.b64encode(t.encode()).decode()
    ),
    "hexadecimal": lambda t, _: t.encode().hex(),
    "binary": lambda t, _: " ".join(f"{b:08b}" for b in t.encode()),
    "character codes": lambda t, _: " ".join(str(b) for b in t.encode()),
    "ROT13": lambda t, _: codecs.encode(t, "rot13"),
    "Caesar": _caesar,
    "URL encoding": lambda t, _: quote(t).replace("a", "%61").replace("e", "%65"),
    "HTML entities": lambda t, _: "".join(f"&#{ord(c)};" for c in t),
    "Unicode escapes": lambda t, _: "".join(f"\\u{ord(c):04x}" for c in t),
    "reversed letters": lambda t, _: t[::-1],
    "reversed words": lambda t, _: " ".join(reversed(t.split())),
    "Morse": lambda t, _: _morse(t),
    "upside down": lambda t, _: t.lower().translate(_TURNED)[::-1],
    "Pig Latin": _pig_latin,
    "invisible tags": lambda t, _: (
        "What are the opening hours? " + "".join(chr(0xE0000 + ord(c)) for c in t if c.isascii())
    ),
}

_EVERYDAY = (
    "When do you open on Saturday?",
    "Where is the nearest office?",
    "How do I order a replacement card?",
    "Is there parking at the branch?",
    "Can I change my appointment online?",
    "Which documents do I have to bring?",
    "How long is the delivery of a parcel?",
    "Do you have an app for phones?",
    "What does a day ticket cost?",
    "Is the library closed on public holidays?",
)


def _beside(count: int, *, first: bool = False) -> Way:
    """Among so many everyday questions, the first or the last of them."""

    def way(text: str, rng: random.Random) -> str:
        others = [rng.choice(_EVERYDAY).replace("?", f" {n}?") for n in range(count)]
        ended = text if text[-1] in ".?!" else f"{text}."
        return " ".join([ended, *others] if first else [*others, ended])

    return way


def run_on(text: str, rng: random.Random) -> str:
    """After an everyday question, in small letters and without an end."""
    return " ".join(re.sub(r"[.?!]", "", t) for t in (rng.choice(_EVERYDAY), text)).lower()


BESIDE: dict[str, Way] = {
    "after an everyday question": _beside(1),
    "before an everyday question": _beside(1, first=True),
    "after an everyday question, in small letters": lambda t, r: _beside(1)(t, r).lower(),
    "after ten everyday questions": _beside(10),
    "after a hundred everyday questions": _beside(100),
}
