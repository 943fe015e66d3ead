"""All proofs, in turn: `python -m proof`; those of the gate and the desk: `python -m proof gate`.

Each runs in a process of its own and prints its count; the exit status is 0 where all held.
`--share 0.05` does a twentieth of each, for a first look.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

_Options = tuple[tuple[str, int], ...]

_GROUPS: dict[str, dict[str, _Options]] = {
    "gate": {
        "closed": (("--count", 1000),),
        "delivery": (("--count", 500), ("--edits", 300)),
        "tamper": (("--count", 1000),),
        "crowd": (("--count", 1000),),
        "size": (("--count", 100_000),),
        "crash": (("--count", 300),),
        "machine": (("--count", 10_000),),
        "bypass": (("--count", 1000),),
        "router": (),
    },
    "cache": {
        "stale": (("--count", 1000),),
        "poison": (("--count", 110),),
        "flight": (),
    },
    "guards": {"unguarded": ()},
    "server": {
        "rights": (),
        "schema": (("--count", 300),),
        "hostile": (("--count", 358),),
        "accessible": (),
        "hangup": (("--count", 200),),
        "chats": (("--count", 200),),
        "serving": (("--count", 100),),
        "replicas": (("--seconds", 300),),
        "doors": (),
    },
}
_PROOFS = {name: options for group in _GROUPS.values() for name, options in group.items()}


def _named(asked: list[str]) -> list[str]:
    """The proofs that are meant, a group standing for all of its own."""
    return [name for word in asked for name in _GROUPS.get(word, {word: ()})] or list(_PROOFS)


def main() -> int:
    """Runs them."""
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument(
        "proofs", nargs="*", help=f"{', '.join(_GROUPS)} (groups), {', '.join(_PROOFS)}; none: all"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of each count")
    parser.add_argument("--data", type=Path, help="folder of public data, for the router's figures")
    asked = parser.parse_args()
    if unknown := {*asked.proofs} - {*_GROUPS, *_PROOFS}:
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    start, failed = time.perf_counter(), []
    names = _named(asked.proofs)
    for name in names:
        command = [sys.executable, "-m", f"proof.{name}"]
        for option, count in _PROOFS[name]:
            command += [option, str(max(1, round(count * asked.share)))]
        if name == "router" and asked.data:
            command += [str(asked.data)]
        print(f"-- {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    minutes = (time.perf_counter() - start) / 60
    held = (
        "all held" if asked.data or "router" not in names else "all held, the public data left out"
    )
    print(f"{'FAILED: ' + ', '.join(failed) if failed else held} ({minutes:.1f} minutes)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
