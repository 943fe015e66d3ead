"""Asks a model many things; a killed run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from chatbot.errors import BadInput
from finetune.evaluate import AT_ONCE, Told, written


def asked(
    model: BaseChatModel,
    wanted: Mapping[str, Sequence[BaseMessage]],
    log: Path,
    about: str,
    most: int,
    told: Told = lambda _: None,
) -> dict[str, str]:
    """What the model answers, by the same keys; each answer is kept in the log as it comes.

    Args:
        log: a file of this run's own. What it holds is not asked for again.
        about: who is asked and how; a log of anything else is refused.
        most: tokens of an answer at most.
        told: hears after each answer how many there are.

    Raises:
        BadInput: the log is another run's.
        GenerationFailed: the model does not answer; what it did answer is kept.
    """
    found = _begun(log, about)

    def ask(key: str) -> tuple[str, str]:
        return key, written(model, wanted[key], most)

    with log.open("a", encoding="utf-8") as file, ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(ask, key) for key in wanted if key not in found]
        try:
            for one in as_completed(waiting):
                key, text = one.result()
                found[key] = text
                file.write(json.dumps([key, text], ensure_ascii=False) + "\n")
                file.flush()
                told(len(found))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return {key: found[key] for key in wanted}


def _begun(log: Path, about: str) -> dict[str, str]:
    """What the log holds. A last line that was cut short is taken off."""
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps(about) + "\n", encoding="utf-8")
        return {}
    text = log.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    try:
        first, *rest = [json.loads(line) for line in whole.splitlines()]
        found = dict(rest)
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"{log} cannot be read ({error}).", "Take it away, or name another."
        ) from error
    if first != about:
        raise BadInput(
            f"{log} was begun with {first}, not with {about}.", "Take it away, or write elsewhere."
        )
    if whole != text:
        log.write_text(whole, encoding="utf-8")
    return found
