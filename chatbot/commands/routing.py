"""What the commands about the router share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.policy import Policy, load_policy
from chatbot.settings import load_settings

if TYPE_CHECKING:
    from chatbot.adapters.embeddings import TextEncoder
    from chatbot.adapters.router import Router


def open_encoder() -> TextEncoder:
    """The embedding model that the settings name.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    from chatbot.adapters.embeddings import open_embeddings
    from chatbot.bootstrap import silence_vendors

    silence_vendors()
    return open_embeddings(load_settings())


def router_by(policy: Policy | str | Path | None) -> Router:
    """The router by that policy; None: by the one that the settings name.

    Raises:
        BadPolicy: the policy does not hold.
        ModelUnusable: the embedding model or the classifier cannot be loaded.
    """
    from chatbot.adapters.router import open_router

    settings = load_settings()
    if not isinstance(policy, Policy):
        policy = load_policy(policy or settings.policy)
    return open_router(settings, policy, open_encoder())
