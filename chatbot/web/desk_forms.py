"""The desk's pages without Gradio: log in, set a password, and the frame for insights. Pure."""

from __future__ import annotations

from chatbot.adapters.passwords import SHORTEST
from chatbot.web.desk_page import brand
from chatbot.web.icons import icon
from chatbot.web.markup import escape


def shell(site: str, title: str, body: str, look: str) -> str:
    """A whole page of the desk, without Gradio."""
    # Without this a browser would send forms with `Origin: null`, and they would be refused.
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="same-origin">'
        f"<title>{escape(title)} · {escape(site)}</title>"
        '<link rel="icon" href="/ui/favicon.svg" type="image/svg+xml">'
        '<script src="/ui/theme.js"></script>'
        '<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/chat.css">'
        '<link rel="stylesheet" href="/ui/desk.css">'
        f'</head><body class="{look}">{body}</body></html>'
    )


def login_page(site: str, problem: str = "", name: str = "", provider: str = "") -> str:
    """Where someone logs in at the desk.

    Args:
        provider: what the button of the identity provider says; empty: there is none.
    """
    return door(site, "Log in", "The review desk", login_form("/desk", problem, name, provider))


def login_form(at: str, problem: str, name: str, provider: str) -> str:
    """The form that logs somebody in, and the provider's button.

    Args:
        at: where it is: `/desk`, or empty for the chat.
    """
    fields = _field("Name", "name", "username", value=name) + _password("Password", "password")
    form = _form(f"{at}/login", fields, "Log in", problem)
    if not provider:
        return form
    to = "?to=desk" if at else ""
    return (
        f'{form}<p class="or"><span>or</span></p><a class="second wide" '
        f'href="/login/provider{to}">{icon("keys")}<span>Log in with {escape(provider)}</span></a>'
    )


def welcome_page(
    site: str, token: str, owner: str | None, problem: str = "", name: str = ""
) -> str:
    """Where a password is set by a one-time link.

    Args:
        owner: whose link it is; empty for the first account, None when it does not work.
    """
    if owner is None:
        text = (
            "<p>It was used already, or it is older than a day. Ask whoever runs this desk for "
            'another one.</p><p><a href="/desk/login">Log in</a></p>'
        )
        return door(site, "Link", "This link does not work any more", text)
    if owner:
        about = f"<p>Choose a password for <strong>{escape(owner)}</strong>.</p>"
        first = f'<input type="hidden" name="name" value="{escape(owner)}" autocomplete="username">'
    else:
        about = "<p>This account can review, lead, and add others.</p>"
        first = _field("Name", "name", "username", value=name)
    hint = f'<p class="hint-line">At least {SHORTEST} characters.</p>'
    fields = (
        f'<input type="hidden" name="t" value="{escape(token)}">{first}'
        + _password("Password", "password", new=True)
        + hint
        + _password("The same again", "again", new=True)
    )
    title = "Set your password" if owner else "The first account"
    return door(site, title, title, about + _form("/desk/welcome", fields, "Go on", problem))


def door(site: str, title: str, heading: str, body: str, home: str = "/desk/") -> str:
    """A page with one thing in its middle.

    Args:
        home: where the site's name leads.
    """
    inner = (
        f'<main class="door"><div class="door-brand">{brand(site, home)}</div>'
        f"<h1>{heading}</h1>{body}</main>"
    )
    return shell(site, title, inner, "doors")


def _form(action: str, fields: str, name: str, problem: str) -> str:
    told = (
        f'<p class="problem" role="alert">{icon("alert")}{escape(problem)}</p>' if problem else ""
    )
    return (
        f'<form method="post" action="{action}">{told}{fields}'
        f'<button type="submit" class="primary wide">{name}</button></form>'
    )


def _field(label: str, name: str, kind: str, *, value: str = "") -> str:
    return (
        f'<label class="field"><span>{label}</span><input name="{name}" autocomplete="{kind}" '
        f'value="{escape(value)}" maxlength="64" autocapitalize="none" spellcheck="false" '
        f"required{'' if value else ' autofocus'}></label>"
    )


def _password(label: str, name: str, *, new: bool = False) -> str:
    kind = "new-password" if new else "current-password"
    least = f' minlength="{SHORTEST}"' if new else ""
    return (
        f'<label class="field"><span>{label}</span><input type="password" name="{name}" '
        f'autocomplete="{kind}" maxlength="1024"{least} required></label>'
    )
