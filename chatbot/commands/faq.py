"""`chatbot faq …`: the answers that people have chosen, for scripts. Same rules as at the desk.

--as NAME says who you are; the password comes from COUNTERSIGN_REVIEWER_PASSWORD, or is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer

from chatbot.adapters.faq import FaqStore
from chatbot.adapters.faq_proposals import Proposal
from chatbot.bootstrap import App, bootstrap
from chatbot.commands.review import logged_in
from chatbot.commands.stores import open_stores
from chatbot.console import DONE, FAILED, PART, AsJson, guarded, put, put_json
from chatbot.settings import load_settings
from chatbot.steps.faq import FaqEntry, FaqState
from chatbot.steps.review_item import Reviewer

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

As = Annotated[str, typer.Option("--as", help="Your account's name.")]
Entry = Annotated[str, typer.Argument(help="Id of the entry, as `chatbot faq list` shows it.")]


@contextmanager
def _at_desk(name: str) -> Iterator[tuple[App, Reviewer]]:
    """The application, for someone who knows their password and may work at the desk."""
    with bootstrap(load_settings()) as wired:
        yield wired, logged_in(wired.accounts, wired.settings, name).reviewer


@app.command()
@guarded
def check(as_json: AsJson = False) -> None:
    """Check the FAQ's files: first their form, then each sentence against the documents.

    What holds answers from then on. Exit code 0: all of it holds; 3: some entries do not; 1: none
    does; 2: a file does not hold, and the message names the line.

    Example: chatbot faq check --json
    """
    settings = load_settings()
    with bootstrap(settings) as wired:
        checked = wired.faq.check()
    bad = [e for _, e in checked if e.state is not FaqState.LIVE]
    if as_json:
        entries = [_brief(e) | {"file": w.file, "line": w.line} for w, e in checked]
        put_json({"folder": settings.faq.absolute(), "entries": entries, "failed": len(bad)})
    else:
        for written, entry in checked:
            put(f"{'✗' if entry.reason else '✓'} {written.file}:{written.line}  {entry.id}")
            _put_each("    ", entry.reason, entry.note)
        put(f"{len(checked) - len(bad)} of {len(checked)} entries hold.")
    raise typer.Exit((FAILED if len(bad) == len(checked) else PART) if bad else DONE)


@app.command("list")
@guarded
def list_(
    state: Annotated[FaqState | None, typer.Option(help="Only these.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the entries: where each stands, and why one is suspended.

    Example: chatbot faq list --state suspended
    """
    with open_stores(load_settings()) as (queue, audit):
        entries = FaqStore(queue.engine, audit).list(state)
    if as_json:
        put_json({"entries": [_brief(e) for e in entries]})
        return
    for entry in entries:
        put(f"{entry.id:<24} {entry.state.value:<10} {entry.question}")
        _put_each("    ", entry.reason, entry.note)
    if not entries:
        put("There is no entry yet.")


@app.command()
@guarded
def propose(
    days: Annotated[int, typer.Option(min=1, help="How far back to look.")] = 90,
    people: Annotated[
        int | None, typer.Option(min=2, help="Different people who must have asked it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what many people ask and the FAQ does not answer, with counts; never who asked.

    Example: chatbot faq propose --days 30
    """
    with bootstrap(load_settings()) as wired:
        found = wired.faq_proposals(timedelta(days=days), people)
    if as_json:
        put_json({"proposals": [_proposal(p) for p in found]})
        return
    for one in found:
        put(f"{one.people} people, {one.times} times  {one.question}")
        _put_each("    also: ", *one.alternatives)
        way = f"chatbot faq promote {one.record} --as …" if one.record else "not answered yet"
        put(f"    {way}")
    if not found:
        put("Nothing is asked again and again that the FAQ does not answer.")


@app.command()
@guarded
def promote(
    record: Annotated[str, typer.Argument(help="Id of an answer that was signed or released.")],
    as_: As,
    question: Annotated[str, typer.Option(help="In the place of the asker's words.")] = "",
    also: Annotated[list[str] | None, typer.Option(help="Another wording; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose an answer as an entry. Someone else has to approve it before it answers anyone.

    Example: chatbot faq promote 5f0c… --as anna --question "Do you pay for crowns?"
    """
    with _at_desk(as_) as (wired, me):
        made = wired.faq.promote(record, me, question, also or ())
    _tell(made, as_json)


@app.command()
@guarded
def approve(
    entry: Entry,
    as_: As,
    sha256: Annotated[str, typer.Option(help="SHA-256 of the entry that you read (`list`).")],
    as_json: AsJson = False,
) -> None:
    """Sign an entry as it is. The SHA-256 says which wordings, words and sources you mean.

    Example: chatbot faq approve d_5f0c… --as bert --sha256 9b2e…
    """
    with _at_desk(as_) as (wired, me):
        signed = wired.faq.approve(entry, me, sha256)
    _tell(signed, as_json)


@app.command()
@guarded
def suspend(
    entry: Entry,
    as_: As,
    reason: Annotated[str, typer.Option(help="Why.")],
    as_json: AsJson = False,
) -> None:
    """Have an entry answer nobody until it was looked at again.

    Example: chatbot faq suspend change-plan --as anna --reason "the deadline moves"
    """
    with _at_desk(as_) as (wired, me):
        stopped = wired.faq.suspend(entry, me, reason)
    _tell(stopped, as_json)


@app.command()
@guarded
def review(entry: Entry, as_: As, as_json: AsJson = False) -> None:
    """Put a suspended entry to review, on the documents as they are now.

    Example: chatbot faq review change-plan --as anna
    """
    with _at_desk(as_) as (wired, me):
        opened = wired.faq.review(entry, me)
    _tell(opened, as_json)


def _tell(entry: FaqEntry, as_json: bool) -> None:
    if as_json:
        put_json(_brief(entry))
        return
    put(f"{entry.id}  {entry.state.value}\n{entry.question}")
    for sentence, problems in zip(entry.answer.sentences, entry.answer.problems, strict=False):
        put(f"  {'✗' if problems else '✓'} {sentence.text}")
        _put_each("      ", *problems)
    put(f"sha256 {entry.sha256}")


def _put_each(before: str, *texts: str) -> None:
    for text in texts:
        if text:
            put(before + text)


def _brief(entry: FaqEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": entry.state.value,
        "reason": entry.reason,
        "note": entry.note,
        "question": entry.question,
        "alternatives": list(entry.alternatives),
        "answer": entry.answer.text,
        "problems": [list(p) for p in entry.answer.problems],
        "sources": [
            {"document": d.uri, "collection": d.collection, "version": d.version}
            for d in entry.documents
        ],
        "owner": entry.owner,
        "author": entry.author,
        "effective": entry.effective,
        "expires": entry.expires,
        "needed": entry.needed,
        "signatures": [s.reviewer for s in entry.signatures],
        "origin": entry.origin,
        "version": entry.version,
        "sha256": entry.sha256,
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "question": one.question,
        "alternatives": list(one.alternatives),
        "people": one.people,
        "times": one.times,
        "record": one.record or None,
    }
