"""`chatbot key …`: keys by which programs ask over the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer

from chatbot.adapters.api_keys import SCOPES, ApiKey, ApiKeys
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)


@app.command()
@guarded
def add(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    owner: Annotated[str, typer.Option(help="The account that answers for it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(SCOPES)}; may be repeated. Without: all of them."),
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="It reads this collection only; may be repeated. Without: all."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days that it works. Without: for good.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it. It is not kept and cannot be shown again.

    Example: chatbot key add website --owner anna --scope ask --days 365
    """
    lasts = None if days is None else timedelta(days=days)
    with opened() as keys:
        made, token = keys.add(name, owner, scope or SCOPES, collection or None, lasts)
    if as_json:
        put_json({**_as_json(made), "key": token})
    else:
        put(token)


@app.command("list")
@guarded
def list_(as_json: AsJson = False) -> None:
    """Show every key: whose it is, what it may do, when it was last used.

    Example: chatbot key list
    """
    with opened() as keys:
        found = keys.list()
    if as_json:
        put_json({"keys": [_as_json(key) for key in found]})
        return
    for key in found:
        used = f"used {key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never used"
        state = used if key.active else "does not work any more"
        reads = ", ".join(sorted(key.collections)) if key.collections is not None else "everything"
        may = ", ".join(sorted(key.scopes))
        put(f"{key.id}  {key.name:<20} {key.owner:<16} {may}; reads {reads}; {state}")
    if not found:
        put("There are no keys. Make one: chatbot key add NAME --owner ACCOUNT")


@app.command()
@guarded
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key, as `chatbot key list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """End a key, at once.

    Example: chatbot key revoke 3f9a1c2e5b70
    """
    with opened() as keys:
        keys.revoke(key)
    if as_json:
        put_json({"id": key, "active": False})
    else:
        put(f"The key {key} does not work any more.")


@contextmanager
def opened() -> Iterator[ApiKeys]:
    """The keys, without the rest of the application."""
    with open_stores(load_settings()) as (queue, audit):
        yield ApiKeys(queue.engine, audit)


def _as_json(key: ApiKey) -> dict[str, Any]:
    def moment(at: Any) -> str | None:
        return None if at is None else at.isoformat()

    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "scopes": sorted(key.scopes),
        "collections": None if key.collections is None else sorted(key.collections),
        "created_at": moment(key.created_at),
        "used_at": moment(key.used_at),
        "expires_at": moment(key.expires_at),
        "active": key.active,
    }
