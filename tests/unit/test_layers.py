"""Who may import what, read from the source: heavy and outside things stay where they belong.

import-linter holds the order of the layers; this holds what its contracts cannot say.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatbot
import ingest

PACKAGES = [Path(str(p.__file__)).parent for p in (chatbot, ingest)]
ROOT = PACKAGES[0].parent
FILES = [f for p in PACKAGES for f in sorted(p.rglob("*.py")) if "migrations" not in f.parts]
HEAVY = {
    "torch", "transformers", "sentence_transformers", "onnxruntime", "onnx", "chromadb", "gradio",
    "xllamacpp", "tokenizers", "uvicorn", "fastapi", "alembic",
}  # fmt: skip
PURE = {
    "__future__", "base64", "binascii", "collections", "dataclasses", "datetime", "decimal", "enum",
    "difflib", "functools", "html", "itertools", "json", "math", "re", "statistics", "typing",
    "unicodedata",
}  # fmt: skip
VENDORS = HEAVY | {
    "diskcache", "redis", "sqlalchemy", "httpx", "huggingface_hub", "langchain_huggingface",
    "filelock", "prometheus_client",
}  # fmt: skip


def nodes(tree: ast.AST, *, top: bool = False) -> Iterator[ast.AST]:
    """All nodes; `top`: those alone that count when the file is imported."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        if not (top and later):
            yield from nodes(node, top=top)


def tree_of(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, top: bool = False) -> set[str]:
    found: set[str] = set()
    for node in nodes(tree_of(path), top=top):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def roots(path: Path, *, top: bool = False) -> set[str]:
    return {name.split(".")[0] for name in imports(path, top=top)}


def names(path: Path) -> set[str]:
    found = list(nodes(tree_of(path)))
    used = {n.id for n in found if isinstance(n, ast.Name)}
    return used | {n.attr for n in found if isinstance(n, ast.Attribute)}


def attributes(path: Path) -> set[str]:
    return {n.attr for n in nodes(tree_of(path)) if isinstance(n, ast.Attribute)}


def where(*offenders: Path) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in offenders]


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    cold = [f for f in FILES if "web" not in f.parts]  # imported by `serve` alone
    assert where(*(f for f in cold if roots(f, top=True) & HEAVY)) == []


def test_vendors_stay_behind_adapters() -> None:
    inside = [f for f in FILES if not {"adapters", "web"} & set(f.parts) and f.name != "cli.py"]
    assert where(*(f for f in inside if roots(f) & VENDORS)) == []


@pytest.mark.parametrize("name", ["domain.py", "errors.py"])
def test_the_words_of_the_field_are_standard_library(name: str) -> None:
    assert roots(PACKAGES[0] / name) - sys.stdlib_module_names <= {"chatbot"}


def test_steps_are_pure() -> None:
    """No file, no clock, no chance, no thread, no environment."""
    steps = sorted((PACKAGES[0] / "steps").glob("*.py"))
    for path in steps:
        used = roots(path)
        assert used <= PURE | {"chatbot", "numpy", "langchain_core"}, path.name
        assert not names(path) & {"open", "print", "environ", "random", "sleep"}, path.name
        assert "now" not in attributes(path), path.name  # as a parameter it is no clock
    assert len(steps) > 5


def test_only_the_settings_read_the_environment() -> None:
    # These write what vendors and child processes read.
    adapters = {f"chatbot/adapters/{name}.py" for name in ("embeddings", "llama")}
    writers = adapters | {"chatbot/bootstrap.py"}
    readers = where(*(f for f in FILES if names(f) & {"environ", "getenv"}))
    assert set(readers) <= writers


def test_the_application_does_not_know_its_tests() -> None:
    assert where(*(f for f in FILES if roots(f) & {"pytest", "hypothesis", "tests"})) == []
    assert where(*(f for f in FILES if "chatbot.adapters.fakes" in imports(f))) == []


def test_files_stay_small() -> None:
    lines = {f: len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert where(*(f for f, count in lines.items() if count > 400)) == []
