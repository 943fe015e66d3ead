"""The adapters that answer for single collections, and how a server is asked for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

_NEXT_TO_NOTHING = 1e-30


@dataclass(frozen=True, slots=True)
class Chosen:
    """One adapter among several on a server.

    Attributes:
        name: as the records of its answers show it; empty for the general model.
        request: what a request for it says otherwise than one to a server of one model.
    """

    name: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers for which collection; the general model for all others and for several."""

    general: Chosen = Chosen()
    adapters: Mapping[str, Chosen] = field(default_factory=dict)

    def of(self, collections: Collection[str]) -> Chosen:
        """Who answers from passages of those collections."""
        if len(collections) != 1:
            return self.general
        return self.adapters.get(next(iter(collections)), self.general)


def by_name(adapters: Mapping[str, str]) -> Choice:
    """Adapters on a server of one's own. TGI and vLLM take an adapter's name for a model's;
    llama-server numbers its adapters, and number 0 is the general one."""
    if not any(name.isdecimal() for name in adapters.values()):
        return Choice(adapters={c: Chosen(n, {"model": n}) for c, n in adapters.items()})
    numbered = {c: by_number(int(n), f"adapter {n}") for c, n in adapters.items()}
    return Choice(by_number(0, ""), numbered)


def by_number(number: int, name: str, scale: float = 1.0) -> Chosen:
    """An adapter on llama-server, which leaves out all that a request does not list."""
    return Chosen(name, {"extra_body": {"lora": [{"id": number, "scale": scale}]}})


def without_adapter() -> Chosen:
    """The model as it comes, on a llama-server that has adapters.

    Asked for no adapter, llama.cpp goes on from what one of them has made of the same words
    (ggml-org/llama.cpp 26207); asked for one at a scale that changes nothing, it begins anew.
    """
    return by_number(0, "", _NEXT_TO_NOTHING)
