"""What has to happen so that the index equals the folder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of documents (their uris) by what happens to them, each in order."""

    add: tuple[str, ...]
    replace: tuple[str, ...]
    keep: tuple[str, ...]
    delete: tuple[str, ...]


def plan(
    found: Mapping[str, str],
    stored: Mapping[str, tuple[str, str]],
    pipeline: str,
    roots: Iterable[str],
    present: Iterable[str],
) -> Plan:
    """Compares a folder with the catalogue.

    Args:
        found: uri → content hash of each file that can be read.
        stored: uri → (content hash, pipeline) of each document in the collection.
        pipeline: the code that would split a file now; another one's work is done again.
        roots: the folders and files that were named; only what lies under them can be deleted.
        present: uris that exist, readable or not: an unreadable file's document is kept.
    """
    tops = [PurePath(root) for root in roots]
    there = set(present) | found.keys()
    same = {uri for uri, digest in found.items() if stored.get(uri) == (digest, pipeline)}
    gone = (
        uri
        for uri in stored
        if uri not in there and any(PurePath(uri).is_relative_to(top) for top in tops)
    )
    return Plan(
        add=tuple(uri for uri in found if uri not in stored),
        replace=tuple(uri for uri in found if uri in stored and uri not in same),
        keep=tuple(uri for uri in found if uri in same),
        delete=tuple(sorted(gone)),
    )
