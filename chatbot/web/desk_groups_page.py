"""The desk's page of groups → HTML: who reads which collections. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.adapters.groups import Group
from chatbot.steps.rights import EVERYONE
from chatbot.web.desk_people_page import head, page, wrong
from chatbot.web.icons import icon
from chatbot.web.markup import escape


def groups_page(
    site: str, groups: Sequence[Group], collections: Sequence[str], closed: Sequence[str],
    problem: str = "",
) -> str:  # fmt: skip
    """The page.

    Args:
        collections: every collection that there is.
        closed: those that no group names and that are therefore closed.
    """
    drawn = "".join(_group(g, collections) for g in groups)
    body = (
        f"{head('Groups', len(groups))}{wrong(problem)}{_closed(closed)}"
        f"{drawn or _none(collections)}{_new()}"
    )
    return page(site, "Groups", body)


def _closed(closed: Sequence[str]) -> str:
    if not closed:
        return ""
    names = ", ".join(f"<strong>{escape(c)}</strong>" for c in closed)
    return (
        f'<div class="banner warn"><p>Nobody reads {names}: no group names it. Let <em>{EVERYONE}'
        "</em> read it to open it to all who may ask.</p></div>"
    )


def _none(collections: Sequence[str]) -> str:
    names = ", ".join(escape(c) for c in collections) or "none so far"
    return (
        '<div class="nothing faq-nothing"><h2>Everything is open</h2><p>Whoever may ask reads '
        f"every collection ({names}). With the first group, a collection is for the groups that "
        "name it, and closed where none does.</p></div>"
    )


def _group(group: Group, collections: Sequence[str]) -> str:
    name = escape(group.name)
    reads = "".join(_chip(name, c) for c in group.collections)
    rest = [c for c in collections if c not in group.collections]
    options = "".join(f"<option>{escape(c)}</option>" for c in rest)
    grant = (
        f'<form method="post" action="/desk/groups" class="grant"><input type="hidden" name="name" '
        f'value="{name}"><label class="unseen" for="grant-{name}">Collection</label>'
        f'<select id="grant-{name}" name="collection">{options}</select>'
        '<button class="second" name="act" value="grant">Let read</button></form>'
    )
    who = (
        "everybody who may ask, with an account or without"
        if group.name == EVERYONE
        else ", ".join(escape(m) for m in group.members) or "nobody yet"
    )
    remove = (
        ""
        if group.name == EVERYONE
        else f'<form method="post" action="/desk/groups"><input type="hidden" name="name" '
        f'value="{name}"><button class="quiet" name="act" value="remove" '
        f'aria-label="Remove {name}" title="Remove">{icon("trash")}</button></form>'
    )
    return (
        f'<section class="group"><header><h2>{name}</h2>{remove}</header>'
        f'<p class="hint-line">{who}</p>'
        f'<div class="chips">{reads or "<span class=none-read>Reads nothing yet.</span>"}</div>'
        f"{grant if rest else ''}</section>"
    )


def _chip(name: str, collection: str) -> str:
    shown = escape(collection)
    return (
        '<form method="post" action="/desk/groups" class="chip">'
        f'<input type="hidden" name="name" value="{name}">'
        f'<input type="hidden" name="collection" value="{shown}">{icon("document")}'
        f'<span>{shown}</span><button class="quiet" name="act" value="revoke" '
        f'aria-label="{name} no longer reads {shown}" title="Revoke">{icon("close")}</button>'
        "</form>"
    )


def _new() -> str:
    return (
        '<form method="post" action="/desk/groups" class="group-new">'
        '<label class="field"><span>A new group</span><input name="name" maxlength="64" required '
        'autocomplete="off"></label><button class="primary" name="act" value="add">Add</button>'
        "</form>"
    )
