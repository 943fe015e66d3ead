"""The README's commands are run, its files exist, and its settings page is what the code says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.strip().splitlines()
]
# These would start the tests again, or take minutes: Make only tells what it would do.
DRY = {
    "make install",
    "make test",
    "make lint",
    "make bench",
    "make gate-proof",
    "make proof",
    "make finetune",
    "make docs",
}


def run(command: list[str], home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "COUNTERSIGN_HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_readme_has_commands() -> None:
    assert len(COMMANDS) >= 10


@pytest.fixture(scope="module")
def copy(handbook_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(handbook_home, tmp_path_factory.mktemp("readme") / "home"))


@pytest.mark.parametrize("command", [c for c in COMMANDS if ".venv/bin/" in c])
def test_commands_run(command: str, copy: Path) -> None:
    here = command.replace(".venv/bin/", f"{shlex.quote(str(Path(sys.executable).parent))}/")
    done = run(["bash", "-c", here], copy)
    assert done.returncode == 0, done.stderr
    assert done.stdout or "user add" in command


@pytest.mark.parametrize("command", sorted(DRY))
def test_make_targets_exist(command: str, tmp_path: Path) -> None:
    assert command in COMMANDS
    assert run([*shlex.split(command), "-n"], tmp_path).returncode == 0


def test_other_make_commands_serve_the_page() -> None:
    """`make run`, with a server of one's own or without, is what the browser tests start."""
    rest = [c for c in COMMANDS if "make" in c and c not in DRY]
    assert [c.split()[-2:] for c in rest] == [["make", "run"], ["make", "run"]]
    recipe = run(["make", "-n", "run"], Path()).stdout
    assert "app.py" in recipe


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists(), path


@pytest.mark.parametrize("cell", re.findall(r"^\| (`.*?) \|", README, re.MULTILINE))
def test_listed_places_exist(cell: str) -> None:
    folder = Path()
    for name in re.findall(r"`([^`]+)`", cell):
        path = Path(name)
        folder = path.parent if len(path.parts) > 1 else folder
        assert (ROOT / path).exists() or (ROOT / folder / path).exists(), name


def test_settings_page_is_up_to_date() -> None:
    namespace: dict[str, object] = {"__name__": "page", "__file__": "docs/make_settings.py"}
    exec(compile((ROOT / "docs/make_settings.py").read_text(), "make_settings", "exec"), namespace)
    page = namespace["page"]
    assert callable(page)
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page() == written, "run: python docs/make_settings.py"
