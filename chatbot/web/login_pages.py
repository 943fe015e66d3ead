"""The pages on which askers log in, and the one that says no. Pure."""

from __future__ import annotations

from chatbot.web.desk_forms import door, login_form
from chatbot.web.markup import escape


def ask_login_page(
    site: str, problem: str = "", name: str = "", provider: str = "", *, anonymous: bool = False
) -> str:
    """Where someone logs in to ask.

    Args:
        provider: what the button of the identity provider says; empty: there is none.
        anonymous: whether they may ask without an account as well.
    """
    form = login_form("", problem, name, provider)
    other = '<p class="door-else"><a href="/">Ask without an account</a></p>' if anonymous else ""
    return door(site, "Log in", "Log in to ask", form + other, "/")


def refused_page(site: str, name: str) -> str:
    """What stands where an account may not go."""
    body = (
        f"<p>You are logged in as <strong>{escape(name)}</strong>, and this is not for your role. "
        "Whoever runs this site can give you another one.</p>"
        '<form method="post" action="/logout">'
        '<a class="primary wide" href="/">Ask a question</a>'
        '<button type="submit" class="second wide">Log in as somebody else</button></form>'
    )
    return door(site, "Not for you", "This is not for you", body, "/")
