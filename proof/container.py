"""Each step of the Dockerfile in order, without a container engine, then its command and its check.

In a folder that stands for the image's root: what would change this machine (its accounts, its
owners) is named and left out. The command runs as the image's user, where it can be had, and may
write in `/data` and `/tmp` alone; it must become healthy and ready, and end when it is told to.

`python -m proof.container` takes minutes: it installs everything anew.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_OURS = ("useradd", "install -d -o")
_SECONDS = 120.0
_WITHOUT_ITS_MIGHT = ["setpriv", "--bounding-set=-dac_override"]
"""Root that has to keep to files' modes, like everybody."""
_PLACES = re.compile(r"""(?<![^\s=:'"])/(?:app|data|tmp)(?![^\s/:;'"])""")
_OUTSIDE = re.compile(r"PIP_|SSL_|REQUESTS_CA|\w*_proxy$", re.IGNORECASE)  # how pip gets out


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: the stage that it is in, its word, and the rest of it."""

    stage: str
    word: str
    rest: str


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, in order."""
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and line.lstrip()[0] != "#"]
    found, stage = [], ""
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stage = rest.split(" AS ")[-1]
        found.append(Step(stage, word, rest.strip()))
    return found


def sent(path: str, ignore: str) -> bool:
    """Whether a file of the repository is sent to the engine, by the lines of `.dockerignore`."""
    kept = True
    for line in (one.strip() for one in ignore.splitlines()):
        if not line or line.startswith("#"):
            continue
        pattern = line.lstrip("!")
        parts = path.split("/")
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        hit = any(
            fnmatch.fnmatchcase(head, pattern)
            or (pattern.startswith("**/") and fnmatch.fnmatchcase(head.split("/")[-1], pattern[3:]))
            for head in heads
        )
        if hit:
            kept = line.startswith("!")
    return kept


class Machine:
    """A folder that stands for the image's root."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.env: dict[str, str] = {}
        (folder / "app").mkdir(parents=True)
        (folder / "data").mkdir()
        (folder / "tmp").mkdir()

    def placed(self, text: str) -> str:
        """The text with the image's places in that folder."""
        return _PLACES.sub(lambda found: f"{self.root}{found[0]}", text)

    def environment(self) -> dict[str, str]:
        """What a process in it finds."""
        path = f"{self.root}/app/.venv/bin:{Path(sys.executable).parent}:/usr/bin:/bin"
        outside = {k: v for k, v in os.environ.items() if _OUTSIDE.match(k)}
        bare = outside | {"PATH": path, "HOME": f"{self.root}/tmp", "TMPDIR": f"{self.root}/tmp"}
        return bare | {k: v for k, v in self.env.items() if k != "PATH"}

    def copy(self, rest: str, ignore: str) -> int:
        """COPY from the repository; gives how many files."""
        *sources, target = rest.split()
        files = 0
        for source in sources:
            place = ROOT / source
            found = [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
            whole = self.root / "app" / target.rstrip("/")
            for file in found:
                if not sent(str(file.relative_to(ROOT)), ignore):
                    continue
                into = whole / (file.name if place.is_file() else file.relative_to(place))
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, into)
                files += 1
        if not files:
            raise SystemExit(f"COPY {rest}: nothing is there to copy.")
        return files

    def run(self, command: str) -> float:
        """RUN; gives the seconds that it took."""
        began = time.perf_counter()
        subprocess.run(
            ["/bin/sh", "-ec", self.placed(command)],
            cwd=self.root / "app", env=self.environment(), check=True,
        )  # fmt: skip
        return time.perf_counter() - began


def build(machine: Machine, stages: tuple[str, ...], given: Mapping[str, str]) -> Iterator[str]:
    """Does the steps of those stages; tells of each."""
    ignore = (ROOT / ".dockerignore").read_text()
    for step in steps((ROOT / "Dockerfile").read_text()):
        if step.stage not in stages:
            continue
        if step.word in ("ARG", "ENV"):
            for name, _, value in (pair.partition("=") for pair in shlex.split(step.rest)):
                machine.env[name] = given.get(name, machine.placed(value))
            yield f"{step.word} {step.rest}"
        elif step.word == "COPY" and not step.rest.startswith("--from"):
            yield f"COPY {step.rest}: {machine.copy(step.rest, ignore)} files"
        elif step.word == "RUN" and step.rest.startswith(_OURS):
            yield f"left out, it changes this machine: RUN {step.rest}"
        elif step.word == "RUN":
            yield f"RUN {step.rest}: {machine.run(step.rest):.1f} s"


