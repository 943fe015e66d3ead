"""How long the chat page takes to be usable in a browser that has never seen it."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any

from proof.embedding import browser
from proof.report import Report
from proof.site import site

_MOST_SECONDS = 2.0


def first_visit(started: Any, url: str) -> float:
    """Seconds until a question can be typed and the first questions are offered."""
    context = started.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("html.up .welcome")
    page.fill("#question", "What")
    took = time.perf_counter() - begun
    context.close()
    return took


def main() -> int:
    """Measures it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="visits, each with an empty cache")
    asked = parser.parse_args()
    report = Report(f"first visits that took more than {_MOST_SECONDS:g} s")
    with site(["What is it?"]) as opened, browser() as started:
        took = [first_visit(started, opened.url) for _ in range(asked.count)]
    for seconds in took:
        report.count(f"{seconds:.2f} s" if seconds > _MOST_SECONDS else "")
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(
        f"median {statistics.median(took):.2f} s, slowest {max(took):.2f} s "
        f"({cores} cores, load {load:.1f})"
    )
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
