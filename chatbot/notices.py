"""What Countersign itself says about an answer, in fixed words."""

from __future__ import annotations

from datetime import datetime

NOT_FOUND = "This is not in the documents."
NOTHING_INDEXED = "There are no documents to answer from yet. Add some with `ingest sync FOLDER`."
MODEL_FOUND_NOTHING = "NOT IN THE PASSAGES"
UNSUPPORTED = (
    "The language model wrote nothing that the documents support. "
    "These are the sentences in them that come nearest to the question, word for word."
)
NEARLY = (
    "The language model found no answer in the documents. "
    "These are the sentences in them that most likely hold one, word for word."
)
NO_MODEL = (
    "The language model is not available at the moment. "
    "These are the sentences in the documents that come nearest to the question, word for word."
)
NOTHING_NEAR = "nothing in the passages comes near the question"
UNSCREENED = "it could not be checked whether this is sensitive"
STANDS_IN = (
    "The language model is not available at the moment. Another one on this server has answered."
)
WEAK = "the documents hardly fit this question"
HARDLY_FITS = "The documents hardly fit this question. Please check that this answers it."
TOO_WEAK = "the documents do not support an answer to this well enough"


def from_faq(checked_at: datetime) -> str:
    """That people have chosen an answer, and when it was last checked."""
    return f"From the FAQ, checked on {checked_at.day} {checked_at:%B %Y}."


def answered_before(made_at: datetime) -> str:
    """That an answer is given again, and when it was made."""
    return f"Answered before, on {made_at.day} {made_at:%B %Y}."
