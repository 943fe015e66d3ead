"""Every error that Countersign raises on purpose.

    CountersignError
    ├── BadInput                what the caller gave cannot be used        exit 2
    │   ├── BadQuestion         empty, or too long for the model
    │   ├── BadSettings         a setting that does not hold
    │   └── BadFile             a file that people write by hand does not hold
    │       └── BadPolicy       the policy file
    ├── NotAllowed              this person may not do that, or not now
    ├── Busy                    too many wait already; `seconds` until it is worth another try
    │   └── TooMany             the caller has asked too much in a while
    ├── NotFound                a conversation, document or answer that is not there
    ├── IndexUnusable           the catalogue or an index cannot be opened  exit 1
    │   └── IndexBusy           another process has it open
    ├── ModelUnusable           a model file is missing or is not the one that was pinned
    │   └── AdapterSilent       a model answers as if its adapter were not there
    ├── GenerationFailed        the language model is down, slow, or answered nonsense
    ├── LoadFailed              one document cannot be read
    ├── DeliveryFailed          a webhook or a mail server did not take a message
    └── StorageFull             the disk has no room

Each message says what failed, why, and what to do about it.
"""

from __future__ import annotations

import math
import traceback


class CountersignError(Exception):
    """Root of the tree.

    Args:
        what: what failed and why, one sentence.
        remedy: what the reader can do about it, one sentence.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class BadInput(CountersignError):
    """The caller gave something that cannot be used; nothing was changed."""

    exit_code = 2


class BadQuestion(BadInput):
    """A question that is empty, or too long to be answered."""


class BadSettings(BadInput):
    """A setting that is missing, malformed or contradicts another."""


class BadFile(BadInput):
    """A file that people write by hand does not hold; the message names the line."""


class BadPolicy(BadFile):
    """A policy file that does not hold."""


class NotAllowed(CountersignError):
    """Something that this person may not do, or not while things stand as they do."""


class Busy(CountersignError):
    """There is no room for one more now.

    Args:
        seconds: after which it is worth another try.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(what, f"Try again in {self.seconds} {unit}.")


class TooMany(Busy):
    """The caller has asked for more than their share."""


class NotFound(CountersignError):
    """Something that was named does not exist, or is not the caller's to see."""


class IndexUnusable(CountersignError):
    """The catalogue or an index derived from it cannot be used."""


class IndexBusy(IndexUnusable):
    """Another process has the index open."""


class ModelUnusable(CountersignError):
    """A model's files are missing, or are not the ones that were pinned."""


class AdapterSilent(ModelUnusable):
    """It is not proven that the adapter answers, and not the model below it."""


class GenerationFailed(CountersignError):
    """The language model is down, slow, or answered something that is no answer."""


class LoadFailed(CountersignError):
    """One document cannot be read."""


class DeliveryFailed(CountersignError):
    """A webhook or a mail server did not take a message; it is tried again later."""


class StorageFull(CountersignError):
    """There is no room left where Countersign keeps its data."""


def where(error: BaseException) -> dict[str, str]:
    """An unforeseen error for the log: its type and the place, nobody's words.

    Its message and its local variables may hold a question or a document.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    return {"error": type(error).__name__, "place": place}
