"""Personal data in a text: what points at one person, found by form and by check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(
    r"(?<![\w.,/:-])(?:\+|00|\(|0|1[ .-]?(?=\(?\d{3}))?\(?\d[\d ().-]{6,18}\d(?![\w/:]|[.,-]\d)"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.IGNORECASE)
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_SSN = r"\b(?!000|666|9)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}\b"
_NINO = (
    r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"
)
_OTHER_IDS = (
    r"\b\d{2}[01]\d[0-3]\d[-+ ]\d{4}\b|\b\d{8}[A-HJ-NP-TV-Z]\b|\b[XYZ]\d{7}[A-HJ-NP-TV-Z]\b"
    r"|\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b"
)
_IDS = (
    ("a US social security number", re.compile(_SSN)),
    ("a UK national insurance number", re.compile(_NINO, re.IGNORECASE)),
    ("an Indian PAN", re.compile(r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b")),
    ("a national identity number", re.compile(_OTHER_IDS)),
)
_NAMED_ID = re.compile(
    r"\b(?:passport|national id|identity card|id card|driv(?:er'?s|ing) licen[cs]e|ssn|nhs|"
    r"social security|national insurance|medicare|medicaid|aadhaar|tax id|tin|bvn|nin|sin|tfn|"
    r"policy|member(?:ship)?|patient|employee|customer|account|student|case|visa|registration|"
    r"mrn|licen[cs]e)(?: (?:number|no\.?|id|card|code|record|#|is|are)|:|#|'s|,)*[\s:#]*"
    r"((?=[A-Z0-9-]*\d[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9 -]{4,18}[A-Z0-9])\b",
    re.IGNORECASE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = (
    r"(?:\d{1,2}[./ -]\d{1,2}[./ -](?:19|20)?\d{2}|(?:19|20)\d{2}[./-]\d{1,2}[./-]\d{1,2}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?,? (?:19|20)\d{{2}}|"
    rf"{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d{{2}})"
)
_BIRTH = re.compile(
    r"\b(?:born|birth\s?date|birthday|date of birth|d\.?o\.?b\.?)\b[^\d\n]{0,25}" + _DATE,
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?,? (?:[A-Z][\w'.-]*,? ){1,4}(?i:street|st|road|rd|avenue|ave|lane|ln|drive|dr|"
    r"court|ct|close|crescent|boulevard|blvd|terrace|way|place|gardens|grove|square|hill|row|mews|"
    r"parkway|highway|nagar|marg)\b\.?"
    r"|\b\d{1,5}[a-z]?,? (?:[a-z]+ ){1,2}(?:street|road|avenue|lane|drive|crescent|terrace)\b"
    r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|weg|gasse|allee|platz) \d{1,4}\b"
    r"|\b\d{1,4},? (?i:rue|via|calle|plaza) (?:[a-zà-ÿ]+ ){0,3}[A-ZÀ-Þ][\w'à-ÿ-]+"
)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b")
_IBAN_LETTERS = {chr(65 + i): str(10 + i) for i in range(26)}


def personal_data(text: str, known: str = "") -> tuple[str, ...]:
    """The kinds of personal data in a text, in plain words, each once.

    Args:
        known: a public text; what stands there too is no secret, such as an office's own number.
    """
    public = _bare(known)
    kinds = (kind for kind, value in _finds(text) if not public or _bare(value) not in public)
    return tuple(dict.fromkeys(kinds))


def redacted(text: str, known: str = "") -> str:
    """The text with each piece of personal data replaced by what kind it is.

    Args:
        known: a public text; what stands there too stays.
    """
    public = _bare(known)
    found = [(kind, value) for kind, value in _finds(text) if _bare(value) not in public]
    for kind, value in sorted(found, key=lambda f: -len(f[1])):
        text = text.replace(value, f"[{kind}]")
    return text


def _bare(text: str) -> str:
    """Letters and digits alone, so that the way of writing a number makes no difference."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _finds(text: str) -> Iterator[tuple[str, str]]:
    """Kind and value of whatever is found; a stretch of digits counts for its best kind only."""
    yield from (("an e-mail address", f[0]) for f in _EMAIL.finditer(text))
    taken: list[tuple[int, int]] = []

    def free(found: re.Match[str], group: int = 0) -> bool:
        a, b = found.span(group)
        if any(a < d and c < b for c, d in taken):
            return False
        taken.append((a, b))
        return True

    for found in _IBAN.finditer(text):
        if _iban_holds(found[0]) and free(found):
            yield "a bank account number", found[0]
    for found in _CARD.finditer(text):
        if _luhn_holds(found[0]) and free(found):
            yield "a card number", found[0]
    for kind, pattern in _IDS:
        yield from ((kind, f[0]) for f in pattern.finditer(text) if free(f))
    for kind, pattern in (("a date of birth", _BIRTH), ("a postal address", _STREET)):
        yield from ((kind, f[0]) for f in pattern.finditer(text) if free(f))
    yield from (("a personal number", f[1]) for f in _NAMED_ID.finditer(text) if free(f, 1))
    yield from (("a postcode", f[0]) for f in _POSTCODE.finditer(text) if free(f))
    yield from (
        ("a telephone number", f[0]) for f in _PHONE.finditer(text) if _dials(f[0]) and free(f)
    )


def _iban_holds(written: str) -> bool:
    """ISO 13616: the letters as numbers, the first four at the end, modulo 97."""
    code = written.replace(" ", "").upper()
    digits = "".join(_IBAN_LETTERS.get(c, c) for c in code[4:] + code[:4])
    return 15 <= len(code) <= 34 and digits.isdecimal() and int(digits) % 97 == 1


def _luhn_holds(written: str) -> bool:
    digits = [int(c) for c in written if c.isdecimal()]
    doubled = (d * 2 - 9 * (d > 4) for d in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _dials(written: str) -> bool:
    """Whether a stretch of digits is written the way telephone numbers are."""
    digits = [c for c in written if c.isdecimal()]
    grouped = len(re.findall(r"\d+", written)) > 1
    abroad = written.startswith(("+", "00", "0", "("))
    dated = re.fullmatch(r"\d{1,4}[ .-]\d{1,2}[ .-]\d{2,4}|\d{1,3}(?:\.\d{1,4}){3}", written)
    return not dated and (9 if not abroad else 8) <= len(digits) <= 15 and (grouped or abroad)
