"""The desk's page that writes the widget's snippet: controls, the widget, the line to copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chatbot.web.desk_forms import shell
from chatbot.web.desk_login import Doors
from chatbot.web.desk_page import plain_bar
from chatbot.web.icons import icon
from chatbot.web.markup import escape
from chatbot.web.session import DESK_COOKIE

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_CHOICES = {
    "theme": ("Theme", (("", "As the reader's system"), ("light", "Light"), ("dark", "Dark"))),
    "position": ("Position", (("", "Bottom right"), ("left", "Bottom left"))),
    "lang": (
        "Language of its labels",
        (("", "As the page"), ("en", "English"), ("de", "Deutsch"), ("fr", "Français"),
         ("es", "Español")),
    ),
}  # fmt: skip
_TEXTS = {
    "title": ("Title", "This site's name"),
    "greeting": ("Greeting", "Ask a question. …"),
    "placeholder": ("In the empty line", "Ask a question"),
}


def add_preview(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's route."""

    @server.get("/desk/widget")
    def widget(request: Request) -> Response:
        if doors.admit(request.cookies.get(DESK_COOKIE)) is None:
            return RedirectResponse("/desk/login", 303)
        collections = sorted({d.collection for d in app.catalogue.documents(None)})
        origins = (app.settings.widget_origins or "").split()
        page = preview_page(app.settings.title, collections, origins)
        return HTMLResponse(page, headers={"Cache-Control": "private, no-store"})


def preview_page(site: str, collections: Iterable[str], origins: Sequence[str]) -> str:
    """The page.

    Args:
        collections: what the widget can be kept to.
        origins: websites that may hold it.
    """
    chosen = [("", "All that may be read"), *((c, c) for c in collections)]
    fields = (
        _select("collection", "Collection", chosen)
        + "".join(_text(name, *words) for name, words in _TEXTS.items())
        + "".join(_select(name, *words) for name, words in _CHOICES.items())
        + '<label class="field"><span>Accent</span><input type="color" name="accent" '
        'value="#14614f"></label>'
    )
    body = (
        f'{plain_bar(site, "Widget")}<main class="insights widget-page"><div class="insights-head">'
        '<h1>Widget</h1></div><p class="lead">One line puts this chat on any page of a website. '
        "It is shown here as readers get it; what is asked here is really asked.</p>"
        f'<div class="widget-cols"><form id="choices" aria-label="How it looks">{fields}</form>'
        '<div class="stage" id="stage"><div class="stage-bar" aria-hidden="true"><i></i><i></i>'
        "<i></i></div><p>Your website</p></div></div>"
        '<section class="snippet"><h2>The line to copy</h2>'
        '<pre tabindex="0" aria-label="The snippet"><code id="snippet"></code></pre>'
        '<button type="button" class="primary" id="copy">Copy</button>'
        '<span id="copied" role="status"></span></section>'
        f'{_websites(origins)}</main><script type="module" src="/ui/preview.js"></script>'
    )
    return shell(site, "Widget", body, "insights-page")


def _websites(origins: Sequence[str]) -> str:
    """Where it works; the list itself is a setting."""
    name = "<code>COUNTERSIGN_WIDGET_ORIGINS</code>"
    if origins:
        listed = "".join(f"<li><code>{escape(origin)}</code></li>" for origin in origins)
        told = f"<p><span>It works on these and on no other ({name}).</span></p><ul>{listed}</ul>"
    else:
        words = f"No other website may hold it yet: name them in {name}."
        told = f"<p>{icon('alert')}<span>{words}</span></p>"
    return f'<section class="websites"><h2>Websites</h2>{told}</section>'


def _select(name: str, label: str, choices: Iterable[tuple[str, str]]) -> str:
    options = "".join(f'<option value="{escape(v)}">{escape(w)}</option>' for v, w in choices)
    return (
        f'<label class="field"><span>{label}</span><select name="{name}">{options}</select></label>'
    )


def _text(name: str, label: str, hint: str) -> str:
    return (
        f'<label class="field"><span>{label}</span><input name="{name}" maxlength="160" '
        f'placeholder="{escape(hint)}" autocomplete="off"></label>'
    )
