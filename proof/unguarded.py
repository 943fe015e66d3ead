"""Guards taken away, one by one: their proof must then fail. `python -m proof.unguarded`.

A copy of the code without the guard runs the proof. The other proofs of the gate have a switch for
that (`closed --unbroken`, `delivery --trusting`, `bypass --open`), and `machine` its own faults.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.report import Report

_ROOT = Path(__file__).parent.parent
_CODE = ("chatbot", "proof", "policies")
_SECONDS = 600.0

_REVIEW, _QUEUE = "chatbot/steps/review.py", "chatbot/adapters/queue.py"
_AUDIT, _ROWS = "chatbot/adapters/audit.py", "chatbot/adapters/queue_rows.py"

_Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """What is taken away (file, text, what stands there instead), and the proof that must fail."""

    name: str
    command: Sequence[str]
    changes: Sequence[_Change]


CASES = (
    Case(
        "the audit log is not compared",
        ("tamper", "--count", "9"),
        [(_AUDIT, "return faults + list(_faults(found, heads, anchors,", "return [] and list((")],
    ),
    Case(
        "the audit log has no anchor outside the database",
        ("tamper", "--count", "200"),
        [(_AUDIT, "anchors, faults = self._anchors()", "anchors, faults = {}, []")],
    ),
    Case(
        "leases, fences and versions do not count",
        ("crowd", "--count", "60"),
        [
            (_REVIEW, "_require(holder in (None, reviewer.id)", "_require(True"),
            (_REVIEW, "_require(item.held_by(now) == reviewer.id", "_require(True"),
            (_REVIEW, "    _in(item, what, State.CLAIMED)\n", ""),
            (_REVIEW, "_require(item.fence == fence", "_require(True"),
            (_ROWS, " & (review_items.c.version == before.version)", ""),
        ],
    ),
    Case(
        "a deed is acknowledged before it is kept",
        ("crash", "--count", "60"),
        [
            (
                "proof/crash.py",
                "        self._note(self._queue.apply(one.id, self._me.id, action, change))\n",
                "        self._queue.apply(one.id, self._me.id, action, lambda i, t: self._early("
                "change(i, t)))\n\n"
                "    def _early(self, one: ReviewItem) -> ReviewItem:\n"
                "        self._note(one)\n"
                "        return one\n",
            )
        ],
    ),
    Case(
        "an audit entry has a transaction of its own",
        ("crash", "--count", "60"),
        [
            (_QUEUE, "        self._note(connection, after,", "        self._late = (after,"),
            (
                _QUEUE,
                "            yield connection\n        self.audit.anchor()",
                "            self._late = ()\n            yield connection\n"
                "        with writing(self.engine) as connection:\n"
                "            if self._late:\n"
                "                self._note(connection, *self._late)\n"
                "        self.audit.anchor()",
            ),
        ],
    ),
    Case(
        "the queue has no indexes",
        ("size", "--count", "100000"),
        [
            (
                "proof/size.py",
                "    _settle(engine)\n    desk",
                "    from sqlalchemy import inspect\n"
                "    with transaction(engine) as connection:\n"
                "        for index in inspect(engine).get_indexes('review_items'):\n"
                "            connection.exec_driver_sql('DROP INDEX ' + str(index['name']))\n"
                "    _settle(engine)\n    desk",
            )
        ],
    ),
)


def main() -> int:
    """Runs the proof of each without its guard."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    report = Report("guards that were taken away and not missed")
    for case in CASES:
        said = unguarded(case)
        print(f"-- {case.name}\n{said}")
        report.count("" if "FAILED: " in said else case.name)
    return report.end(least=len(CASES))


def unguarded(case: Case) -> str:
    """What its proof says without the guard."""
    with tempfile.TemporaryDirectory() as folder:
        for part in _CODE:
            shutil.copytree(_ROOT / part, Path(folder) / part)
        for name, guard, instead in case.changes:
            file = Path(folder) / name
            file.write_text(without(file.read_text("utf-8"), guard, instead), "utf-8")
        command = [sys.executable, "-m", f"proof.{case.command[0]}", *case.command[1:]]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    return "\n".join(line for line in done.stdout.splitlines() if ": " in line) or done.stderr


def without(text: str, guard: str, instead: str) -> str:
    """The code without that guard.

    Raises:
        ValueError: it is not there, or twice.
    """
    if text.count(guard) != 1:
        raise ValueError(f"{guard!r} stands there {text.count(guard)} times")
    return text.replace(guard, instead)


if __name__ == "__main__":
    sys.exit(main())
