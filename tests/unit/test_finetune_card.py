"""An adapter's card: what is known goes with the file, and what is not known is said to be so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.known_questions import read_known
from chatbot.adapters.models import LANGUAGE, hash_file
from chatbot.adapters.revisions import Revisions
from chatbot.errors import BadInput
from chatbot.steps.probe import Heard
from finetune import provenance
from finetune.card import markdown
from finetune.cli import app
from finetune.commands import serving
from finetune.evaluate import Ability, Run, write_run
from finetune.provenance import candidate, code_commit, data_of, exported, trained
from finetune.rows import Row, Source, Split, fingerprint, write_rows
from finetune.scores import Answered

PLAN = {"base": "embedded", "start": "", "method": "lora", "rank": 16, "rate": 6e-4, "epochs": 1.0}


def rows(split: Split, count: int) -> list[Row]:
    source = Source("Part", "Rule 1 wants form 10.", f"Book {split}")
    return [Row(f"Which form in {split} case {n}?", (source,), "form 10" if n % 3 else "",
                1 if n % 3 else 0, "own", "CC0-1.0", split) for n in range(count)]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(tmp_path / "data", rows(Split.TRAIN, 60) + rows(Split.TEST, 120), {})
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path, data: Path) -> Path:
    """What `finetune train` and PEFT leave."""
    made = tmp_path / "adapter"
    made.mkdir()
    about = json.loads((data / "about.json").read_text())
    record = {"plan": PLAN, "rows": about["fingerprints"]["train"], "prompt": "p" * 64,
              "start": "", "count": 60, "trees": 1, "steps": 100, "losses": [2.0] * 50 + [0.5] * 50,
              "seconds": 90.0}  # fmt: skip
    (made / "training.json").write_text(json.dumps(record))
    (made / "README.md").write_text("# Model Card for Model ID\n[More Information Needed]")
    return made


@pytest.fixture
def gguf(tmp_path: Path, folder: Path, data: Path) -> Path:
    """An adapter's file with the card that `finetune export` writes."""
    base, file = tmp_path / "base.gguf", tmp_path / "first.gguf"
    base.write_text("base")
    file.write_text("weights")
    trained(folder, data)
    exported(folder, file, base)
    return file


def run(name: str, right: float) -> Run:
    asked = rows(Split.TEST, 120)
    good = [n % 100 < right * 100 for n in range(len(asked))]
    text = [
        r.target if g or not r.marker else "Nonsense [1]." for r, g in zip(asked, good, strict=True)
    ]
    answered = tuple(Answered(r, t, 0.5) for r, t in zip(asked, text, strict=True))
    able = Ability("items", {str(n): n < 40 for n in range(80)})
    return Run(name, fingerprint(asked), "prompt", answered, able)


def test_the_card_takes_the_place_of_pefts(folder: Path, data: Path) -> None:
    card = trained(folder, data)
    assert json.loads((folder / "card.json").read_text()) == card
    words = (folder / "README.md").read_text()
    assert "More Information Needed" not in words
    for known in (LANGUAGE.sha256, "own (CC0-1.0)", hash_file(data / "rows.jsonl"), "rank 16",
                  "60 rows in 100 steps and 2 minutes, last losses 0.5", "60 train"):  # fmt: skip
        assert known in words
    assert "losses" not in card["training"]
    assert "it must not serve" in words


def test_what_was_exported_carries_its_card(gguf: Path, tmp_path: Path) -> None:
    card = json.loads((tmp_path / "first.card.json").read_text())
    assert card["adapter"] == {"file": "first.gguf", "sha256": hash_file(gguf), "bytes": 7}
    assert card["base"] == {"name": "base.gguf", "sha256": hash_file(tmp_path / "base.gguf")}
    assert hash_file(gguf) in (tmp_path / "first.card.md").read_text()


def test_a_folder_without_a_record_has_a_card_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    file = tmp_path / "x.gguf"
    file.write_text("weights")
    card = exported(tmp_path / "bare", file, file)
    assert card["training"] is None
    assert card["commit"] == {"trained": "not known"}
    assert "## Data\n\nNot recorded." in markdown(card)


def test_the_data_must_be_what_was_learned_from(gguf: Path, data: Path) -> None:
    assert candidate(gguf, data)["learned_here"] is True
    write_rows(data, rows(Split.TRAIN, 50) + rows(Split.TEST, 120), {})
    about = candidate(gguf, data)
    assert about["learned_here"] is False
    measured = about | {"scores": run("x", 1.0).scores, "test": "t"}
    assert "may have seen some of the test" in markdown(measured)
    gguf.with_suffix(".card.json").unlink()
    assert candidate(gguf, data)["learned_here"] is None
    unknown = candidate(gguf, data) | {"scores": run("x", 1.0).scores, "test": "t"}
    assert "whether it has seen the test is not known" in markdown(unknown)


def test_a_card_of_another_file_is_refused(gguf: Path, data: Path) -> None:
    gguf.write_text("other weights")
    with pytest.raises(BadInput, match="of another file"):
        candidate(gguf, data)
    with pytest.raises(BadInput, match="no adapter file"):
        candidate(gguf.with_name("none.gguf"), data)
    with pytest.raises(BadInput, match="has no about"):
        data_of(gguf.parent)


def test_the_commit_is_gits_or_the_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if (provenance._ROOT / ".git").exists():
        assert re.fullmatch(r"[0-9a-f]{40}\+?", code_commit())
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    assert re.fullmatch(r"countersign \d.*|not known", code_commit())


def test_what_is_promoted_keeps_its_card_and_its_questions(
    gguf: Path, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "open_encoder", HashedEmbeddings)
    monkeypatch.setattr(serving, "_hear", lambda _: Heard("Much.", "Four weeks [2]."))
    for name, right in (("new", 0.9), ("old", 0.2)):
        write_run(run(f"m ({hash_file(gguf)[:12]}) {name}", right), data / f"{name}.json")
    args: list[Any] = ["promote", gguf, "--data", data, "--run", data / "new.json", "--against",
                       data / "old.json", "--by", "anna", "--json"]  # fmt: skip
    done = CliRunner().invoke(app, list(map(str, args)))
    assert done.exit_code == 0, done.output
    revision = json.loads(done.stdout)["revision"]
    kept = Revisions(home / "adapters")
    card = kept.card(revision)
    assert card["by"] == "anna"
    assert card["training"]["rows"] == card["data"]["fingerprints"]["train"]
    assert set(card["commit"]) == {"trained", "promoted"}
    words = kept.beside(revision, "README.md").read_text()
    assert "anna" in words
    assert "| F1 where a passage holds the answer | 0.9" in words
    assert "95% intervals" in words
    assert "120 rows are few" in words
    assert len(read_known(kept.beside(revision, "questions.npz")).vectors) == 60


def test_training_leaves_the_card(
    folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json.loads((folder / "training.json").read_text())
    monkeypatch.setattr("finetune.commands.training.training", lambda *_: record)
    done = CliRunner().invoke(app, ["train", str(data), "--out", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    assert "own (CC0-1.0)" in (folder / "README.md").read_text()
