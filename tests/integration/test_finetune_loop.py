"""The whole life of an adapter on a small set: thumbs, dataset, training, scores, service, back."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.domain import Citation, Draft, ScoredPassage
from chatbot.language import LanguageModel
from chatbot.settings import load_settings
from tests.conftest import PROGRAMS
from tests.strategies import passage, record

pytest.importorskip("peft")
TOWNS = 300
SHORT = {"COUNTERSIGN_ANSWER_TOKENS": "16"}  # the base goes on and on
SYLLABLES = (
    "bar kel mor tin sol ver dun ash fen gal hol lin per ros tam ulm wes yar zed cor".split()
)
ENDS = "ton wick dale by port mere field ness".split()
THINGS = (
    "bells lamps ferries wells orchards clocks benches kites ovens barrels towers canoes looms "
    "anvils statues bridges pigeons lanterns drums wagons violins mirrors chimneys tents ladders "
    "telescopes goats windmills fountains organs"
).split()


def towns(folder: Path) -> Path:
    """Facts of one kind about made-up towns: little to learn, and none can be known beforehand."""
    chance = random.Random(3)
    articles = [_town(chance, number) for number in range(TOWNS)]
    file = folder / "squad_towns.json"
    file.write_text(json.dumps({"data": articles}))
    return file


def _town(chance: random.Random, number: int) -> dict[str, Any]:
    name = f"{chance.choice(SYLLABLES)}{chance.choice(SYLLABLES)}{chance.choice(ENDS)}".capitalize()
    kept, mended = THINGS[number % 30], THINGS[(number * 7 + 3) % 30]
    count, mender = str(20 + 7 * number), f"{chance.choice(SYLLABLES)}a Bell".capitalize()
    asked = {
        f"How many {kept} are there in {name}?": count,
        f"Who repairs the {mended} of {name}?": mender,
    }
    text = f"{name} has {count} {kept}. {mender} repairs its {mended}."
    questions = [
        {"question": q, "answers": [{"text": a, "answer_start": text.index(a)}]}
        for q, a in asked.items()
    ]
    return {"title": name, "paragraphs": [{"context": text, "qas": questions}]}


def like(home: Path) -> None:
    """One answer that its asker found good."""
    engine = open_database(load_settings(home=home).database_url)
    store = ConversationStore(engine, lambda *_: {})
    source = passage("Claims go to Kilnmoor. A reply takes nine days.", "Claims")
    draft = Draft("Nine days [1].", (Citation(1, source, source.text),))
    given = record([draft], question="How long does a reply to a claim take?",
                   standalone="How long does a reply to a claim take?",
                   passages=(ScoredPassage(source, 0.9),))  # fmt: skip
    conversation = store.create("anna")
    store.append(conversation.id, "anna", given)
    store.rate(given.id, "anna", 1)
    engine.dispose()


def run(home: Path, *arguments: str, code: int = 0) -> Any:
    done = subprocess.run(
        [*PROGRAMS["finetune"], *arguments, "--json"], capture_output=True, text=True, check=False,
        env={**os.environ, "COUNTERSIGN_HOME": str(home), **SHORT}, timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(900)
def test_from_a_thumb_to_an_adapter_that_serves_and_back(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    like(home)
    about = run(home, "dataset", str(towns(tmp_path)), "--desk", "--absent", "1",
                "--out", str(data))  # fmt: skip
    assert about["origins"]["feedback (own)"] == 1

    adapter, file = tmp_path / "adapter", tmp_path / "adapter.gguf"
    trained = run(home, "train", str(data), "--out", str(adapter), "--rank", "8",
                  "--rate", "0.001", "--epochs", "0.12")  # fmt: skip
    assert trained["steps"] < 40
    exported = run(home, "export", str(adapter), "--out", str(file))

    runs = [tmp_path / "base.json", tmp_path / "first.json"]
    asked = ("evaluate", str(data), "--most", "100")
    base = run(home, *asked, "--adapter", "none", "--out", str(runs[0]))
    first = run(home, *asked, "--adapter", str(file), "--out", str(runs[1]), "--against",
                str(runs[0]))  # fmt: skip
    assert first["above"]["worth"]["low"] > 0
    assert first["f1"]["value"] > base["f1"]["value"]

    model = LanguageModel(load_settings(home=home))
    try:
        before = model.voice().chat and model.ready()
        assert before
        chosen = ("--data", str(data), "--by", "anna")
        worse = run(home, "promote", str(file), *chosen, "--run", str(runs[0]), "--against",
                    str(runs[1]), code=1)  # fmt: skip
        assert "not promoted" in worse["error"]
        promoted = run(home, "promote", str(file), *chosen, "--run", str(runs[1]), "--against",
                       str(runs[0]))  # fmt: skip
        assert exported["sha256"].startswith(promoted["revision"])
        model.follow()
        now = model.ready()
        assert now
        assert now.adapter
        assert promoted["revision"][:12] in now.adapter
        assert run(home, "rollback", "--by", "anna") == {"revision": "shipped"}
        model.follow()
        after = model.ready()
        assert after
        assert after.adapter == before.adapter
    finally:
        model.close()
