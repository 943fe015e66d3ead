"""The fixed parts of the desk: header, editor, dialogs, help. Nothing of one reviewer's. Pure."""

from __future__ import annotations

from chatbot.web.desk_words import REJECTIONS, SHORTCUTS
from chatbot.web.icons import icon
from chatbot.web.markup import escape
from chatbot.web.parts import dialog_html, theme_button

PAGES = (
    ("Review", "/desk/"),
    ("FAQ", "/desk/faq"),
    ("Compare", "/desk/votes"),
    ("Cache", "/desk/cache"),
    ("Insights", "/desk/insights"),
    ("People", "/desk/people"),
    ("Inquiries", "/desk/read"),
    ("Widget", "/desk/widget"),
)


def desk_head() -> str:
    """Styles and scripts of the desk, for the page's head."""
    return (
        '<link rel="stylesheet" href="/ui/desk.css">'
        '<script type="module" src="/ui/desk.js"></script>'
    )


def bar_html(title: str) -> str:
    """The bar at the top: name, pages, search, help, theme, log out."""
    return (
        '<a class="skip" href="#asked" data-act="skip">Skip to the open answer</a>'
        '<header class="bar desk-bar">'
        f'<button type="button" class="quiet" id="back" data-act="back" aria-label="Back to the '
        f'list" title="Back to the list (U)">{icon("back")}</button>'
        f"{brand(title)}"
        f"{pages_html('Review')}"
        f'<div class="search">{icon("none")}<label class="unseen" for="search">Search the queue'
        '</label><input id="search" type="search" placeholder="Search" autocomplete="off" '
        'maxlength="80"></div>'
        '<div class="bar-end"><span id="state" class="state" data-state="ready" role="status">'
        '<span class="dot"></span><span class="state-text">Ready</span></span>'
        '<span id="who" class="who"></span>'
        '<button type="button" class="quiet" data-act="help" aria-label="Keyboard shortcuts" '
        f'title="Keyboard shortcuts (?)">{icon("keys")}</button>'
        f"{theme_button()}"
        '<button type="button" class="quiet" data-act="logout" aria-label="Log out" '
        f'title="Log out">{icon("leave")}</button></div></header>'
    )


def plain_bar(title: str, current: str) -> str:
    """The bar of the desk's pages without Gradio: name and pages."""
    return f'<header class="bar desk-bar">{brand(title)}{pages_html(current)}</header>'


def pages_html(current: str) -> str:
    """The desk's pages, the one that is open marked."""
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if name == current else ""}>{name}</a>'
        for name, path in PAGES
    )
    return f'<nav class="pages" aria-label="Desk">{links}</nav>'


def brand(title: str, home: str = "/desk/") -> str:
    """The site's name, as a link to the desk or to the page named."""
    return (
        f'<a class="brand" href="{home}"><img src="/ui/favicon.svg" alt="" width="22" height="22">'
        f'<span class="site">{escape(title)}</span></a>'
    )


def editor_html() -> str:
    """Where a draft is rewritten: the text, what is different, and how to sign it."""
    return (
        '<form id="editor" class="editor" hidden autocomplete="off">'
        '<div class="editor-head"><h2 id="editor-title">Your answer</h2>'
        '<p class="editor-hint">Markers such as [1] point at the evidence.</p></div>'
        '<textarea id="text" rows="6" maxlength="20000" aria-labelledby="editor-title" '
        'aria-describedby="problem"></textarea>'
        '<p class="problem" id="problem" role="alert"></p>'
        '<div class="diff-box"><h3>Changes</h3><div id="diff" class="diff" aria-live="off"></div>'
        '</div><div class="acts editor-acts"><div class="main-acts">'
        '<button type="submit" class="primary"><span>Sign this text</span>'
        "<kbd>Ctrl Enter</kbd></button>"
        '<button type="button" class="second" data-act="cancel-edit"><span>Cancel</span>'
        "<kbd>Esc</kbd></button></div></div></form>"
    )


def dialogs_html() -> str:
    """The dialogs, the message at the bottom, and the help; all of them closed."""
    return (
        '<div id="undo" class="undo" role="status" hidden><span class="undo-words"></span>'
        '<button type="button" class="undo-button" data-act="undo">Undo <kbd>Z</kbd></button>'
        '<span class="undo-left" aria-hidden="true"></span></div>'
        '<div id="toast" role="status"></div>'
        + _reject()
        + _wordsdialog_html(
            "ask-dialog", "Ask the asker", "Your question", "Send",
            "They see it in their conversation. Their reply brings this back to the queue, "
            "drafted anew.",
        )
        + _wordsdialog_html(
            "escalate-dialog", "Escalate", "Why (for whoever takes it over)", "Escalate",
            "Only a lead can decide it afterwards.", required=False,
        )
        + _wordsdialog_html(
            "recall-dialog", "Recall this answer?", "Why (the asker is told this)", "Recall",
            "Everyone who got it is told that it was wrong. This cannot be undone.", danger=True,
        )
        + dialog_html(
            "reassign-dialog", "Hand over",
            '<label class="field"><span>To whom</span><select name="to" required></select></label>',
            "Hand over",
        )
        + _help()
    )  # fmt: skip


def _reject() -> str:
    codes = "".join(
        f'<label><input type="radio" name="code" value="{key}"{" checked" if not n else ""}>'
        f"<span>{words}</span><kbd>{n + 1}</kbd></label>"
        for n, (key, words) in enumerate(REJECTIONS)
    )
    body = (
        f'<fieldset class="choices"><legend class="unseen">Reason</legend>{codes}</fieldset>'
        '<label class="field"><span>What the asker is told (optional)</span>'
        '<textarea name="note" rows="3" maxlength="2000" placeholder="A person has looked at this '
        'question and decided that it cannot be answered here."></textarea></label>'
    )
    return dialog_html("reject-dialog", "Reject: why?", body, "Reject", danger=True)


def _wordsdialog_html(
    key: str, title: str, label: str, action: str, about: str, *,
    required: bool = True, danger: bool = False,
) -> str:  # fmt: skip
    need = " required" if required else ""
    body = (
        f"<p>{about}</p>"
        f'<label class="field"><span>{label}</span>'
        f'<textarea name="text" rows="3" maxlength="2000"{need}></textarea></label>'
    )
    return dialog_html(key, title, body, action, danger=danger)


def _help() -> str:
    columns = "".join(
        f"<section><h3>{name}</h3><dl>"
        + "".join(
            f"<dt>{''.join(f'<kbd>{k}</kbd>' for k in keys.split())}</dt><dd>{words}</dd>"
            for keys, words in entries
        )
        + "</dl></section>"
        for name, entries in SHORTCUTS
    )
    return (
        '<dialog id="help" class="help" aria-labelledby="help-title"><form method="dialog">'
        f'<h2 id="help-title">Keyboard</h2><div class="help-columns">{columns}</div>'
        '<label class="switch"><input type="checkbox" id="keys-on" checked>'
        "<span>Single keys decide</span></label>"
        '<div class="dialog-end"><button type="submit" class="primary" value="">Close</button>'
        "</div></form></dialog>"
    )
