"""The FAQ's files: what they say, and a message with the line where they do not hold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import BadFile
from chatbot.faq_files import Source, load_faq, parse_faq
from chatbot.steps.faq_sources import named, place_of
from tests.strategies import WORDS, document, passage

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
collection: handbook
owner: dental team
entries:
  - id: crowns
    question: How long
      do crowns wait?
    alternatives: ['When are crowns paid?']
    answer:
      - Crowns wait 240 days [1].
    sources:
      - document: dental.md
        quote: Crowns wait 240 days.
    expires: 2027-01-31
"""


def test_an_entry_as_it_is_written() -> None:
    (one,) = parse_faq(GOOD, "own.yaml")
    assert (one.id, one.file, one.line, one.collection) == ("crowns", "own.yaml", 4, "handbook")
    assert one.question == "How long do crowns wait?"
    assert one.alternatives == ("When are crowns paid?",)
    assert one.sources == (Source("dental.md", "Crowns wait 240 days.", 11),)
    assert (one.owner, one.effective, one.expires) == ("dental team", None, date(2027, 1, 31))
    (moved,) = parse_faq(f"# a comment\n\n{GOOD}", "own.yaml")
    assert moved.digest == one.digest
    assert parse_faq(GOOD.replace("240", "90"), "own.yaml")[0].digest != one.digest


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("collection: handbook\n", "", 1, "lacks `collection`"),
        ("owner:", "colour:", 2, "`colour` is no field"),
        ("    question: How", "    questions: How", 4, "lacks `question`"),
        ("id: crowns", "id: Crowns 1", 4, "small letters"),
        ("['When are crowns paid?']", "When?", 7, "must be a list"),
        ("['When are crowns paid?']", "['']", 7, "is empty"),
        ("      - Crowns wait 240 days [1].\n", "      []\n", 8, "no sentence"),
        ("- document: dental.md\n        quote", "- quote", 11, "lacks `document`"),
        ("        quote: Crowns wait 240 days.\n", "", 11, "lacks `quote`"),
        ("2027-01-31", "soon", 13, "a day such as"),
        ("2027-01-31", "2027-02-31", 13, "a day such as"),
        ("expires: 2027-01-31", "effective: 2027-02-01\n    expires: 2027-01-31", 4, "before it"),
        ("    expires: 2027-01-31\n", "  - id: crowns\n    question: q\n    answer: [a]\n"
         "    sources: [{document: d, quote: q}]\n", 13, "the entry of line 4, too"),
        ("entries:", "entries: [", 5, ""),
        (GOOD, "", 1, "is empty"),
        (GOOD, "[" * 5000, 1, ""),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    with pytest.raises(BadFile) as caught:
        parse_faq(GOOD.replace(old, new, 1), "own.yaml")
    told = str(caught.value)
    assert words in told
    assert f"own.yaml, line {line}: " in told or (not words and "own.yaml, line" in told)


ODD = ["- ", "x: 1\n", "{", "!!python/object:os.system {}\n", "&a *a\n"]
LINES = st.sampled_from([*GOOD.splitlines(keepends=True), *ODD])


@given(st.lists(LINES, max_size=14).map("".join))
def test_whatever_stands_there_it_is_read_or_refused(content: str) -> None:
    try:
        read = parse_faq(content, "own.yaml")
    except BadFile as error:
        assert error.what.startswith("own.yaml, line ")  # noqa: PT017
    else:
        assert all(one.answer and one.sources and one.question for one in read)


def test_a_folder(tmp_path: Path) -> None:
    assert load_faq(tmp_path / "absent") == []
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    assert [one.file for one in load_faq(tmp_path)] == ["a.yaml"]
    (tmp_path / "b.yml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadFile, match=r"b.yml, line 4: `crowns` is an entry of a.yaml, line 4"):
        load_faq(tmp_path)
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile, match="cannot be read"):
        load_faq(tmp_path)


def test_the_sample_holds() -> None:
    assert 3 <= len(load_faq(ROOT / "faq")) <= 5


def test_a_document_is_named_by_its_path_or_its_title() -> None:
    one = document("Dental cover", uri="/docs/dental/cover.md")
    two = document("Travel", uri="/docs/travel/cover.md")
    assert named("cover.md", [one, two]) == [one, two]
    assert named("travel/cover.md", [one, two]) == [two]
    assert named("over.md", [one, two]) == []
    assert named("dental COVER", [one, two]) == [one]


GAPS = st.sampled_from(["\n", "\t", "  "])


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, max_size=5), GAPS)
def test_named_words_are_found_whatever_white_space_is_between(
    words: list[str], before: list[str], gap: str
) -> None:
    quote = " ".join(words)
    source = passage(f"{' '.join(before)} {gap.join(quote.split())} after")
    found = place_of(quote, [passage("nothing"), source])
    if quote.split():
        assert found is not None
        assert found.passage.text[found.start : found.end].split() == quote.split()
    else:
        assert found is None


def test_other_words_are_not_found() -> None:
    assert place_of("Crowns wait 90 days.", [passage("Crowns wait 240 days.")]) is None
    assert place_of("   ", [passage("Crowns wait 240 days.")]) is None
