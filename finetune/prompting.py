"""A row as the messages that the chain would send, and as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from chatbot.domain import Document, Locator, Passage, ScoredPassage
from chatbot.prompts import Prompt
from chatbot.steps.ground import ground
from finetune.rows import Row, Source
from finetune.tree import Branch

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


def chat_messages(row: Row, prompt: Prompt) -> list[BaseMessage]:
    """What the chain would send for that question and those passages, none cut."""
    scored = [ScoredPassage(passage_of(source), 1.0) for source in row.sources]
    grounded = ground(row.question, scored, prompt, lambda text: len(text) // 8, 1 << 20)
    return list(grounded.messages)


def plain_messages(row: Row, prompt: Prompt) -> list[dict[str, str]]:
    """The same as chat templates take them."""
    return plain(chat_messages(row, prompt))


def plain(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """Messages as chat templates take them."""
    return [{"role": _ROLES[m.type], "content": str(m.content)} for m in messages]


def branches_of(
    rows: Sequence[Row],
    tokenizer: Any,
    prompt: Prompt,
    said: Sequence[str] | None = None,
    *,
    encodes: bool = False,
) -> list[Branch]:
    """Prompts and answers as tokens, ended as a turn is ended.

    Args:
        said: other answers than what is right.
        encodes: whether they are for a model that reads with an encoder.
    """
    asked = [asked_of(chat_messages(row, prompt), tokenizer, encodes=encodes) for row in rows]
    targets = [*said] if said else [row.target for row in rows]
    prompts = tokenizer(asked, add_special_tokens=encodes)["input_ids"]
    answers = tokenizer(targets, add_special_tokens=encodes)["input_ids"]
    end = tokenizer.eos_token_id
    ended = [a if a and a[-1] == end else [*a, end] for a in answers]
    return [Branch((*p, *a), len(p)) for p, a in zip(prompts, ended, strict=True)]


def asked_of(messages: Sequence[BaseMessage], tokenizer: Any, *, encodes: bool = False) -> str:
    """The text of a prompt: as the chat template has it; models with an encoder have none."""
    if encodes:
        return "\n\n".join(str(m.content) for m in messages)
    return str(
        tokenizer.apply_chat_template(plain(messages), add_generation_prompt=True, tokenize=False)
    )


def passage_of(source: Source) -> Passage:
    """The passage as the chain would have it."""
    document = Document(source.document, "", "", source.where, source.version, "text/plain")
    return Passage(source.id, document, 0, source.text, Locator())
