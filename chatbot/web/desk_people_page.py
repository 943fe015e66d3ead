"""The desk's pages of people → HTML: the list, one person, and what can be changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from chatbot.adapters.account import Account
from chatbot.web.desk_forms import shell
from chatbot.web.desk_page import plain_bar
from chatbot.web.icons import icon
from chatbot.web.markup import escape

SAID: Mapping[str, str] = {
    "save": "Saved. It counts from their next click on.",
    "disable": "Disabled. Every session of theirs has ended.",
    "enable": "They can log in again.",
}
_ABOUT = {
    "asker": "asks, and reads their own answers",
    "reviewer": "signs held answers, edits the FAQ",
    "lead": "sees every item, decides what was escalated",
    "manager": "reads every collection",
    "admin": "manages people and groups",
    "auditor": "reads everything, changes nothing",
}


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody, with their groups."""

    account: Account
    groups: tuple[str, ...]


def list_page(
    site: str, cards: Sequence[Card], roles: Mapping[str, str], problem: str, link: str, name: str
) -> str:
    """Everybody, and the form for somebody new.

    Args:
        roles: role → what people call it.
        link: address by which whoever was added sets a password; shown once.
        name: who was added.
    """
    rows = "".join(_row(card, roles) for card in cards)
    told = linked(name, link) if link else ""
    body = (
        f"{head('People', len(cards))}{wrong(problem)}{told}{_new(roles, open_=bool(problem))}"
        f'<ul class="faq-rows people">{rows}</ul>'
    )
    return page(site, "People", body)


def person_page(
    site: str,
    card: Card,
    roles: Mapping[str, str],
    groups: Sequence[str],
    said: str = "",
    problem: str = "",
    link: str = "",
) -> str:
    """One person: roles, groups, and the end of their access."""
    account = card.account
    name = escape(account.name)
    told = f'<p class="said" role="status">{icon("check")}{escape(said)}</p>' if said else ""
    shown = linked(account.name, link) if link else ""
    boxes = "".join(_box("group", g, g, "", on=g in card.groups) for g in groups)
    none = '<p class="hint-line">There are no groups. <a href="/desk/groups">Make one</a></p>'
    body = (
        f'<p class="crumb"><a href="/desk/people">{icon("back")}All people</a></p>{told}'
        f'{wrong(problem)}{shown}<header class="faq-head"><p class="facts">{_state(account)}'
        f"<span>since {account.created_at:%Y-%m-%d}</span></p><h1>{name}</h1></header>"
        f'<form method="post" action="/desk/people" class="person">'
        f'<input type="hidden" name="name" value="{name}">'
        f"<h2>Roles</h2>{_role_boxes(roles, account.roles)}"
        f'<h2>Groups</h2><div class="boxes">{boxes or none}</div>'
        '<div class="faq-acts"><button class="primary" name="act" value="save">Save</button>'
        f"{_other_acts(account)}</div></form>"
    )
    return page(site, account.name, body)


def page(site: str, title: str, body: str, current: str = "People") -> str:
    """The frame that the pages of people and groups share."""
    inner = f'{plain_bar(site, current)}<main class="insights faq">{body}</main>'
    return shell(site, title, inner, "faq-page")


def head(current: str, count: int) -> str:
    """Heading, and the way between people and groups."""
    views = (("People", "/desk/people"), ("Groups", "/desk/groups"))
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if name == current else ""}>{name}</a>'
        for name, path in views
    )
    return (
        f'<div class="insights-head"><h1>{current} <span class="count">{count}</span></h1>'
        f'<nav class="periods" aria-label="People and groups">{links}</nav></div>'
    )


def wrong(problem: str) -> str:
    """What was not done, and why."""
    if not problem:
        return ""
    return f'<p class="problem" role="alert">{icon("alert")}{escape(problem)}</p>'


def linked(name: str, link: str) -> str:
    """A link that works once, to be handed on."""
    return (
        f'<section class="link-made" role="status"><h2>For {escape(name)}</h2>'
        "<p>Hand this on. It sets a password, works once, within a day, and is shown only now.</p>"
        f'<input readonly aria-label="Link for {escape(name)}" value="{escape(link)}"></section>'
    )


def _new(roles: Mapping[str, str], *, open_: bool) -> str:
    return (
        f'<details class="person-new"{" open" if open_ else ""}><summary class="second">'
        f"{icon('plus')}<span>Add a person</span></summary>"
        '<form method="post" action="/desk/people" class="person">'
        '<label class="field"><span>Name</span><input name="name" maxlength="64" required '
        'autocapitalize="none" spellcheck="false" autocomplete="off" '
        'placeholder="anna, or anna@example.org"></label>'
        f"<h2>Roles</h2>{_role_boxes(roles, {'asker'})}"
        '<div class="faq-acts"><button class="primary" name="act" value="add">Add</button></div>'
        "</form></details>"
    )


def _row(card: Card, roles: Mapping[str, str]) -> str:
    account = card.account
    badges = "".join(
        f'<span class="badge">{escape(roles.get(r, r))}</span>' for r in sorted(account.roles)
    )
    groups = f'<span class="of-groups">{escape(", ".join(card.groups))}</span>'
    look = "" if account.active else " away"
    return (
        f'<li><a class="faq-row person-row{look}" '
        f'href="/desk/people?name={quote(account.name, safe="")}">'
        f'<span class="initial" aria-hidden="true">{escape(account.name[:1].upper())}</span>'
        f'<span class="person-name">{escape(account.name)}</span>{_state(account, quiet=True)}'
        f'{groups if card.groups else ""}<span class="badges">{badges}</span></a></li>'
    )


def _state(account: Account, *, quiet: bool = False) -> str:
    if account.disabled:
        return '<span class="badge warn">Disabled</span>'
    if not account.active:
        return '<span class="badge">Has not set a password</span>'
    return "" if quiet else '<span class="badge good">Can log in</span>'


def _role_boxes(roles: Mapping[str, str], mine: Sequence[str] | set[str] | frozenset[str]) -> str:
    boxes = "".join(
        _box("role", key, title, _ABOUT.get(key, "signs what the policy says"), on=key in mine)
        for key, title in roles.items()
    )
    return f'<div class="boxes">{boxes}</div>'


def _box(name: str, value: str, title: str, about: str, *, on: bool) -> str:
    words = f"<small>{escape(about)}</small>" if about else ""
    return (
        f'<label class="box-line"><input type="checkbox" name="{name}" value="{escape(value)}"'
        f"{' checked' if on else ''}><span>{escape(title)}{words}</span></label>"
    )


def _other_acts(account: Account) -> str:
    read = (
        f'<a class="second" href="/desk/read?person={quote(account.name, safe="")}">'
        "Read a conversation …</a>"
    )
    if account.disabled:
        return f'<button class="second" name="act" value="enable">Let in again</button>{read}'
    return (
        '<button class="second" name="act" value="link">New password link</button>'
        f'{read}<button class="second danger-text" name="act" value="disable">Disable</button>'
    )
