"""All proofs of the gate, the desk, the answer cache and replicas, in turn: `python -m proof`.

Each runs in a process of its own and prints its count; the exit status is 0 where all held.
`--share 0.05` does a twentieth of each, for a first look.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

_PROOFS: dict[str, tuple[tuple[str, int], ...]] = {
    "closed": (("--count", 1000),),
    "delivery": (("--count", 500), ("--edits", 300)),
    "tamper": (("--count", 1000),),
    "crowd": (("--count", 1000),),
    "size": (("--count", 100_000),),
    "crash": (("--count", 300),),
    "machine": (("--count", 10_000),),
    "serving": (("--count", 100),),
    "bypass": (("--count", 1000),),
    "stale": (("--count", 1000),),
    "poison": (("--count", 110),),
    "flight": (),
    "rights": (),
    "hostile": (("--count", 358),),
    "replicas": (("--seconds", 300),),
    "doors": (),
    "schema": (("--count", 300),),
    "accessible": (),
    "hangup": (("--count", 200),),
    "chats": (("--count", 200),),
    "router": (),
}


def main() -> int:
    """Runs them."""
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("proofs", nargs="*", help=f"of {', '.join(_PROOFS)}; none: all")
    parser.add_argument("--share", type=float, default=1.0, help="of each count")
    parser.add_argument("--data", type=Path, help="folder of public data, for the router's figures")
    asked = parser.parse_args()
    start, failed = time.perf_counter(), []
    for name in asked.proofs or _PROOFS:
        command = [sys.executable, "-m", f"proof.{name}"]
        for option, count in _PROOFS[name]:
            command += [option, str(max(1, round(count * asked.share)))]
        if name == "router" and asked.data:
            command += [str(asked.data)]
        print(f"-- {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    minutes = (time.perf_counter() - start) / 60
    print(f"{'FAILED: ' + ', '.join(failed) if failed else 'all held'} ({minutes:.1f} minutes)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
