"""Baselines, evaluation and general ability, with a server that answers by a rule."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from finetune.ability import kept_items
from finetune.cli import app
from finetune.rows import REFUSAL, Row, Source, Split, write_rows
from tests.model_server import Messages, ModelServer, served

SOURCES = tuple(Source(f"Part {n}", f"Rule {n} wants form {n}0.", "Book") for n in range(1, 4))


def row(number: int, split: Split) -> Row:
    rule = number % 4  # rule 0 stands nowhere
    answer = f"form {rule}0" if rule else ""
    question = f"Which form does rule {rule} want in {split} {number}?"
    return Row(question, SOURCES, answer, rule, "own", "CC0-1.0", split)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(tmp_path, [row(n, s) for s in (Split.DEV, Split.TEST) for n in range(8)], {})
    return tmp_path


def reads(messages: Messages) -> str:
    """Looks the rule up in the passages, as the examples show."""
    rule = re.search(r"rule (\d) want", messages[-1]["content"])
    assert rule
    found = re.search(rf"\[(\d)\] .*\nRule {rule[1]} wants (.*)\.", messages[-1]["content"])
    return f"{found[2]} [{found[1]}]." if found else REFUSAL


def learns_from_turns(messages: Messages) -> str:
    return reads(messages) if [m["role"] for m in messages].count("assistant") else "Perhaps."


def told(server: ModelServer, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Any:
    monkeypatch.setenv("GENERATION_URL", server.url)
    monkeypatch.setenv("COUNTERSIGN_GENERATION_MODEL", "m")
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_best_prompt_is_chosen_on_dev_and_measured_on_test(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    with served(learns_from_turns) as server:
        found = told(server, monkeypatch, "baseline", data, "--out", out)
    assert found["best"] == "turns"
    assert found["f1"]["value"] == found["right_citation"]["value"] == 1
    assert found["right_refusals"]["value"] == 1
    assert found["prompts"]["plain"]["value"] == 0
    assert found["prompts"].keys() == {"answer", "last", "plain", "shots", "turns"}
    kept = {f.stem for f in out.iterdir()}
    assert kept == {"baseline", *(f"dev-{name}" for name in found["prompts"])}
    on_test = [m for m in server.asked if " in test " in m[-1]["content"]]
    assert len(on_test) == 8  # no other prompt has seen them
    assert all(reads(m) == learns_from_turns(m) for m in on_test)
    names = {json.loads((out / f"{k}.json").read_text())["name"] for k in kept}
    assert names == {f"m, adapter none, prompt {n}" for n in found["prompts"]}


@pytest.mark.parametrize("split", [Split.DEV, Split.TEST])
def test_a_baseline_without_rows_to_choose_or_to_measure_by_is_refused(
    split: Split, tmp_path: Path
) -> None:
    write_rows(tmp_path, [row(n, split) for n in range(8)], {})
    done = CliRunner().invoke(app, ["baseline", str(tmp_path), "--out", str(tmp_path / "runs")])
    assert done.exit_code == 2
    assert "Prompts are tried on dev" in done.output


def test_a_run_knows_what_the_model_can_do_beside_and_an_older_one_is_added_to(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {item.text: item.right for item in kept_items()[0] if item.kind != "numbers"}
    out, plain = tmp_path / "run.json", tmp_path / "plain.json"
    with served(reads) as server:
        server.follow = lambda text: [" the", f" {right.get(text, '')}"]
        found = told(server, monkeypatch, "evaluate", data, "--out", out)
        told(server, monkeypatch, "evaluate", data, "--out", plain, "--no-ability")
        assert found["f1"]["value"] == 1
        assert found["ability_facts"]["value"] == found["ability_context"]["value"] == 1
        assert found["ability_numbers"]["value"] == 0
        assert found["ability"] == {**found["ability"], "n": 86, "value": 0.7674}
        assert "ability" not in json.loads(plain.read_text())
        added = told(server, monkeypatch, "ability", data, plain)
        assert added["ability"] == found["ability"]
        old, new = json.loads(plain.read_text()), json.loads(out.read_text())
        assert old["ability"] == new["ability"]
        monkeypatch.setenv("COUNTERSIGN_GENERATION_MODEL", "another")
        done = CliRunner().invoke(app, ["ability", str(data), str(plain)])
        assert done.exit_code == 2
        assert "not of another" in done.output


def test_a_server_that_tells_no_likelihoods_is_said_to_be_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(reads) as server:
        monkeypatch.setenv("GENERATION_URL", server.url + "/elsewhere")
        done = CliRunner().invoke(app, ["evaluate", str(data), "--out", str(tmp_path / "x.json")])
    assert done.exit_code == 1
    assert "which tokens are likeliest" in done.output
    assert not (tmp_path / "x.json").exists()