def serve(machine: Machine) -> Iterator[str]:
    """Starts the command as the image's user, waits for its check, and ends it."""
    found = {s.word: s.rest for s in steps((ROOT / "Dockerfile").read_text()) if s.stage == "base"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    user = found["USER"]
    env = machine.environment() | {"COUNTERSIGN_PORT": port, "COUNTERSIGN_HOST": "0.0.0.0"}
    env["COUNTERSIGN_HOME"] = f"{machine.root}/data"
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    if os.geteuid() == 0 and _reaches(as_user, env):
        for writable in ("data", "tmp"):
            subprocess.run(["chown", "-R", user, machine.root / writable], check=True)
        yield f"as user {user}"
    else:
        as_user = _WITHOUT_ITS_MIGHT if os.geteuid() == 0 else []
        yield f"as this user: {user} cannot be had, or does not reach this machine's Python"
    subprocess.run(["chmod", "-R", "a-w", machine.root / "app"], check=True)
    before = _written(machine.root / "app")
    command = [*as_user, *shlex.split(found["CMD"].strip("[]").replace(",", " "))]
    server = subprocess.Popen(command, cwd=machine.root / "app", env=env)
    try:
        began = time.perf_counter()
        check = found["HEALTHCHECK"].partition("CMD")[2].strip().strip("[]")
        check = check.replace("7860", port).replace('", "', '" "').replace('["', '"')
        while subprocess.run(shlex.split(check), env=env, stderr=subprocess.DEVNULL).returncode:
            if server.poll() is not None or time.perf_counter() - began > _SECONDS:
                raise SystemExit("The command did not become healthy.")
            time.sleep(0.2)
        yield f"healthy after {time.perf_counter() - began:.1f} s"
        ready = check.replace("healthz", "readyz")
        while subprocess.run(shlex.split(ready), env=env, stderr=subprocess.DEVNULL).returncode:
            if time.perf_counter() - began > _SECONDS:
                raise SystemExit("The command did not become ready.")
            time.sleep(0.5)
        yield f"ready after {time.perf_counter() - began:.1f} s"
    finally:
        server.terminate()
        status = server.wait(timeout=30)
        subprocess.run(["chmod", "-R", "u+w", machine.root / "app"], check=True)
    yield f"ended with {status} when told to"
    if changed := _written(machine.root / "app") ^ before:
        raise SystemExit(f"It wrote where it may only read: {sorted(changed)[:5]}")
    yield "wrote in /data and /tmp alone"


def _reaches(as_user: list[str], env: Mapping[str, str]) -> bool:
    """Whether that user can run the Python that was installed."""
    command = [*as_user, "env", "python", "-c", "import structlog"]
    return subprocess.run(command, env=env, stderr=subprocess.DEVNULL).returncode == 0


def _written(folder: Path) -> set[tuple[str, int]]:
    """Each file below, and when it was last written."""
    return {(str(f), f.lstat().st_mtime_ns) for f in folder.rglob("*") if not f.is_dir()}


def main() -> int:
    """Does them."""
    parser = argparse.ArgumentParser(prog="python -m proof.container", description=__doc__)
    parser.add_argument("--folder", type=Path, help="an empty one, which stays; none: a new one")
    parser.add_argument("--gpu", action="store_true", help="the GPU's stage as well")
    parser.add_argument("--torch-index", default="", help="index of torch's CPU builds")
    asked = parser.parse_args()
    stages = ("build", "build-gpu", "base") if asked.gpu else ("build", "base")
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        machine = Machine(asked.folder or Path(made) / "image")
        for line in build(machine, stages, {"TORCH_INDEX": asked.torch_index}):
            print(line, flush=True)
        for line in serve(machine):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
