"""A sweep: every combination once, also after a kill; what fails does not stop the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import BadInput
from finetune.rows import Row, Split, write_rows
from finetune.sweep import Outcome, best, combined, plain, sweep
from tests.integration.test_finetune import plan, rows

pytest.importorskip("torch")
pytest.importorskip("peft")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def dev_rows() -> list[Row]:
    return [
        replace(
            row,
            question=f"And {row.question}",
            sources=tuple(replace(s, where="Leaflet", document="Leaflet") for s in row.sources),
            split=Split.DEV,
        )
        for row in rows(4)
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(tmp_path / "data", [*rows(), *dev_rows()], {})
    return tmp_path / "data"


def plans(tiny: Path, **changed: Any) -> dict[str, Any]:
    return combined(plan(tiny, **changed), [2, 4], [0.01], [2.0])


def test_every_combination_is_trained_once_and_scored(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    heard: list[str] = []

    def kill(name: str, now: dict[str, float]) -> None:
        heard.append(name)
        if name == "rank4-rate0.01-epochs2" and now["step"] == 3:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        list(sweep(data, out, plans(tiny), 2, 4, kill))
    heard.clear()
    found = list(sweep(data, out, plans(tiny), 2, 4, lambda name, _: heard.append(name)))
    assert set(heard) == {"rank4-rate0.01-epochs2"}  # the first one was finished
    assert len(heard) < len(found[1].losses)  # and the second gone on with
    assert [o.rank for o in found] == [2, 4]
    # Four steps on a model of chance say nothing about learning; that they were taken, they do.
    assert all(len(o.losses) == 4 for o in found)
    assert all(o.scores["n"] == 2 for o in found)
    heard.clear()
    again = list(sweep(data, out, plans(tiny), 2, 4, lambda name, _: heard.append(name)))
    assert (again, heard) == (found, [])


def test_the_score_is_the_loss_of_the_right_answers(tiny: Path, data: Path, tmp_path: Path) -> None:
    """Worked out again row by row, without the tree."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from chatbot.prompts import load_prompt
    from finetune.prompting import branches_of

    (name, one), *_ = plans(tiny).items()
    (found,) = sweep(data, tmp_path / "out", {name: one})
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tmp_path / "out" / name)
    total, count = 0.0, 0
    for branch in branches_of(
        dev_rows(), AutoTokenizer.from_pretrained(tiny), load_prompt("answer")
    ):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([branch.tokens])).logits[0]
        wanted = torch.tensor(branch.tokens[branch.prompt :])
        said = logits[branch.prompt - 1 : -1]
        total += float(torch.nn.functional.cross_entropy(said, wanted, reduction="sum"))
        count += len(wanted)
    assert found.loss == pytest.approx(total / count, abs=1e-4)


def test_what_fails_does_not_stop_the_rest(tiny: Path, data: Path, tmp_path: Path) -> None:
    tried = plans(tiny)
    first, second = tried
    tried[first] = replace(tried[first], base="nowhere/at/all")
    found = list(sweep(data, tmp_path / "out", tried))
    assert "cannot be loaded" in found[0].problem
    assert not found[1].problem
    chosen = best(found)
    assert chosen
    assert chosen.name == second
    table = plain(found)
    assert table["best"] == second
    assert "loss" not in table["combinations"][0]
    assert json.dumps(table, allow_nan=False)


def test_another_training_is_not_taken_for_it(tiny: Path, data: Path, tmp_path: Path) -> None:
    list(sweep(data, tmp_path / "out", plans(tiny)))
    (found, _) = sweep(data, tmp_path / "out", plans(tiny, seed=8))
    assert "another training" in found.problem


def test_without_dev_rows_nothing_is_tried(tiny: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "data", rows(), {})
    with pytest.raises(BadInput, match="no rows of dev"):
        list(sweep(tmp_path / "data", tmp_path / "out", plans(tiny)))


def test_answers_decide_where_some_were_asked() -> None:
    one = Outcome("a", 8, 1e-3, 1.0, 0.5, {"worth": {"value": 0.2}})
    other = Outcome("b", 8, 1e-3, 2.0, 0.9, {"worth": {"value": 0.3}})
    assert best([one, other]) is other
    assert best([replace(one, scores={}), replace(other, scores={})]) == replace(one, scores={})
    assert best([replace(one, problem="out of memory")]) is None
