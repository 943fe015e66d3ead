"""Text embeddings behind LangChain's `Embeddings`, on ONNX Runtime where that is faster.

A sentence-transformers model is exported once (`chatbot.adapters.export_embeddings`, in a process
of its own, since torch costs seconds and half a gigabyte). What is kept is the fastest engine
whose vectors are nearly the original's; `manifest.json` beside it says which, and why. A model
that cannot be exported runs in torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from langchain_core.embeddings import Embeddings

from chatbot.adapters.models import EMBEDDING, check_sha256, find, hash_file, locate
from chatbot.domain import sha256_of
from chatbot.errors import ModelUnusable
from chatbot.settings import Settings

_BATCH_TOKENS = 1024  # padded tokens a batch: what fits a core's cache, found by measuring

_CHECK = "Check COUNTERSIGN_EMBEDDING_MODEL: `embedded`, a folder, or an id on the hub."
_RESTORE = "Restore policies/router.npz, or train one: chatbot policy train --help."

Forward = Callable[[Sequence[Sequence[int]]], np.ndarray]


class TextEncoder(Embeddings):
    """Unit vectors of texts.

    Attributes:
        name: the model, the engine and its precision; vectors of different names do not mix.
        max_tokens: tokens of a text that count; what comes after them is not seen.
    """

    def __init__(
        self,
        name: str,
        tokenizer: Any,
        max_tokens: int,
        forward: Forward,
        prompts: dict[str, str],
        threads: int = 1,
    ) -> None:
        from tokenizers import Tokenizer

        self.name = name
        self.max_tokens = max_tokens
        self._whole = tokenizer
        self._whole.no_truncation()
        self._whole.no_padding()
        self._cut = Tokenizer.from_str(tokenizer.to_str())
        self._cut.enable_truncation(max_tokens)
        self._forward = forward
        self._threads = threads
        self._prompts = prompts

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] = lambda _: None
    ) -> np.ndarray:
        """Vectors of the texts (n x dimensions, float32, length 1), in their order.

        Texts are worked on longest first in batches of like length, so that little is padding.

        Args:
            on_progress: told after each batch how many texts it held.
        """
        tokens = [e.ids for e in self._cut.encode_batch([_clean(t) for t in texts])]
        order = sorted(range(len(texts)), key=lambda i: -len(tokens[i]))
        batches = _by_length(order, tokens)
        vectors: np.ndarray | None = None
        for batch, part in zip(batches, self._run(batches, tokens), strict=True):
            if vectors is None:
                vectors = np.empty((len(texts), part.shape[1]), np.float32)
            vectors[batch] = _unit(part)
            on_progress(len(batch))
        return vectors if vectors is not None else np.zeros((0, 0), np.float32)

    def _run(self, batches: list[list[int]], tokens: list[list[int]]) -> Iterator[np.ndarray]:
        """Each batch on one core, as many at a time as there are cores: twice as fast as each
        batch on all of them, since cores then never wait for each other."""
        work = ([tokens[i] for i in batch] for batch in batches)
        if self._threads == 1 or len(batches) == 1:
            yield from map(self._forward, work)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(self._forward, work)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, however long it is."""
        return [len(e.ids) for e in self._whole.encode_batch([_clean(t) for t in texts])]

    def vocabulary(self) -> list[str]:
        """The tokenizer's words and parts of words, in its order: the frequent ones first."""
        known: dict[str, int] = self._whole.get_vocab()
        return sorted(known, key=known.__getitem__)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's door to `encode`."""
        prompt = self._prompts.get("document", "")
        return self.encode([prompt + t for t in texts]).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question, with the prompt that the model wants before questions."""
        # Past the batches, whose making takes an eighth of a question's time.
        tokens = self._cut.encode(_clean(self._prompts.get("query", "") + text)).ids
        return _unit(self._forward([tokens]))[0].tolist()  # type: ignore[no-any-return]


def open_embeddings(settings: Settings) -> TextEncoder:
    """The embedding model that the settings name, exported first if it never was.

    Raises:
        ModelUnusable: its files are missing, or are not the pinned ones, or cannot be loaded.
    """
    return _open(settings, *_prepared(settings))


def open_tuned(settings: Settings, change: Path) -> TextEncoder:
    """The embedded model with the low-rank change in that file, whatever the settings name;
    exported first if it never was with a file of the same content.

    Raises:
        ModelUnusable: its files or the change cannot be read or loaded.
    """
    try:
        digest = hash_file(change)
    except OSError as error:
        raise ModelUnusable(
            f"The classifier {change} cannot be read ({error.strerror}).",
            _RESTORE,
        ) from error
    folder = settings.models_folder / "router" / digest[:16]
    if not (folder / "manifest.json").exists():
        _export(str(locate(EMBEDDING).parent), folder, change)
    return _open(settings, folder, _manifest(folder))


def _open(settings: Settings, folder: Path, manifest: dict[str, Any]) -> TextEncoder:
    name = _encoder_name(manifest)
    if manifest["engine"] == "torch":
        return _torch_encoder(name, manifest)
    check_sha256(folder / manifest["file"], manifest["sha256"])
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    forward = onnx_forward(folder / manifest["file"])
    threads = settings.threads or os.cpu_count() or 1
    return TextEncoder(
        name, tokenizer, manifest["max_tokens"], forward, manifest["prompts"], threads
    )


def embedding_name(settings: Settings) -> str:
    """The name that the model's `TextEncoder` will have, without loading it."""
    return _encoder_name(_prepared(settings)[1])


