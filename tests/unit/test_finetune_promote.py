"""What may serve: proven on the same rows and not worse; and the way back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest
from sqlalchemy import select

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.conversations import Given
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.models import hash_file
from chatbot.adapters.queue_figures import Statistics
from chatbot.adapters.revisions import FILE, POINTER, SHIPPED, Current, Revisions
from chatbot.adapters.schema_review import audit_entries
from chatbot.errors import BadInput, ModelUnusable, NotAllowed
from chatbot.steps.probe import Heard, noted
from finetune.ability import Item, chosen, kept_items
from finetune.evaluate import Ability, Run, read_run, write_run
from finetune.greedy import equal_share
from finetune.lifecycle import Lifecycle
from finetune.live import live_figures
from finetune.promote import judge
from finetune.report import page
from finetune.rows import REFUSAL, Row, Source, Split, fingerprint
from finetune.scores import Answered
from tests.strategies import record

SOURCES = tuple(Source(f"Part {n}", f"Rule {n} wants form {n}0.", "Book") for n in range(1, 4))
ROWS = [
    Row(f"Which form does rule {n % 3 + 1} want in case {n}?", SOURCES,
        f"form {n % 3 + 1}0" if n % 4 else "", n % 3 + 1 if n % 4 else 0,
        "own", "CC0-1.0", Split.TEST)
    for n in range(160)
]  # fmt: skip


def made(name: str, right: float, refuses: bool = True, rows: list[Row] = ROWS) -> Run:
    """A run that answers that share of the rows rightly, the others with nonsense."""
    answered = []
    for number, row in enumerate(rows):
        good = number % 100 < right * 100
        if row.marker:
            text = row.target if good else f"Nonsense [{row.marker}]."
        else:
            text = REFUSAL if refuses else "Nonsense [1]."
        answered.append(Answered(row, text, 0.5))
    return Run(name, fingerprint(rows), "prompt", tuple(answered), able(0.7))


def able(right: float, test: str = "items") -> Ability:
    """Has that share of a hundred items right."""
    return Ability(test, {str(n): n < round(100 * right) for n in range(100)})


HEARD = Heard("The passage says", "Four weeks [2].")
BASE = made("base, adapter none", 0.4, refuses=False)


def test_a_better_adapter_may_serve() -> None:
    judgement = judge(made("x, adapter a (abc)", 0.8), BASE, "abc")
    assert judgement.reasons == ()
    assert judgement.gain["low"] > 0.2


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (made("x (abc)", 0.3), "worth"),
        (made("x (abc)", 0.9, refuses=False), "right refusals"),
        (made("x (other)", 0.9), "not of abc"),
        (made("x (abc)", 0.9, rows=ROWS[:150]), "other rows"),
    ],
)
def test_a_worse_or_unproven_one_may_not(candidate: Run, reason: str) -> None:
    incumbent = made("now", 0.6)
    assert reason in "; ".join(judge(candidate, incumbent, "abc").reasons)


def test_who_lost_general_ability_may_not_serve_and_a_few_items_are_chance() -> None:
    better = made("x (abc)", 0.9)
    for now, reason in ((0.55, "ability fell by 0.150"), (0.65, ""), (0.9, "")):
        reasons = judge(replace(better, ability=able(now)), BASE, "abc").reasons
        assert reason in "; ".join(reasons)
        assert bool(reasons) == bool(reason)


@pytest.mark.parametrize("ability", [None, able(0.9, "other items"), Ability("items", {})])
def test_ability_is_measured_alike_or_nothing_is_promoted(ability: Ability | None) -> None:
    better = made("x (abc)", 0.9)
    for pair in (
        (replace(better, ability=ability), BASE),
        (better, replace(BASE, ability=ability)),
    ):
        assert "not measured" in "; ".join(judge(*pair, "abc").reasons)


def test_the_likeliest_token_that_begins_one_option_is_the_choice() -> None:
    item = Item("a-1", "a", "Two times three is", "six", ("seven", "two"))
    assert chosen([" the", " s", " six", " two"], item)
    assert not chosen([" s", " se", " six"], item)
    assert not chosen([" the", " ", " a"], item)


def test_the_kept_items_can_be_had_right() -> None:
    items, _ = kept_items()
    assert len({i.id for i in items}) == len({i.text for i in items}) == len(items) >= 80
    for item in items:
        options = [item.right, *item.others]
        assert len(options) == 3
        assert chosen([f" {item.right}"], item)
        assert not any(chosen([f" {other}"], item) for other in item.others)


def test_few_rows_prove_nothing() -> None:
    few = ROWS[:40]
    reasons = judge(made("x (abc)", 1.0, rows=few), made("now", 0.1, rows=few), "abc").reasons
    assert "prove nothing" in reasons[0]


def test_what_is_kept_of_a_run_comes_back_for_its_rows_alone(tmp_path: Path) -> None:
    run = made("x", 0.5)
    write_run(run, tmp_path / "run.json")
    assert read_run(tmp_path / "run.json", ROWS) == run
    with pytest.raises(BadInput, match="no run over these rows"):
        read_run(tmp_path / "run.json", ROWS[:10])


def test_a_page_shows_both_answers_and_nothing_that_others_wrote_is_markup() -> None:
    hostile = "<script>alert(1)</script> [1]."
    run = made("x", 0.5)
    first = replace(run.answered[0], text=hostile)
    found = page(replace(run, answered=(first, *run.answered[1:])), BASE)
    assert "<script" not in found
    assert "&lt;script&gt;alert(1)" in found
    assert found.count("<article ") == len(ROWS)
    assert "95% interval" in found
    assert "http" not in found


def test_a_page_counts_what_its_filters_show() -> None:
    better, worse = made("x", 0.9), made("y", 0.5)
    found = page(better, worse)
    gained = sum(a.text != b.text for a, b in zip(better.answered, worse.answered, strict=True))
    for name, count in (("all", 160), ("changed", gained), ("better", gained), ("worse", 0)):
        assert re.search(rf"value={name}[^>]*>[^<]* <small>{count}</small>", found)
        if name in ("changed", "better"):
            assert len(re.findall(rf"<article class='[^']*\b{name}\b", found)) == count
    for name in ("changed", "better", "worse", "wrong", "bare"):
        assert f"[value={name}]:checked) article:not(.{name})" in found
    assert "name=show value=changed" not in page(better)
    assert "An answer of A is worth" in found
    assert "that may be chance" in found  # both are as able


def test_a_page_shows_live_use_or_says_that_there_is_none() -> None:
    run, none = made("x", 0.9), live_figures(30, [], Statistics({}, (), (), 0, 0, 0))
    assert "no one has asked anything here" in page(run, live=none)
    assert "Live use" not in page(run)
    asked = Given("c", True, record([], adapter="<b>new</b>"), -1)
    found = page(run, live=live_figures(30, [asked], Statistics({}, (), (), 0, 0, 0)))
    assert "adapter &lt;b&gt;new&lt;/b&gt;" in found
    assert "Thumbs up" in found


# --- the way there and back -----------------------------------------------------------------------


@pytest.fixture
def life(tmp_path: Path) -> Lifecycle:
    engine = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    return Lifecycle(Revisions(tmp_path / "adapters"), AuditLog(engine, tmp_path / "anchor"))


def adapter(folder: Path, content: str) -> tuple[Path, str]:
    file = folder / f"{content}.gguf"
    file.write_text(content)
    return file, hash_file(file)[:12]


def test_there_and_back_again(life: Lifecycle, tmp_path: Path) -> None:
    first, one = adapter(tmp_path, "first")
    second, two = adapter(tmp_path, "second")
    revision = life.promote(first, made(f"m ({one})", 0.6), BASE, "anna", {}, HEARD)
    better = made(f"m ({two})", 0.9)
    other = life.promote(second, better, made(f"m ({one})", 0.6), "bert", {}, HEARD)
    assert [(c["revision"], c["serving"], c["by"]) for c in life.history()] == [
        (revision, False, "anna"), (other, True, "bert")
    ]  # fmt: skip
    assert life.rollback("anna") == revision
    assert life.rollback("anna") == SHIPPED
    with pytest.raises(NotAllowed, match="no adapter to go back to"):
        life.rollback("anna")
    with transaction(life._audit.engine) as connection:
        actions = connection.scalars(select(audit_entries.c.action)).all()
    assert actions == ["adapter promoted"] * 2 + ["adapter rolled back"] * 2
    assert life._audit.verify() == []


def test_a_worse_one_changes_nothing(life: Lifecycle, tmp_path: Path) -> None:
    first, one = adapter(tmp_path, "first")
    second, two = adapter(tmp_path, "second")
    life.promote(first, made(f"m ({one})", 0.9), BASE, "anna", {}, HEARD)
    before = (tmp_path / "adapters" / POINTER).read_text()
    with pytest.raises(NotAllowed, match="not promoted"):
        life.promote(second, made(f"m ({two})", 0.5), made(f"m ({one})", 0.9), "anna", {}, HEARD)
    assert (tmp_path / "adapters" / POINTER).read_text() == before
    assert len(life.history()) == 1


def test_a_candidate_gets_a_share_and_then_the_whole_or_nothing(
    life: Lifecycle, tmp_path: Path
) -> None:
    file, one = adapter(tmp_path, "first")
    revisions = Revisions(tmp_path / "adapters")
    with pytest.raises(NotAllowed, match="No candidate"):
        life.promote_candidate("anna")
    assert life.canary() == {"candidate": None}
    with pytest.raises(NotAllowed, match="No candidate"):
        life.shadow(30, "anna")
    with pytest.raises(NotAllowed, match="not promoted"):  # the same gate
        life.promote(file, made(f"m ({one})", 0.1), BASE, "anna", {}, HEARD, 10)
    run = made(f"m ({one})", 0.9)
    revision = life.promote(file, run, BASE, "anna", {}, HEARD, 10)
    now = revisions.current()
    assert now
    assert (now.revision, now.candidate, now.share) == (SHIPPED, revision, 10)
    assert [(c["serving"], c["share"]) for c in life.history()] == [(False, 10)]
    assert life.canary()["sides"]["candidate"]["conversations"] == 0
    life.shadow(30, "anna")
    shadowing = revisions.current()
    assert shadowing == replace(now, shadow=30)
    assert life.canary()["shadow"]["alike"]["n"] == 0
    assert life.rollback("bert") == SHIPPED  # the trial ends, what serves goes on
    assert life.canary() == {"candidate": None}
    life.promote(file, run, BASE, "anna", {}, HEARD, 20)
    assert life.promote_candidate("anna") == revision
    assert revisions.current() == Current(revision, (SHIPPED,), "anna", ANY)
    with pytest.raises(NotAllowed, match="serves already"):
        life.promote(file, run, BASE, "anna", {}, HEARD, 10)
    assert life.rollback("anna") == SHIPPED


def test_one_that_answers_as_the_base_changes_nothing(life: Lifecycle, tmp_path: Path) -> None:
    file, one = adapter(tmp_path, "first")
    with pytest.raises(NotAllowed, match="word for word"):
        life.promote(file, made(f"m ({one})", 0.9), BASE, "anna", {}, Heard("Yes.", "Yes."))
    assert life.history() == []
    life.promote(file, made(f"m ({one})", 0.9), BASE, "anna", {}, HEARD)
    assert life.history()[0]["heard"] == noted(HEARD)


def test_a_file_that_was_changed_is_not_served(life: Lifecycle, tmp_path: Path) -> None:
    first, one = adapter(tmp_path, "first")
    revision = life.promote(first, made(f"m ({one})", 0.9), BASE, "anna", {}, HEARD)
    revisions = Revisions(tmp_path / "adapters")
    assert revisions.file(revision).read_text() == "first"
    (tmp_path / "adapters" / revision / FILE).write_text("another")
    with pytest.raises(ModelUnusable, match="was changed"):
        revisions.file(revision)
    (tmp_path / "adapters" / revision / FILE).unlink()
    with pytest.raises(ModelUnusable, match="is gone"):
        revisions.file(revision)


def test_a_pointer_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    revisions = Revisions(tmp_path)
    assert revisions.current() is None
    revisions.point(Current("abc", ("shipped",), "anna", "now"))
    assert revisions.current() == Current("abc", ("shipped",), "anna", "now")
    (tmp_path / POINTER).write_text(json.dumps({"revision": 1}))
    with pytest.raises(ModelUnusable, match="pointer"):
        revisions.current()


def test_tokens_are_equal_up_to_where_two_answers_part() -> None:
    assert equal_share([([1, 2, 3], [1, 2, 3])]) == 1.0
    assert equal_share([([1, 2, 3, 4], [1, 9, 3, 4])]) == 0.25
    assert equal_share([([1, 2], [1, 2, 3, 4]), ([], [])]) == 0.5
    assert equal_share([]) == 1.0
