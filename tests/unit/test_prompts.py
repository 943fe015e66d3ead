"""Prompts: found, filled in, fingerprinted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import sha256_of
from chatbot.errors import BadSettings
from chatbot.prompts import FOLDER, Prompt, load_prompt

GOOD = (
    "---\nname: x\nversion: 2\nvariables: [a, b]\n---\n"
    "# system\nSay {{a}}.\n\n# user\n{{b}} {{a}}\n"
)


def made(folder: Path, text: str) -> Prompt:
    (folder / "x.md").write_text(text, encoding="utf-8")
    return load_prompt("x", folder)


def test_a_prompt_is_its_file(tmp_path: Path) -> None:
    prompt = made(tmp_path, GOOD)
    assert (prompt.name, prompt.version, prompt.variables) == ("x", 2, frozenset("ab"))
    assert prompt.fingerprint == sha256_of(GOOD)
    messages = prompt.render({"a": "{{b}}", "b": "{a}"})
    assert [(m.type, m.content) for m in messages] == [
        ("system", "Say {{b}}."),
        ("human", "{a} {{b}}"),
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.name)
def test_every_prompt_of_the_house_loads(path: Path) -> None:
    if path.stem != "README":
        assert load_prompt(path.stem).name == path.stem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# system\nNo front matter.\n",
        "---\n: [\n---\n# user\nx\n",
        "---\nname: x\nversion: 1\n---\n# user\n{{a}}\n",
        "---\nname: x\nversion: 1\nvariables: [a]\n---\n# user\nx\n",
        "---\nname: x\nversion: 1\n---\nno parts\n",
        "---\n- a list\n---\n# user\nx\n",
    ],
)
def test_a_malformed_prompt_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings, match=r"x\.md"):
        made(tmp_path, text)


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"gone\.md"):
        load_prompt("gone", tmp_path)


def test_a_variable_without_a_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        made(tmp_path, GOOD).render({"a": "1"})


@given(st.text(st.sampled_from("{}ab %$\\1\n")), st.text(st.sampled_from("{}ab %$\\1\n")))
def test_values_are_never_read_as_templates(first: str, second: str) -> None:
    prompt = Prompt("x", 1, frozenset("ab"), (("user", "<{{a}}|{{b}}>"),), "")
    (message,) = prompt.render({"a": first, "b": second})
    assert message.content == f"<{first}|{second}>"
