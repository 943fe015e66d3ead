"""The figures as a table for people: on a terminal, and as Markdown for the log of experiments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

Figures = dict[str, Any]
_CALM = 0.1  # share of the processors that others may take before times mean little


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both sides.

    Attributes:
        gain: how many times better ours is; None where that has no meaning.
        target: the least gain wanted; None: no target.
    """

    figure: str
    baseline: str
    ours: str
    gain: float | None = None
    target: float | None = None
    verdict: str = ""

    @property
    def ratio(self) -> str:
        """The gain in words."""
        return "" if self.gain is None else f"{self.gain:.2f}×"

    @property
    def met(self) -> str:
        """Whether the target is reached."""
        if self.verdict or self.gain is None or self.target is None:
            return self.verdict
        return f"{'met' if self.gain >= self.target else 'MISSED'} (≥ {self.target:g}×)"


def rows(results: Figures) -> list[Row]:
    """All rows for the sections that were measured."""
    made: list[Row] = []
    for section, build in _BUILD.items():
        if section in results:
            made += build(results[section]["figures"])
    return made


def _faster(figure: str, a: float, b: float, target: float | None = 1.0) -> Row:
    return Row(figure, _seconds(a), _seconds(b), a / b, target)


def _more(figure: str, a: float, b: float, target: float | None = None) -> Row:
    return Row(figure, _number(a), _number(b), b / a, target)


def _smaller(figure: str, a: float, b: float) -> Row:
    return Row(figure, f"{a:,.0f} MiB", f"{b:,.0f} MiB", a / b, 1.0)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def _index(found: Figures) -> Iterator[Row]:
    a, b = found["baseline"], found["ours"]
    pages = f"index of {found['pages']} pages"
    yield _faster(f"{pages}, whole process", a["seconds"], b["seconds"], 4.0)
    yield _faster("seconds a page", a["seconds_per_page"], b["seconds_per_page"], None)
    yield _more(
        f"passages/s ({a['passages']:,.0f} and {b['passages']:,.0f} of them)",
        a["passages_per_second"],
        b["passages_per_second"],
        4.0,
    )
    yield _more("characters/s", a["characters_per_second"], b["characters_per_second"])
    yield _faster("processor seconds", a["cpu_seconds"], b["cpu_seconds"], None)
    yield Row("taken by other programs meanwhile", _share(a["others"]), _share(b["others"]))
    alone = found["embedding"]
    yield _more("embedding alone, the same texts/s", alone["baseline"], alone["ours"])
    second = found["second_sync_seconds"]
    yield Row(
        "indexing again, nothing changed",
        f"{_seconds(a['seconds'])} (all of it)",
        f"{_seconds(second)} ({second / b['seconds']:.1%} of the first)",
        a["seconds"] / second,
    )
    yield _smaller("peak memory, indexing", a["peak_mib"], b["peak_mib"])


def _retrieval(found: Figures) -> Iterator[Row]:
    if found["ranking"]:
        yield from _ranking(found["ranking"])
    a, b = found["baseline"], found["ours"]
    yield _faster("question → 4 passages, median", a["median"], b["median"], 3.0)
    yield _faster("question → 4 passages, p95", a["p95"], b["p95"], 3.0)


def _ranking(found: Figures) -> Iterator[Row]:
    score, apart = found["ndcg"], found["differences"]
    baseline = f"{score['fp32']:.2f} (fp32)"
    close = "met" if apart["dense"]["mean"] >= -0.5 else "MISSED"
    name = f"XQuAD nDCG@10, {found['questions']:,} questions"
    dense = f"{score['dense']:.2f}, {_interval(apart['dense'])}"
    yield Row(f"{name}, dense", baseline, dense, verdict=f"{close} (≥ −0.5)")
    hybrid = f"{score['hybrid']:.2f}, {_interval(apart['hybrid'])}"
    better = "met" if apart["hybrid"]["low"] >= 0 else "MISSED"
    yield Row(f"{name}, hybrid", baseline, hybrid, verdict=f"{better} (no worse)")
    yield Row("hybrid compared with our own dense", "", _interval(apart["hybrid_to_dense"]))


def _interval(found: Figures) -> str:
    return f"{found['mean']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"


def _answers(found: Figures) -> Iterator[Row]:
    a, b = found["baseline"], found["ours"]
    for key, name in (("first_sentence", "first sentence"), ("whole", "whole answer")):
        for share in ("median", "p95"):
            yield _faster(f"question → {name}, {share}", a[key][share], b[key][share])
    yield _smaller("peak memory, answering", a["peak_mib"], b["peak_mib"])
    yield Row(
        f"how the {found['questions']} answers came about", _modes(a["modes"]), _modes(b["modes"])
    )


def _modes(modes: dict[str, int]) -> str:
    return ", ".join(f"{count} {mode}" for mode, count in sorted(modes.items()))


def _start(found: Figures) -> Iterator[Row]:
    for key, name in (("first_passage", "first passage"), ("first_sentence", "first sentence")):
        pair = found[key]
        yield _faster(f"fresh process → {name}", pair["baseline"], pair["ours"])
    yield Row("server: start → page answers", "–", _seconds(found["server_page"]))
    yield Row("server: start → all parts ready", "–", _seconds(found["server_ready"]))
    cold = f"{_seconds(found['server_page_cold'])}, {_seconds(found['server_ready_cold'])}"
    yield Row("the same two, embedding model not prepared", "–", cold)
    yield Row("preparing the embedding model, once", "–", _seconds(found["export"]))
    yield Row("server: peak memory", "–", f"{found['server_peak_mib']:,.0f} MiB")


_BUILD = {"index": _index, "retrieval": _retrieval, "answers": _answers, "start": _start}
_TITLES = ("Figure", "Plain LangChain", "Countersign", "Gain", "Target")


def _cells(row: Row) -> tuple[str, ...]:
    return row.figure, row.baseline, row.ours, row.ratio, row.met


def show(results: Figures, console: Console) -> None:
    """The table on a terminal."""
    table = Table(*_TITLES)
    for row in rows(results):
        style = "bold red" if "MISSED" in row.met else None
        table.add_row(*_cells(row), style=style)
    console.print(table)
    for line in _notes(results):
        console.print(line, markup=False, soft_wrap=True)


def markdown(results: Figures) -> str:
    """The table with all that is needed to read it, as a section of the log."""
    lines = [
        f"## {results['date']} · Countersign beside plain LangChain",
        "",
        *_notes(results),
        "",
        "| " + " | ".join(_TITLES) + " |",
        "| --- | --: | --: | --: | --- |",
        *("| " + " | ".join(_cells(row)) + " |" for row in rows(results)),
    ]
    return "\n".join(lines) + "\n"


def _notes(results: Figures) -> list[str]:
    machine = results["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    measured = {n: r["others"] for n, r in results.items() if n in _BUILD}
    loads = ", ".join(f"{name} {_share(others)}" for name, others in measured.items())
    noisy = any((others or 0.0) > _CALM for others in measured.values())
    return [
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB; Python "
        f"{machine['python']}; {packages}.",
        f"Processor time that other programs took meanwhile: {loads}."
        f"{' THE MACHINE WAS NOT IDLE: do not rely on these times.' if noisy else ''}",
        "Gain: times as fast, as many or as small as plain LangChain; above 1 is better. They cut"
        " pages into passages of different sizes: seconds a page is the fair measure of indexing.",
    ]


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"
