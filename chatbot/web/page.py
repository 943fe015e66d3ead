"""The fixed parts of the chat page, and the rewriting of Gradio's own page around them. Pure."""

from __future__ import annotations

import re

from chatbot.web.icons import icon
from chatbot.web.markup import escape
from chatbot.web.parts import dialog_html, theme_button

MAX_QUESTION = 2000
REASONS = (
    ("wrong", "It is wrong"),
    ("source", "The source does not say this"),
    ("incomplete", "Something is missing"),
    ("other", "Something else"),
)
_METAS = re.compile(r'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*?/>', re.S)
_MANIFEST = re.compile(r'\s*<link rel="manifest"[^>]*>')
# Gradio serves this script for pages that embed it in a frame; nothing here does.
_RESIZER = re.compile(r"<script>\s*\(\(\) => \{.*?iframeResizer.*?</script>", re.S)
_STYLE = re.compile(r'<link rel="stylesheet" crossorigin href="(\./assets/[\w.-]+)">')
_SCRIPT = re.compile(r"<script(?=[\s>])")


CHAT_HEAD = '<script type="module" src="/ui/chat.js"></script>'


def rewrite(html: str, nonce: str, title: str, own: str = CHAT_HEAD) -> str:
    """Gradio's page as it is sent: no metadata about Gradio, our head, a nonce on each script.

    Args:
        own: what only this page has in its head.
    """
    for unwanted in (_METAS, _MANIFEST, _RESIZER):
        html = unwanted.sub("", html)
    head = (
        f"<title>{escape(title)}</title>"
        '<meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="/ui/favicon.svg" type="image/svg+xml">'
        '<script src="/ui/theme.js"></script>'
        '<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/chat.css">'
        f"{own}"
    )
    boot = (
        f'<div id="boot" aria-hidden="true"><span class="brand">{escape(title)}</span></div>'
        "<noscript><p>This page needs JavaScript.</p></noscript>"
    )
    html = html.replace("</head>", head + "</head>", 1)
    html = _STYLE.sub(_layered, html)
    html = re.sub(r"(<body[^>]*>)", lambda m: m[1] + boot, html, count=1)
    return _SCRIPT.sub(f'<script nonce="{nonce}"', html)


def _layered(match: re.Match[str]) -> str:
    """Gradio's stylesheet in a cascade layer, so that each of our rules is stronger than its.

    The link stays, without effect: Gradio's loader would add it again if it were missing.
    """
    return (
        f'<style>@import url("{match[1]}") layer(gradio);</style>'
        f'<link rel="stylesheet" crossorigin media="not all" href="{match[1]}">'
    )


def header_html(title: str) -> str:
    """The bar at the top: menu, name, state, theme."""
    return (
        '<a class="skip" href="#question" data-act="skip">Skip to the question</a>'
        '<header class="bar">'
        '<button type="button" class="quiet" id="menu" data-act="menu" aria-label="Conversations" '
        f'aria-controls="sidebar" aria-expanded="false">{icon("menu")}</button>'
        f'<a class="brand" href="/"><img src="/ui/favicon.svg" alt="" width="22" height="22">'
        f"{escape(title)}</a>"
        '<div class="bar-end"><span id="state" class="state" data-state="loading" role="status">'
        '<span class="dot"></span><span class="state-text">Starting…</span></span>'
        f"{theme_button()}</div></header>"
    )


def composer_html() -> str:
    """Where the question is written."""
    return (
        '<form class="composer" id="composer" autocomplete="off">'
        '<div class="editing" id="editing" hidden><span>Editing an earlier question. What follows '
        'it will be replaced.</span><button type="button" class="text" data-act="cancel-edit">'
        "Cancel</button></div>"
        '<div class="box"><label class="unseen" for="question">Your question</label>'
        '<textarea id="question" rows="1" placeholder="Ask a question" '
        f'aria-describedby="hint" data-max="{MAX_QUESTION}" enterkeyhint="send"></textarea>'
        '<button type="submit" class="send" id="send" aria-label="Ask" title="Ask">'
        f"{icon('send')}</button>"
        '<button type="button" class="send stop" id="stop" data-act="stop" hidden '
        f'aria-label="Stop" title="Stop">{icon("stop")}</button></div>'
        '<p class="hint" id="hint"><span><kbd>Enter</kbd> asks, <kbd>Shift</kbd> + '
        '<kbd>Enter</kbd> starts a line</span><span id="counter" role="status"></span></p></form>'
    )


def panel_html() -> str:
    """The sources panel and the dialogs; all of them closed."""
    choices = "".join(
        f'<label><input type="radio" name="reason" value="{key}"{" checked" if not n else ""}>'
        f"<span>{words}</span></label>"
        for n, (key, words) in enumerate(REASONS)
    )
    return (
        '<aside id="panel" class="panel" aria-labelledby="panel-title" hidden>'
        '<header><h2 id="panel-title">Sources</h2><button type="button" class="quiet" '
        f'data-act="close-panel" aria-label="Close the sources">{icon("close")}</button></header>'
        '<div class="panel-body" id="panel-body" tabindex="-1"></div></aside>'
        '<div id="shade" data-act="shade" hidden></div>'
        '<div id="toast" role="status"></div>'
        + dialog_html(
            "rate-dialog", "What is wrong with it?",
            f'<fieldset class="choices"><legend class="unseen">Reason</legend>{choices}</fieldset>'
            '<label class="field"><span>Anything to add? (optional)</span>'
            '<textarea name="comment" rows="3" maxlength="1000"></textarea></label>',
            "Send",
        )
        + dialog_html(
            "rename-dialog", "Rename the conversation",
            '<label class="field"><span>Title</span>'
            '<input name="title" maxlength="120" required></label>',
            "Rename",
        )
        + dialog_html(
            "delete-dialog", "Delete this conversation?",
            '<p class="about"></p><p>Its questions and answers are removed from the server. '
            "This cannot be undone.</p>",
            "Delete",
            danger=True,
        )
    )  # fmt: skip
