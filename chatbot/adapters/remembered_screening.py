"""The router, with what it has decided before: screening a question takes longer than to find its
answer in the cache.

The same decider gives the same question the same decision, so a release is remembered under the
question's exact words and the fingerprint of all that decides. What was held or refused is read
anew each time, and so is a question that leans on the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

import structlog

from chatbot.adapters.answer_store import Store
from chatbot.checking import Router
from chatbot.domain import Decision, Screening, Turn, screening_from, sha256_of
from chatbot.errors import where
from chatbot.steps.condense import needs_context

log = structlog.get_logger()

_SECONDS = 30 * 86_400.0
_AT_HAND = 4096


class RememberingRouter:
    """Screens as `router` does.

    Args:
        decider: fingerprint of the policy, the classifier, the embedding model and the code.
        store: keeps decisions; whoever else can write there must not be able to forge them.
    """

    def __init__(self, router: Router, decider: str, store: Store) -> None:
        self._router = router
        self._decider = decider
        self._store = store
        self._at_hand = lru_cache(maxsize=_AT_HAND)(self._known)

    def screen(self, question: str, history: Sequence[Turn]) -> Screening:
        """Whether a question may be answered at once."""
        if needs_context(question, history):
            return self._router.screen(question, history)
        try:
            return self._at_hand(question)
        except _NotReleased as held:
            return held.screening

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """Whether a sentence of an answer may be shown."""
        return self._router.screen_answer(sentence, cited)

    def _known(self, question: str) -> Screening:
        key = f"screened:{sha256_of(f'{self._decider} {question}')[:32]}"
        remembered = self._read(key)
        if remembered is not None:
            return remembered
        screening = self._router.screen(question, ())
        if screening.decision is not Decision.RELEASE:
            raise _NotReleased(screening)  # which the memory at hand does not keep either
        self._write(key, screening)
        return screening

    def _read(self, key: str) -> Screening | None:
        try:
            text = self._store.get(key)
            return screening_from(json.loads(text)) if text else None
        except Exception:  # a broken memory is no memory
            return None

    def _write(self, key: str, screening: Screening) -> None:
        try:
            self._store.put(key, json.dumps(asdict(screening)), _SECONDS)
        except Exception as error:
            log.error("a screening could not be remembered", **where(error))


class _NotReleased(Exception):
    def __init__(self, screening: Screening) -> None:
        super().__init__()
        self.screening = screening
