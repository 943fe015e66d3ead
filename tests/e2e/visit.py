"""One reader's page in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

QUESTION = "How much do you pay for dental care in a calendar year on Alder Basic?"
SECONDS = 120_000  # a small model on a slow machine
CUT_OFF = re.compile(r"AbortError|network error|errored out")
_ASKED = (
    "before => document.documentElement.classList.contains('answering')"
    " || document.querySelectorAll('article.turn').length > before"
)
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


class Visit:
    """One reader's page, and what their browser asked for and complained about."""

    def __init__(self, browser: Any, url: str, size: dict[str, int]) -> None:
        touch = size is NARROW
        self.context = browser.new_context(viewport=size, has_touch=touch, is_mobile=touch)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("console", self._heard)
        self.open(url)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self, url: str) -> None:
        self._leave(lambda: self.page.goto(url))

    def reload(self) -> None:
        self._leave(self.page.reload)

    def _leave(self, go: Callable[[], Any]) -> None:
        heard = len(self.complaints)
        go()
        # What a page was still fetching when it is left is cut off: no fault of the page.
        self.complaints[heard:] = [c for c in self.complaints[heard:] if not CUT_OFF.search(c)]
        self.settled()

    def settled(self) -> None:
        self.page.wait_for_selector("html.up", state="attached")

    def ask(self, question: str = QUESTION) -> None:
        before = self.count("article.turn")
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        # A remembered answer may be there before anyone has seen that it is being made.
        self.page.wait_for_function(_ASKED, arg=before)

    def answered(self) -> None:
        self.page.wait_for_selector("html:not(.answering)", state="attached", timeout=SECONDS)

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.className"))
