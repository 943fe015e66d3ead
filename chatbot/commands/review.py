"""`chatbot review …`: the review desk, for scripts. Same rules and roles as on its page.

--as NAME says who you are; the password comes from COUNTERSIGN_REVIEWER_PASSWORD, or is asked for.
A deed claims the item when nobody holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from chatbot import desk as answers_to_items
from chatbot.adapters.account import Account
from chatbot.adapters.accounts import Accounts
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.queue import ReviewQueue
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.domain import Person, Status
from chatbot.errors import NotAllowed, NotFound
from chatbot.policy import load_policy
from chatbot.settings import Settings, load_settings
from chatbot.steps import review
from chatbot.steps.review_item import OPEN, ReviewItem, State
from chatbot.web.desk_access import may_read, may_work
from chatbot.web.desk_acts import ACTS, Claim
from chatbot.web.desk_words import REJECTIONS, STATES, clock

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

As = Annotated[str, typer.Option("--as", help="Your account's name.")]
Item = Annotated[str, typer.Argument(help="Id of the item, as `chatbot review list` shows it.")]
Fence = Annotated[
    int | None, typer.Option(help="Number that your claim got; refused when there was another.")
]
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk with someone at it."""

    queue: ReviewQueue
    accounts: Accounts
    account: Account

    def item(self, item_id: str) -> ReviewItem:
        """An item that this person may read.

        Raises:
            NotFound: there is none of that id, or it is not theirs to read.
        """
        item = self.queue.get(item_id)
        if not may_read(item, self.account.reviewer):
            raise NotFound("There is no such item for you.", "See `chatbot review list`.")
        return item

    def given(self, wanted: str) -> ReviewItem:
        """The item of that id, or of that record; of an answer that never was on the desk a new
        one.

        Raises:
            NotFound: there is no such item and no such answer.
        """
        with suppress(NotFound):
            return self.queue.get(wanted)
        if item := self.queue.of_record(wanted):
            return item
        if not may_work(self.account.reviewer.roles):
            raise NotAllowed("Your role only reads.", "Ask for another one.")
        conversations = ConversationStore(self.queue.engine)
        record, (conversation, owner) = conversations.record(wanted), conversations.place(wanted)
        if record.status is not Status.RELEASED:
            raise NotFound("That answer was not given to anybody.", "See `chatbot audit show`.")
        desk = answers_to_items.Desk(self.queue, load_policy(load_settings().policy))
        return desk.look(record, conversation, Person(owner))

    def do(self, act: str, claim: Claim, fence: int | None) -> ReviewItem:
        """Does something to an item, after claiming it where nobody holds it."""
        me = self.account.reviewer
        if not may_work(me.roles):
            raise NotAllowed("Your role only reads.", "Ask for another one.")
        self.item(claim.item)
        to = self.accounts.get(claim.to).reviewer if act == "reassign" else None

        def change(item: ReviewItem, now: datetime) -> ReviewItem:
            if fence is None and act != "recall" and item.held_by(now) is None:
                item = review.claim(item, me, now, LEASE)
            mine = item.fence if fence is None else fence
            return ACTS[act](replace(claim, fence=mine), me, to, LEASE)(item, now)

        about = {"code": claim.code} if claim.code else {}
        return self.queue.apply(claim.item, me.id, act, change, about=about)


@contextmanager
def at_desk(name: str) -> Iterator[Desk]:
    """The desk, for someone who knows their password.

    Raises:
        NotAllowed: they do not.
    """
    settings = load_settings()
    with open_stores(settings) as (queue, audit):
        accounts = Accounts(queue.engine, audit, unnamed=settings.unnamed_collections)
        yield Desk(queue, accounts, logged_in(accounts, settings, name))


def logged_in(accounts: Accounts, settings: Settings, name: str) -> Account:
    """The account of someone who knows their password, which is asked for where it is not set.

    Raises:
        NotAllowed: they do not.
    """
    given = settings.reviewer_password
    password = (
        given.get_secret_value() if given else typer.prompt("Password", hide_input=True, err=True)
    )
    token = accounts.login(name, password, "command line")
    account = accounts.session(token)
    accounts.logout(token)
    if account is None:
        raise NotAllowed("The account was disabled.", "Ask whoever runs this desk.")
    return account


