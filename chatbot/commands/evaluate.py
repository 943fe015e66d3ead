"""`chatbot evaluate …`: how well a part does on labelled data, with 95% intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from chatbot.adapters.training_data import Row, rows
from chatbot.bootstrap import bootstrap
from chatbot.commands.routing import open_encoder, router_by
from chatbot.commands.screen import PolicyName
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.console import screen as console
from chatbot.domain import AnswerRecord, Decision, Person, Screening, Status
from chatbot.errors import BadInput
from chatbot.figures import bootstrap as bootstrapped
from chatbot.figures import line
from chatbot.settings import load_settings
from chatbot.steps.intervals import share
from chatbot.steps.likeness import exact, f1
from chatbot.steps.verify import split_markers

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
_TEXTS = ("text", "question", "prompt")
_EVERYDAY = ("everyday", "release", "")


@app.callback()
def parts() -> None:
    """How well a part does on labelled data, with 95% intervals."""


@app.command()
@guarded
def screen(
    data: Annotated[
        Path, typer.Argument(help="CSV or JSON lines: text, and category or decision.")
    ],
    policy: PolicyName = None,
    as_json: AsJson = False,
) -> None:
    """How many questions are held, by category, and how many are held or released as labelled.

    A question without a label counts for the share that is held only.

    Example: chatbot evaluate screen policies/questions/test.jsonl
    """
    labelled = [(_text(data, row), _label(row)) for row in _rows(data)]
    if not labelled:
        raise BadInput(f"{data} holds no questions.", "Give one question a row.")
    router = router_by(policy)
    report = scores(labelled, [router.screen(text) for text, _ in labelled])
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(report)))


@app.command()
@guarded
def answers(
    data: Annotated[
        Path, typer.Argument(help="JSON lines or CSV: question, and answer (empty: there is none).")
    ],
    collection: Annotated[
        list[str] | None, typer.Option(help="Only from this collection; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for each question with what was answered.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask each question through the whole chain and gate, and score what a reader would see.

    Nothing is kept in a conversation or laid on the desk.

    Example: chatbot evaluate answers questions.jsonl --collection handbook --out answers.jsonl
    """
    asked = [_asked(data, row) for row in _rows(data)]
    if not asked:
        raise BadInput(f"{data} holds no questions.", "Give one question a row.")
    person = Person("evaluation", frozenset(collection) if collection else None)
    with bootstrap(load_settings()) as wired, Progress(console=console(), transient=True) as bar:
        task = bar.add_task("Asking", total=len(asked))
        found = []
        for question, _ in asked:
            found.append(wired.chain.trial(question, person))
            bar.advance(task)
    if out:
        lines = (_kept(a, r) for a, r in zip(asked, found, strict=True))
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = answer_scores([right for _, right in asked], found)
    if as_json:
        put_json(report)
    else:
        put("\n".join(line(n, s) for n, s in report.items() if n != "n"))


@app.command()
@guarded
def cache(
    pairs: Annotated[
        Path, typer.Argument(help="CSV or JSON lines: question_1, question_2, similar (1 or 0).")
    ],
    bound: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of wrong hits allowed. Default: the setting."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store the first question of each pair in a fresh cache, ask the second: how many hits, how
    many of them wrong.

    Example: chatbot evaluate cache pairs.csv --json
    """
    from chatbot.adapters.cache_scores import pair_hits, scores
    from chatbot.adapters.same_pairs import labelled_pairs
    from chatbot.adapters.same_question import open_same_question

    labelled = labelled_pairs(pairs)
    allowed = load_settings().cache_wrong_hits if bound is None else bound
    hits = pair_hits(open_same_question(open_encoder()), labelled, allowed)
    report = scores(labelled, hits)
    if as_json:
        put_json(report)
        return
    put(f"{report['pairs']} pairs, {report['hits']} hits, {report['wrong_hits']} of them wrong")
    put("\n".join(line(n, s, ".1%", 28) for n, s in report.items() if isinstance(s, dict)))


def answer_scores(
    right: Sequence[tuple[str, ...]], found: Sequence[AnswerRecord]
) -> dict[str, Any]:
    """Scores with their intervals. `f1` and `exact` are over answers that were released where there
    is one to give; quotes count as answers."""
    pairs = list(zip(right, found, strict=True))
    given = [(r, split_markers(f.answer)[0]) for r, f in pairs if r and _released(f)]
    states = {state: [f.status is state for f in found] for state in Status}
    return {
        "n": len(found),
        **{state.value: share(hits) for state, hits in states.items()},
        "quoted": share([f.mode == "quotes" for f in found if _released(f)]),
        "f1": bootstrapped([f1(said, r) for r, said in given]),
        "exact": bootstrapped([float(exact(said, r)) for r, said in given]),
        "wrong_refusals": share([f.status is Status.REFUSED for r, f in pairs if r]),
        "right_refusals": share([f.status is Status.REFUSED for r, f in pairs if not r]),
        "seconds": bootstrapped([f.timings["total"] / 1000 for f in found]),
    }


def _released(record: AnswerRecord) -> bool:
    return record.status is Status.RELEASED


def _asked(data: Path, row: Row) -> tuple[str, tuple[str, ...]]:
    said = row.get("answer") or ()
    return _text(data, row), (said,) if isinstance(said, str) else tuple(map(str, said))


def _kept(asked: tuple[str, tuple[str, ...]], found: AnswerRecord) -> str:
    cited = [f"{c.passage.document.title}: {c.quote}" for c in found.citations]
    return json.dumps(
        {"question": asked[0], "right": asked[1], "status": found.status.value,
         "mode": found.mode, "answer": found.answer, "cited": cited, "reasons": found.reasons,
         "dropped": [f"{text} ({'; '.join(why)})" for text, why in found.dropped]},
        ensure_ascii=False,
    )  # fmt: skip


def scores(
    labelled: Sequence[tuple[str, str | None]], found: Sequence[Screening]
) -> dict[str, Any]:
    """Shares with their intervals: held, right, and both by label. Refused counts as held."""
    kept = [s.decision is not Decision.RELEASE for s in found]
    labels = [label for _, label in labelled]
    known = [(k, n) for k, n in zip(kept, labels, strict=True) if n is not None]
    by_label = {
        name: share([k for k, n in known if n == name]) for name in sorted({n for _, n in known})
    }
    report: dict[str, Any] = {"n": len(kept), "held": share(kept)}
    if known:
        report["right"] = share([k == (n not in _EVERYDAY) for k, n in known])
        report["held_by_label"] = by_label
    return report


def _rows(data: Path) -> list[Row]:
    try:
        return list(rows(data))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{data} cannot be read ({error}).", "Give a CSV or JSON-lines file."
        ) from error


def _text(data: Path, row: Row) -> str:
    for name in _TEXTS:
        if isinstance(row, Mapping) and isinstance(row.get(name), str):
            return str(row[name])
    raise BadInput(f"A row of {data} has no text.", f"Name the column one of {', '.join(_TEXTS)}.")


def _label(row: Row) -> str | None:
    return row.get("decision") or row.get("category")


def _lines(report: Mapping[str, Any]) -> list[str]:
    found = {"held or refused": report["held"]}
    if "right" in report:
        found["as labelled"] = report["right"]
        found |= {f"held of {n or 'everyday'}": s for n, s in report["held_by_label"].items()}
    return [line(name, score, ".1%", 28) for name, score in found.items()]
