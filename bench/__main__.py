"""`python -m bench [SECTION…]`: Countersign and plain LangChain, side by side, on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine, report, sections, starting
from bench.options import (
    ROOT,
    SECTIONS,
    Options,
    default_folder,
    default_questions,
)

_LOG = ROOT / "docs" / "experiments" / "LOG.md"
_MEASURE: dict[str, Callable[[Options, sections.Step], dict[str, Any]]] = {
    "index": sections.measure_index,
    "retrieval": sections.measure_retrieval,
    "answers": sections.measure_answers,
    "start": starting.measure_start,
}


def main() -> None:
    """Measures the sections asked for, shows the table, and appends it to the log."""
    asked = _arguments()
    options = _options(asked)
    options.work.mkdir(parents=True, exist_ok=True)
    screen = Console(stderr=True, highlight=False)
    kept = _Kept(options)
    for section in asked.sections or SECTIONS:
        if not (asked.resume and section in kept.results):
            screen.print(f"[dim]{datetime.now(UTC):%H:%M:%S} {section}[/dim]")
            others = machine.Others()
            figures = _MEASURE[section](options, partial(_step, screen, asked.patience))
            kept.add(section, {"figures": figures, "others": others.share()})
    results = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine.describe(),
        **{name: kept.results[name] for name in asked.sections or SECTIONS},
    }
    report.show(results, screen)
    if asked.log:
        with asked.log.open("a", encoding="utf-8") as log:
            log.write("\n" + report.markdown(results))
    if asked.json:
        sys.stdout.write(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def _step(screen: Console, patience: float, line: str) -> None:
    screen.print(f"  {line}", markup=False)
    machine.wait_until_calm(patience)


class _Kept:
    """Each section's result, written when it is there, so that a stopped run can go on."""

    def __init__(self, options: Options) -> None:
        self._path = options.work / "results.json"
        self._key = options.key()
        self.results: dict[str, Any] = {}
        if self._path.exists():
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if stored["key"] == self._key:
                self.results = stored["results"]

    def add(self, section: str, result: dict[str, Any]) -> None:
        self.results[section] = result
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"key": self._key, "results": self.results}, indent=2))
        part.replace(self._path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog="Example: python -m bench index retrieval --pages 300 --json",
    )
    add = parser.add_argument
    # Not `choices`: argparse would refuse the empty list.
    add("sections", nargs="*", metavar="SECTION", help=f"any of {', '.join(SECTIONS)}; none: all")
    add("--folder", type=Path, help="documents to index; the PostgreSQL manual, else the handbook")
    add("--questions", type=Path, help="JSON lines: questions about them")
    add("--pages", type=int, default=150, help="how many documents, drawn at random (150)")
    add("--seed", type=int, default=7, help="of the draw (7)")
    xquad = ROOT.parent / "shared" / "data" / "qa" / "xquad_en.json"
    add("--xquad", type=Path, default=xquad, help="XQuAD in SQuAD's format; left out when absent")
    add("--builds", type=int, default=2, help="how often each index is built (2)")
    add("--repeats", type=int, default=3, help="how often each cheap thing is done (3)")
    add("--patience", type=float, default=5, help="seconds to wait for a calm machine, a step (5)")
    add("--work", type=Path, default=ROOT / "var" / "bench", help="where indexes and results go")
    add("--resume", action="store_true", help="keep what was measured before with these options")
    add("--json", action="store_true", help="one JSON document on standard output")
    add("--log", type=Path, default=_LOG, help="file that the table is appended to")
    add("--no-log", dest="log", action="store_const", const=None, help="append it nowhere")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return asked


def _options(asked: argparse.Namespace) -> Options:
    folder = (asked.folder or default_folder()).absolute()
    return Options(
        folder=folder,
        questions=(asked.questions or default_questions(folder)).absolute(),
        xquad=asked.xquad.absolute(),
        work=asked.work.absolute(),
        pages=asked.pages,
        seed=asked.seed,
        repeats=asked.repeats,
        builds=asked.builds,
    )


if __name__ == "__main__":
    main()
