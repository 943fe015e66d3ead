"""The end-to-end suite over the larger shape: PostgreSQL, Redis and a Chroma server."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from proof.postgres import server


def main() -> int:
    """Runs the suite; every door over shared servers."""
    parser = argparse.ArgumentParser(prog="python -m proof.doors", description=__doc__)
    parser.add_argument("tests", nargs="*", default=["tests/e2e"], help="files of the suite")
    asked = parser.parse_args()
    with server(safe=False) as postgresql:
        env = {**os.environ, "E2E_LARGER": "1", "E2E_POSTGRESQL": postgresql}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked.tests]
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
