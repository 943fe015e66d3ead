"""The page of rows in a browser: labels by keyboard alone; nothing from other websites."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from chatbot.cli import listen
from finetune.browse import Book, build
from finetune.rows import REFUSAL, read_rows, write_rows
from tests.e2e.visit import NARROW, WIDE, Visit
from tests.unit.test_finetune_share import ROWS, row

MORE = [row(n, answer="", marker=0, question=f"Which {n}?", notes=ROWS[3].notes) for n in (1, 2)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(tmp_path / "rows", [*ROWS, *MORE], {})
    return tmp_path / "rows"


@pytest.fixture
def url(data: Path) -> Iterator[str]:
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(build(Book(data, "anna")), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def test_labels_by_keyboard_alone(browser: Any, url: str, data: Path) -> None:
    visit = Visit(browser, f"{url}/?kind=waits", WIDE)
    page = visit.page
    page.keyboard.press("j")
    page.wait_for_selector("#asked")
    visit.settled()
    page.keyboard.press("2")
    assert page.is_checked('[name=marker][value="2"]')
    page.keyboard.press("e")
    page.keyboard.type("It is form 20.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('.done:text("Saved.")')
    visit.settled()
    assert page.inner_text("#asked") == "Which 1?"  # the next one that waits
    page.keyboard.press("0")
    assert page.get_attribute("[name=answer]", "readonly") is not None
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#asked:text("Which 2?")')
    kept = {r.question: r.target for r in read_rows(data)}
    assert kept[ROWS[3].question] == "It is form 20 [2]."
    assert kept["Which 1?"] == REFUSAL
    assert "Which 2?" not in kept
    assert visit.complaints == []
    visit.context.close()


def test_a_narrow_screen_shows_one_thing_at_a_time(browser: Any, url: str) -> None:
    visit = Visit(browser, url, NARROW)
    page = visit.page
    assert page.is_visible(".rows")
    page.click(f'.row:has-text("{ROWS[2].question}")')
    page.wait_for_selector("#label")
    assert not page.is_visible(".rows")
    assert page.inner_text(".source mark >> nth=0")
    for look in (url, page.url, f"{url}/?q=nowhere"):
        visit.open(look)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    visit.open(url)
    page.select_option("select[name=kind]", "refusal")
    page.wait_for_url("**kind=refusal**")
    assert visit.count(".row") == 2
    page.click('a:text("Clear")')
    page.wait_for_selector(f'.row:has-text("{ROWS[3].question}")')
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "rows.example.org"}, 400), ({"origin": "http://evil.example"}, 403),
     ({"origin": "null"}, 403)],
)  # fmt: skip
def test_another_website_changes_nothing(
    url: str, data: Path, headers: dict[str, str], status: int
) -> None:
    before = (data / "rows.jsonl").read_bytes()
    answer = httpx.post(url, data={"row": ROWS[3].id, "marker": "0"}, headers=headers)
    assert answer.status_code == status
    assert (data / "rows.jsonl").read_bytes() == before
    assert httpx.get(url).headers["content-security-policy"].startswith("default-src 'none'")
