"""Where an adapter comes from: its base, its training, its data, and the code that made it."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean
from typing import Any

from chatbot.adapters.models import LANGUAGE, hash_file
from chatbot.errors import BadInput
from finetune.card import CARD, README, markdown
from finetune.rows import ROWS, stored

UNKNOWN = "not known"
_ROOT = Path(__file__).resolve().parent.parent
_GIT_SECONDS = 10


def trained(folder: Path, data: Path) -> dict[str, Any]:
    """What is known of an adapter whose training has just ended; written into its folder, as
    `card.json` and as README.md in the place of PEFT's."""
    training = _training(folder) or {}
    card = {"base": _base(training["plan"]["base"]), "training": training, "data": data_of(data),
            "commit": {"trained": code_commit()}}  # fmt: skip
    return write(card, folder / CARD, folder / README)


def exported(folder: Path, out: Path, base: Path | None = None) -> dict[str, Any]:
    """What is known of the file that was written from an adapter's folder; kept beside the file.

    Args:
        base: file that it is for, or was merged into; None: the one that it was trained on.
    """
    known = _read(folder / CARD) or {"training": _training(folder), "commit": {"trained": UNKNOWN}}
    file = {"file": out.name, "sha256": hash_file(out), "bytes": out.stat().st_size}
    card = known | {"adapter": file}
    if base:
        card["base"] = {"name": base.name, "sha256": hash_file(base)}
    return write(card, out.with_suffix(".card.json"), out.with_suffix(".card.md"))


def candidate(file: Path, data: Path) -> dict[str, Any]:
    """What is known of a file that is to be promoted, and of the data that it was measured on.

    Raises:
        BadInput: it is missing, or the card beside it is of another file.
    """
    if not file.is_file():
        raise BadInput(f"There is no adapter file {file}.", "Write it: `finetune export`.")
    known = _read(file.with_suffix(".card.json")) or {}
    about = {"file": file.name, "sha256": hash_file(file), "bytes": file.stat().st_size}
    if known.get("adapter", about)["sha256"] != about["sha256"]:
        raise BadInput(
            f"The card beside {file} is of another file.", "Write both anew: `finetune export`."
        )
    measured = data_of(data)
    rows = (known.get("training") or {}).get("rows")
    return known | {
        "adapter": about,
        "data": measured,
        "learned_here": rows == measured["fingerprints"]["train"] if rows else None,
        "commit": known.get("commit", {"trained": UNKNOWN}) | {"promoted": code_commit()},
    }


def data_of(folder: Path) -> dict[str, Any]:
    """A dataset's counts, licences and fingerprints, and the SHA-256 of its rows.

    Raises:
        BadInput: it has no `about.json`.
    """
    about = _read(folder / "about.json")
    if about is None:
        raise BadInput(f"{folder} has no about.json.", "Make it with `finetune dataset`.")
    kept = ("rows", "splits", "origins", "without_answer", "fingerprints")
    return {"folder": folder.name, "sha256": hash_file(stored(folder / ROWS))} | {
        name: about[name] for name in kept
    }


def code_commit() -> str:
    """The commit of this code, with `+` where files differ from it; else its release."""
    if (_ROOT / ".git").exists():
        found = _git("rev-parse", "HEAD")
        if found:
            return found + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    try:
        return f"countersign {version('countersign')}"
    except PackageNotFoundError:
        return UNKNOWN


def write(card: dict[str, Any], as_json: Path, as_words: Path) -> dict[str, Any]:
    """Writes a card twice: for programs and for people."""
    as_json.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    as_words.write_text(markdown(card), encoding="utf-8")
    return card


def _training(folder: Path) -> dict[str, Any] | None:
    """`training.json` without each step's loss."""
    record = _read(folder / "training.json")
    if record is None:
        return None
    last = record.pop("losses")[-50:]
    return record | {"last_loss": round(mean(last), 4) if last else None}


def _base(name: str) -> dict[str, str]:
    if name == "embedded":
        return {"name": LANGUAGE.name, "sha256": LANGUAGE.sha256}
    return {"name": name, "sha256": hash_file(Path(name)) if Path(name).is_file() else UNKNOWN}


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}).", "Delete it, or make it anew."
        ) from error


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *words],  # noqa: S607
            capture_output=True, text=True, check=True, timeout=_GIT_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
