"""`finetune export`, `promote`, `rollback`, `history`: from a folder to what serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.adapters.drift import kept, news
from chatbot.adapters.known_questions import FILE as QUESTIONS
from chatbot.adapters.known_questions import packed
from chatbot.adapters.revisions import Revisions
from chatbot.clock import utc_now
from chatbot.commands.routing import open_encoder
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.errors import BadInput
from chatbot.settings import load_settings
from chatbot.steps.canary import MEASURES
from chatbot.steps.probe import Heard
from finetune.commands.common import MEASURED, put_votes
from finetune.evaluate import read_run
from finetune.history_page import history_page
from finetune.lifecycle import Lifecycle
from finetune.local import write_merged
from finetune.provenance import candidate, exported
from finetune.rows import read_rows
from finetune.vectors import known_questions


@guarded
def export(
    adapter: Annotated[Path, typer.Argument(help="Folder that `finetune train` wrote.")],
    out: Annotated[Path, typer.Option(help="GGUF file to write; a folder with safetensors.")],
    base: Annotated[str, typer.Option(help="`embedded`, or the base's GGUF file.")] = "embedded",
    merged: Annotated[
        str | None,
        typer.Option(help="Merge into the base: F32, F16, Q8_0, Q4_0, Q4_1, or safetensors."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an adapter as a GGUF adapter, or merged into its base, for llama.cpp; with its card.

    `--merged safetensors` writes a folder for transformers instead, with the base that it was
    trained on: the way for models with an encoder, and for DoRA.

    Example: finetune export var/adapters/first --out var/first.gguf
    """
    from chatbot.adapters.gguf_files import merge
    from chatbot.adapters.models import LANGUAGE, find
    from finetune.gguf_files import heads_of, write_adapter

    if merged == "safetensors":
        _exported(exported(adapter, write_merged(adapter, out)), out, as_json)
        return
    model = find(LANGUAGE) if base == "embedded" else Path(base)
    if not model.is_file():
        raise BadInput(f"There is no model file {model}.", "Name the base's GGUF file.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if merged:
        factors = out.with_suffix(".adapter")
        try:
            write_adapter(adapter, factors, heads_of(model), model.stem)
            merge(model, factors, out, merged)
        finally:
            factors.unlink(missing_ok=True)
    else:
        write_adapter(adapter, out, heads_of(model), model.stem)
    _exported(exported(adapter, out, model), out, as_json)


def _exported(card: dict[str, Any], out: Path, as_json: bool) -> None:
    made = card["adapter"]
    if as_json:
        put_json({"file": str(out), "bytes": made["bytes"], "sha256": made["sha256"]})
    else:
        put(f"{out} ({made['bytes'] / 1e6:.1f} MB)")


@guarded
def promote(
    by: Annotated[str, typer.Option(help="Who takes the responsibility.")],
    adapter: Annotated[
        Path | None, typer.Argument(help="GGUF adapter that `finetune export` wrote.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Dataset whose test rows both runs were asked.")
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option("--run", help="The adapter's kept run.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Kept run of what serves now, on the same rows.")
    ] = None,
    share: Annotated[
        int, typer.Option(min=0, max=50, help="Try it in that share of the conversations (%).")
    ] = 0,
    whole: Annotated[bool, typer.Option(help="Have the adapter that is tried serve.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have an adapter serve, if it is proven to be no worse than what serves now.

    Example: finetune promote var/first.gguf --data var/dataset --run var/runs/first.json
    --against var/runs/base.json --by anna --share 10
    """
    with _lifecycle() as life:
        if whole:
            revision = life.promote_candidate(by)
        elif adapter is None or data is None or evaluation is None or against is None:
            raise BadInput(
                "An adapter, --data, --run and --against are needed.",
                "Or --whole alone: the adapter that is tried serves from now on.",
            )
        else:
            rows = read_rows(data, *MEASURED)
            measured, incumbent = read_run(evaluation, rows), read_run(against, rows)
            about, heard = candidate(adapter, data), _hear(adapter)
            revision = life.promote(
                adapter, measured, incumbent, by, about, heard, share, _questions(data)
            )
        votes = life.votes(revision)
    if as_json:
        put_json({"revision": revision, "share": share or 100, "votes": votes})
        return
    if share:
        put(f"Adapter {revision} answers in {share}% of the conversations: `finetune canary`.")
    else:
        put(f"Adapter {revision} serves from now on.")
    put_votes(votes)


def _questions(data: Path) -> dict[str, bytes]:
    """The training questions' vectors, which drift is measured against."""
    encoder = open_encoder()
    known = known_questions(data, encoder, encoder.name)
    return {QUESTIONS: packed(known)} if known else {}


@guarded
def canary(as_json: AsJson = False) -> None:
    """Show what came of the adapter that is tried beside what serves, with 95% intervals.

    Example: finetune canary
    """
    with _lifecycle() as life:
        found = life.canary()
    if as_json:
        put_json(found)
        return
    if found["candidate"] is None:
        put("No adapter is tried. Begin: `finetune promote ADAPTER … --share 10`.")
        return
    put(f"{found['candidate']} in {found['share']}% of the conversations since {found['since']}")
    first, second = found["sides"].values()
    put(f"{'':<14}{'candidate':>26}{'incumbent ' + found['incumbent'][:12]:>26}")
    put(f"{'conversations':<14}{first['conversations']:>26}{second['conversations']:>26}")
    for name in (*MEASURES, "seconds"):
        put(
            f"{name.replace('_', ' '):<14}{_interval(first[name]):>26}{_interval(second[name]):>26}"
        )
    shadow = found["shadow"]
    if count := shadow["alike"]["n"]:
        put(f"In the shadow of {count} answers it would have been")
        for name in ("released", "refused", "held"):
            put(f"  {name:<12}{_interval(shadow[name]):>26}")
        put(f"  {'as alike as':<12}{_interval(shadow['alike']):>26}")
    put_votes(found["votes"])
    if found["worse"]:
        put(f"It is clearly worse ({', '.join(found['worse'])}): a running server withdraws it.")


def _interval(score: dict[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


@guarded
def shadow(
    share: Annotated[int, typer.Argument(min=0, max=100, help="Per cent of the questions.")],
    by: Annotated[str, typer.Option(help="Who takes the responsibility.")],
    as_json: AsJson = False,
) -> None:
    """Have the adapter that is tried answer a share of the other questions, too, for comparison.
    Nobody is shown such an answer; it is deleted with its conversation.

    Example: finetune shadow 20 --by anna
    """
    with _lifecycle() as life:
        life.shadow(share, by)
    if as_json:
        put_json({"shadow": share})
    else:
        put(f"It answers {share}% of the other conversations' questions: `finetune canary`.")


@guarded
def rollback(
    by: Annotated[str, typer.Option(help="Who takes the responsibility.")],
    as_json: AsJson = False,
) -> None:
    """End the trial of an adapter, or have the one before serve again; a running server changes
    over by itself.

    Example: finetune rollback --by anna
    """
    with _lifecycle() as life:
        revision = life.rollback(by)
    if as_json:
        put_json({"revision": revision})
    else:
        put(f"Adapter {revision} serves again.")


@guarded
def history(
    page: Annotated[
        Path | None, typer.Option(help="HTML file to write: scores over time, deeds, drift.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every adapter that was promoted here, and which one serves.

    Example: finetune history --page var/history.html
    """
    with _lifecycle() as life:
        found, deeds = life.history(), life.deeds()
    if page:
        alerts = news(kept(load_settings().home))
        page.write_text(history_page(found, deeds, alerts, utc_now()), encoding="utf-8")
    if as_json:
        put_json({"adapters": found})
        return
    for card in found:
        mark = "*" if card["serving"] else "~" if card["share"] else " "
        f1 = card["scores"]["f1"]["value"]
        put(f"{mark} {card['revision']}  {card['at']}  F1 {f1:.3f}  by {card['by']}")
    if not found:
        put("No adapter was promoted here yet.")


def _hear(adapter: Path) -> Heard:
    """What the adapter answers to the probe, on the model in this process."""
    from chatbot.opening import hear, open_language

    here = {"generation_url": None, "generation_adapter": str(adapter)}
    language = open_language(load_settings().model_copy(update=here))
    try:
        assert language.bare is not None  # it has an adapter
        return hear(language.client, language.bare)
    finally:
        language.close()


@contextmanager
def _lifecycle() -> Iterator[Lifecycle]:
    settings = load_settings()
    with open_stores(settings) as (_, audit):
        yield Lifecycle(Revisions(settings.adapters_folder), audit)
