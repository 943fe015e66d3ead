"""Passages: whole, in order, within the limit, and exactly where they say they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.document import Block, Kind, Loaded
from ingest.split import Piece, document_text, split


def count(texts: Sequence[str]) -> list[int]:
    """A token is a word."""
    return [len(text.split()) for text in texts]


def squeezed(text: str) -> str:
    return "".join(text.split())


def pieces_of(*blocks: Block, target: int = 160, limit: int = 230) -> list[Piece]:
    return split(Loaded("Title", "text/plain", blocks), count, target, limit)


def prose(sentences: int, words: int = 10) -> str:
    return " ".join(f"Number {n} " + "word " * (words - 3) + "end." for n in range(sentences))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text.split() != []
)
TEXTS = st.lists(WORDS, min_size=1, max_size=60).flatmap(
    lambda words: st.sampled_from([" ", "\n", "\t", ". "]).map(lambda gap: gap.join(words))
)
BLOCKS = st.builds(
    Block,
    text=TEXTS,
    kind=st.sampled_from(Kind),
    heading=st.sampled_from([(), ("A",), ("A", "B"), ("C",)]),
    page=st.sampled_from([None, 1, 2]),
    anchor=st.sampled_from([None, "a"]),
)


@given(st.lists(BLOCKS, max_size=12), st.integers(2, 20), st.integers(0, 15))
def test_every_piece_is_the_span_it_names_and_no_word_is_lost(
    blocks: list[Block], target: int, more: int
) -> None:
    loaded = Loaded("Title", "text/plain", tuple(blocks))
    limit = target + more
    pieces = split(loaded, count, target, limit)
    text = document_text(loaded)
    for piece in pieces:
        assert squeezed(text[piece.start : piece.end]) == squeezed(piece.text)
        assert count([piece.text])[0] <= limit or len(piece.text.split()) == 1
        assert piece.text.strip()
    assert "".join(squeezed(p.text) for p in pieces) == squeezed(text)
    assert all(one.end <= two.start for one, two in pairwise(pieces))


@given(st.lists(BLOCKS, max_size=12))
def test_a_piece_never_crosses_a_heading_or_a_page(blocks: list[Block]) -> None:
    loaded = Loaded("Title", "text/plain", tuple(blocks))
    starts: list[tuple[int, Block]] = []
    position = 0
    for block in blocks:
        starts.append((position, block))
        position += len(block.text) + 2
    for piece in split(loaded, count, 8, 12):
        inside = [
            b for start, b in starts if start < piece.end and start + len(b.text) > piece.start
        ]
        assert {(b.heading, b.page) for b in inside} == {(piece.heading, piece.page)}


def test_a_document_without_blocks_has_no_pieces() -> None:
    assert pieces_of() == []


def test_small_paragraphs_of_a_section_go_together_up_to_the_target() -> None:
    pieces = pieces_of(*(Block(prose(3), heading=("H",), anchor=f"a{n}") for n in range(10)))
    assert [count([p.text])[0] for p in pieces] == [150, 150]
    assert pieces[0].text.count("\n\n") == 4
    assert pieces[0].anchor == "a0"


def test_list_items_go_together_line_by_line() -> None:
    (piece,) = pieces_of(Block("one", Kind.LIST), Block("two", Kind.LIST))
    assert (piece.text, piece.kind) == ("one\ntwo", Kind.LIST)


def test_a_long_paragraph_is_cut_at_sentence_ends() -> None:
    pieces = pieces_of(Block(prose(60)))
    assert len(pieces) == 4
    assert all(p.text.endswith("end.") and p.text.startswith("Number") for p in pieces)


def test_a_sentence_over_the_limit_is_cut_between_words() -> None:
    pieces = pieces_of(Block("word " * 500))
    assert all(set(p.text.split()) == {"word"} for p in pieces)
    assert sum(count([p.text])[0] for p in pieces) == 500


def test_code_is_cut_between_lines_and_keeps_its_indentation() -> None:
    code = "\n".join(f"    line number {n} of code" for n in range(100))
    pieces = pieces_of(Block(code, Kind.CODE))
    assert len(pieces) > 1
    assert all(p.text.startswith("    line") and p.text.endswith("code") for p in pieces)


def test_a_long_table_is_cut_between_rows_with_its_head_as_context() -> None:
    rows = [f"row {n}\tvalue of it" for n in range(100)]
    table = "\n".join(["Table 1. Prices", "Item\tPrice", *rows])
    first, *rest = pieces_of(Block(table, Kind.TABLE))
    assert first.context == ""
    assert rest
    for piece in rest:
        assert piece.context == "Table 1. Prices\nItem\tPrice"
        assert all(row in rows for row in piece.text.split("\n"))


def test_a_table_stays_apart_from_the_text_around_it() -> None:
    table = "Item\tPrice\n" + "\n".join(f"thing {n}\t{n} EUR" for n in range(10))
    pieces = pieces_of(Block(prose(4)), Block(table, Kind.TABLE), Block(prose(4)))
    assert [p.kind for p in pieces] == [Kind.TEXT, Kind.TABLE, Kind.TEXT]
    assert pieces[1].text == table


def test_a_leftover_joins_its_neighbour_of_another_kind() -> None:
    table = "Item\tPrice\n" + "\n".join(f"thing {n}\t{n} EUR" for n in range(10))
    (piece,) = pieces_of(Block("These are the prices:"), Block(table, Kind.TABLE))
    assert piece.kind is Kind.TEXT


def test_what_is_short_is_counted_once() -> None:
    calls: list[int] = []

    def counting(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return count(texts)

    blocks = tuple(Block(prose(3)) for _ in range(50))
    split(Loaded("Title", "text/plain", blocks), counting)
    assert calls == [50]


@pytest.mark.parametrize("text", ["第一句话。" * 200, "x" * 5000])
def test_text_without_spaces_does_not_hang(text: str) -> None:
    def by_letters(texts: Sequence[str]) -> list[int]:
        return [len(t) for t in texts]

    pieces = split(Loaded("T", "text/plain", (Block(text),)), by_letters)
    assert "".join(p.text for p in pieces) == text
