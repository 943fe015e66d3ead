"""What the command lines share: errors become a message and an exit code, JSON goes out alone."""

from __future__ import annotations

import errno
import functools
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from chatbot.errors import CountersignError, StorageFull
from chatbot.logs import configure_logs

DONE, FAILED, PART, INTERRUPTED = 0, 1, 3, 130

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Command = TypeVar("Command", bound=Callable[..., Any])


def screen() -> Console:
    """Where people read: standard error, so that standard output holds the result alone."""
    return Console(stderr=True, highlight=False)


def guarded(command: Command) -> Command:
    """Turns our errors into a message and the exit code that they carry."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        configure_logs()
        try:
            return command(*args, **kwargs)
        except CountersignError as error:
            _fail(error, kwargs.get("as_json", False))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            full = StorageFull(
                "The disk is full; the last step was not kept.",
                "Free some room and run the command again.",
            )
            _fail(full, kwargs.get("as_json", False))
        except KeyboardInterrupt:
            screen().print("Stopped. What was done is kept; run the command again to go on.")
            raise SystemExit(INTERRUPTED) from None

    return run  # type: ignore[return-value]


def host_shown(host: str) -> str:
    """The name of this machine in an address that a person opens on it."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104


def put_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def put(text: str) -> None:
    """Text for people on standard output; what the terminal cannot show is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _fail(error: CountersignError, as_json: bool) -> NoReturn:
    if as_json:
        put_json({"error": error.what, "remedy": error.remedy})
    console = screen()
    console.print(f"Error: {error.what}", style="bold red", markup=False)
    if error.remedy:
        console.print(error.remedy, markup=False)
    raise SystemExit(error.exit_code) from error
