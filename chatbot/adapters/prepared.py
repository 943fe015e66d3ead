"""The embedded language model in the form that llama.cpp reads prompts fastest in, made once.

Its file comes in Q4_1, for which llama.cpp has no product over rows packed together, and an adapter
beside it costs two more products for each weight. Worked into the weights, in Q4_0, prompts are
read two to three times as fast (docs/experiments/LOG.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from chatbot.adapters.models import check_sha256, hash_file
from chatbot.domain import sha256_of
from chatbot.errors import ModelUnusable

KIND = "Q4_0"
_KEPT = 4
_FILE, _MANIFEST = "model.gguf", "manifest.json"


def prepared_model(base: Path, adapter: Path | None, folder: Path) -> Path:
    """The model with its adapter as one file below the folder; made if it is not there yet.

    Raises:
        ModelUnusable: it cannot be made, or was changed after it was made.
    """
    parts = [hash_file(f) for f in (base, adapter) if f]
    folder = folder / "language"
    place = folder / sha256_of(" ".join((*parts, KIND)))[:16]
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (place / _MANIFEST).exists():
            _make(base, adapter, place / _FILE)
            manifest = {"parts": parts, "kind": KIND, "sha256": hash_file(place / _FILE)}
            (place / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        os.utime(place)
        _forget(folder)
    kept = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
    check_sha256(place / _FILE, kept["sha256"])
    return place / _FILE


def _forget(folder: Path) -> None:
    """Deletes what was not used lately; it can be made again, and a server that has it open keeps
    it until it stops."""
    known = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for place in known[:-_KEPT]:
        shutil.rmtree(place)


def _make(base: Path, adapter: Path | None, out: Path) -> None:
    """In a process of its own: it takes half a gigabyte that would not be given back."""
    unfinished = out.with_suffix(".new")
    command = [sys.executable, "-m", "chatbot.adapters.gguf_files", str(base), str(adapter or ""),
               str(unfinished), KIND]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        unfinished.unlink(missing_ok=True)
        raise ModelUnusable(
            f"The language model cannot be prepared "
            f"({(done.stderr.strip() or 'no message').splitlines()[-1]}).",
            "See that there are 200 MB left on the disk, or name a GGUF file in "
            "COUNTERSIGN_GENERATION_MODEL.",
        )
    unfinished.replace(out)
