"""Whatever is sent to the API, the server does not fail: `python -m proof.schema`.

schemathesis makes requests from the API's own description, valid ones and such that break it in one
place or another. A status from 500 on counts as a failure, but for 503 with our own words: busy, or
a part that is down, which is told on purpose.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.openapi import from_dict

from proof.report import Report
from proof.site import site


def main() -> int:
    """Tries every address of the API."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="requests of each kind")
    asked = parser.parse_args()
    with site(["How long does it take?"]) as running:
        running.app.accounts.add("proof", ["manager"], "correct horse battery staple")
        _, key = running.app.keys.add("proof", "proof", ["ask", "history", "feedback"])
        report = Report("server errors of the API")
        try_all(running.url, key, asked.count, report)
    return report.end(least=asked.count)


def try_all(url: str, key: str, count: int, report: Report) -> None:
    """So many requests of each kind to each address, with a key that may do everything."""
    described = httpx.get(f"{url}/api/openapi.json", trust_env=False).json()
    operations: Any = from_dict(described).get_all_operations()
    for found in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _try(found.ok(), mode, url, key, count, report)


def _try(
    operation: Any, mode: GenerationMode, url: str, key: str, count: int, report: Report
) -> None:
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(case=operation.as_strategy(mode))
    def attempt(case: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        answer = case.call(base_url=url, headers=headers, timeout=60)
        wrong = answer.status_code >= 500 and not _told(answer.status_code, answer.text)
        report.count(f"{operation.label}: {answer.status_code}" if wrong else "")

    attempt()


def _told(status: int, text: str) -> bool:
    """Whether our own words say what is wrong."""
    said = "Something went wrong" not in text  # what an unforeseen error is called
    return said and status == 503 and ('"remedy"' in text or '"code"' in text)


if __name__ == "__main__":
    sys.exit(main())
