"""The table of rights, and what groups make of collections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.steps.rights import (
    EVERYONE,
    NAMED,
    ROLES,
    ROUTES,
    Check,
    Right,
    may_read,
    need_of,
    rights_of,
    roles_with,
    served,
)

NAMES = st.sampled_from("abcd")
GROUPS = st.sampled_from(["g", "h", EVERYONE])
GRANTS = st.dictionaries(GROUPS, st.sets(NAMES))


def test_roles_add_up_and_one_that_the_policy_names_only_signs() -> None:
    assert rights_of([]) == frozenset()
    assert rights_of(["asker", "auditor"]) == ROLES["auditor"].rights
    assert rights_of(["clinician"]) == NAMED
    assert roles_with(Right.PEOPLE) == {"admin"}
    assert roles_with(Right.READ_OTHERS) == {"admin", "auditor"}
    assert Right.DECIDE not in rights_of(["auditor", "manager", "asker"])


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("GET", "/", Right.ASK), ("HEAD", "/", Right.ASK), ("POST", "/", None),
        ("GET", "/desk/", Right.DESK), ("GET", "/desk/people", Right.PEOPLE),
        ("DELETE", "/desk/people", None), ("GET", "/desk/people/", None),
        ("GET", "/ui/base.css", Check.NOBODY), ("GET", "/uix", None),
        ("GET", "/gradio_api/file=/etc/passwd", None), ("GET", "/desk/anything", None),
        ("GET", "//desk/people", None), ("GET", "/DESK/people", None), ("GET", "", None),
    ],
)  # fmt: skip
def test_what_an_address_needs(method: str, path: str, need: object) -> None:
    assert need_of(method, path) is need
    assert need is None or served(path)


def test_no_address_stands_in_the_table_twice() -> None:
    paths = [route.path for route in ROUTES]
    assert len(paths) == len(set(paths))
    assert all(route.get or route.post for route in ROUTES)


@given(st.sets(st.sampled_from("gh")), GRANTS, st.sets(NAMES), st.booleans())
def test_nobody_reads_what_only_other_groups_are_given(
    groups: set[str], grants: dict[str, set[str]], known: set[str], unnamed: bool
) -> None:
    read = may_read(groups, grants, known, unnamed=unnamed)
    named = {c for some in grants.values() for c in some}
    mine = {c for g, some in grants.items() if g in {*groups, EVERYONE} for c in some}
    if read is None:
        assert unnamed
        assert not named
    else:
        assert mine <= read
        assert not read & (named - mine)
        assert read - named == (known - named if unnamed else set())