def _encoder_name(manifest: dict[str, Any]) -> str:
    return f"{manifest['model']} ({manifest['engine']})"


def _prepared(settings: Settings) -> tuple[Path, dict[str, Any]]:
    source = settings.embedding_model
    if source == "embedded":
        source = str(find(EMBEDDING).parent)
    folder = settings.models_folder / sha256_of(source)[:16]
    if not (folder / "manifest.json").exists():
        if settings.embedding_model == "embedded":
            locate(EMBEDDING)
        _export(source, folder)
    return folder, _manifest(folder)


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def onnx_forward(path: Path) -> Forward:
    """A function from batches of token ids to vectors, run by ONNX Runtime on one core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],  # slower than the two operators that it joins
    )
    wanted = {i.name for i in session.get_inputs()}

    def forward(batch: Sequence[Sequence[int]]) -> np.ndarray:
        shape = (len(batch), max(len(ids) for ids in batch))
        feed = {"input_ids": np.zeros(shape, np.int64), "attention_mask": np.zeros(shape, np.int64)}
        for row, ids in enumerate(batch):
            feed["input_ids"][row, : len(ids)] = ids
            feed["attention_mask"][row, : len(ids)] = 1
        if "token_type_ids" in wanted:
            feed["token_type_ids"] = np.zeros(shape, np.int64)
        return session.run(None, feed)[0]  # type: ignore[no-any-return]

    return forward


def _export(source: str, folder: Path, *change: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if (folder / "manifest.json").exists():
            return
        program = [sys.executable, "-m", "chatbot.adapters.export_embeddings"]
        command = [*program, source, str(folder), *map(str, change)]
        # A model on this disk is prepared with the hub shut off, a model of the hub fetched.
        env = os.environ | ({"HF_HUB_OFFLINE": "1"} if Path(source).exists() else {})
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if done.returncode:
            raise ModelUnusable(
                f"The embedding model {source} cannot be prepared "
                f"({(done.stderr.strip() or 'no message').splitlines()[-1]}).",
                _RESTORE if change else _CHECK,
            )


def _torch_encoder(name: str, manifest: dict[str, Any]) -> TextEncoder:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(manifest["source"], device="cpu")
    tokenizer = model.tokenizer.backend_tokenizer

    def forward(batch: Sequence[Sequence[int]]) -> np.ndarray:
        padded = model.tokenizer.pad(
            {"input_ids": [list(ids) for ids in batch]}, return_tensors="pt"
        )
        with torch.inference_mode():
            return model(dict(padded))["sentence_embedding"].numpy()  # type: ignore[no-any-return]

    return TextEncoder(name, tokenizer, manifest["max_tokens"], forward, manifest["prompts"])


def _by_length(order: list[int], tokens: list[list[int]]) -> list[list[int]]:
    """Splits longest-first indices into batches whose padded size stays within `_BATCH_TOKENS`."""
    batches: list[list[int]] = []
    for index in order:
        longest = len(tokens[batches[-1][0]]) if batches else 0
        if not batches or longest * (len(batches[-1]) + 1) > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(index)
    return batches


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)  # type: ignore[no-any-return]


def _clean(text: str) -> str:
    """The tokenizer refuses lone surrogates; a question may hold them."""
    return text.encode("utf-8", "replace").decode("utf-8")
