"""What the widget gets: lists instead of markup; and who a token stands for."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import Citation, Person
from chatbot.web.markup import answer_html, passage_html
from chatbot.web.session import Sessions
from chatbot.web.widget_identity import Tokens, person_of
from chatbot.web.widget_view import TAGS, tree
from tests.e2e.fake_app import documents_and_passages

SECRET = b"only-for-tests-and-for-looking-at"
SHOP, OTHER = "https://shop.example", "https://other.example"
PASSAGE = documents_and_passages()[1][2]


def texts(nodes: list[Any]) -> str:
    return "".join(
        n if isinstance(n, str) else "" if n[0] == "cite" else texts(n[1:]) for n in nodes
    )


def tags(nodes: list[Any]) -> set[str]:
    found = {n[0] for n in nodes if isinstance(n, list)}
    return found.union(*(tags(n[1:]) for n in nodes if isinstance(n, list) and n[0] != "cite"))


def test_an_answer_keeps_its_shape_and_its_markers() -> None:
    html = answer_html("It **pays** [1].\n\n- one\n- two [7]", (Citation(1, PASSAGE, "x"),), 0)
    assert tree(html) == [
        ["p", "It ", ["strong", "pays"], ["cite", 1], "."],
        ["ul", ["li", "one"], ["li", "two [7]"]],
    ]


def test_a_passage_keeps_its_rows_and_its_marks() -> None:
    html = passage_html("Pays 50%\nA\tB", [(5, 8)])
    assert tree(html) == [
        ["p", "Pays ", ["mark", "50%"]], ["table", ["tr", ["td", "A"], ["td", "B"]]],
    ]  # fmt: skip


@given(st.text(alphabet="<>&\"'/=abimgscript onerror;#x3c[]()!*_`~|-\n\t1", max_size=80))
def test_whatever_is_written_becomes_known_tags_and_text(text: str) -> None:
    answer = tree(answer_html(text, (Citation(1, PASSAGE, "x"),), 0))
    passage = tree(passage_html(text))
    assert tags(answer) <= TAGS | {"cite"}
    assert tags(passage) <= TAGS
    assert "".join(texts(passage).split()) == "".join(text.split())


def test_a_token_counts_for_its_own_website_alone() -> None:
    tokens = Tokens(SECRET)
    mine = tokens.renewed("", SHOP)
    me = tokens.read(mine, SHOP)
    assert me
    assert tokens.read(tokens.renewed(mine, SHOP), SHOP) == me  # the same person, dated now
    assert tokens.read(mine, OTHER) is None
    assert tokens.read(tokens.renewed(mine, OTHER), OTHER) != me
    assert tokens.read(mine, "") is None
    assert tokens.read(mine[:-1] + ("A" if mine[-1] != "A" else "B"), SHOP) is None
    assert Tokens(b"another key of enough length").read(mine, SHOP) is None


def test_a_token_that_is_too_old_is_a_strangers() -> None:
    old = Tokens(SECRET).renewed("", SHOP)
    time.sleep(1.1)
    assert Tokens(SECRET, max_age=0).read(old, SHOP) is None


def test_a_token_is_no_cookie_and_a_cookie_is_no_token() -> None:
    sessions, tokens = Sessions(SECRET), Tokens(SECRET)
    assert sessions.read(tokens.renewed("", SHOP)) is None
    assert tokens.read(sessions.write(Person("a" * 32)), SHOP) is None


@pytest.mark.parametrize(
    ("wanted", "may", "reads"),
    [
        ("", None, None),
        ("", frozenset({"a"}), {"a"}),
        ("a, b", None, {"a", "b"}),
        ("a,secret", frozenset({"a", "b"}), {"a"}),
        ("secret", frozenset({"a"}), set()),
        (" , ", frozenset({"a"}), {"a"}),
    ],
)
def test_the_pages_collection_narrows_and_never_widens(
    wanted: str, may: frozenset[str] | None, reads: set[str] | None
) -> None:
    assert person_of("w-1", wanted, may).collections == reads
