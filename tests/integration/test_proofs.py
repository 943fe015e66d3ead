"""The proofs hold, and each is seen to fail once its guard is away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proof.embedding import chromium
from proof.postgres import programs
from proof.redis import program

ROOT = Path(__file__).resolve().parents[2]


needs_postgresql = pytest.mark.skipif(
    programs() is None, reason="PostgreSQL's server programs are not on this machine"
)


needs_chromium = pytest.mark.skipif(chromium() is None, reason="Chromium is not on this machine")


needs_redis = pytest.mark.skipif(
    program() is None, reason="the server program redis-server is not on this machine"
)


def proof(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("proof.closed", "--count", "28"),
        ("proof.delivery", "--count", "5", "--edits", "10"),
        ("proof.bypass", "--count", "3", "--commands", "1"),
        ("proof.tamper", "--count", "20"),
        ("proof.serving", "--count", "2"),
        ("proof.hangup", "--count", "60"),
        ("proof.chats", "--count", "12", "--room", "2"),
        pytest.param(("proof.stale", "--count", "2"), marks=needs_redis),
        pytest.param(("proof.accessible", "--share", "8"), marks=needs_chromium),
        pytest.param(("proof.poison", "--count", "11"), marks=needs_redis),
        pytest.param(("proof.flight", "--processes", "2", "--each", "10"), marks=needs_redis),
        pytest.param(("proof.crowd", "--count", "10"), marks=needs_postgresql),
        pytest.param(("proof.crash", "--count", "4"), marks=needs_postgresql),
    ],
    ids=lambda c: c[0],
)
def test_it_holds(command: tuple[str, ...]) -> None:
    done = proof(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok: " in done.stdout
    assert ": 0 of " in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("proof.closed", "--count", "7", "--unbroken"),
        ("proof.delivery", "--count", "1", "--edits", "5", "--trusting"),
        ("proof.bypass", "--count", "2", "--commands", "0", "--open"),
        ("proof.hangup", "--count", "10", "--waiting"),
        ("proof.chats", "--count", "12", "--room", "2", "--deaf"),
    ],
    ids=lambda c: c[0],
)
def test_without_its_guard_it_fails(command: tuple[str, ...]) -> None:
    done = proof(*command)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED: " in done.stdout
