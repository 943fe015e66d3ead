"""The embedded language model in the form that llama.cpp reads prompts fastest in, made once.

Its file comes in Q4_1, for which llama.cpp has no product over rows packed together; in Q8_0
prompts are read about twice as fast, and the same words come of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from chatbot.adapters.models import check_sha256, hash_file
from chatbot.domain import sha256_of
from chatbot.errors import ModelUnusable

KIND = "Q8_0"
_FILE, _MANIFEST = "model.gguf", "prepared.json"


def prepared_model(base: Path, source: str, folder: Path) -> Path:
    """The model's file as `KIND` below the folder; made if it is not there yet.

    Args:
        source: SHA-256 of the base, which was checked.

    Raises:
        ModelUnusable: it cannot be made, or was changed after it was made.
    """
    place = folder / sha256_of(f"{source} {KIND}")[:16]
    if not (place / _MANIFEST).exists():  # else nothing is written: the folder may be read-only
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / "lock"):
            if not (place / _MANIFEST).exists():
                _make(base, place / _FILE)
                manifest = {"source": source, "kind": KIND, "sha256": hash_file(place / _FILE)}
                (place / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    kept = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
    check_sha256(place / _FILE, kept["sha256"])
    return place / _FILE


def _make(base: Path, out: Path) -> None:
    """In a process of its own: it takes half a gigabyte that would not be given back."""
    unfinished = out.with_suffix(".new")
    command = [sys.executable, "-m", "chatbot.adapters.gguf_files", str(base),
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
