"""A PostgreSQL server of one's own, in a temporary folder, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

_USER = "postgres"
_WAIT = "60"


def programs() -> Path | None:
    """Folder of the newest server programs on this machine; None: there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def server(*, safe: bool = True) -> Iterator[str]:
    """Starts a server and gives its URL, without a database's name at the end.

    Args:
        safe: whether it waits for the disk at each commit, as in production.

    Raises:
        FileNotFoundError: PostgreSQL is not on this machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="countersign-postgres-"))
    binaries = programs()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL's server programs are not on this machine")
    if os.geteuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam(_USER)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = str(folder / "data")
    options = f"-k {folder} -c listen_addresses='' -c max_connections=200"
    options += "" if safe else " -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-t", _WAIT]
    try:
        _run([str(binaries / "initdb"), "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8"])
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"])
        yield f"postgresql+psycopg://{_USER}@/{{name}}?host={folder}"
        _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str) -> str:
    """Makes an empty database on that server and gives its URL."""
    name = f"t{uuid.uuid4().hex}"
    plain = url.format(name="postgres").replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.format(name=name)


def _run(command: Sequence[str]) -> None:
    before = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"]
    full = [*before, *command] if os.geteuid() == 0 else list(command)
    done = subprocess.run(
        full, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
