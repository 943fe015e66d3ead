"""`finetune judge`: which of two runs answers better, by a language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.language_models import BaseChatModel

from chatbot.adapters.revisions import Revisions
from chatbot.adapters.votes import Tally, Votes
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.figures import bootstrap, line
from chatbot.prompts import load_prompt
from chatbot.settings import Settings, load_settings
from finetune.commands.common import MEASURED, bar, put_votes
from finetune.evaluate import Run, opened_model, read_run, same_rows
from finetune.judging import (
    Judged,
    beyond_scores,
    judge_runs,
    judged_scores,
    model_of,
    own_of,
    self_preference,
)
from finetune.rows import read_rows


@guarded
def judge(
    first: Annotated[Path, typer.Argument(help="A kept run.")],
    second: Annotated[Path, typer.Argument(help="Another run over the same rows.")],
    data: Annotated[Path, typer.Option(help="Dataset whose rows both were asked.")],
    by: Annotated[
        str, typer.Option("--judge", help="Server's base URL, `embedded`, or a GGUF file.")
    ],
    model: Annotated[
        str | None, typer.Option(help="With a URL: the model's name on that server.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="JUDGE_API_KEY", help="With a URL: the key it asks for.")
    ] = None,
    control: Annotated[
        Path | None,
        typer.Option(help="Run of a third model, to tell self-preference from a better answer."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the report and each verdict.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a language model say which of two runs answers better, each pair in both orders.

    A win is a verdict for the same run in both orders; what is not exactly A, B or TIE is no
    verdict. How much the order decides, and whether the judge prefers its own, is said as well.

    Example: finetune judge var/runs/first.json var/runs/base.json --data var/dataset
    --judge http://127.0.0.1:8080 --model qwen3-30b
    """
    rows = read_rows(data, *MEASURED)
    one, other = read_run(first, rows), read_run(second, rows)
    third = read_run(control, rows) if control else None
    for run in (other, third):
        if run:
            same_rows(one, run)
    with opened_model(_settings(by, model, key)) as (chat, name):
        own = own_of(name, one, other)
        if third and (not own or model_of(third.name) == model_of(name)):
            raise BadInput(
                f"{third.name} is no control for {name}.",
                "A control is another model's run, where one of the two is the judge's own.",
            )
        found, report = _report(chat, one, other, own, third)
    report = {"judge": name, "first": one.name, "second": other.name, **report}
    report["votes"] = {run.name: _votes(run) for run in (one, other)}
    if model_of(name) == model_of(one.name) == model_of(other.name):
        report["warning"] = "Both runs are of the judge's model."
    if out:
        verdicts = [
            {"row": j.row, "shown_first": j.shown_first, "shown_second": j.shown_second}
            for j in found
        ]
        kept = json.dumps({**report, "verdicts": verdicts}, indent=1, ensure_ascii=False)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(kept + "\n", encoding="utf-8")
    if as_json:
        put_json(report)
    else:
        put("\n".join(_lines(report)))
        for votes in report["votes"].values():
            put_votes(votes)


def _settings(by: str, model: str | None, key: str | None) -> Settings:
    """Settings for the judge alone: the key of the server that answers readers goes nowhere."""
    if by.startswith(("http://", "https://")):
        if not model:
            raise BadInput("The judge's model has no name.", "Name it with --model.")
        chosen = {"generation_url": by, "generation_model": model, "generation_key": key}
    else:
        chosen = {"generation_url": None, "generation_model": by, "generation_key": None}
    return load_settings(generation_adapter="none", **chosen)


def _votes(run: Run) -> Tally:
    """What reviewers said of the run's adapter in the shadow, if it was tried here."""
    settings = load_settings()
    revisions = Revisions(settings.adapters_folder)
    for name in revisions.all():
        if name[:12] in run.name:
            with open_stores(settings) as (_, audit):
                return Votes(revisions, audit).counted(name)
    return {}


def _report(
    chat: BaseChatModel, one: Run, other: Run, own: Run | None, control: Run | None
) -> tuple[list[Judged], dict[str, Any]]:
    prompt = load_prompt("judge")
    with bar(len(one.answered), "Judging") as told:
        found = judge_runs(one, other, chat, prompt, told)
    report: dict[str, Any] = {"prompt": prompt.fingerprint, **judged_scores(found)}
    if own is None:
        return found, report
    rival, sign = (other, 1) if own is one else (one, -1)
    mine = self_preference(found, own, rival, sign)
    report["self_preference"] = {"run": own.name, **mine}
    if control:
        with bar(len(control.answered), "Judging the control") as told:
            compared = judge_runs(control, rival, chat, prompt, told)
        excess = beyond_scores(found, own, rival, sign)
        plain = beyond_scores(compared, control, rival)
        report["control"] = {
            "run": control.name,
            **self_preference(compared, control, rival, 1),
            "own_above_control": bootstrap([excess[r] - plain[r] for r in excess if r in plain]),
        }
    return found, report


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [
        f"{report['first']}  against  {report['second']}",
        f"judged by {report['judge']}, {report['n']} rows, {report['same']} with equal answers",
        *(line(n, report[n]) for n in ("wins", "ties", "losses")),
        line("preference", report["preference"], "+.3f"),
        line("no verdict", report["no_verdict"]),
        line("changed with order", report["position"]["changed"]),
        line("for the one first", report["position"]["first"]),
    ]
    if "warning" in report:
        lines.append(report["warning"])
    for part in ("self_preference", "control"):
        if part in report:
            title = "The judge's own answers" if part == "self_preference" else "Control"
            lines.append(f"{title}: {report[part]['run']}")
            scores = {n: s for n, s in report[part].items() if n != "run"}
            lines += [line(n.replace("_", " "), s, "+.3f") for n, s in scores.items()]
    return lines
