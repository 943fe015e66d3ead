"""`chatbot user …`: who has an account, and what they may do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from chatbot.adapters.account import Account
from chatbot.adapters.accounts import Accounts
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, host_shown, put, put_json
from chatbot.errors import BadInput
from chatbot.policy import load_policy
from chatbot.settings import Settings, load_settings
from chatbot.steps.rights import ROLES

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(help="Name of the account.")]


@app.command()
@guarded
def add(
    name: Name,
    role: Annotated[
        list[str],
        typer.Option(help=f"{', '.join(ROLES)}, or one that the policy names. May be repeated."),
    ],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account. Without a password it prints a link that works once, to set one.

    Example: chatbot user add anna --role reviewer
    """
    settings = load_settings()
    _check_roles(role, settings)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with opened(settings) as accounts:
        token = accounts.add(name, role, password)
    link = None if token is None else link_of(settings, token)
    if as_json:
        put_json({"name": name.strip().lower(), "roles": sorted(set(role)), "link": link})
    elif link:
        put(f"{name} can set a password within a day, once, at\n{link}")
    else:
        put(f"{name} can log in.")


@app.command()
@guarded
def link(name: Name, as_json: AsJson = False) -> None:
    """Print a new link by which someone sets another password; it works once, for a day.

    Example: chatbot user link anna
    """
    settings = load_settings()
    with opened(settings) as accounts:
        made = link_of(settings, accounts.link(name))
    if as_json:
        put_json({"name": name.strip().lower(), "link": made})
    else:
        put(made)


@app.command("list")
@guarded
def list_(as_json: AsJson = False) -> None:
    """Show every account, its roles, and whether it can log in.

    Example: chatbot user list
    """
    with opened(load_settings()) as accounts:
        found = accounts.list()
    if as_json:
        put_json({"users": [_as_json(account) for account in found]})
        return
    for account in found:
        state = "" if account.active else "  (cannot log in)"
        put(f"{account.name:<24} {', '.join(sorted(account.roles))}{state}")
    if not found:
        put("There are no accounts. Make one: chatbot user add NAME --role reviewer")


@app.command()
@guarded
def disable(name: Name, as_json: AsJson = False) -> None:
    """End someone's access and every session of theirs, at once.

    Example: chatbot user disable anna
    """
    with opened(load_settings()) as accounts:
        accounts.disable(name)
    if as_json:
        put_json({"name": name.strip().lower(), "active": False})
    else:
        put(f"{name} cannot log in any more.")


@app.command()
@guarded
def enable(name: Name, as_json: AsJson = False) -> None:
    """Let someone in again whose access was ended.

    Example: chatbot user enable anna
    """
    with opened(load_settings()) as accounts:
        accounts.enable(name)
    if as_json:
        put_json({"name": name.strip().lower(), "disabled": False})
    else:
        put(f"{name} can log in again.")


@app.command()
@guarded
def roles(
    name: Name,
    role: Annotated[list[str], typer.Option(help="In place of those they had. May be repeated.")],
    as_json: AsJson = False,
) -> None:
    """Give someone other roles; they count from their next click on.

    Example: chatbot user roles anna --role reviewer --role lead
    """
    settings = load_settings()
    _check_roles(role, settings)
    with opened(settings) as accounts:
        accounts.give(name, role)
    if as_json:
        put_json({"name": name.strip().lower(), "roles": sorted(set(role))})
    else:
        put(f"{name}: {', '.join(sorted(set(role)))}")


@contextmanager
def opened(settings: Settings) -> Iterator[Accounts]:
    """The accounts, without the rest of the application."""
    with open_stores(settings) as (queue, audit):
        yield Accounts(queue.engine, audit, unnamed=settings.unnamed_collections)


def link_of(settings: Settings, token: str) -> str:
    """Address of the page on which a one-time token is used."""
    site = settings.public_url or f"http://{host_shown(settings.host)}:{settings.port}"
    return f"{site.rstrip('/')}/desk/welcome?t={token}"


def _check_roles(roles: list[str], settings: Settings) -> None:
    """A role that nothing knows is a slip of the pen, and would let its holder do nothing.

    Raises:
        BadInput: there is one.
    """
    categories = load_policy(settings.policy).categories.values()
    known = {*ROLES, *(r for c in categories for r in (*c.reviewers, *c.leads))}
    if unknown := sorted(set(roles) - known):
        raise BadInput(
            f"No one knows the role {', '.join(unknown)}.",
            f"Roles are {', '.join(sorted(known))}; the policy may name others.",
        )


def _as_json(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "roles": sorted(account.roles),
        "active": account.active,
        "collections": None if account.collections is None else sorted(account.collections),
        "created_at": account.created_at.isoformat(),
    }
