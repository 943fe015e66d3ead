"""Ways to train beside LoRA: reviewers' edits, 4 bits, several devices, an encoder."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from finetune.rows import DRAFT, WAITS, Row, write_rows
from tests.integration.test_finetune import Killed, plan, rows, weights
from tests.integration.test_finetune_sweep import dev_rows

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def drafted(count: int = 6) -> list[Row]:
    """Rows over which a model had named the wrong form, and some that nobody changed."""
    found = rows(count + 2)
    wrong = [replace(r, notes={DRAFT: f"The clerk decides [{r.marker}]."}) for r in found[:count]]
    waiting = replace(found[count], answer="", marker=0, notes={DRAFT: "Form 1 [1].", WAITS: "x"})
    return [*wrong, waiting, found[-1]]


def killed_and_resumed(data: Path, out: Path, chosen: Any, at: int = 3) -> dict[str, Any]:
    """The record of a training that was killed after that step and then gone on with."""
    from finetune.train import train

    def kill(now: dict[str, float]) -> None:
        if now["step"] == at:
            raise Killed

    with pytest.raises(Killed):
        train(data, out, chosen, kill)
    seen: list[float] = []
    record = train(data, out, chosen, lambda now: seen.append(now["step"]))
    assert seen[0] == at
    return record


def same_weights(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    assert one.keys() == other.keys()
    assert any(np.any(value) for name, value in one.items() if "lora_B" in name)
    return all(np.array_equal(one[name], other[name]) for name in one)


# --- from reviewers' edits ------------------------------------------------------------------------


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    about = write_rows(tmp_path / "data", drafted(), {})
    assert about["pairs"] == 6
    return tmp_path / "data"


def margins(folder: Path, asked: list[Row]) -> list[float]:
    """By how much each target is likelier than the draft, worked out without trees."""
    from finetune.local import load_trained
    from finetune.prompting import branches_of

    model, tokenizer, _ = load_trained(folder)
    model.set_attn_implementation("sdpa")

    def likelihood(tokens: tuple[int, ...], begins: int) -> float:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([tokens])).logits[0]
        said = torch.log_softmax(logits[begins - 1 : -1], dim=-1)
        return float(said.gather(1, torch.tensor(tokens[begins:])[:, None]).sum())

    prompt = load_prompt("answer")
    both = (branches_of(asked, tokenizer, prompt, said)
            for said in (None, [r.rejected for r in asked]))  # fmt: skip
    found = [[likelihood(b.tokens, b.prompt) for b in branches] for branches in both]
    return [good - bad for good, bad in zip(*found, strict=True)]


def test_what_a_reviewer_put_becomes_likelier_than_what_was_drafted(
    tiny: Path, edited: Path, tmp_path: Path
) -> None:
    from finetune.train import train

    chosen = plan(tiny, method="dpo", rate=0.01, batch=2, beta=0.3)
    record = train(edited, tmp_path / "out", chosen)
    assert record["count"] == 6
    assert record["plan"]["beta"] == 0.3
    # At the start the model is the one that it is held to: the loss is that of a coin.
    assert record["losses"][0] == pytest.approx(math.log(2), abs=1e-4)
    assert record["losses"][-1] < 0.5
    pairs = drafted()[:6]
    from_nothing = train(edited, tmp_path / "base", replace(chosen, rate=0.0))
    assert from_nothing["losses"][-1] == pytest.approx(math.log(2), abs=1e-4)
    before, after = margins(tmp_path / "base", pairs), margins(tmp_path / "out", pairs)
    assert all(b < a for b, a in zip(before, after, strict=True))
    wanted = np.mean([-math.log(1 / (1 + math.exp(-0.3 * (a - b))))
                      for a, b in zip(after, before, strict=True)])  # fmt: skip
    assert wanted < record["losses"][0]  # equation 7, reckoned anew


def test_a_killed_dpo_goes_on_to_the_same_weights(tiny: Path, edited: Path, tmp_path: Path) -> None:
    """What it is held to is the start, not the checkpoint."""
    from finetune.train import train

    chosen = plan(tiny, method="dpo", rate=0.01, epochs=1.0)
    whole = train(edited, tmp_path / "whole", chosen)
    resumed = killed_and_resumed(edited, tmp_path / "killed", chosen)
    assert resumed["losses"] == whole["losses"]
    assert same_weights(tmp_path / "whole", tmp_path / "killed")


def test_dpo_is_held_to_the_adapter_that_it_goes_on_from(
    tiny: Path, edited: Path, tmp_path: Path
) -> None:
    from finetune.train import train

    train(edited, tmp_path / "first", plan(tiny, rate=0.01, epochs=1.0))
    chosen = plan(tiny, method="dpo", epochs=0.2, start=str(tmp_path / "first"))
    record = train(edited, tmp_path / "second", chosen)
    assert record["losses"][0] == pytest.approx(math.log(2), abs=1e-4)


def test_without_drafts_there_is_no_dpo(tiny: Path, tmp_path: Path) -> None:
    from finetune.train import train

    write_rows(tmp_path / "data", drafted()[6:], {})
    with pytest.raises(BadInput, match="no drafts"):
        train(tmp_path / "data", tmp_path / "out", plan(tiny, method="dpo"))
    long = plan(tiny, method="dpo", longest=20)
    write_rows(tmp_path / "long", drafted(), {})
    with pytest.raises(BadInput, match="at most 20 tokens"):
        train(tmp_path / "long", tmp_path / "out", long)


def test_other_drafts_are_another_training(tiny: Path, edited: Path, tmp_path: Path) -> None:
    from finetune.train import described

    chosen, prompt = plan(tiny, method="dpo"), load_prompt("answer")
    other = [replace(drafted()[0], notes={DRAFT: "Nobody knows [1]."}), *drafted()[1:6]]
    first, second = (described(r, chosen, prompt) for r in (drafted()[:6], other))
    assert (first["rows"], first["pairs"] == second["pairs"]) == (second["rows"], False)


# --- in 4 bits ------------------------------------------------------------------------------------


def test_a_base_in_4_bits_is_trained_on_and_gone_on_with(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from bitsandbytes.nn import Linear4bit

    from finetune.local import load_trained
    from finetune.train import train

    write_rows(tmp_path / "data", rows(4), {})
    chosen = plan(tiny, method="qlora", rate=0.01, epochs=6.0)
    whole = train(tmp_path / "data", tmp_path / "whole", chosen)
    assert whole["losses"][-1] < whole["losses"][0] - 0.3
    killed_and_resumed(tmp_path / "data", tmp_path / "killed", chosen)
    assert same_weights(tmp_path / "whole", tmp_path / "killed")
    model, _, _ = load_trained(tmp_path / "whole")
    packed = [m for m in model.modules() if isinstance(m, Linear4bit)]
    assert len(packed) == 14
    assert packed[0].weight.dtype is torch.uint8


def test_without_bitsandbytes_its_lack_is_named(tiny: Path, monkeypatch: Any) -> None:
    from finetune import base

    monkeypatch.setattr(base, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match="bitsandbytes, which is not installed"):
        base.load_base(str(tiny), four_bit=True)


# --- on several devices ---------------------------------------------------------------------------


def test_two_processes_learn_what_one_learns(tiny: Path, tmp_path: Path) -> None:
    """The same batches, half of each to either: losses and weights but for the order of sums."""
    from finetune.train import train

    apart = [replace(r, sources=(*r.sources[:n % 2 + 1],)) for n, r in enumerate(rows(8))
             if r.marker <= n % 2 + 1]  # fmt: skip
    write_rows(tmp_path / "data", apart, {})
    whole = plan(
        tiny, rate=0.01, batch=2, epochs=3.0, longest=2048, dtype="bfloat16", first_layer=1
    )
    one = train(tmp_path / "data", tmp_path / "one", whole)
    command = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m",
               "finetune.cli", "train", str(tmp_path / "data"), "--out", str(tmp_path / "two"),
               "--base", str(tiny), "--rate", "0.01", "--rank", "4", "--batch", "2", "--epochs",
               "3", "--json"]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True,
                          check=False, env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["processes"] == 2  # one document, from one process
    two = json.loads((tmp_path / "two" / "training.json").read_text())
    assert one["steps"] == two["steps"] > 4
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-3)
    assert two["losses"][-1] < two["losses"][0]
    assert "2 × cpu" in (tmp_path / "two" / "README.md").read_text()


# --- with an encoder ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of FLAN-T5's kind with two small layers on each side."""
    from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("reader")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = T5Config(
        vocab_size=49152, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", dropout_rate=0.1,
        pad_token_id=0, decoder_start_token_id=0, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def called(*words: str) -> Any:
    from finetune.cli import app

    return CliRunner().invoke(app, list(words))


def test_a_model_with_an_encoder_is_trained_measured_and_written(
    reader: Path, tmp_path: Path, home: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "whole"
    write_rows(data, [*rows(), *dev_rows()], {})
    done = called("train", str(data), "--base", str(reader), "--out", str(out), "--rate", "0.01",
                  "--batch", "1", "--epochs", "60", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    losses = json.loads((out / "training.json").read_text())["losses"]
    assert losses[-1] < losses[0] - 1
    run = tmp_path / "run.json"
    done = called("evaluate", str(data), "--split", "dev", "--adapter", str(out), "--out",
                  str(run), "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n"] == len(dev_rows())
    said = [a["text"] for a in json.loads(run.read_text())["answers"]]
    assert any("[" in text for text in said)  # it has learned what an answer looks like
    done = called("export", str(out), "--out", str(tmp_path / "model"), "--merged", "safetensors")
    assert done.exit_code == 0, done.output
    assert written_by(tmp_path / "model", dev_rows()) == said
    assert (tmp_path / "model" / "model.card.json").exists()
    done = called("export", str(out), "--out", str(tmp_path / "x.gguf"))
    assert done.exit_code == 2
    assert "with an encoder" in done.output
    assert not (tmp_path / "x.gguf").exists()


def written_by(folder: Path, asked: list[Row]) -> list[str]:
    """What a model writes that needs nothing of ours but its folder."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from finetune.prompting import asked_of, chat_messages

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    found = []
    for row in asked:
        text = asked_of(chat_messages(row, load_prompt("answer")), tokenizer, encodes=True)
        ids = model.generate(**tokenizer(text, return_tensors="pt"), max_new_tokens=192)
        found.append(tokenizer.decode(ids[0], skip_special_tokens=True).strip())
    return found


@pytest.mark.parametrize("method", ["lora", "dpo"])
def test_a_killed_training_with_an_encoder_goes_on_to_the_same_weights(
    reader: Path, tmp_path: Path, method: str
) -> None:
    """Its dropout is off: a step that is done twice must come out the same."""
    from finetune.train import train

    write_rows(tmp_path / "data", drafted(), {})
    chosen = plan(reader, method=method, rate=0.01, epochs=1.5, longest=512)
    whole = train(tmp_path / "data", tmp_path / "whole", chosen)
    killed_and_resumed(tmp_path / "data", tmp_path / "killed", chosen)
    assert same_weights(tmp_path / "whole", tmp_path / "killed")
    if method == "dpo":
        assert whole["losses"][0] == pytest.approx(math.log(2), abs=1e-4)


def test_side_by_side_each_answer_costs_what_it_costs_alone(reader: Path) -> None:
    from finetune.base import load_base
    from finetune.encoder import padded_answers
    from finetune.prompting import branches_of

    model, tokenizer = load_base(str(reader), "float32")
    asked = [rows(1)[0], replace(rows(2)[1], question="Which?", answer="form 10, in two copies")]
    branches = branches_of(asked, tokenizer, load_prompt("answer"), encodes=True)
    assert len({len(b.tokens) for b in branches}) == 2
    with torch.no_grad():
        together = padded_answers(branches).losses(model.eval())
        alone = [padded_answers([b]).losses(model)[0] for b in branches]
    for one, other, branch in zip(together, alone, branches, strict=True):
        assert len(one) == len(branch.tokens) - branch.prompt
        assert torch.allclose(one, other, atol=1e-5)
