"""Dockerfile and compose file: what can be held to without a container engine, and each service's
command run where its program is at hand. `python -m proof.container` does the Dockerfile's steps.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from chatbot import settings as settings_module
from chatbot.settings import Settings, load_settings
from proof.container import sent, steps

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = steps((ROOT / "Dockerfile").read_text())
IGNORE = (ROOT / ".dockerignore").read_text()
KNOWN = {
    "image", "build", "user", "read_only", "tmpfs", "ports", "networks", "volumes", "secrets",
    "environment", "depends_on", "stop_grace_period", "mem_limit", "pids_limit", "profiles",
    "entrypoint", "command", "shm_size", "deploy", "healthcheck", "restart", "init", "cap_drop",
    "security_opt", "logging", "env_file",
}  # fmt: skip


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets") / "run"
    subprocess.run([ROOT / "deploy" / "secrets.sh", str(folder)], check=True)
    return folder


def test_the_image_runs_as_nobody_in_particular_and_is_asked_how_it_is() -> None:
    last = {s.word: s.rest for s in DOCKERFILE if s.stage == "base"}
    assert last["USER"] == "10001"
    assert "/healthz" in last["HEALTHCHECK"]
    assert last["CMD"] == '["python", "app.py"]'
    assert [s.stage for s in DOCKERFILE if s.word == "FROM"][-2:] == ["gpu", "app"]
    (image,) = {s.rest.partition("=")[2] for s in DOCKERFILE if s.stage == ""}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", image)


def test_each_source_of_a_copy_is_there_and_is_sent() -> None:
    sources = [
        source
        for step in DOCKERFILE
        if step.word == "COPY" and not step.rest.startswith("--from")
        for source in step.rest.split()[:-1]
    ]
    assert len(sources) > 12
    for source in sources:
        place = ROOT / source
        files = [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
        assert any(sent(str(f.relative_to(ROOT)), IGNORE) for f in files), source


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", "var/secret.key", "deploy/secrets/redis_password", "tests/conftest.py",
     "chatbot/.env", "docs/STATE.md", "chatbot/__pycache__/x.pyc", "samples/other/private.pdf"],
)  # fmt: skip
def test_nothing_else_is_sent(path: str) -> None:
    assert not sent(path, IGNORE)


def test_each_run_step_is_shell() -> None:
    for step in DOCKERFILE:
        if step.word == "RUN":
            subprocess.run(["/bin/sh", "-nc", step.rest], check=True)


def test_the_compose_file_uses_words_of_the_specification() -> None:
    assert set(COMPOSE) == {"name", "x-hardened", "services", "networks", "volumes", "secrets"}
    for name, service in SERVICES.items():
        assert set(service) <= KNOWN, name
        volumes = {v.partition(":")[0] for v in service.get("volumes", ()) if v[0] not in ".$"}
        assert volumes <= set(COMPOSE["volumes"]), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        assert set(service.get("depends_on", ())) <= set(SERVICES), name
        assert all("healthcheck" in SERVICES[n] for n in service.get("depends_on", ())), name


def test_only_the_application_is_published_and_nothing_else_has_a_way_out() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["app"]
    assert SERVICES["app"]["ports"] == ["${COUNTERSIGN_PUBLISH:-127.0.0.1:7860}:7860"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert [n for n, s in SERVICES.items() if s["networks"] != ["back"]] == ["app"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_pinned_and_held_down(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "tgi" or (service["read_only"] and not service["user"].startswith("0"))
    assert name == "app" or "healthcheck" in service
    assert "mem_limit" in service
    assert "privileged" not in service


def test_no_password_stands_in_it() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", key):
                assert str(value).startswith("/run/secrets/"), (name, key)
    assert all(list(s) == ["file"] for s in COMPOSE["secrets"].values())
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text()


def test_passwords_are_made_once_and_fit_each_other(secrets: Path) -> None:
    names = {Path(s["file"]).name for s in COMPOSE["secrets"].values()}
    before = {f.name: f.read_text() for f in secrets.iterdir()}
    assert set(before) == names
    subprocess.run([ROOT / "deploy" / "secrets.sh", str(secrets)], check=True)
    assert {f.name: f.read_text() for f in secrets.iterdir()} == before
    assert len(set(before.values())) == len(names)
    assert before["postgres_password"] in before["countersign_database"]
    assert before["redis_password"] in before["countersign_cache"]
    assert secrets.stat().st_mode & 0o077 == 0


def test_the_application_reads_its_secrets_from_files(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "SECRETS", secrets)
    found = load_settings()
    assert found.metrics_token
    assert (
        found.metrics_token.get_secret_value()
        == (secrets / "countersign_metrics_token").read_text()
    )
    assert found.cache == (secrets / "countersign_cache").read_text()
    assert found.limits == (secrets / "countersign_limits").read_text()
    assert found.generation_key
    monkeypatch.setenv("COUNTERSIGN_CACHE", "none")
    assert load_settings().cache == "none"  # what is said aloud goes first


def test_each_setting_that_it_gives_is_one() -> None:
    fields = Settings.model_fields
    known = {f.alias or f"COUNTERSIGN_{n.upper()}" for n, f in fields.items()}
    app = SERVICES["app"]
    given = {*app["environment"], *map(str.upper, app["secrets"])} - {"HOME"}
    assert given <= known


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def listening(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert server.poll() is None, "it has ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("it does not listen")


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[bytes]]]:
    servers: list[subprocess.Popen[bytes]] = []
    yield servers
    for server in servers:
        server.terminate()
        server.wait(timeout=20)


def test_redis_starts_as_it_says_and_wants_its_password(
    secrets: Path, tmp_path: Path, ended: list[subprocess.Popen[bytes]]
) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine")
    port = free_port()
    shell, flag, script = SERVICES["redis"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run/secrets", str(secrets))
    script = script.replace("<<END\n", f"<<END\nport {port}\nbind 127.0.0.1\n")
    ended.append(started([shell, flag, script], cwd=tmp_path))
    listening(port, ended[0])
    url = (secrets / "countersign_cache").read_text().replace("redis:6379", f"127.0.0.1:{port}")
    with redis.Redis.from_url(url) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-ttl"
        assert client.config_get("save")["save"] == ""
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_chroma_starts_as_it_says(tmp_path: Path, ended: list[subprocess.Popen[bytes]]) -> None:
    port = free_port()
    at = {"0.0.0.0": "127.0.0.1", "8000": str(port), "/data": str(tmp_path / "data")}
    command = [at.get(word, word) for word in SERVICES["chroma"]["command"]]
    program = shutil.which("chroma", path=str(Path(sys.executable).parent))
    assert program
    ended.append(started([program, *command[1:]], cwd=tmp_path))
    listening(port, ended[0])
    check = SERVICES["chroma"]["healthcheck"]["test"][1:]
    check = [word.replace("8000", str(port)) for word in check]
    subprocess.run(check, check=True)


def test_prometheus_starts_as_it_says(
    secrets: Path, tmp_path: Path, ended: list[subprocess.Popen[bytes]]
) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no promtool: it comes with Prometheus")
    shutil.copytree(ROOT / "deploy" / "prometheus", tmp_path / "etc")
    config = tmp_path / "etc" / "prometheus.yml"
    config.write_text(config.read_text().replace("/run/secrets", str(secrets)))
    port = free_port()
    arguments = [
        word.replace("/etc/prometheus", str(tmp_path / "etc")).replace(
            "=/prometheus", f"={tmp_path}/db"
        )
        for word in SERVICES["prometheus"]["command"]
    ]
    ended.append(started([program, *arguments, f"--web.listen-address=127.0.0.1:{port}"]))
    listening(port, ended[0])


def test_postgres_starts_with_its_options(tmp_path: Path) -> None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("PostgreSQL's server programs are not on this machine")
    options = [o for o in SERVICES["postgres"]["command"] if "=" in o]
    for name, value in (option.split("=") for option in options):
        said = subprocess.run(
            [str(found[-1]), "--describe-config"], capture_output=True, text=True, check=True
        ).stdout
        assert re.search(rf"^{name}\t", said, re.MULTILINE), name
        assert value
