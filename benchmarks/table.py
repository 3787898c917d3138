"""Results as tables in Markdown. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.goals import Outcome
from benchmarks.measures import OTHERS, Metrics, percentile, ratio
from benchmarks.results import Results, reached
from benchmarks.scenarios import SCENARIOS, Better, Figure
from benchmarks.systems import BRIDGE, SYSTEMS, YARDSTICK

NOTHING = "-"
STRAINED_PERCENT = 85.0


def table(results: Results) -> list[str]:
    """A row for each figure. Beside a peer's figure stands how the bridge does against it: 2.00 is twice as well, whatever is better."""
    names = [name for name in SYSTEMS if any(row.system == name for row in results.rows)]
    head = ["", *(SYSTEMS[name].title for name in names)]
    return markdown([head, *_rows(results, names)])


def report(results: Results) -> list[str]:
    """All that a run tells: where it was, its table, where the load may have been too slow, and what came of the goals. An old result is measured
    by the goals of today."""
    return [heading(results), "", *table(results), *_with_gap(strained(results)), *_with_gap(goals(reached(results)))]


def heading(results: Results) -> str:
    """When, where, with what, and of which commit."""
    machine, versions = results.machine, ", ".join(f"{name} {version}" for name, version in results.versions.items() if version)
    where = ", ".join(filter(None, (machine.get("processor"), _counted(machine.get("cores"), "core"), machine.get("apart"))))
    return f"{results.date[:10]}, {where}, Linux {machine.get('kernel', '?')}, {versions}; commit {results.commit}"


def goals(reached: Sequence[Outcome]) -> list[str]:
    """One line each; none, none."""
    return (
        markdown([["goal", "measured", ""], *([each.goal, each.measured, "met" if each.is_met else "not met"] for each in reached)])
        if reached
        else []
    )


def strained(results: Results) -> list[str]:
    """Where the load and the broker had next to nothing left of their core: there the system could perhaps do more."""
    return [
        f"{SCENARIOS[row.scenario].title}, {SYSTEMS[row.system].title}: the load and the broker took {share:.0f} % of their core"
        for row in results.rows
        if row.scenario in SCENARIOS and row.system in SYSTEMS and (share := _load(row.metrics)) >= STRAINED_PERCENT
    ]


def noise(results: Results) -> str:
    """How much else the machine had to do, in the rounds that count."""
    shares = [row.metrics[OTHERS] for row in results.rows if OTHERS in row.metrics]
    return f"other work took {percentile(shares, 0.5):.0f} % of the machine (median; at most {max(shares):.0f} %)" if shares else ""


def comparison(one: Results, other: Results) -> list[str]:
    """Two runs side by side: how the second does against the first, as above. Beside the bridge's figures stands how it does against the
    yardstick of the same run: that remains where one run was disturbed, or was on another machine."""
    rows = [["", "system", f"{one.commit} ({one.date[:16]})", f"{other.commit} ({other.date[:16]})", "ratio"]]
    for row in one.rows:
        metrics = other.metrics(row.scenario, row.system)
        if metrics is None or row.scenario not in SCENARIOS:
            continue
        scenario = SCENARIOS[row.scenario]
        for figure in scenario.figures:
            times = against(metrics, row.metrics, figure)
            cells = [_beside_yardstick(run, row.scenario, row.system, figure) for run in (one, other)]
            rows.append([f"{scenario.title}: {figure.title}", row.system, *cells, NOTHING if times is None else f"{times:.2f}"])
    return markdown(rows)


def against(metrics: Metrics, others: Metrics, figure: Figure) -> float | None:
    """How much better this one is than the other in a figure: 2 is twice as well. None where that says nothing."""
    if figure.metric not in metrics or figure.metric not in others:
        return None
    return better_by(metrics[figure.metric], others[figure.metric], figure.better)


def better_by(value: float, other: float, better: Better) -> float | None:
    """The ratio, turned so that more is better."""
    if not better:
        return None
    return ratio(value, other) if better == "more" else ratio(other, value)


def written(metrics: Metrics, figure: Figure) -> str:
    """The figure as people read it."""
    return f"{metrics[figure.metric]:,.{figure.digits}f}" if figure.metric in metrics else NOTHING


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first row is the head; all but the first column are figures, to the right."""
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(rows[0], widths), _line(rule, widths), *(_line(row, widths) for row in rows[1:])]


def _beside_yardstick(results: Results, scenario: str, system: str, figure: Figure) -> str:
    metrics, yardstick = results.metrics(scenario, system) or {}, results.metrics(scenario, YARDSTICK) or {}
    return written(metrics, figure) + _times(against(metrics, yardstick, figure) if system == BRIDGE else None)


def _rows(results: Results, names: Sequence[str]) -> Iterator[list[str]]:
    for name in dict.fromkeys(row.scenario for row in results.rows):
        scenario = SCENARIOS[name]
        of_systems = [results.metrics(name, system) for system in names]
        bridge = results.metrics(name, BRIDGE)
        for figure in scenario.figures:
            yield [f"{scenario.title}: {figure.title}", *_cells(of_systems, bridge, figure)]


def _cells(of_systems: Iterable[Metrics | None], bridge: Metrics | None, figure: Figure) -> Iterator[str]:
    for metrics in of_systems:
        times = against(bridge, metrics, figure) if bridge and metrics and metrics is not bridge else None
        yield (written(metrics, figure) if metrics else NOTHING) + _times(times)


def _load(metrics: Metrics) -> float:
    return metrics.get("load_cpu_percent", 0.0) + metrics.get("broker_cpu_percent", 0.0)


def _counted(number: str | None, what: str) -> str:
    return "" if number is None else f"{number} {what}{'s' * (number != '1')}"


def _with_gap(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f" ({ratio:.2f})"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    return "| " + " | ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]) + " |"
