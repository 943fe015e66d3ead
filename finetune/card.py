"""An adapter's card in words: what it is, what it learned from, how good it is, and its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.plan import METHODS

CARD, README = "card.json", "README.md"
SCORES = {
    "worth": "Worth of an answer",
    "f1": "F1 where a passage holds the answer",
    "right_citation": "Given answers that cite the right passage",
    "wrong_refusals": "Refused though a passage holds it",
    "right_refusals": "Refused where no passage holds it",
    "unsupported": "Sentences with a word that is not in their passage",
    "seconds": "Seconds of an answer",
}
_NOT_RECORDED = "Not recorded."
_FEW = 300


def markdown(card: Mapping[str, Any]) -> str:
    """The card as a page of Markdown; what is not recorded is said to be so."""
    base = card.get("base") or {}
    parts = {
        "Base": _lines(_base(base)),
        "Data": _lines(_data(card)),
        "Training": _lines(_training(card)),
        "Scores": "\n".join(_scores(card)),
        "Limits": _lines(_limits(card)),
        "Signed": _lines(_signed(card)),
    }
    file = card.get("adapter") or {}
    name = f"# {file.get('file', 'Adapter')}\n\nSHA-256 `{file['sha256']}`" if file else "# Adapter"
    front = f"---\nbase_model: {base.get('name', 'unknown')}\nlibrary_name: peft\n---\n"
    body = "".join(f"\n## {title}\n\n{text or _NOT_RECORDED}\n" for title, text in parts.items())
    what = (
        "Answers questions from numbered passages for Countersign, each sentence with its passage."
    )
    return f"{front}{name}\n\n{what}\n{body}"


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _base(base: Mapping[str, str]) -> Iterator[str]:
    if base:
        yield f"{base['name']}, SHA-256 `{base['sha256']}`"


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    data = card.get("data")
    if not data:
        return
    splits = ", ".join(f"{n:,} {name}" for name, n in data["splits"].items())
    yield f"{data['rows']:,} rows ({splits}); {data['without_answer']:,} of them without an answer"
    yield from (f"{n:,} rows of {origin}" for origin, n in data["origins"].items())
    yield f"`rows.jsonl` SHA-256 `{data['sha256']}`"
    yield from (f"fingerprint of {n} `{f}`" for n, f in data["fingerprints"].items())


def _training(card: Mapping[str, Any]) -> Iterator[str]:
    training = card.get("training")
    if training:
        plan = training["plan"]
        yield METHODS.get(plan["method"], plan["method"])
        yield ", ".join(f"{name} {value}" for name, value in plan.items() if value != "")
        learned = "pairs of a right answer and a draft" if "pairs" in training else "rows"
        yield (
            f"{training['count']:,} {learned} in {training['steps']:,} steps and "
            f"{training['seconds'] / 60:.0f} minutes{_devices(training)}, last losses "
            f"{training['last_loss']}; loss on the answers alone"
        )
        yield f"prompt `{training['prompt']}`, rows `{training['rows']}`"
        if training["start"]:
            yield f"went on from the adapter `{training['start']}`"
    for deed, commit in (card.get("commit") or {}).items():
        yield f"{deed} with the code at `{commit}`"


def _devices(training: Mapping[str, Any]) -> str:
    if "device" not in training:
        return ""
    return f" on {training['processes']} × {training['device']}"


def _scores(card: Mapping[str, Any]) -> Iterator[str]:
    scores = card.get("scores")
    if not scores:
        return
    yield f"On {scores['n']:,} rows, test `{card['test']}`, with 95% intervals.\n"
    yield "| score | value | interval | n |\n| --- | --- | --- | --- |"
    for name, title in SCORES.items():
        if (s := scores.get(name)) and s["n"]:
            yield f"| {title} | {s['value']:.3f} | {s['low']:.3f} to {s['high']:.3f} | {s['n']:,} |"
    gain = card.get("gain")
    if gain:
        interval = f"{gain['low']:+.3f} to {gain['high']:+.3f}"
        yield f"\nWorth above {card['against']}: {gain['value']:+.3f} ({interval})."


def _limits(card: Mapping[str, Any]) -> Iterator[str]:
    """What a reader should know before trusting it, from what is recorded."""
    scores = card.get("scores")
    if not scores:
        yield "It was not measured, or not on record: it must not serve."
        return
    yield (
        "The scores hold for documents and questions like those of the dataset; other languages, "
        "subjects and lengths were not measured."
    )
    wrong, right, loose = (
        scores[n]["value"] for n in ("wrong_refusals", "right_refusals", "unsupported")
    )
    yield (
        f"It refuses {wrong:.0%} of what the passages answer, and answers {1 - right:.0%} of what "
        f"they do not; {loose:.0%} of its sentences have a word that is not in their passage: it "
        "is not for use without Countersign's verification."
    )
    if scores["n"] < _FEW:
        yield f"{scores['n']} rows are few: the intervals are wide."
    if card.get("learned_here") is None:
        yield "What it was trained on is not recorded: whether it has seen the test is not known."
    elif not card["learned_here"]:
        yield "It was trained on other rows than this dataset's: it may have seen some of the test."


def _signed(card: Mapping[str, Any]) -> Iterator[str]:
    if card.get("by"):
        yield f"{card['by']}, {card['at']}"
