"""The embedded language model: llama.cpp's own server inside this process, on a loopback port."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chatbot.adapters.models import LANGUAGE, hash_file, locate
from chatbot.adapters.revisions import BASE, SHIPPED, Revisions
from chatbot.errors import ModelUnusable
from chatbot.settings import Settings

SHIPPED_FILE = Path(__file__).resolve().parents[2] / "models" / "adapter" / "adapter.gguf"
"""The adapter that comes with Countersign, for the embedded model."""
_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_SLOTS = 4  # answers that are written at the same time


@dataclass(slots=True)
class LlamaServer:
    """A running server: its base URL without `/v1`, the key that it asks for, its model's name.

    Attributes:
        adapter: the adapter's file name and the beginning of its SHA-256; None: the base answers.
        candidate: another adapter, which answers where a question says so.
    """

    url: str
    key: str
    model: str
    server: Any
    adapter: str | None = None
    candidate: str | None = None

    def worn(self, adapter: str | None) -> dict[str, Any]:
        """What a question says to be answered with that adapter; None: without any.

        Each question must say it: one that says nothing is answered from what the server
        remembers of the same words under another adapter.
        """
        loaded = [name for name in (self.adapter, self.candidate) if name]
        worn = [{"id": i, "scale": float(n == adapter)} for i, n in enumerate(loaded)]
        return {"lora": worn} if worn else {}

    def close(self) -> None:
        """Stops the server: it has no other way than to be let go of."""
        self.server = None


def start_llama(settings: Settings, candidate: Path | None = None) -> LlamaServer:
    """Loads the GGUF file that the settings name and serves it with a key made now.

    Args:
        candidate: an adapter that is loaded beside the one that the settings name.

    Raises:
        ModelUnusable: the file is missing, is not the pinned one, or llama.cpp refuses it.
    """
    import xllamacpp

    embedded = settings.generation_model == "embedded"
    path = locate(LANGUAGE) if embedded else _gguf(settings.generation_model)
    adapter = adapter_file(settings)
    key = secrets.token_urlsafe(32)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = settings.generation_context * _SLOTS
    params.n_parallel = _SLOTS
    params.cpuparams.n_threads = settings.threads or os.cpu_count() or 1
    params.hostnames = [_HOST]
    params.port = 0
    params.api_keys = [key]
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = ""
    # What is kept outside the slots forgets which adapter read it: with two of them, one would
    # answer from what the other has read.
    params.cache_ram_mib = 0 if candidate else 256
    params.offline = True
    params.verbosity = -1
    files = [file for file in (adapter, candidate) if file]
    if files:
        params.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(str(file), float(file == adapter)) for file in files
        ]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelUnusable(
            f"llama.cpp cannot load {path.name} ({error}).", "Use a GGUF file that it supports."
        ) from error
    _go_round_proxies()
    _wait_until_it_listens(server.listening_address)
    name = LANGUAGE.name if embedded else path.stem
    names = (_called(adapter), _called(candidate))
    return LlamaServer(server.listening_address, key, name, server, *names)


def _called(adapter: Path | None) -> str | None:
    return f"{adapter.stem} ({hash_file(adapter)[:12]})" if adapter else None


def adapter_file(settings: Settings) -> Path | None:
    """The adapter that the settings name; None: the base answers.

    Raises:
        ModelUnusable: it is missing, or was changed after it was promoted.
    """
    name = settings.generation_adapter
    if name == "none":
        return None
    if name == "current":
        revisions = Revisions(settings.adapters_folder)
        current = revisions.current()
        if current is None or current.revision == SHIPPED:
            fits = settings.generation_model == "embedded" and SHIPPED_FILE.exists()
            return SHIPPED_FILE if fits else None
        return None if current.revision == BASE else revisions.file(current.revision)
    path = Path(name)
    if not path.is_file():
        raise ModelUnusable(
            f"There is no adapter file {name}.",
            "Set COUNTERSIGN_GENERATION_ADAPTER to `current`, `none`, or a GGUF adapter's file.",
        )
    return path


def _go_round_proxies() -> None:
    """What is for this machine does not go through the proxy that the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        if _HOST not in known.split(","):
            os.environ[name] = f"{known},{_HOST}".strip(",")


def _wait_until_it_listens(url: str) -> None:
    """A server that is let go of before it listens waits for its own thread for ever."""
    httpx.get(f"{url}/health", timeout=_START_SECONDS, trust_env=False)


def _gguf(name: str) -> Path:
    """A GGUF file on this disk, or one of a repository on the hub: `owner/name/file.gguf`."""
    path = Path(name)
    if path.is_file():
        return path
    owner, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    if not file or path.is_absolute():
        raise ModelUnusable(
            f"There is no model file {name}.",
            "Set COUNTERSIGN_GENERATION_MODEL to `embedded`, a GGUF file, or owner/name/file.gguf "
            "on the hub; or set GENERATION_URL.",
        )
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(f"{owner}/{repository}", file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelUnusable(
            f"The model {name} cannot be fetched from the hub ({type(error).__name__}).",
            "Check the name and the connection, or give a GGUF file on this disk.",
        ) from error
