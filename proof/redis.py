"""A Redis server of one's own, in a temporary folder, gone afterwards."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WAIT = 10.0


def program() -> str | None:
    """The server's program on this machine; None: there is none."""
    return shutil.which("redis-server")


@contextmanager
def server() -> Iterator[str]:
    """Starts a server that listens on a socket in its folder, and gives its URL.

    Raises:
        FileNotFoundError: Redis is not on this machine.
        RuntimeError: it does not start.
    """
    found = program()
    if found is None:
        raise FileNotFoundError("Redis's server program is not on this machine")
    folder = Path(tempfile.mkdtemp(prefix="countersign-redis-"))
    socket = folder / "redis.sock"
    command = [found, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    none = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=none, stderr=none)
    try:
        until = time.monotonic() + _WAIT
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)
        yield f"unix://{socket}?db=0"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
