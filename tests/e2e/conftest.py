"""The real application, over the sample handbook, on a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


@pytest.fixture(scope="module")
def server_home(handbook_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the handbook's home folder, for one module's server to write into."""
    return Path(shutil.copytree(handbook_home, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="module")
def server_url(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`app.py` serving; stopped as an operator stops it, and it must then end well."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    env = {**os.environ, "COUNTERSIGN_HOME": str(server_home), "COUNTERSIGN_PORT": str(port)}
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START_SECONDS
        while not answers(url):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, with nothing that it would do by itself."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        except sync_api.Error:
            pytest.skip("no Chromium: install one, or name it in CHROMIUM")
        yield browser
        browser.close()
