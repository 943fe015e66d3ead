"""The whole of it: held, signed by keyboard in another browser, there in the open chat."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, replicas, serving
from tests.e2e.visit import SECONDS, WIDE, Visit

pytest.importorskip("playwright.sync_api")

SENSITIVE = (
    "I fell and my wrist hurts badly. How many painkillers can I take with my blood thinner?"
)
HANDBOOK = ROOT / "samples" / "handbook"
PASSWORD = "correct horse battery staple"
SIGNED = "Please call your doctor before you take any."


@dataclass(frozen=True)
class Doors:
    """Where the asker and the reviewer come in, and a home to run commands in."""

    asker: str
    reviewer: str
    home: Path


@pytest.fixture(params=["one process", "two over shared servers"])
def doors(
    request: pytest.FixtureRequest, handbook_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    """Served by one process with everything in it; by two replicas, one for each of them."""
    folder = tmp_path_factory.mktemp("site")
    if request.param == "one process":
        home = Path(shutil.copytree(handbook_home, folder / "home"))
        with serving([home], {}, folder / "log") as urls:
            yield Doors(urls[0], urls[0], home)
    else:
        documents = Path(shutil.copytree(HANDBOOK, folder / "docs", ignore=_all_but_one))
        with replicas(documents, folder, 2) as (urls, home):
            yield Doors(urls[0], urls[1], home)


def _all_but_one(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name != "prescriptions.pdf"]


@pytest.fixture
def reviewer(doors: Doors) -> str:
    """An account, made as the README says."""
    subprocess.run(
        [sys.executable, "-m", "chatbot.cli", "user", "add", "berta", "--role", "reviewer",
         "--password-stdin"],
        input=PASSWORD, text=True, check=True, cwd=doors.home,
        env={"COUNTERSIGN_HOME": str(doors.home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return "berta"


def test_from_a_held_question_to_a_signed_answer_in_the_open_chat(
    browser: Any, doors: Doors, reviewer: str
) -> None:
    asker = Visit(browser, doors.asker, WIDE)
    asker.ask(SENSITIVE)
    asker.answered()
    card = asker.page.locator(".card.held")
    card.wait_for()
    assert "A person looks at this first" in card.inner_text()
    assert asker.page.locator("#live .answer").inner_text() == ""
    before = asker.page.evaluate("window.stillTheSamePage = performance.timeOrigin")

    desk = browser.new_context(viewport=WIDE).new_page()
    desk.goto(f"{doors.reviewer}/desk")
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
