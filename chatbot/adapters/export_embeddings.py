"""Exports a sentence-transformers model to ONNX, keeps the fastest engine that agrees with it.

Run as `python -m chatbot.adapters.export_embeddings SOURCE FOLDER [CHANGE]`, CHANGE a file with a
low-rank change of the model, which is merged into it first. Dynamic quantization to int8
follows ONNX Runtime's own recipe for transformers; it is kept only where its vectors stay within
`LEAST_COSINE` of torch's on `check_texts.txt` and it is the fastest.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.low_rank import merge

LEAST_COSINE = 0.99
_TEXTS = Path(__file__).parent / "check_texts.txt"


def main(source: str, folder: Path, change: Path | None = None) -> None:
    """Writes the ONNX file, `tokenizer.json` and, last, `manifest.json` into the folder."""
    warnings.simplefilter("ignore")  # torch's tracer warns about the model's own code
    logging.disable(logging.WARNING)
    from sentence_transformers import SentenceTransformer

    # Plain attention becomes fewer and faster operators than the fused one of torch.
    plain = {"attn_implementation": "eager"}
    model = SentenceTransformer(source, device="cpu", model_kwargs=plain)
    if change:
        merge(model[0].auto_model, change)
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    manifest: dict[str, Any] = {
        "model": _name(source),
        "source": source,
        "engine": "torch",
        "max_tokens": int(model.max_seq_length or 512),
        "prompts": {k: v for k, v in (model.prompts or {}).items() if v},
        "checks": {},
    }
    try:
        _export(model, folder / "float32.onnx")
    except Exception as error:  # whatever torch cannot export, for whatever reason, runs in torch
        if change:  # but without the change, which is made here alone
            raise
        manifest["why"] = f"cannot be exported: {error}"
    else:
        manifest |= _fastest(model, folder, manifest, {"torch"} if change else set())
    _write(folder / "manifest.json", json.dumps(manifest, indent=2))


def _name(source: str) -> str:
    path = Path(source)
    return path.parent.name if path.name == "model" else path.name if path.exists() else source


def _fastest(
    model: Any, folder: Path, manifest: dict[str, Any], without: Set[str]
) -> dict[str, Any]:
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from tokenizers import Tokenizer

    from chatbot.adapters.embeddings import TextEncoder, onnx_forward
    from chatbot.adapters.models import hash_file

    quantize_dynamic(
        folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True
    )
    texts = check_texts()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    wanted, slowest = _timed(lambda: model.encode(texts, normalize_embeddings=True))
    checks = {"torch": {"texts_per_second": len(texts) / slowest, "cosine": 1.0}}
    for engine in ("float32", "int8"):
        forward = onnx_forward(folder / f"{engine}.onnx")
        limit, cores = manifest["max_tokens"], os.cpu_count() or 1
        encoder = TextEncoder(engine, tokenizer, limit, forward, {}, cores)
        found, seconds = _timed(lambda encoder=encoder: encoder.encode(texts))  # type: ignore[misc]
        cosine = float((found * wanted).sum(axis=1).mean())
        checks[engine] = {"texts_per_second": len(texts) / seconds, "cosine": cosine}
    best = max(
        (e for e, c in checks.items() if c["cosine"] >= LEAST_COSINE and e not in without),
        key=lambda e: checks[e]["texts_per_second"],
    )
    for engine in {"float32", "int8"} - {best}:
        (folder / f"{engine}.onnx").unlink()
    if best == "torch":
        return {"checks": checks}
    file = f"{best}.onnx"
    digest = hash_file(folder / file)
    return {"engine": best, "file": file, "sha256": digest, "checks": checks}


def _export(model: Any, path: Path) -> None:
    import torch

    names = [
        n
        for n in ("input_ids", "attention_mask", "token_type_ids")
        if n in model.tokenizer.model_input_names
    ]

    class Whole(torch.nn.Module):  # type: ignore[misc]
        """The model from token ids to sentence vectors, as one graph."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            return self.model(dict(zip(names, inputs, strict=True)))["sentence_embedding"]

    sample = model.tokenizer(
        ["one text", "another, longer text"], padding=True, return_tensors="pt"
    )
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {"vectors": {0: "batch"}}
    with torch.no_grad():
        torch.onnx.export(
            Whole().eval(),
            tuple(sample[n] for n in names),
            str(path),
            input_names=names,
            output_names=["vectors"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def check_texts() -> list[str]:
    """Texts of many lengths, from a few words to a whole passage."""
    lines = _TEXTS.read_text(encoding="utf-8").splitlines()
    return [
        " ".join(lines[start : start + size])
        for size in (1, 2, 4, 8)
        for start in range(0, len(lines) - size + 1, size)
    ]


def _timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    work()
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _write(path: Path, content: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(content, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
