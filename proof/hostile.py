"""Markup and links in everything that others write, shown in a browser on every page and in the
widget: no script runs, nothing is asked of another server, and each text is there to be read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from playwright.sync_api import Error, Page

from chatbot.domain import Person
from chatbot.web import markup as our_markup
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions
from chatbot.web.widget_identity import Tokens
from proof.embedding import browser, website
from proof.filled import PASSWORD, Filled
from proof.payloads import links, markup
from proof.report import Report
from proof.site import Site, site

_WATCH = """
window.__ran = []; window.__blocked = [];
window.ran = (x) => window.__ran.push(String(x));
window.alert = window.prompt = window.confirm = window.ran;
document.addEventListener('securitypolicyviolation',
  (e) => window.__blocked.push(e.effectiveDirective + ' ' + e.blockedURI));
"""
# Everything that can be read on the page, and every element or address that is not ours.
_READ = r"""() => {
  const texts = [], wrong = [];
  const words = /^(title|aria-label|value|placeholder|alt|content|label|data-.*)$/;
  const walk = (root) => {
    for (const e of root.querySelectorAll('*')) {
      for (const a of e.attributes) {
        if (words.test(a.name)) texts.push(a.value);
        else if (/ran\(|ran`|evil\.example|javascript:/i.test(a.value))
          wrong.push(`${e.tagName} ${a.name}=${a.value}`);
      }
      const gradios = e.matches('head > base') && e.href.startsWith(location.origin + '/');
      if (/^(IFRAME|OBJECT|EMBED|BASE|MATH|FOREIGNOBJECT)$/i.test(e.tagName) && !gradios)
        wrong.push(e.tagName);
      if (e.tagName === 'SCRIPT' && /ran\(/.test(e.textContent)) wrong.push('SCRIPT');
      if ('value' in e && typeof e.value === 'string') texts.push(e.value);
      if (e.shadowRoot) walk(e.shadowRoot);
    }
    texts.push(root.body ? root.body.textContent : root.textContent);
  };
  walk(document);
  return {text: texts.join('\n'), wrong, ran: window.__ran, blocked: window.__blocked};
}"""


class Eye:
    """A browser page that notices what runs and what is asked of other servers."""

    def __init__(self, context: Any, own: Sequence[str]) -> None:
        self._own = tuple(own)
        self.foreign: list[str] = []
        context.add_init_script(_WATCH)
        context.route("**/*", self._asked)
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("dialog", lambda d: d.dismiss())

    def _asked(self, route: Any) -> None:
        url = route.request.url
        if url.startswith((*self._own, "data:", "blob:", "about:")):
            route.continue_()
        else:
            self.foreign.append(url)
            route.abort()

    def look(self, report: Report, place: str, wanted: Sequence[str]) -> None:
        """Counts each text that should be there; each thing that should not is wrong as well."""
        self.page.wait_for_timeout(60 if len(wanted) == 1 else 300)  # for what comes by itself
        seen = self.page.evaluate(_READ)
        for word in wanted:
            report.count("" if word in seen["text"] else f"{place}: {word} is not shown")
        for what in ("ran", "wrong", "blocked"):
            report.wrong += [f"{place}: {what} {found}" for found in seen[what]]
        report.wrong += [f"{place}: asked {url}" for url in self.foreign]
        self.foreign.clear()


class Tour:
    """Looks at every page that shows the texts.

    Args:
        marks: a word in each text, by which it is found on a page.
    """

    def __init__(self, eye: Eye, hostile: Filled, host: str, marks: Sequence[str]) -> None:
        self._eye, self._page = eye, eye.page
        self._hostile, self._host, self._marks = hostile, host, marks
        self.report = Report("scripts, foreign requests and missing texts in hostile markup")

    def _group(self, n: int) -> Sequence[str]:
        group = self._hostile.groups[n]
        return self._marks[group.start : group.stop]

    def _look(self, place: str, marks: Sequence[str] | None = None) -> None:
        self._eye.look(self.report, place, self._marks if marks is None else marks)

    def chat(self, sessions: Sessions) -> None:
        """Questions, answers, sources, notices, notes; titles of documents and conversations."""
        for owner in (self._hostile.owner[::-1], self._hostile.owner):
            cookie = {"name": COOKIE, "value": sessions.write(Person(owner)), "url": self._host}
            self._page.context.add_cookies([cookie])
            self._open("/?c=new", ".welcome")
            if owner != self._hostile.owner:
                self._look("chat: titles of conversations")
        self._look("chat: titles of documents")
        for kind in ("answered", "noted"):
            for n, conversation in enumerate(getattr(self._hostile, kind)):
                self._open(f"/?c={conversation}", "#history .turn")
                for marker in self._page.locator("#history .cite").all()[:1]:
                    marker.click()
                self._look(f"chat: {kind}", self._group(n))

    def viewer(self) -> None:
        """A page for each document."""
        for n, mark in enumerate(self._marks):
            self._open(f"/documents/h{n}?passage=hp{n}&at=8-20", "#passage")
            self._look("document", [mark])

    def desk(self) -> None:
        """Every item, the FAQ with every entry, and the other pages."""
        # Nobody reviews what they have asked in the same browser.
        self._page.context.clear_cookies()
        token = self._hostile.app.accounts.login("lena", PASSWORD, "proof")
        self._page.context.add_cookies([{"name": DESK_COOKIE, "value": token, "url": self._host}])
        self._open("/desk/", "html.up #queue .row")
        self._look("desk: list", [])
        for n, mark in enumerate(self._marks):
            self._open(f"/desk/?item=desk{n}", f'#item [data-item="desk{n}"]')
            self._look("desk: item", [mark])
        self._open("/desk/faq", "main")
        self._look("desk: FAQ")
        for n, mark in enumerate(self._marks):
            self._open(f"/desk/faq?entry=faq{n}", "main h1")
            self._look("desk: FAQ entry", [mark])
        for path in ("insights", "votes", "cache"):
            self._open(f"/desk/{path}", "main")
            self._look(f"desk: {path}", [])
        self._open("/desk/widget", "#choices")
        self._look("desk: widget, names of collections")

    def widget(self, tokens: Tokens, embedding: str) -> None:
        """The same conversations on another website, with each source opened."""
        page = self._page
        key = f"countersign:{self._host}/:"
        token = tokens.sign(self._hostile.owner, embedding)
        page.goto(embedding)
        for kind in ("answered", "noted"):
            for n, conversation in enumerate(getattr(self._hostile, kind)):
                kept = {"token": token, "conversation": conversation, "open": "yes"}
                page.evaluate("([k, v]) => localStorage.setItem(k, JSON.stringify(v))", [key, kept])
                page.reload()
                page.wait_for_selector("countersign-chat .turn")
                self._look(f"widget: {kind}", self._group(n))
                for chip, mark in zip(page.locator(".chip").all(), self._group(n), strict=False):
                    chip.click()
                    self._look("widget: source", [mark])
                    page.keyboard.press("Escape")

    def _open(self, path: str, ready: str) -> None:
        self._page.goto(f"{self._host}{path}")
        self._page.wait_for_selector(ready, state="attached")


def unguarded(eye: Eye, texts: Sequence[str]) -> int:
    """How many of the texts do something on a page that trusts them: what is tried is no straw."""
    harmful = 0
    renderer = MarkdownIt("commonmark", {"html": True})
    for text in texts:
        _blank(eye.page)
        for html in (text, renderer.render(text)):
            eye.page.set_content(f"<div>{html}</div>", wait_until="commit")
            eye.page.wait_for_timeout(25)
            try:
                seen = eye.page.evaluate(_READ)
            except Error:  # it has sent the page elsewhere
                seen = {"ran": [], "wrong": ["left"]}
            if seen["ran"] or seen["wrong"] or eye.foreign:
                harmful += 1
                break
        eye.foreign.clear()
    return harmful


def _blank(page: Page) -> None:
    for _ in range(20):
        try:
            page.goto("about:blank")
        except Error:  # the last text sends the page elsewhere in this moment
            page.wait_for_timeout(100)
        else:
            return
    raise SystemExit("The browser does not come away from what a text has opened.")


def tour(opened: Site, eye: Eye, embedding: str, texts: Sequence[str]) -> Report:
    """Fills the application, and looks at all of it."""
    marked = [f"{text} zq{n:03d}x" for n, text in enumerate(texts)]
    hostile = Filled(opened, marked, "w-" + "h" * 32)
    found = Tour(eye, hostile, opened.url, [f"zq{n:03d}x" for n in range(len(texts))])
    found.widget(Tokens(opened.app.secret), embedding)
    found.chat(Sessions(opened.app.secret))
    found.viewer()
    found.desk()
    return found.report


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="texts, at most")
    parser.add_argument("--raw", action="store_true", help="nothing is escaped: it must fail")
    asked = parser.parse_args()
    every = [*markup(), *links()]
    texts = every[:: max(1, len(every) // asked.count)][: asked.count]
    if asked.raw:
        vars(our_markup)["_escape"] = lambda text, quote=True: text
    with website() as (page, name), site(["What is it?"], widget_origins=page) as opened:
        name(opened.url)
        with browser() as started:
            eye = Eye(started.new_context(), ("about:",))
            live = unguarded(eye, texts)
            context = started.new_context(viewport={"width": 1440, "height": 900})
            eye = Eye(context, (opened.url, page))
            report = tour(opened, eye, page, texts)
    print(f"{live} of {len(texts)} do something on a page that trusts them")
    if live < len(texts) // 3:
        report.wrong.append(f"only {live} of {len(texts)} texts would do anything at all")
    return report.end(least=len(texts))


if __name__ == "__main__":
    sys.exit(main())
