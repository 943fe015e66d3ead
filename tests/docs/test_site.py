"""The documentation site builds without a network or a warning, asks nobody for anything, and its
generated pages are what the code says."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import html

from tests.docs.guides import DOCS, ROOT, text_of

FETCHED = "//@src | //@srcset | //link[not(@rel='canonical')]/@href"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]  # --quiet would disarm it
    done = subprocess.run(
        [*command, "--site-dir", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_ask_nobody_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        for address in html.parse(str(page)).xpath(FETCHED):
            assert not urlsplit(address).netloc, f"{page.name}: {address}"
    for sheet in site.rglob("*.css"):
        for address in re.findall(r"url\(\s*['\"]?([^)'\"]+)", sheet.read_text("utf-8")):
            assert address.startswith(("data:", "#", "../", "assets/")), f"{sheet.name}: {address}"


def test_links_lead_to_pages_and_headings(site: Path) -> None:
    """--strict knows links in Markdown; these are all of them, in what was built."""
    ids: dict[Path, set[str]] = {}
    for page in site.rglob("*.html"):
        tree = html.parse(str(page))
        ids[page.resolve()] = set(tree.xpath("//@id"))
    for page in ids:
        if page.name == "404.html":
            continue
        for address in html.parse(str(page)).xpath("//article//a/@href"):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / parts.path).resolve() if parts.path else page
            assert target.exists(), f"{page.name}: {address}"
            if parts.fragment and target in ids:
                assert parts.fragment in ids[target], f"{page.name}: {address}"


def test_every_decision_is_listed(site: Path) -> None:
    listed = (site / "adr" / "index.html").read_text("utf-8")
    for file in DOCS.glob("adr/*.md"):
        assert f"{file.stem}.html" in listed


def test_the_picture_stands_in_the_page_and_takes_its_colours(site: Path) -> None:
    page = html.parse(str(site / "architecture.html"))
    assert page.xpath("//article//*[local-name()='svg' and contains(@class, 'architecture')]")


def made(script: str) -> dict[str, Any]:
    return runpy.run_path(str(DOCS / script), run_name="page")


@pytest.mark.parametrize(
    "name", ["chatbot.md", "ingest.md", "finetune.md", "errors.md", "records.md"]
)
def test_the_reference_is_up_to_date(name: str) -> None:
    assert made("make_reference.py")["pages"]()[name] == text_of(f"reference/{name}"), (
        "run: python docs/make_reference.py"
    )
