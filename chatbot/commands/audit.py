"""`chatbot audit …`: what was said, on what evidence, signed by whom, and if it was touched."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.audit import Entry
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.readings import Readings
from chatbot.commands.review import As, logged_in
from chatbot.commands.stores import open_stores
from chatbot.console import FAILED, AsJson, guarded, put, put_json
from chatbot.domain import AnswerRecord
from chatbot.gate import Shown, shown
from chatbot.settings import load_settings
from chatbot.steps.review_item import ReviewItem

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)


@app.command()
@guarded
def verify(as_json: AsJson = False) -> None:
    """Check the audit log for edits, deletions, insertions, reorderings and truncation.

    Exit code: 0 untouched, 1 not.

    Example: chatbot audit verify
    """
    with open_stores(load_settings()) as (_, audit):
        faults = audit.verify()
    if as_json:
        put_json({"ok": not faults, "faults": faults})
    else:
        put("\n".join(faults) or "The audit log is whole.")
    if faults:
        raise typer.Exit(FAILED)


@app.command()
@guarded
def show(
    record: Annotated[str, typer.Argument(help="Id of the answer, as `chatbot ask` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Tell the whole story of one answer, from the question to its delivery.

    Example: chatbot audit show 5f0c…
    """
    with open_stores(load_settings()) as (queue, audit):
        found = ConversationStore(queue.engine).record(record)
        item = queue.of_record(record)
        story = _story(found, item, shown(found, item), audit.of(record))
    if as_json:
        put_json(story)
    else:
        put("\n".join(_lines(story)))


@app.command()
@guarded
def read(
    conversation: Annotated[str, typer.Argument(help="Id of somebody else's conversation.")],
    name: As,
    reason: Annotated[str, typer.Option(help="Why it has to be read; it is written down first.")],
    as_json: AsJson = False,
) -> None:
    """Read somebody else's conversation, for a reason; whoever asked is told that it was read.

    Example: chatbot audit read 5f0c… --as olga --reason "Complaint 4711 about this answer"
    """
    settings = load_settings()
    with open_stores(settings) as (queue, audit):
        accounts = Accounts(queue.engine, audit, unnamed=settings.unnamed_collections)
        me = logged_in(accounts, settings, name)
        owner = Readings(audit).open(conversation, me.name, me.roles, reason)
        store = ConversationStore(queue.engine, queue.of_conversation)
        turns = store.turns(conversation, owner, me.collections)
    if as_json:
        told = [{"question": t.question, "answer": t.answer} for t in turns]
        put_json({"conversation": conversation, "owner": owner, "turns": told})
        return
    for turn in turns:
        put(f"{turn.question}\n    {turn.answer or 'No answer was shown.'}\n")


def _story(
    record: AnswerRecord, item: ReviewItem | None, view: Shown, entries: list[Entry]
) -> dict[str, Any]:
    screening = record.screening
    return {
        "record": record.id,
        "asked_at": record.asked_at.isoformat(),
        "question": record.question,
        "standalone": record.standalone,
        "status": view.status.value,
        "shown": view.text or view.message,
        "screening": {
            "decision": screening.decision.value,
            "category": screening.category,
            "score": screening.score,
            "reasons": list(screening.reasons),
        }
        if screening
        else None,
        "reasons": list(record.reasons),
        "policy": record.policy,
        "model": record.model,
        "adapter": record.adapter,
        "embedding_model": record.embedding_model,
        "index_version": record.index_version,
        "prompts": dict(record.prompts),
        "timings": dict(record.timings),
        "passages": [
            {
                "document": p.passage.document.uri,
                "version": p.passage.document.version,
                "locator": str(p.passage.locator),
                "score": p.score,
            }
            for p in record.passages
        ],
        "dropped": [{"text": text, "reasons": list(reasons)} for text, reasons in record.dropped],
        "desk": _desk(item) if item else None,
        "log": [
            {"at": e.at.isoformat(), "actor": e.actor, "action": e.action, **e.body}
            for e in entries
        ],
    }


def _desk(item: ReviewItem) -> dict[str, Any]:
    return {
        "state": item.state.value,
        "category": item.category,
        "answer_sha256": item.answer.sha256 if item.answer else None,
        "sources": dict(sorted(item.answer.sources)) if item.answer else {},
        "signatures": [
            {
                "reviewer": s.reviewer,
                "decision": s.decision,
                "sha256": s.sha256,
                "at": s.at.isoformat(),
                "reason": s.reason,
            }
            for s in item.signatures
        ],
        "note": item.note,
        "delivered_at": item.delivered_at.isoformat() if item.delivered_at else None,
        "seen_at": item.seen_at.isoformat() if item.seen_at else None,
    }


def _lines(story: dict[str, Any]) -> list[str]:
    screening, desk = story["screening"], story["desk"]
    lines = [
        f"Record    {story['record']}, asked {story['asked_at']}",
        f"Question  {story['question']}",
        f"Status    {story['status']}",
        f"Shown     {story['shown']}",
    ]
    if screening:
        lines.append(
            f"Screened  {screening['decision']}, {screening['category'] or 'everyday'} "
            f"({screening['score']:.2f}): {'; '.join(screening['reasons']) or 'nothing found'}"
        )
    lines.append(f"Made by   {story['model']}, adapter {story['adapter'] or 'none'}")
    lines += [f"Evidence  {p['document']}, {p['locator']} ({p['version'][:12]})"
              for p in story["passages"]]  # fmt: skip
    if desk:
        lines.append(f"Desk      {desk['state']}")
        lines += [
            f"Signed    {s['decision']} by {s['reviewer']} at {s['at']} ({s['sha256'][:12]})"
            for s in desk["signatures"]
        ]
    lines += [f"Log       {e['at']}  {e['actor']}: {e['action']}" for e in story["log"]]
    return lines
