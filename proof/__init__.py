"""Programs that prove what the gate and the review desk promise.

Each is run with `python -m proof.NAME`, prints one line with its figure and count, and exits with 1
when the promise was broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def arguments(about: str, count: int) -> argparse.Namespace:
    """What the command line says; `--count` scales a proof down."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--count", type=int, default=count, help=f"how many; {count:,} by default")
    return parser.parse_args()


def report(figure: str, faults: Sequence[str]) -> None:
    """Prints the figure; with faults, prints the first of them too and ends with exit code 1."""
    print(figure)
    for fault in faults[:20]:
        print(f"  FAULT: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
