"""Training and the files that come of it, with torch, PEFT and llama.cpp."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatbot.adapters.gguf_files import merge
from chatbot.adapters.models import LANGUAGE, hash_file, locate
from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from chatbot.settings import load_settings
from chatbot.trace import ADAPTER
from finetune.evaluate import opened_model, run
from finetune.gguf_files import heads_of, write_adapter
from finetune.rows import Row, Source, Split, write_rows
from finetune.tree import IGNORED, Branch, tree_of

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def rows(count: int = 12) -> list[Row]:
    sources = tuple(Source(f"Part {n}", f"Rule {n} wants form {n}0.", "Book") for n in range(3))
    return [
        Row(f"Which form does rule {n % 3} want in case {n}?", sources, f"form {n % 3}0", n % 3 + 1,
            "own", "CC0-1.0", Split.TRAIN)
        for n in range(count)
    ]  # fmt: skip


def plan(tiny: Path, **changed: Any) -> Any:
    from finetune.plan import Plan

    values: dict[str, Any] = {
        "base": str(tiny), "rank": 4, "first_layer": 0, "epochs": 6.0, "batch": 1,
        "longest": 256, "dtype": "float32", "keep_every": 2,
    }  # fmt: skip
    return Plan(**(values | changed))


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


# --- trees ----------------------------------------------------------------------------------------


def test_a_branch_in_a_tree_gets_what_it_would_get_alone(tiny: Path) -> None:
    from finetune.attention import use_tree_attention
    from finetune.base import load_base

    model, _ = load_base(str(tiny), "float32")
    branches = [
        Branch((1, 2, 3, 4, 5, 6, 7), 5),
        Branch((1, 2, 3, 4, 9, 8), 5),
        Branch((1, 2, 3, 7, 7, 7, 7, 7), 6),
    ]
    tree = tree_of(branches)
    assert tree.lengths == (3, 4, 3, 5)
    with torch.no_grad():
        alone = [model(input_ids=torch.tensor([b.tokens])).logits[0, 3:] for b in branches]
        use_tree_attention(model)
        together = model(
            input_ids=torch.tensor(tree.tokens[None]),
            position_ids=torch.tensor(tree.positions[None]),
            lengths=tree.lengths,
            use_cache=False,
        ).logits[0, 3:]
    assert torch.allclose(torch.cat(alone), together, atol=1e-5)


def test_only_answers_are_learned_from() -> None:
    tree = tree_of([Branch((1, 2, 3, 4, 5), 3), Branch((1, 2, 6, 7), 3)])
    learned = tree.labels[tree.labels != IGNORED]
    assert learned.tolist() == [4, 5, 7]
    assert tree.tokens[tree.labels == 4].tolist() == [3]  # the token before it


# --- training -------------------------------------------------------------------------------------


class Killed(Exception):
    pass


def test_a_killed_training_goes_on_to_the_same_weights(tiny: Path, tmp_path: Path) -> None:
    from finetune.loop import CHECKPOINT
    from finetune.train import train

    data = tmp_path / "data"
    write_rows(data, rows(), {})
    record = train(data, tmp_path / "whole", plan(tiny))
    assert record["losses"][-1] < record["losses"][0]

    def kill(now: dict[str, float]) -> None:
        if now["step"] == 3:
            raise Killed

    with pytest.raises(Killed):
        train(data, tmp_path / "killed", plan(tiny), kill)
    assert (tmp_path / "killed" / CHECKPOINT).exists()
    seen: list[float] = []
    train(data, tmp_path / "killed", plan(tiny), lambda now: seen.append(now["step"]))
    assert seen[0] == 3.0  # step 2 was kept
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    assert any(np.any(value) for name, value in whole.items() if "lora_B" in name)
    assert not (tmp_path / "killed" / CHECKPOINT).exists()


def test_a_checkpoint_of_another_training_is_not_gone_on_with(tiny: Path, tmp_path: Path) -> None:
    from finetune.train import train

    data, out = tmp_path / "data", tmp_path / "out"
    write_rows(data, rows(), {})

    def kill(now: dict[str, float]) -> None:
        if now["step"] == 2:
            raise Killed

    with pytest.raises(Killed):
        train(data, out, plan(tiny, keep_every=1), kill)
    with pytest.raises(BadInput, match="another training"):
        train(data, out, plan(tiny, rate=0.5, keep_every=1))


def test_a_test_row_among_the_training_rows_stops_it(tiny: Path, tmp_path: Path) -> None:
    from finetune.train import train

    measured = replace(rows(1)[0], split=Split.TEST)
    write_rows(tmp_path, [*rows(), measured], {})
    with pytest.raises(BadInput, match="not apart"):
        train(tmp_path, tmp_path / "out", plan(tiny))


def test_an_adapter_can_be_gone_on_from(tiny: Path, tmp_path: Path) -> None:
    from finetune.train import train

    data, first = tmp_path / "data", tmp_path / "first"
    write_rows(data, rows(), {})
    before = train(data, first, plan(tiny, rate=0.01))
    after = train(data, tmp_path / "second", plan(tiny, rate=0.01, epochs=1.0, start=str(first)))
    assert after["losses"][0] == pytest.approx(before["losses"][-1], abs=0.1)
    assert after["losses"][0] < before["losses"][0] - 0.3
    assert after["start"] == hash_file(first / "adapter_model.safetensors")
    assert before["start"] == ""


def test_an_adapter_of_another_shape_or_none_is_not_gone_on_from(
    tiny: Path, tmp_path: Path
) -> None:
    from finetune.train import train

    data, first = tmp_path / "data", tmp_path / "first"
    write_rows(data, rows(), {})
    train(data, first, plan(tiny, epochs=1.0))
    for start, changed in ((first, {"rank": 2}), (tmp_path, {}), (first, {"first_layer": 1})):
        with pytest.raises(BadInput, match=r"gone on from|other parts"):
            train(data, tmp_path / "out", plan(tiny, start=str(start), **changed))


def test_without_rows_nothing_is_trained(tiny: Path, tmp_path: Path) -> None:
    from finetune.train import train

    write_rows(tmp_path, [], {})
    with pytest.raises(BadInput, match="no training rows"):
        train(tmp_path, tmp_path / "out", plan(tiny))


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter on the embedded model that changes every kind of weight."""
    from peft import LoraConfig, get_peft_model

    from finetune.base import ATTENTION, FEED_FORWARD, load_base

    folder = tmp_path_factory.mktemp("adapter")
    model, _ = load_base("embedded", "float32")
    torch.manual_seed(5)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=[*ATTENTION, *FEED_FORWARD],
                        layers_to_transform=[3, 20], init_lora_weights=False)  # fmt: skip
    get_peft_model(model, config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded model in single precision, which llama.cpp and transformers read alike."""
    file = tmp_path_factory.mktemp("plain") / "plain.gguf"
    merge(locate(LANGUAGE), None, file, "F32")
    yield file
    file.unlink()


def spoken(model: Path, adapter: Path | None, asked: Sequence[Row], home: Path) -> list[str]:
    """What llama.cpp writes, always the likeliest token."""
    settings = load_settings(
        home=home, generation_model=str(model), generation_adapter=str(adapter or "none")
    )
    with opened_model(settings) as (chat, name):
        assert ("none" in name) == (adapter is None)
        return [a.text for a in run(asked, chat, name, load_prompt("answer"), 16).answered]


def test_a_gguf_adapter_says_what_the_trained_one_says(
    adapter: Path, plain: Path, tmp_path: Path
) -> None:
    from finetune.greedy import Source as Trained

    file = tmp_path / "adapter.gguf"
    write_adapter(adapter, file, heads_of(plain), "SmolLM2")
    trained = Trained(str(plain), adapter)
    asked = rows(2)
    wanted = trained.answers(asked, load_prompt("answer"), 16)
    assert spoken(plain, file, asked, tmp_path) == wanted
    assert spoken(plain, None, asked, tmp_path) != wanted  # the adapter does something
    merged = tmp_path / "merged.gguf"
    merge(plain, file, merged, "F32")
    assert spoken(merged, None, asked, tmp_path) == wanted


def turned_round(adapter: Path, folder: Path) -> Path:
    """Another adapter of the same shape, which does the opposite."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(adapter, folder)
    file = folder / "adapter_model.safetensors"
    save_file({n: -w if "lora_B" in n else w for n, w in load_file(file).items()}, file)
    return folder


def test_each_collection_is_answered_by_its_own_adapter(adapter: Path, tmp_path: Path) -> None:
    """Asked in turn, each says what it says alone: nothing read by another one is gone on from."""
    from chatbot.opening import Language, open_language

    trained = {"cover": adapter, "cards": turned_round(adapter, tmp_path / "other")}
    files = {name: tmp_path / f"{name}.gguf" for name in trained}
    for name, file in files.items():
        write_adapter(trained[name], file, heads_of(locate(LANGUAGE)), "SmolLM2")
    rules = " ".join(f"Rule {n} wants form {n}0 and a stamp of colour {n * 7}." for n in range(8))

    def opened(general: str, **others: str) -> Language:
        return open_language(
            load_settings(
                home=tmp_path, threads=1, generation_adapter=general, generation_adapters=others
            )
        )

    def said(model: Language, *asked: str) -> tuple[str, str]:
        prompt = f"Background: {rules} Which form does rule 3 want?"
        pieces = list(model.client.stream(prompt, max_tokens=12, collections=asked))
        wrote = {p.response_metadata.get(ADAPTER, "") for p in pieces if p.content}
        return "".join(str(p.content) for p in pieces), wrote.pop()

    model = opened(str(files["cover"]))
    alone, _ = said(model)
    model.close()
    model = opened("none", **{name: str(file) for name, file in files.items()})
    try:
        base = said(model)
        cover, cards = said(model, "cover"), said(model, "cards")
        assert cover == (alone, f"cover ({hash_file(files['cover'])[:12]})")
        assert cards[1] == f"cards ({hash_file(files['cards'])[:12]})"
        assert len({base[0], cover[0], cards[0]}) == 3
        assert said(model, "cover", "cards") == base == (base[0], "")
    finally:
        model.close()


def test_what_cannot_be_written_is_refused(adapter: Path, tmp_path: Path) -> None:
    base = locate(LANGUAGE)
    with pytest.raises(BadInput, match="Q9 cannot be written"):
        merge(base, None, tmp_path / "x.gguf", "Q9")
    with pytest.raises(BadInput, match="holds no adapter"):
        write_adapter(tmp_path, tmp_path / "x.gguf", heads_of(base), "")
    config = json.loads((adapter / "adapter_config.json").read_text())
    dora = tmp_path / "dora"
    dora.mkdir()
    (dora / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    (dora / "adapter_model.safetensors").write_bytes(
        (adapter / "adapter_model.safetensors").read_bytes()
    )
    with pytest.raises(BadInput, match="DoRA"):
        write_adapter(dora, tmp_path / "x.gguf", heads_of(base), "")
    assert not (tmp_path / "x.gguf").exists()


def test_the_prompt_shares_its_passages_between_questions(tiny: Path) -> None:
    from transformers import AutoTokenizer

    from finetune.prompting import branches_of

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    branches = branches_of(rows(4), tokenizer, load_prompt("answer"))
    tree = tree_of(branches)
    assert len(tree.tokens) < 0.6 * sum(len(b.tokens) for b in branches)
    last = tokenizer.decode(branches[0].tokens[branches[0].prompt :])
    assert last == "Form 00 [1]." + tokenizer.eos_token


def test_a_running_server_changes_over_and_back(adapter: Path, tmp_path: Path) -> None:
    from chatbot.adapters.revisions import SHIPPED, Current, Revisions
    from chatbot.language import LanguageModel

    file = tmp_path / "adapter.gguf"
    write_adapter(adapter, file, heads_of(locate(LANGUAGE)), "SmolLM2")
    model = LanguageModel(load_settings(home=tmp_path))
    try:
        first = model.voice().chat
        before = model.ready()
        assert before
        revisions = Revisions(tmp_path / "adapters")
        revision = revisions.add(file, {})
        revisions.point(Current(revision, (SHIPPED,)))
        model.follow()
        now = model.ready()
        assert now
        assert now.adapter == f"adapter ({revision[:12]})"
        assert first.invoke("Say yes.", max_tokens=2).content  # it still finishes its answers
        assert model.voice().chat.invoke("Say yes.", max_tokens=2).content
        revisions.point(Current("0123456789abcdef", (SHIPPED,)))  # cannot be loaded
        model.follow()
        assert model.ready() is now
        revisions.point(Current(SHIPPED))
        model.follow()
        after = model.ready()
        assert after
        assert after.adapter == before.adapter
    finally:
        model.close()
