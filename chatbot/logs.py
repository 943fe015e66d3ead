"""The log: a line for each thing worth knowing, with its request, and nobody's words.

Lines of our own hold codes, ids and figures; what still looks like personal data in one is taken
out. Lines of libraries are written by others, so only who spoke, how loudly, and from where is kept
of them: their messages may quote a question, a document or a key.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from chatbot.errors import where
from chatbot.steps.personal_data import redacted

log = structlog.get_logger()

Form = Literal["json", "text"]
_LEVELS = {n: getattr(logging, n.upper()) for n in ("debug", "info", "warning", "error")}
_CODES = frozenset({"timestamp", "level", "request", "record", "item", "place", "error"})
"""Fields that this program has made itself, of digits too, which are no telephone numbers."""


def configure_logs(form: Form = "json", level: str = "warning") -> None:
    """Has our own lines written to standard error from here on."""
    last: Any = structlog.processors.JSONRenderer()
    if form == "text":
        last = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_persons,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        # Looked up at each message: standard error may be another by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def take_over_logs() -> None:
    """Has the lines of libraries, and errors that nobody caught, written in the same way."""
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    threading.excepthook = _uncaught


class _Libraries(logging.Handler):
    """Writes of a library's line who, how loudly and from where; never what."""

    def emit(self, record: logging.LogRecord) -> None:
        about = {"place": f"{record.pathname}:{record.lineno}"}
        if record.exc_info and record.exc_info[1] is not None:
            about = where(record.exc_info[1])
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write("a library had something to say", logger=record.name, **about)


def _uncaught(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        log.error("a thread ended in an unexpected error", **where(args.exc_value))


def _without_persons(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The line without personal data and without an exception's own words."""
    if error := event.pop("exc_info", None):
        caught = error if isinstance(error, BaseException) else sys.exc_info()[1]
        event.update(where(caught) if caught else {})
    for key, value in event.items():
        if key not in _CODES:
            event[key] = _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _clean(one) for key, one in value.items()}
    return value if value is None or isinstance(value, int | float) else redacted(str(value))
