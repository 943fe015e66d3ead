"""The chat page in a browser: from a question to the words in the document, and back.

`server_url` is where the application answers from the sample handbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.visit import NARROW, QUESTION, SECONDS, WIDE, Visit

pytest.importorskip("playwright.sync_api")


@pytest.fixture
def visit(browser: Any, server_url: str) -> Iterator[Visit]:
    visit = Visit(browser, server_url, WIDE)
    yield visit
    visit.context.close()
    assert visit.complaints == []


@pytest.fixture
def phone(browser: Any, server_url: str) -> Iterator[Visit]:
    visit = Visit(browser, server_url, NARROW)
    yield visit
    visit.context.close()
    assert visit.complaints == []


def test_from_a_question_to_the_words_in_the_document_and_back(visit: Visit) -> None:
    page = visit.page
    visit.ask()
    page.wait_for_selector("#live .answer .cite", timeout=SECONDS)
    visit.answered()
    marker = page.locator("#live .answer .cite").first
    assert re.match(r"Source \d+: .+, .+", marker.get_attribute("aria-label"))

    marker.click()
    quote = page.locator("#panel .source[open] mark").first
    quote.wait_for()
    words = quote.inner_text()
    assert words.strip()

    page.click("#panel .source[open] .open-document")
    page.wait_for_selector("main.document")
    assert "/documents/" in page.url
    assert page.locator("#passage").is_visible()
    assert words in page.locator("#passage").inner_text()
    page.locator("#passage mark").first.wait_for()

    page.go_back()
    visit.settled()
    page.wait_for_selector("#history .turn")
    page.wait_for_selector("#panel .source[open] mark")  # the panel is open where it was


def test_a_conversation_is_there_after_a_reload_and_not_for_others(
    visit: Visit, browser: Any, server_url: str
) -> None:
    visit.ask()
    visit.answered()
    answer = visit.page.inner_text("#live .answer")
    address = visit.page.url
    assert "?c=" in address
    visit.reload()
    visit.page.wait_for_selector("#history .turn")
    assert visit.page.inner_text("#history .turn .answer") == answer
    visit.open(server_url)  # without its address: the last one is opened
    visit.page.wait_for_selector("#history .turn")
    assert visit.page.url == address

    other = Visit(browser, server_url, WIDE)
    other.open(address)
    other.page.wait_for_selector(".welcome")
    assert other.count(".turn") == 0
    assert other.count(".conversations li") == 0
    other.context.close()


def test_stop_ends_the_answer_at_once(visit: Visit) -> None:
    visit.ask("How do I order a replacement card?")  # which no other test has put into the cache
    visit.page.click("#stop")
    visit.page.wait_for_selector("html:not(.answering)", state="attached", timeout=5_000)
    visit.page.wait_for_selector("#live .stopped-note, #live .turn.done")
    assert visit.page.locator("#send").is_visible()


def test_editing_a_question_takes_the_later_turns_away(visit: Visit) -> None:
    page = visit.page
    visit.ask()
    visit.answered()
    visit.ask("And on Alder Plus?")
    visit.answered()
    assert visit.count(".turn") == 2
    page.hover("#history .question")
    page.click("#history [data-act=edit]")
    assert page.input_value("#question") == QUESTION
    page.fill("#question", "Where do I send a claim by post?")
    page.press("#question", "Enter")
    page.wait_for_selector("html.answering", state="attached")
    visit.answered()
    assert visit.count(".turn") == 1
    visit.reload()
    page.wait_for_selector("#history .turn")
    assert visit.count(".turn") == 1


def test_everything_can_be_done_with_the_keyboard(visit: Visit) -> None:
    page = visit.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("One line")
    page.keyboard.press("Shift+Enter")
    assert page.input_value("#question") == "One line\n"
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    visit.answered()
    page.locator("#live .cite").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel .source[open]")
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert "cite" in visit.focused()  # back where the reader was
    page.keyboard.press("Space")
    page.wait_for_selector("#panel .source[open]")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.focus(".skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "question"


def test_on_a_phone_the_sides_are_drawers(phone: Visit) -> None:
    page = phone.page
    assert not page.locator("#sidebar .new").is_visible()
    phone.ask()
    phone.answered()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW["width"]
    page.locator("#live .cite").first.tap()
    page.wait_for_selector("#panel .source[open] mark")
    page.locator("[data-act=close-panel]").tap()
    assert page.locator("#panel").is_hidden()
    page.locator("#menu").tap()
    page.locator("#sidebar .new").wait_for()
    assert phone.count("#sidebar .conversations li") == 1
    page.keyboard.press("Escape")
    page.locator("#sidebar .new").wait_for(state="hidden")


def test_a_question_that_is_too_long_is_counted_and_not_sent(visit: Visit) -> None:
    visit.page.fill("#question", "x" * 2100)
    assert "100 characters too long" in visit.page.inner_text("#counter")
    assert visit.page.locator("#send").is_disabled()


def test_the_theme_is_remembered(visit: Visit) -> None:
    page = visit.page
    grounds = set()
    for theme in ("light", "dark"):
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        visit.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_deleting_asks_first_and_leaves_nothing_behind(visit: Visit) -> None:
    page = visit.page
    visit.ask()
    visit.answered()
    page.wait_for_selector(".conversations li")
    for button, left in ((".plain-button", 1), (".danger", 0)):
        page.hover(".conversations li")
        page.click(".conversations [data-act=delete]")
        page.click(f"#delete-dialog {button}")
        page.wait_for_timeout(500)
        assert visit.count(".conversations li") == left
    page.wait_for_selector(".welcome")


def test_no_request_leaves_for_another_server(visit: Visit) -> None:
    visit.ask()
    visit.answered()
    visit.page.locator("#live .cite").first.click()
    visit.page.click("#panel .source[open] .open-document")
    visit.page.wait_for_selector("main.document")
    foreign = [r for r in visit.requests if not r.startswith((visit.url, "data:", "blob:"))]
    assert foreign == []
    assert len(visit.requests) > 10
