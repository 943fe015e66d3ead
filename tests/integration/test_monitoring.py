"""Dashboard, alert rules and Prometheus's configuration: held by promtool, and to what `/metrics`
really has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatbot.adapters.telemetry import Telemetry

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "countersign.json"
RULES = DEPLOY / "prometheus" / "rules.yml"
NOT_OURS = {"up"}


def promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool: it comes with Prometheus")
    done = subprocess.run(
        [program, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def served() -> set[str]:
    """Every series name that `/metrics` can have."""
    names = set()
    for metric in Telemetry()._registry.collect():
        tails = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        names |= {metric.name + tail for tail in tails.get(metric.type, [""])}
    return names


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def names_in(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:countersign|process)_\w+|\bup\b", bare))


def test_every_metric_on_the_dashboard_and_in_the_rules_is_served() -> None:
    used = set().union(*map(names_in, expressions()))
    assert len(used) > 20
    assert sorted(used - served() - NOT_OURS) == []


def test_and_every_metric_that_is_served_is_shown() -> None:
    """All but the process's own; a histogram by its buckets."""
    names = served()
    ours = {n for n in names if n.startswith("countersign_") and not n.endswith(("_sum", "_count"))}
    assert sorted(ours - set().union(*map(names_in, expressions()))) == []


def test_the_dashboards_expressions_are_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{n}", "expr": re.sub(r"\$__\w+", "5m", expression)}
        for n, expression in enumerate(expressions())
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", str(file))


def test_the_dashboards_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({p["id"] for p in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        here = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not here & taken, panel["title"]
        assert all(x < 24 for x, _ in here), panel["title"]
        taken |= here


def test_the_rules_hold_and_each_fires_when_it_should() -> None:
    promtool("check", "rules", "rules.yml")
    promtool("test", "rules", "rules_test.yml")
    rules = {r["alert"] for g in yaml.safe_load(RULES.read_text())["groups"] for r in g["rules"]}
    tested: dict[str, set[bool]] = {}
    for world in yaml.safe_load((RULES.parent / "rules_test.yml").read_text())["tests"]:
        for case in world["alert_rule_test"]:
            tested.setdefault(case["alertname"], set()).add(bool(case.get("exp_alerts")))
    assert tested == {rule: {True, False} for rule in rules}


def test_prometheus_reads_its_configuration() -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml")
