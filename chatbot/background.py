"""Things that are loaded while the page is already up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from chatbot.errors import CountersignError

T = TypeVar("T")


class Background(Generic[T]):
    """Something made by `make` in a thread of its own, at once or when it is first asked for.

    Attributes:
        state: `loading`, `ready` or `failed`.
        detail: why it failed, or what else there is to know.
        failed: it was made, and does not work.
    """

    def __init__(self, name: str, make: Callable[[], T], *, at_once: bool = True) -> None:
        self.name = name
        self.detail = ""
        self.failed = False
        self._make = make
        self._done = threading.Event()
        self._value: T | None = None
        self._error: CountersignError | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        if at_once:
            self.begin()

    @property
    def begun(self) -> bool:
        """Whether anybody has wanted it yet."""
        return self._thread is not None

    def begin(self) -> None:
        """Begins to load, if nothing has begun that yet."""
        with self._lock:
            if self._thread is None:
                run = threading.Thread(target=self._run, name=f"loading {self.name}", daemon=True)
                run.start()
                self._thread = run

    @property
    def state(self) -> str:
        """Where the loading stands."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self._error or self.failed else "ready"

    def get(self, timeout: float) -> T:
        """The thing itself, waited for.

        Raises:
            CountersignError: it could not be made, or is not ready in time.
        """
        self.begin()
        if not self._done.wait(timeout):
            raise CountersignError(f"The {self.name} is still loading.", "Try again in a moment.")
        if self._error:
            raise self._error
        return self._value  # type: ignore[return-value]

    def join(self) -> None:
        """Waits until the loading has ended, well or not. A process that ends while native code
        still loads a model in a thread is aborted by the C++ runtime."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._value = self._make()
        except CountersignError as error:
            self._error, self.detail = error, str(error)
        except Exception as error:  # a thread that dies silently would leave `loading` for ever
            self._error = CountersignError(f"The {self.name} cannot be loaded ({error}).")
            self._error.__cause__ = error
            self.detail = str(self._error)
        finally:
            self._done.set()
