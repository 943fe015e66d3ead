"""The page of all adapters: what served when, scores that may be compared, and no one's markup."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from chatbot.adapters.audit import AuditLog, Entry
from chatbot.adapters.canary import point
from chatbot.adapters.database import open_database
from chatbot.adapters.drift import Look, keep, news
from chatbot.adapters.revisions import Current, Revisions
from chatbot.steps.drift import Figure
from finetune.card import SCORES
from finetune.cli import app
from finetune.history_page import history_page

START = datetime(2026, 9, 1, tzinfo=UTC)
NOW = START + timedelta(days=60)


def card(name: str, day: int, test: str = "t", **changed: Any) -> dict[str, Any]:
    scores = {s: {"n": 99, "value": 0.5 + day / 100, "low": 0.4, "high": 0.9} for s in SCORES}
    at = (START + timedelta(days=day)).isoformat()
    values = {"revision": name, "serving": False, "at": at, "by": "anna", "test": test,
              "scores": scores, "gain": {}, "against": "base"}  # fmt: skip
    return values | changed


def deed(name: str, day: int, action: str = "adapter promoted", by: str = "anna") -> Entry:
    return Entry(day, START + timedelta(days=day), by, action, f"adapter:{name}", {}, "", "")


def alert(day: int, *names: str) -> Look:
    figures = tuple(Figure(n, "alert", (99, 99), (0.1, 0.4), 0.7, 0.2, 0.0, "Do.") for n in names)
    return Look(START + timedelta(days=day), (28, 7), figures)


def charts(page: str) -> list[str]:
    return re.findall(r'<div class="card">.*?</svg>', page)


def test_what_served_when_and_the_way_back() -> None:
    cards = [card("aaa", 0, serving=True), card("bbb", 20)]
    deeds = [deed("aaa", 0), deed("bbb", 20), deed("aaa", 30, "adapter rolled back", "bert")]
    page = history_page(cards, deeds, [alert(25, "thumbs down")], NOW)
    strip = re.findall(r'<span( class="now")? style="flex-grow: (\d+)" title="(\w+)', page)
    day = 24 * 3600
    assert strip == [(' class="now"', str(20 * day), "aaa"), ("", str(10 * day), "bbb"),
                     (' class="now"', str(30 * day), "aaa")]  # fmt: skip
    assert page.count('class="alert"') == 1
    told = re.findall(r"<li.*?</li>", page)
    words = ("rolled back", "thumbs down went from 0.10", "promoted", "promoted")
    assert all(w in line for w, line in zip(words, told, strict=True))
    assert "bert: adapter rolled back, 1 <code>aaa</code>" in page


def test_every_score_stands_there_with_its_interval() -> None:
    page = history_page([card("aaa", 0), card("bbb", 20, serving=True)], [deed("aaa", 0)], [], NOW)
    assert len(charts(page)) == len(SCORES)
    assert all(c.count('class="range"') == 2 and c.count("dot now") == 1 for c in charts(page))
    assert "<b>0.700</b>" in page


def test_scores_of_different_tests_are_not_joined() -> None:
    cards = [card("aaa", 0), card("bbb", 10), card("ccc", 20, test="other")]
    chart = charts(history_page(cards, [], [], NOW))[0]
    assert (chart.count('class="path"'), chart.count('class="cut"')) == (1, 1)
    same = charts(history_page(cards[:2], [], [], NOW))[0]
    assert (same.count('class="path"'), same.count('class="cut"')) == (1, 0)


def test_what_others_wrote_is_no_markup_and_nothing_is_fetched() -> None:
    hostile = "<script>alert(1)</script>"
    origins = {f"{hostile} (own)": 3}
    cards = [card("aaa", 0, by=hostile, against=hostile, gain={"value": 0, "low": 0, "high": 0},
                  data={"rows": 3, "sha256": hostile, "origins": origins})]  # fmt: skip
    page = history_page(cards, [deed("aaa", 0, by=hostile)], [alert(3, hostile)], NOW)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5
    assert "http" not in page


def test_one_revision_or_none_makes_a_page(home: Path) -> None:
    assert "No adapter was promoted here yet" in history_page([], [], [], NOW)
    assert len(charts(history_page([card("aaa", 0)], [deed("aaa", 0)], [], NOW))) == len(SCORES)


def test_only_news_are_told() -> None:
    looks = [alert(1, "a"), alert(2, "a", "b"), alert(3), alert(4, "a")]
    assert [[f.name for f in one.figures] for one in news(looks)] == [["a"], ["b"], ["a"]]


def test_the_command_writes_the_page(home: Path) -> None:
    home.mkdir()
    engine = open_database(f"sqlite:///{home / 'catalogue.db'}")
    revisions, audit = Revisions(home / "adapters"), AuditLog(engine, home / "anchor")
    file = home / "x.gguf"
    for content, day in (("one", 1), ("two", 2)):
        file.write_text(content)
        about = card("", day)
        name = revisions.add(file, {k: about[k] for k in ("at", "by", "test", "scores")})
        serves = Current(name, (), "anna", "now")
        point(revisions, audit, revisions.current(), serves, "adapter promoted")
    keep(home, alert(5, "thumbs down"))
    engine.dispose()
    args = ["history", "--page", str(home / "h.html"), "--json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    page = (home / "h.html").read_text()
    found = json.loads(done.stdout)["adapters"]
    assert [c["serving"] for c in found] == [False, True]
    assert page.count("anna: adapter promoted") == 2
    assert "Drift: thumbs down" in page
    assert all(c["revision"] in page for c in found)
