"""The question and numbered passages, as messages that fit the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from chatbot.domain import Passage, ScoredPassage
from chatbot.errors import BadQuestion
from chatbot.prompts import Prompt
from chatbot.steps.words import sentence_spans

Count = Callable[[str], int]
_MESSAGE_TOKENS = 16  # what a chat template adds around the messages
_LEAST_PASSAGE = 48  # tokens; a shorter cut of a passage is not worth reading


@dataclass(frozen=True, slots=True)
class Grounded:
    """What the model is given: the messages, the passages in them (number n is at n - 1), and how
    many tokens that is."""

    messages: tuple[BaseMessage, ...]
    passages: tuple[ScoredPassage, ...]
    tokens: int = 0


def ground(
    question: str, passages: Sequence[ScoredPassage], prompt: Prompt, count: Count, budget: int
) -> Grounded:
    """As many of the passages as fit, best first; the last one is cut at a sentence's end.

    Args:
        count: tokens of a text, in the model's own.
        budget: tokens that the messages may have.

    Raises:
        BadQuestion: the question alone is too long for the model.
    """
    empty = prompt.render({"passages": "", "question": question})
    fixed = sum(count(str(m.content)) for m in empty) + _MESSAGE_TOKENS
    left = budget - fixed
    if left < _LEAST_PASSAGE:
        raise BadQuestion(
            f"The question has {count(question):,} tokens; with the passages it does not fit the "
            f"{budget:,} that the model can read.",
            "Ask a shorter question.",
        )
    blocks: list[str] = []
    for number, scored in enumerate(passages, 1):
        whole = numbered(number, where_of(scored.passage), scored.passage.text)
        block = _fitted(whole, count, left)
        if not block:
            break
        blocks.append(block)
        left -= count(block) + 2
    messages = prompt.render({"passages": "\n\n".join(blocks), "question": question})
    return Grounded(tuple(messages), tuple(passages[: len(blocks)]), budget - left)


def where_of(passage: Passage) -> str:
    """Its document's title and headings, each once, as the model reads them."""
    return " › ".join(dict.fromkeys((passage.document.title, *passage.locator.heading)))


def numbered(number: int, where: str, text: str) -> str:
    """A passage under its number, as models and labellers read it."""
    return f"[{number}] {where}\n{text}"


def _fitted(block: str, count: Count, left: int) -> str:
    if count(block) <= left:
        return block
    if left < _LEAST_PASSAGE:
        return ""
    ends = [end for _, end in sentence_spans(block)]
    fitting = [end for end in ends if count(block[:end]) <= left]
    return block[: fitting[-1]] if len(fitting) > 1 else ""
