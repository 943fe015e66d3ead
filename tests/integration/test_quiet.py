"""Quiet by default: no connection but to this machine; nothing at all at import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROGRAMS, ROOT

# Python imports a module of this name before anything else, in child processes too.
WATCH = """
import os, socket
HERE = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None}
def note(what):
    with open(os.environ["WATCH_LOG"], "a") as log:
        log.write(repr(what) + "\\n")
    raise PermissionError(f"not quiet: {what}")
def check(address):
    host = address[0] if isinstance(address, tuple) else ""
    if isinstance(host, bytes):
        host = host.decode()
    if host not in HERE:
        note(address)
def guard(name):
    real = getattr(socket.socket, name)
    def guarded(self, *args):
        if self.family != socket.AF_UNIX:
            check(args[-1])
        return real(self, *args)
    return guarded
class Socket(socket.socket):
    connect, connect_ex, sendto = guard("connect"), guard("connect_ex"), guard("sendto")
socket.socket = Socket
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    def guarded(host, *args, _real=getattr(socket, name), **kwargs):
        check((host,))
        return _real(host, *args, **kwargs)
    setattr(socket, name, guarded)
"""

# Notes what is read of the environment and which files are opened while modules are imported.
AT_IMPORT = """
import os, sys
read, opened = [], []
class Watched(type(os.environ)):
    def __getitem__(self, key):
        read.append(key)
        return super().__getitem__(key)
    def __contains__(self, key):
        read.append(key)
        return super().__contains__(key)
os.environ.__class__ = Watched
def hook(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append(args[0])
    assert event not in ("socket.connect", "socket.getaddrinfo"), args
sys.addaudithook(hook)
import {modules}
ours = [k for k in read if k.startswith(("COUNTERSIGN", "GENERATION"))]
files = [f for f in opened if "var" in f.split("/")[-3:] or f.endswith((".env", ".db", ".onnx"))]
heavy = {{"torch", "transformers", "sentence_transformers", "onnxruntime", "chromadb", "gradio",
         "xllamacpp", "uvicorn", "fastapi", "tokenizers", "alembic"}} & set(sys.modules)
print(ours, files, sorted(heavy))
assert not (ours or files or heavy)
"""


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every connection to elsewhere is refused and written down."""
    folder = tmp_path / "watch"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in paths if p),
        "WATCH_LOG": str(tmp_path / "log"),
    }


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.getaddrinfo('example.org', 80)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_the_watch_sees_what_is_not_quiet(
    watched: dict[str, str], tmp_path: Path, attempt: str
) -> None:
    done = run([sys.executable, "-c", f"import socket; {attempt}"], watched)
    assert done.returncode == 1
    assert (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "sync", str(ROOT / "samples" / "handbook"), "--collection", "more", "--json"],
        ["chatbot", "ask", "How long is the waiting period for crowns?", "--json"],
        ["chatbot", "doctor"],
    ],
    ids=lambda a: " ".join(a[:2]),
)
def test_no_connection_leaves_this_machine(
    watched: dict[str, str], handbook_home: Path, tmp_path: Path, arguments: list[str]
) -> None:
    home = shutil.copytree(handbook_home, tmp_path / "copy")
    name, *rest = arguments
    watched |= {
        "COUNTERSIGN_HOME": str(home),
        "COUNTERSIGN_ANSWER_TOKENS": "16",
        "COUNTERSIGN_THREADS": "1",
    }
    # A proxy of the environment is for the world, not for the model in this process.
    watched |= dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://192.0.2.1:3128")
    done = run([*PROGRAMS[name], *rest], watched)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "log").exists(), (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    "modules",
    [
        "chatbot.domain, chatbot.errors, chatbot.gate",
        "chatbot.bootstrap, chatbot.cli",
        "ingest.cli",
    ],
)
def test_importing_does_nothing(modules: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COUNTERSIGN_PORT=nonsense\n")
    code = AT_IMPORT.format(modules=modules)
    done = run([sys.executable, "-c", code], {**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [".env"]
