"""`python -m bench.worker SIDE HOME`: one JSON order a line in, one JSON result a line out."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path


def main(side: str, home: Path) -> None:
    """Serves `bench.<side>.Side` until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    served = importlib.import_module(f"bench.{side}").Side(home)
    for line in sys.stdin:
        order, arguments = json.loads(line)
        answers.write(json.dumps(getattr(served, order)(**arguments)) + "\n")
        answers.flush()
    served.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