@app.command("list")
@guarded
def list_(
    state: Annotated[list[State] | None, typer.Option(help="Only these; may be repeated.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what waits, the most urgent first: questions and where they stand, never a draft.

    Example: chatbot review list --category health --json
    """
    with open_stores(load_settings()) as (queue, _):
        items = queue.list(states=state or sorted(OPEN), category=category, limit=limit)
        now = queue.clock()
    if as_json:
        put_json({"items": [_brief(item, now) for item in items]})
        return
    for item in items:
        holder = item.held_by(now)
        due = clock(item, now)[0] if item.state in OPEN else ""
        where = f"{STATES[item.state]}{f' ({holder})' if holder else ''}"
        put(f"{item.id}  {item.category:<18} {where:<24} {due}\n    {item.question}")
    if not items:
        put("Nothing waits.")


@app.command()
@guarded
def show(item: Item, as_: As, as_json: AsJson = False) -> None:
    """Show one item with its draft, the evidence, and what the checks said.

    Example: chatbot review show 5f0c… --as anna
    """
    with at_desk(as_) as desk:
        found, now = desk.item(item), desk.queue.clock()
    _tell(found, now, as_json, whole=True)


@app.command()
@guarded
def claim(
    as_: As,
    item: Annotated[str, typer.Argument(help="Id; left out: the most urgent one.")] = "",
    category: Annotated[str | None, typer.Option(help="Only of this category.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take an item to work on, for a quarter of an hour.

    Example: chatbot review claim --as anna --json
    """
    with at_desk(as_) as desk:
        me, now = desk.account.reviewer, desk.queue.clock()
        if not may_work(me.roles):
            raise NotAllowed("Your role only reads.", "Ask for another one.")
        if item:
            desk.item(item)
            taken: ReviewItem | None = desk.queue.apply(
                item, me.id, "claim", lambda i, t: review.claim(i, me, t, LEASE)
            )
        else:
            taken = desk.queue.claim_next(me, LEASE, [category] if category else None)
    if taken is None:
        raise NotFound("Nothing waits for you.", "Look again later.")
    _tell(taken, now, as_json, whole=True)


@app.command()
@guarded
def approve(
    item: Item,
    as_: As,
    sha256: Annotated[str, typer.Option(help="SHA-256 of the answer that you read (`show`).")],
    missed: Annotated[bool, typer.Option("--missed", help="A sample that had to be held.")] = False,
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Sign the draft as it is. The SHA-256 says which exact text and sources you mean.

    Example: chatbot review approve 5f0c… --as anna --sha256 9b2e…
    """
    act = "missed" if missed else "approve"
    _do(act, as_, Claim(item=item, sha256=sha256), fence, as_json)


@app.command()
@guarded
def edit(
    item: Item,
    as_: As,
    text: Annotated[str, typer.Option(help="The answer; markers such as [1] cite the evidence.")],
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Put your text in place of the draft, and sign that.

    Example: chatbot review edit 5f0c… --as anna --text "We pay 80% [1]."
    """
    _do("edit", as_, Claim(item=item, text=text), fence, as_json)


@app.command()
@guarded
def reject(
    item: Item,
    as_: As,
    code: Annotated[str, typer.Option(help=f"One of {', '.join(k for k, _ in REJECTIONS)}.")],
    note: Annotated[str, typer.Option(help="What the asker is told.")] = "",
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Decide that there will be no answer.

    Example: chatbot review reject 5f0c… --as anna --code needs-advice
    """
    _do("reject", as_, Claim(item=item, code=code, note=note), fence, as_json)


@app.command()
@guarded
def ask(
    item: Item,
    as_: As,
    text: Annotated[str, typer.Option(help="What you have to know.")],
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Ask the asker for something; their reply brings the item back.

    Example: chatbot review ask 5f0c… --as anna --text "Which plan is it?"
    """
    _do("ask", as_, Claim(item=item, text=text), fence, as_json)


@app.command()
@guarded
def escalate(
    item: Item,
    as_: As,
    text: Annotated[str, typer.Option(help="Why.")] = "",
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Hand it to those who decide what others would not.

    Example: chatbot review escalate 5f0c… --as anna --text "not sure about this one"
    """
    _do("escalate", as_, Claim(item=item, text=text), fence, as_json)


@app.command("put-back")
@guarded
def put_back(item: Item, as_: As, fence: Fence = None, as_json: AsJson = False) -> None:
    """Give an item back, for anyone to take.

    Example: chatbot review put-back 5f0c… --as anna
    """
    _do("put-back", as_, Claim(item=item), fence, as_json)


@app.command()
@guarded
def reassign(
    item: Item,
    as_: As,
    to: Annotated[str, typer.Option(help="Name of whoever shall decide it.")],
    fence: Fence = None,
    as_json: AsJson = False,
) -> None:
    """Hand an item over to someone.

    Example: chatbot review reassign 5f0c… --as anna --to bert
    """
    _do("reassign", as_, Claim(item=item, to=to), fence, as_json)


@app.command()
@guarded
def recall(
    item: Annotated[str, typer.Argument(help="Id of an item, or of any answer's record.")],
    as_: As,
    text: Annotated[str, typer.Option(help="Why; everybody who got it is told this.")],
    as_json: AsJson = False,
) -> None:
    """Take an answer back that turned out to be wrong, from everybody who was given it.

    Example: chatbot review recall 5f0c… --as lena --text "The limit has changed."
    """
    with at_desk(as_) as desk:
        found = desk.given(item)
        done, now = desk.do("recall", Claim(item=found.id, text=text), None), desk.queue.clock()
    _tell(done, now, as_json, whole=False)


def _do(act: str, name: str, claim: Claim, fence: int | None, as_json: bool) -> None:
    with at_desk(name) as desk:
        done, now = desk.do(act, claim, fence), desk.queue.clock()
    _tell(done, now, as_json, whole=False)


def _tell(item: ReviewItem, now: datetime, as_json: bool, *, whole: bool) -> None:
    told = _brief(item, now) | (_draft(item) if whole else {})
    if as_json:
        put_json(told)
        return
    put(f"{item.id}  {item.category}  {STATES[item.state]}\n{item.question}")
    if item.contact:
        put(f"To be told at {item.contact}")
    for sentence in told.get("sentences", []):
        put(f"  {'✗' if sentence['problems'] else '✓'} {sentence['text']}")
        for problem in sentence["problems"]:
            put(f"      {problem}")
    for source in told.get("evidence", []):
        put(
            f"  [{source['marker']}] {source['title']}, {source['locator']}\n      {source['text']}"
        )
    if whole:
        put(f"sha256 {told['sha256']}  fence {item.fence}")


def _brief(item: ReviewItem, now: datetime) -> dict[str, Any]:
    return {
        "id": item.id,
        "record": item.record,
        "kind": item.kind,
        "category": item.category,
        "question": item.question,
        "reasons": list(item.reasons),
        "contact": item.contact or None,
        "state": item.state.value,
        "priority": item.priority,
        "due_at": item.due_at.isoformat(),
        "holder": item.held_by(now),
        "fence": item.fence,
        "version": item.version,
        "outdated": item.outdated,
        "signatures": [{"reviewer": s.reviewer, "decision": s.decision} for s in item.signatures],
        "needed": item.needed,
        "deliver_after": item.deliver_after.isoformat() if item.deliver_after else None,
    }


def _draft(item: ReviewItem) -> dict[str, Any]:
    answer = item.answer
    if answer is None:
        return {"answer": None, "sha256": None, "sentences": [], "evidence": []}
    problems = (*answer.problems, *[()] * len(answer.sentences))
    return {
        "answer": answer.text,
        "drafted": item.draft or answer.text,
        "sha256": answer.sha256,
        "sentences": [
            {"text": s.text, "problems": list(p), "quotes": [c.quote for c in s.citations]}
            for s, p in zip(answer.sentences, problems, strict=False)
        ],
        "evidence": [
            {
                "marker": n,
                "title": p.document.title,
                "document": p.document.uri,
                "version": p.document.version,
                "locator": str(p.locator),
                "text": p.text,
            }
            for n, p in enumerate(answer.evidence, 1)
        ],
        "thread": [{"from": m.sender, "text": m.text} for m in item.thread],
    }
