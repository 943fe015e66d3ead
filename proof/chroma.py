"""A Chroma server of one's own, on loopback, in a temporary folder, gone afterwards."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_WAIT = 30.0
_RUN = "import sys; from chromadb.cli.cli import app; sys.exit(app())"


@contextmanager
def server(port: int = 0) -> Iterator[str]:
    """Starts a server and gives its URL.

    Args:
        port: 0: any that is free.

    Raises:
        RuntimeError: it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="countersign-chroma-"))
    port = port or free_port()
    command = [sys.executable, "-c", _RUN, "run", "--path", str(folder), "--host", "127.0.0.1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + _WAIT
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Chroma did not start: {(folder / 'log').read_text()}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/heartbeat", timeout=1.0).is_success
    except httpx.HTTPError:
        return False
