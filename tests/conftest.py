"""What all tests share: no network, a home folder of their own, and nothing left out in silence.

Tests below `unit/` may open no socket at all, the others reach this machine only. With
COUNTERSIGN_NO_SKIP=1 a test that would be left out fails instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

LEVELS = {
    "unit": "no socket, no disk but a temporary folder",
    "contract": "one suite, held by a fake and by the real thing",
    "integration": "the real parts together, on this machine",
    "e2e": "the whole application, through its doors",
}
LONGEST = "test_finetune_loop.py"
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
KEPT = {"COUNTERSIGN_MODELS", "COUNTERSIGN_NO_SKIP"}
FOREIGN = ("COUNTERSIGN_", "GENERATION_", "HF_", "HUGGING", "LANGSMITH_", "LANGCHAIN_", "OTEL_")
PROGRAMS = {
    name: [sys.executable, "-m", f"{name}.cli"] for name in ("chatbot", "finetune", "ingest")
}
REMEDIES = {
    "playwright": "make browser",
    "chromium": "make browser",
    "postgresql": "make browser",
    "redis-server": "make browser",
    "promtool": "make browser",
}


settings.register_profile("suite", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("deep", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def no_skip() -> bool:
    return os.environ.get("COUNTERSIGN_NO_SKIP") == "1"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.allow_unix_socket = True  # asyncio wakes itself through a pair of them
    # langchain-huggingface looks into it where it happens to be installed.
    config.addinivalue_line(
        "filterwarnings", "ignore:`langchain-community` is being sunset:DeprecationWarning"
    )
    for level, what in LEVELS.items():
        config.addinivalue_line("markers", f"{level}: {what}")
    os.environ.setdefault("COUNTERSIGN_MODELS", str(ROOT / "var" / "models"))
    for name in [n for n in os.environ if n.startswith(FOREIGN) and n not in KEPT]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        level = item.path.relative_to(ROOT / "tests").parts[0]
        if level in LEVELS:
            item.add_marker(level)
        if level == "unit":
            item.add_marker("disable_socket")
        else:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
    # Workers take a file at a time, in this order: begun last, one of minutes would be waited for.
    items.sort(key=lambda item: (item.path.name != LONGEST, "unit" in item.keywords))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """COUNTERSIGN_HOME, in a folder where no `.env` can be found by chance."""
    folder = tmp_path / "home"
    monkeypatch.setenv("COUNTERSIGN_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(scope="session")
def handbook_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A home folder with the sample handbook indexed; a test that runs anything in it copies it."""
    folder = tmp_path_factory.mktemp("handbook") / "home"
    command = [*PROGRAMS["ingest"], "sync", str(ROOT / "samples" / "handbook")]
    subprocess.run(
        [*command, "--collection", "handbook"],
        env={**os.environ, "COUNTERSIGN_HOME": str(folder)},
        cwd=folder.parent,
        check=True,
        capture_output=True,
    )
    files = sorted(folder.rglob("*"))
    yield folder
    assert sorted(folder.rglob("*")) == files, "a test wrote into the home that others copy"


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    """A traceback with every local variable drawn in a box takes seconds."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer()]
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report: Any = yield
    if no_skip() and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report: Any = yield
    if no_skip() and report.skipped:
        _fail(report)
    return report


def _fail(report: Any) -> None:
    report.outcome = "failed"
    report.longrepr = f"Left out, and COUNTERSIGN_NO_SKIP=1 forbids that: {_reason(report)}"


def _reason(report: Any) -> str:
    why = report.longrepr
    return str(why[2] if isinstance(why, tuple) else why).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("left out, and how to have them")
    for reason, count in Counter(map(_reason, skipped)).items():
        remedy = next((r for word, r in REMEDIES.items() if word in reason.lower()), "")
        terminalreporter.line(f"{count} x {reason}" + (f": {remedy}" if remedy else ""))
