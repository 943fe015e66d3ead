"""Orders to a language model, hidden in a document or repeated in an answer.

A document has nothing to tell the model, so each such order is taken for an attack.
"""

from __future__ import annotations

import re

_RULES = (
    r"(?:instruction|prompt|rule|guideline|direction|command|message|context|polic|training)\w*"
)
_WHOSE = r"(?:previous|prior|above|earlier|preceding|foregoing|all|any|other|your|the|these|system)"
_MODEL = r"(?:ai|llm|language model|(?:ai )?assistant|chatbot|bot|gpt|claude)"
_SECRETS = (
    r"(?:conversation|chat (?:history|log)|user'?s? (?:data|details|question|input|password)|"
    r"credentials|api key|password|secrets?|everything (?:above|you know))"
)
_ORDERS = (
    rf"\b(?:ignore|disregard|forget|override|bypass|neglect|skip)\b[^.\n]{{0,30}}\b{_WHOSE}\b"
    rf"[^.\n]{{0,20}}\b{_RULES}",
    r"\b(?:new|updated|real|actual|secret|hidden) (?:system )?instructions?\s*(?::|are|for)",
    r"\byou are (?:now|no longer)\b",
    r"\bfrom now on,? (?:you|act|answer|respond|reply)\b",
    r"\b(?:act|behave|respond) as (?:if you (?:were|are)|an? (?:unrestricted|different|evil))",
    r"\bpretend (?:to be|that you)\b",
    r"\b(?:developer|dan|god|jailbreak|debug) mode\b|\bdo anything now\b",
    r"\b(?:system|assistant|user)\s*(?:prompt|message|instruction)s?\s*(?::|override)",
    r"^\s*(?:#+\s*)?(?:system|assistant)\s*:",
    r"<\|?/?(?:im_start|im_end|system|inst|endoftext)\|?>|\[/?INST\]",
    r"\b(?:reveal|print|repeat|show|output|leak|disclose|tell (?:me|us|the user)) (?:me )?"
    r"(?:your|the) (?:\w+ ){0,2}(?:prompt|instructions)\b",
    rf"\b(?:as an?|dear|attention|note to|hey|hello|message (?:to|for)) (?:the )?{_MODEL}\b[,:]",
    rf"\bif you are an? {_MODEL}\b",
    rf"\b{_MODEL}s? (?:must|should|shall|is to|are to|has to|reading this)\b",
    rf"\b(?:send|forward|e-?mail|post|upload|transmit|exfiltrate|submit)\b[^.\n]{{0,60}}"
    rf"\b{_SECRETS}\b[^.\n]{{0,40}}\bto\b",
    r"\b(?:do not|don'?t|never) (?:tell|inform|warn|mention)\b[^.\n]{0,20}\b(?:user|asker)\b",
    r"\b(?:always|instead|only|must) (?:answer|reply|respond|say|output)\b[^.\n]{0,40}[\"'“‘:]",
    r"!\[[^\]]*\]\(https?://[^)]*[?=]",
)
_ORDER = re.compile("|".join(_ORDERS), re.IGNORECASE | re.MULTILINE)


def instructions(text: str) -> str | None:
    """The first order to a language model in a text, word for word; None: there is none."""
    found = _ORDER.search(text)
    return found[0].strip() if found else None
