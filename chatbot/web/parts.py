"""What the chat page and the desk both show. Pure."""

from __future__ import annotations

from chatbot.web.icons import icon


def dialog_html(key: str, title: str, body: str, action: str, *, danger: bool = False) -> str:
    """A dialog with a form; Enter does what it is for, Escape and Cancel do nothing."""
    look = "danger" if danger else "primary"
    return (
        f'<dialog id="{key}" aria-labelledby="{key}-title"><form method="dialog">'
        f'<h2 id="{key}-title">{title}</h2>{body}<div class="dialog-end">'
        '<button type="button" class="plain-button" data-act="cancel-dialog">Cancel</button>'
        f'<button type="submit" class="{look}" value="yes">{action}</button></div></form></dialog>'
    )


def theme_button() -> str:
    """The button that goes from one theme to the next."""
    themes = "".join(f'<span class="for-{t}">{icon(t)}</span>' for t in ("auto", "sun", "moon"))
    return (
        '<button type="button" class="quiet" id="theme" data-act="theme" aria-label="Theme: auto">'
        f"{themes}</button>"
    )
