"""The real application, over the sample handbook, on a port of its own.

With E2E_LARGER=1 it is served over PostgreSQL, Redis and a Chroma server (`python -m proof.doors`).
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from proof.larger import larger, missing

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


@contextmanager
def serving(homes: Sequence[Path], more: Mapping[str, str], log: Path) -> Iterator[list[str]]:
    """`app.py` over each of the homes, with more settings; gives the URLs. Stopped as an operator
    stops it, each must end well."""
    urls, servers = [f"http://127.0.0.1:{free_port()}" for _ in homes], []
    with log.open("w") as out:
        for home, url in zip(homes, urls, strict=True):
            port = url.rpartition(":")[2]
            env = {**os.environ, **more, "COUNTERSIGN_HOME": str(home), "COUNTERSIGN_PORT": port}
            command = [sys.executable, "app.py"]
            servers.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out))
    try:
        end = time.monotonic() + START_SECONDS
        while not all(map(answers, urls)):
            assert all(server.poll() is None for server in servers), log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield urls
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(timeout=20)
    assert "Traceback" not in log.read_text(), log.read_text()


@contextmanager
def replicas(documents: Path, folder: Path, count: int) -> Iterator[tuple[list[str], Path]]:
    """Several processes over one database, cache and index, which hold the documents; gives their
    URLs, and the settings as a file that a command can be given."""
    if name := missing():
        pytest.skip(f"the server program {name} is not on this machine")
    homes = [folder / f"home{n}" for n in range(count)]
    with larger(safe=False) as settings:
        secret = secrets.token_bytes(32)
        for home in homes:  # one secret, so that a cookie or a cached answer counts everywhere
            home.mkdir(parents=True)
            (home / "secret.key").write_bytes(secret)
            (home / ".env").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        subprocess.run(
            [sys.executable, "-m", "ingest.cli", "sync", documents, "--collection", "handbook"],
            env={**os.environ, **settings, "COUNTERSIGN_HOME": str(homes[0])},
            cwd=homes[0], check=True, capture_output=True,
        )  # fmt: skip
        with serving(homes, settings, folder / "log") as urls:
            yield urls, homes[0]


@pytest.fixture(scope="module")
def server_url(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`app.py` serving."""
    folder = tmp_path_factory.mktemp("server")
    if os.environ.get("E2E_LARGER"):
        with replicas(ROOT / "samples" / "handbook", folder, 1) as (urls, _):
            yield urls[0]
    else:
        with serving([server_home], {}, folder / "log") as urls:
            yield urls[0]


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
