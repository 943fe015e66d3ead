"""`chatbot cache …`: what was answered before and can be given again."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

import typer

from chatbot.adapters.cards import Cards
from chatbot.adapters.database import open_database
from chatbot.adapters.open_store import open_store
from chatbot.clock import utc_now
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.domain import Person, Status
from chatbot.settings import load_settings
from chatbot.steps.intervals import wilson
from chatbot.steps.recall import is_dated, normal_form

app = typer.Typer(no_args_is_help=True, help="What was answered before and can be given again.")

Collection = Annotated[
    list[str] | None, typer.Option(help="As somebody who reads this collection; may be repeated.")
]


@app.command()
@guarded
def status(as_json: AsJson = False) -> None:
    """How many answers there are, how often they were given again, and what that saved.

    Example: chatbot cache status
    """
    settings = load_settings()
    engine = open_database(settings.database_url)
    found = cache_status(Cards(engine))
    engine.dispose()
    place = "Redis" if "://" in settings.cache else settings.cache
    if as_json:
        put_json({"place": place, "limit_bytes": settings.cache_mb * 1_000_000, **found})
        return
    put(f"place         {place}")
    put(f"answers       {found['entries']:,} ({found['bytes'] / 1e6:.1f} MB)")
    put(f"suspended     {found['suspended']:,}")
    for kind, hits in found["hits"].items():
        put(f"{kind:<13} {hits['count']:,} given again, {hits['seconds_saved']:,.0f} s saved")
    checks = found["checks"]
    between = f"{checks['low']:.2%} to {checks['high']:.2%}"
    put(f"wrong         {checks['wrong']} of {checks['n']} checked ({between})")


def cache_status(cards: Cards) -> dict[str, Any]:
    """The cache's figures; the share of wrong answers to questions in other words is Wilson's."""
    checked, wrong = cards.checks()
    low, high = wilson(wrong, checked)
    hits = {k: {"count": n, "seconds_saved": round(s, 1)} for k, (n, s) in cards.figures().items()}
    checks = {"n": checked, "wrong": wrong, "low": round(low, 4), "high": round(high, 4)}
    return {**cards.totals(), "hits": hits, "checks": checks}


@app.command()
@guarded
def clear(as_json: AsJson = False) -> None:
    """Forget every answer. Figures of the past stay.

    Example: chatbot cache clear
    """
    settings = load_settings()
    engine = open_database(settings.database_url)
    if (store := open_store(settings)) is not None:
        store.clear()
        store.close()
    count = Cards(engine).clear()
    engine.dispose()
    put_json({"cleared": count}) if as_json else put(f"{count:,} answers were forgotten.")


@app.command()
@guarded
def warm(
    n: Annotated[int, typer.Option("-n", min=1, help="How many questions, at most.")] = 50,
    days: Annotated[int, typer.Option(min=1, help="Asked in so many days.")] = 30,
    collection: Collection = None,
    as_json: AsJson = False,
) -> None:
    """Answer what is asked most once more, after documents or models have changed.

    Example: chatbot cache warm -n 100
    """
    from chatbot.bootstrap import bootstrap

    person = _person(collection)
    with bootstrap(load_settings()) as wired:
        asked: Counter[str] = Counter()
        wording: dict[str, str] = {}
        for given in wired.conversations.given(utc_now() - timedelta(days=days)):
            record = given.record
            if record.status is Status.RELEASED and record.standalone == record.question:
                key = normal_form(record.question)
                asked[key] += 1
                wording[key] = record.question
        chosen = [wording[key] for key, _ in asked.most_common(n)]
        kinds = Counter(wired.chain.trial(q, person, fresh=False).cache for q in chosen)
    there = kinds.total() - kinds["miss"]
    if as_json:
        put_json({"questions": len(chosen), "answered": kinds["miss"], "there_before": there})
    else:
        put(f"{kinds['miss']} of {len(chosen)} questions were answered; {there} were there before.")


@app.command()
@guarded
def why(
    question: Annotated[str, typer.Argument(help="A question.")],
    collection: Collection = None,
    as_json: AsJson = False,
) -> None:
    """Why a question would, or would not, be answered from the cache. Nothing is changed.

    Example: chatbot cache why "How do I order a replacement card?"
    """
    from chatbot.bootstrap import bootstrap
    from chatbot.steps.personal_data import personal_data
    from chatbot.steps.screen import clean_question

    question = clean_question(question)
    with bootstrap(load_settings()) as wired:
        _ = wired.chain
        found: dict[str, Any] = {
            "dated": is_dated(question),
            "personal": bool(personal_data(question)),
        }
        if wired.cache is None:
            found["answer"] = "there is no cache (COUNTERSIGN_CACHE is none)"
        else:
            found |= wired.cache.why(question, _person(collection))
    if as_json:
        put_json(found)
        return
    for name, value in found.items():
        put(f"{name:<10} {value}")


def _person(collection: list[str] | None) -> Person:
    return Person(f"local:{os.getuid()}", frozenset(collection) if collection else None)
