"""The commands in `deploy/`: run with a program of that name that only notes what it is given, and
held to the options that the real one has."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NOTE = f"""#!{sys.executable}
import json, os, sys
keys = ("API_KEY", "VLLM_API_KEY", "LLAMA_API_KEY", "VLLM_NO_USAGE_STATS")
print(json.dumps([sys.argv[1:], {{k: os.environ[k] for k in keys if k in os.environ}}]))
"""

# Read in each program's documents: version, where, and of its options those that are used.
DOCUMENTED = {
    "tgi": (
        "3.3.7",
        "docs/source/reference/launcher.md",
        "model-id hostname port max-total-tokens max-input-tokens max-concurrent-requests "
        "usage-stats lora-adapters",
    ),
    "vllm": (
        "0.33.0",
        "vllm serve --help: engine arguments, and those of the OpenAI-compatible server",
        "served-model-name host port max-model-len max-num-seqs enable-prefix-caching enable-lora "
        "max-loras max-lora-rank lora-modules",
    ),
}
# llama-server's options → what they set; the embedded engine is the same program and has the same.
LLAMA = {
    "model": "model", "host": "hostnames", "port": "port", "parallel": "n_parallel",
    "ctx-size": "n_ctx", "cors-origins": "cors_origins", "no-ui": "ui",
    "no-slots": "endpoint_slots", "offline": "offline", "lora-scaled": "lora_adapters",
}  # fmt: skip
PROGRAMS = {
    "tgi": "text-generation-launcher",
    "vllm": "vllm",
    "llama-server": "llama-server",
    "transformers": "transformers",
}


def started(script: str, folder: Path, *given: str, **env: str) -> tuple[list[str], dict[str, str]]:
    """What the program gets: its arguments, and the keys and switches in its environment."""
    program = folder / PROGRAMS[script]
    program.write_text(NOTE)
    program.chmod(0o755)
    bare = {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [str(DEPLOY / f"{script}.sh"), *given]
    done = subprocess.run(command, env=bare | env, capture_output=True, text=True, check=True)
    arguments, environment = json.loads(done.stdout)
    return arguments, environment


def options(arguments: list[str]) -> set[str]:
    return {a.removeprefix("--") for a in arguments if a.startswith("--")}


def value(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(f"--{option}") + 1]


ADAPTERS = {"llama-server": ("/a/general.gguf", "/a/cover.gguf"), "transformers": ()}


def given_to(script: str) -> tuple[str, ...]:
    return ("/m/model", *ADAPTERS.get(script, ("cover=/a/cover", "cards=/a/cards")))


@pytest.mark.parametrize("script", DOCUMENTED)
def test_options_are_documented(script: str, tmp_path: Path) -> None:
    version, _, known = DOCUMENTED[script]
    arguments, _ = started(script, tmp_path, *given_to(script))
    assert options(arguments) == set(known.split())
    assert f" {version}:" in (DEPLOY / f"{script}.sh").read_text()


def test_llama_servers_options_are_those_of_the_engine(tmp_path: Path) -> None:
    import xllamacpp

    arguments, _ = started("llama-server", tmp_path, *given_to("llama-server"))
    assert options(arguments) == set(LLAMA)
    engine = xllamacpp.CommonParams()
    assert all(hasattr(engine, name) for name in LLAMA.values())


def test_transformers_options_are_its_own(tmp_path: Path) -> None:
    from transformers import __version__
    from transformers.cli.serve import Serve

    arguments, _ = started("transformers", tmp_path, *given_to("transformers"))
    assert arguments[:2] == ["serve", "/m/model"]
    assert options(arguments) <= {p.replace("_", "-") for p in inspect.signature(Serve).parameters}
    assert f" {__version__} " in (DEPLOY / "transformers.sh").read_text()


@pytest.mark.parametrize(
    ("script", "option", "wanted"),
    [
        ("tgi", "lora-adapters", "cover=/a/cover,cards=/a/cards"),
        ("vllm", "lora-modules", "cover=/a/cover"),
        ("vllm", "max-loras", "2"),
        ("llama-server", "lora-scaled", "/a/general.gguf:1,/a/cover.gguf:0"),
    ],
)
def test_adapters_as_each_takes_them(script: str, option: str, wanted: str, tmp_path: Path) -> None:
    arguments, _ = started(script, tmp_path, *given_to(script))
    assert value(arguments, option) == wanted
    assert (arguments[-1] == "cards=/a/cards") is (option.endswith(("modules", "loras")))
    without, _ = started(script, tmp_path, "/m/model")
    assert not [o for o in options(without) if "lora" in o]


@pytest.mark.parametrize("script", PROGRAMS)
def test_each_listens_here_alone_and_keeps_its_key_off_the_command_line(
    script: str, tmp_path: Path
) -> None:
    arguments, environment = started(
        script, tmp_path, *given_to(script), GENERATION_API_KEY="sesame", PORT="8123"
    )
    assert value(arguments, "hostname" if script == "tgi" else "host") == "127.0.0.1"
    assert value(arguments, "port") == "8123"
    assert "sesame" not in " ".join(arguments)
    assert ("sesame" in environment.values()) is (script != "transformers")
    assert started(script, tmp_path, "/m/model")[1].keys() <= {"VLLM_NO_USAGE_STATS"}


@pytest.mark.parametrize("script", PROGRAMS)
def test_without_a_model_nothing_is_started(script: str, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        started(script, tmp_path)
    assert "the model" in caught.value.stderr


def test_the_page_names_every_script() -> None:
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`deploy/([a-z-]+)\.sh", page))
    assert named == set(PROGRAMS) == {p.stem for p in DEPLOY.glob("*.sh")} - {"secrets"}
