"""The policy file: what it says, and a message with the line where it does not hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import Decision, sha256_of
from chatbot.errors import BadPolicy
from chatbot.policy import FOLDER, LEARNED, Action, load_policy, parse_policy

HEALTH = "categories:\n  health:\n    action: hold\n"
EXAMPLES = "".join(f"      - question number {i}\n" for i in range(10))


@pytest.mark.parametrize("name", ["default", "strict"])
def test_the_shipped_policies_hold(name: str) -> None:
    policy = load_policy(name)
    assert set(LEARNED) == set(policy.categories)
    assert policy.category("crisis").action is Action.HOLD_HELPLINE
    assert "112" in policy.category("crisis").text
    assert policy.fingerprint == sha256_of((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def test_strict_holds_what_default_releases_when_well_supported() -> None:
    default, strict = load_policy("default"), load_policy("strict")
    assert default.category("medical").action is Action.RELEASE
    assert default.category("medical").support == pytest.approx(0.7)
    assert strict.category("medical").action is Action.HOLD
    assert strict.weak_retrieval is Action.HOLD
    assert strict.category("health").two_signatures
    assert strict.sample_rate > default.sample_rate == pytest.approx(0.02)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "sample_rate: 0.5\nunreadable: refuse\ncategories:\n  planning:\n    action: hold\n"
        "    title: Planning permission\n    respond_within: 90m\n    two_signatures: true\n"
        "    reviewers: [planner]\n    patterns: ['planning (permit|permission)']\n"
        f"    examples:\n{EXAMPLES}",
        encoding="utf-8",
    )
    planning = load_policy(file).category("planning")
    assert planning.respond_within == timedelta(minutes=90)
    assert planning.reviewers == ("planner",)
    assert planning.two_signatures
    assert planning.patterns[0].search("A PLANNING PERMIT?")
    assert len(planning.examples) == 10
    assert planning.support is None
    assert load_policy(file).unreadable is Action.REFUSE


def test_an_unknown_category_is_held() -> None:
    """An item may outlive the policy that held it."""
    gone = parse_policy(HEALTH).category("astrology")
    assert gone.action.decision is Decision.HOLD
    assert gone.reviewers == ("reviewer", "lead")


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "name: value"),
        ("sample_rate: 0.1\n", 1, "lacks `categories`"),
        ("categories: {}\n", 1, "names no category"),
        (HEALTH + "    acton: hold\n", 4, "`acton` is no field of the category `health`"),
        ("categories:\n  health:\n    title: x\n", 3, "lacks `action`"),
        ("categories:\n  health:\n    action: hide\n", 3, "'hide'; it must be one of release"),
        (HEALTH + "    action: hold\n", 4, "second time"),
        ("categories:\n  Health!:\n    action: hold\n", 2, "no name"),
        (HEALTH + "    patterns:\n      - 'fine'\n      - '(open'\n", 6, "no regular expression"),
        (HEALTH + "    patterns: ['a*']\n", 4, "matches everything"),
        (HEALTH + "    respond_within: soon\n", 4, "30m, 4h or 2d"),
        (HEALTH + "    respond_within: 0m\n", 4, "30m, 4h or 2d"),
        (HEALTH + "    two_signatures: maybe\n", 4, "true or false"),
        (HEALTH + "    support: 0.9\n", 2, "only `release` uses"),
        (HEALTH + "    threshold: 1.5\n", 4, "from 0 to 1"),
        (HEALTH + "    reviewers: []\n", 4, "names no role"),
        (HEALTH + "    examples: text\n", 4, "must be a list"),
        (HEALTH + "    examples: ['', 'b']\n", 4, "is empty"),
        ("categories:\n  health:\n    action: refuse\n", 2, "no text"),
        ("categories:\n  zoo:\n    action: hold\n    examples: [a b]\n", 2, "1 examples"),
        ("sample_rate: 2\n" + HEALTH, 1, "from 0 to 1"),
        ("weak_retrieval: refuse\n" + HEALTH, 1, "hold, release"),
        ("categories:\n  health: {action: hold\n", 3, "expected"),
        ("a: &x [*x]\n" + HEALTH, 1, ""),
    ],
)
def test_a_fault_is_told_with_its_line(content: str, line: int, words: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        parse_policy(content, "my.yaml")
    assert caught.value.what.startswith(f"my.yaml, line {line}:"), caught.value.what
    assert words in caught.value.what
    assert caught.value.exit_code == 2


@given(st.text(max_size=200) | st.text(st.sampled_from("ab:-[]{}&*!|>'\"\n #?"), max_size=60))
def test_any_text_is_a_policy_or_is_refused(content: str) -> None:
    with pytest.raises(BadPolicy, match=r"policy\.yaml, line \d+: "):
        parse_policy(content)


def test_a_missing_file() -> None:
    with pytest.raises(BadPolicy, match="cannot be read") as caught:
        load_policy("nowhere.yaml")
    assert "default, strict" in caught.value.remedy
