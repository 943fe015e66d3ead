"""`chatbot group …`: which groups there are, who is in them, and which collections they read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from chatbot.adapters.account import OPERATOR
from chatbot.adapters.groups import Groups
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(help="Name of the group; `everyone`: all who may ask.")]
Collection = Annotated[str, typer.Argument(help="Name of the collection.")]
User = Annotated[str, typer.Argument(help="Name of the account.")]


@app.command()
@guarded
def add(name: Name, as_json: AsJson = False) -> None:
    """Make a group. From the first one on, a collection that no group names is closed.

    Example: chatbot group add hr
    """
    _do(lambda groups: groups.add(name, OPERATOR), as_json)


@app.command()
@guarded
def remove(name: Name, as_json: AsJson = False) -> None:
    """Take a group away, with what it reads and who is in it.

    Example: chatbot group remove hr
    """
    _do(lambda groups: groups.remove(name, OPERATOR), as_json)


@app.command()
@guarded
def grant(name: Name, collection: Collection, as_json: AsJson = False) -> None:
    """Let a group read a collection, which is for groups alone from then on.

    Example: chatbot group grant everyone handbook
    """
    _do(lambda groups: groups.grant(name, collection, OPERATOR), as_json)


@app.command()
@guarded
def revoke(name: Name, collection: Collection, as_json: AsJson = False) -> None:
    """Take a collection from a group.

    Example: chatbot group revoke everyone handbook
    """
    _do(lambda groups: groups.revoke(name, collection, OPERATOR), as_json)


@app.command()
@guarded
def join(name: Name, user: User, as_json: AsJson = False) -> None:
    """Put somebody into a group.

    Example: chatbot group join hr anna
    """
    _do(lambda groups: groups.join(name, user.strip().lower(), OPERATOR), as_json)


@app.command()
@guarded
def leave(name: Name, user: User, as_json: AsJson = False) -> None:
    """Take somebody out of a group.

    Example: chatbot group leave hr anna
    """
    _do(lambda groups: groups.leave(name, user.strip().lower(), OPERATOR), as_json)


@app.command("list")
@guarded
def list_(as_json: AsJson = False) -> None:
    """Show every group, what it reads and who is in it, and the collections that are closed.

    Example: chatbot group list
    """
    _do(lambda _: None, as_json)


def _do(change: Callable[[Groups], None], as_json: bool) -> None:
    """One change, and what is so afterwards."""
    settings = load_settings()
    with open_stores(settings) as (queue, audit):
        groups = Groups(queue.engine, audit, settings.unnamed_collections)
        change(groups)
        found, closed = groups.list(), groups.closed()
    if as_json:
        named = [
            {"name": g.name, "collections": list(g.collections), "members": list(g.members)}
            for g in found
        ]
        put_json({"groups": named, "closed": closed})
        return
    for group in found:
        reads = ", ".join(group.collections) or "nothing"
        put(f"{group.name:<24} reads {reads}  ({', '.join(group.members) or 'no members'})")
    if not found:
        put("There are no groups: everybody who may ask reads every collection.")
    if closed:
        put(
            f"Closed, because no group names it: {', '.join(closed)}. To open one to all who may "
            f"ask: chatbot group grant everyone {closed[0]}"
        )
