"""The plan: every file and every document has exactly one fate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.plan import plan

URIS = st.sampled_from([f"/{folder}/{name}.md" for folder in ("a", "b", "ab") for name in "1234"])
HASHES = st.sampled_from(["old", "new"])
FOUND = st.dictionaries(URIS, HASHES)
STORED = st.dictionaries(URIS, st.tuples(HASHES, st.sampled_from(["p1", "p2"])))
ROOTS = st.lists(st.sampled_from(["/a", "/b", "/a/1.md"]), max_size=2)


@given(FOUND, STORED, ROOTS, st.lists(URIS))
def test_a_plan_parts_everything(
    found: dict[str, str],
    stored: dict[str, tuple[str, str]],
    roots: list[str],
    present: list[str],
) -> None:
    todo = plan(found, stored, "p2", roots, present)
    parts = (*todo.add, *todo.replace, *todo.keep)
    assert sorted(parts) == sorted(found)
    assert set(todo.add) == found.keys() - stored.keys()
    assert all(stored[uri] == (found[uri], "p2") for uri in todo.keep)
    assert all(stored[uri] != (found[uri], "p2") for uri in todo.replace)
    assert set(todo.delete) <= stored.keys() - found.keys() - set(present)
    assert all(any(uri == r or uri.startswith(f"{r}/") for r in roots) for uri in todo.delete)


@given(FOUND, ROOTS)
def test_a_second_run_has_nothing_to_do(found: dict[str, str], roots: list[str]) -> None:
    todo = plan(found, {uri: (digest, "p") for uri, digest in found.items()}, "p", roots, [])
    assert (todo.add, todo.replace, todo.delete) == ((), (), ())
    assert todo.keep == tuple(found)


def test_nothing_is_deleted_that_was_not_named() -> None:
    stored = {"/a/1.md": ("h", "p"), "/ab/1.md": ("h", "p"), "/a/bad.md": ("h", "p")}
    assert plan({}, stored, "p", [], []).delete == ()
    assert plan({}, stored, "p", ["/a"], ["/a/bad.md"]).delete == ("/a/1.md",)
