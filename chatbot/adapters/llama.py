"""The embedded language model: llama.cpp's own server inside this process, on a loopback port."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chatbot.adapters.chosen import Choice, Chosen, by_number, without_adapter
from chatbot.adapters.models import LANGUAGE, hash_file, locate
from chatbot.adapters.prepared import KIND, prepared_model
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
        choice: what a question says to be answered as the settings name it, by its collection.
        tried: what it says to be answered by the candidate.
        bare: what it says to be answered without any adapter; None: there is none.
    """

    url: str
    key: str
    model: str
    server: Any
    adapter: str | None = None
    candidate: str | None = None
    choice: Choice = field(default_factory=Choice)
    tried: Chosen = field(default_factory=Chosen)
    bare: Chosen | None = None

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
    others = {c: _adapter(name) for c, name in settings.generation_adapters.items()}
    adapters = list(dict.fromkeys(f for f in (adapter, candidate, *others.values()) if f))
    key = secrets.token_urlsafe(32)
    params = xllamacpp.CommonParams()
    # What the user names is served as it is; the embedded model in its fastest form.
    folder = settings.models_folder
    served = prepared_model(path, LANGUAGE.sha256, folder) if embedded else path
    params.model.path = str(served)
    params.n_ctx = settings.generation_context * _SLOTS
    params.n_parallel = _SLOTS
    threads = settings.threads or os.cpu_count() or 1
    params.cpuparams_batch.n_threads = threads
    # Writing is done word by word: on two cores, threads wait for each other longer than they work.
    params.cpuparams.n_threads = max(1, threads // 2)
    params.hostnames = [_HOST]
    params.port = 0
    params.api_keys = [key]
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = ""
    # What is kept outside the slots forgets which adapter read it: with two of them, one would
    # answer from what the other has read.
    params.cache_ram_mib = 0 if len(adapters) > 1 else 256
    params.offline = True
    params.verbosity = -1
    params.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(file), float(file == adapter)) for file in adapters
    ]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelUnusable(
            f"llama.cpp cannot load {path.name} ({error}).", "Use a GGUF file that it supports."
        ) from error
    _go_round_proxies()
    _wait_until_it_listens(server.listening_address)
    name = f"{LANGUAGE.name} ({KIND})" if embedded else path.stem
    return LlamaServer(
        server.listening_address,
        key,
        name,
        server,
        adapter=_called(adapter) if adapter else None,
        candidate=_called(candidate) if candidate else None,
        choice=_choice(adapter, others, adapters),
        tried=by_number(adapters.index(candidate), "") if candidate else Chosen(),
        bare=without_adapter() if adapters else None,
    )


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
    return _adapter(name)


def _adapter(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise ModelUnusable(
            f"There is no adapter file {name}.",
            "Set COUNTERSIGN_GENERATION_ADAPTER to `current`, `none`, or a GGUF adapter's file; "
            "COUNTERSIGN_GENERATION_ADAPTERS names files only.",
        )
    return path


def _choice(general: Path | None, others: dict[str, Path], loaded: list[Path]) -> Choice:
    if not loaded:
        return Choice()
    numbered = {c: by_number(loaded.index(file), _called(file)) for c, file in others.items()}
    return Choice(by_number(0, "") if general else without_adapter(), numbered)


def _called(adapter: Path) -> str:
    return f"{adapter.stem} ({hash_file(adapter)[:12]})"


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
