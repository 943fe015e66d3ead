"""The whole of it: held, signed by keyboard in another browser, there in the open chat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.visit import SECONDS, WIDE, Visit

pytest.importorskip("playwright.sync_api")

SENSITIVE = (
    "I fell and my wrist hurts badly. How many painkillers can I take with my blood thinner?"
)
PASSWORD = "correct horse battery staple"
SIGNED = "Please call your doctor before you take any."


@pytest.fixture
def reviewer(server_home: Path) -> str:
    """An account, made as the README says."""
    subprocess.run(
        [sys.executable, "-m", "chatbot.cli", "user", "add", "berta", "--role", "reviewer",
         "--password-stdin"],
        input=PASSWORD, text=True, check=True, cwd=Path(__file__).parents[2],
        env={"COUNTERSIGN_HOME": str(server_home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return "berta"


def test_from_a_held_question_to_a_signed_answer_in_the_open_chat(
    browser: Any, server_url: str, reviewer: str
) -> None:
    asker = Visit(browser, server_url, WIDE)
    asker.ask(SENSITIVE)
    asker.answered()
    card = asker.page.locator(".card.held")
    card.wait_for()
    assert "A person looks at this first" in card.inner_text()
    assert asker.page.locator("#live .answer").inner_text() == ""
    before = asker.page.evaluate("window.stillTheSamePage = performance.timeOrigin")

    desk = browser.new_context(viewport=WIDE).new_page()
    desk.goto(f"{server_url}/desk")
    desk.wait_for_selector("input[name=name]:focus")  # which comes some time after the page
    desk.keyboard.type(reviewer)
    desk.keyboard.press("Tab")
    desk.keyboard.type(PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_selector("html.up", state="attached", timeout=SECONDS)
    desk.keyboard.press("n")
    desk.wait_for_selector(f"text={SENSITIVE}", timeout=SECONDS)
    desk.wait_for_selector(".draft, #draft", timeout=SECONDS)
    desk.keyboard.press("e")
    desk.keyboard.press("Control+a")
    desk.keyboard.type(SIGNED)
    desk.keyboard.press("Control+Enter")

    asker.page.wait_for_selector(f"text={SIGNED}", timeout=SECONDS)
    asker.page.wait_for_selector("text=A person has checked and signed this answer.")
    assert asker.page.evaluate("window.stillTheSamePage") == before  # it was never reloaded
    assert asker.complaints == []
    asker.context.close()
    desk.context.close()
