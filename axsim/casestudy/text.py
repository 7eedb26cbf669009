"""A case study as text, and as plain numbers for JSON."""

import dataclasses
from typing import Any

from ..text import interval, percent, text_table
from .findings import STATISTICS, Findings, RankCorrelation
from .runner import CaseStudy, ConfigurationRow

SHOWN_OFF = 6

HEAD = [
    "configuration", "RTL = engine", "mean error", "relative", "predicted", "measured", "top-1", "interval",
]  # fmt: skip


def cells(row: ConfigurationRow) -> list[str]:
    """Return the row of a configuration under HEAD."""
    return [
        row.multiplier,
        "yes" if row.equal else "NO",
        f"{row.mean_error:.4g}",
        f"{100 * row.relative_mean_error:+.2f} %",
        f"{row.predicted:.4f}",
        f"{row.measured:.4f}",
        percent(row.top1),
        interval(row.top1_interval),
    ]


def case_text(of: CaseStudy, found: Findings) -> str:
    """Return the whole text."""
    lines = [
        f"{of.network.name} on a weight-stationary array of {of.size} x {of.size}, accumulators of {of.accumulator}",
        f"exact top-1 {percent(of.exact_top1)} on {of.images} images",
        "",
        text_table(HEAD, [cells(row) for row in of.rows]),
        "",
        *simulation_lines(of),
        "",
        *[correlation_text(each, len(of.rows)) for each in found.correlations],
        *failure_lines(found),
        "",
        *placement_lines(of),
    ]
    return "\n".join(lines)


def simulation_lines(of: CaseStudy) -> list[str]:
    """Say what went through the Verilog."""
    rows = [layer for row in of.rows for layer in row.layers]
    names = ", ".join(layer.layer for layer in of.rows[0].layers)
    sums, codes = (sum(getattr(layer, each) for layer in rows) for each in ("partial_sums", "codes"))
    wrong = [(row, layer) for row in of.rows for layer in row.layers if not layer.passed]
    cycles, form = (sum(getattr(layer, each) for layer in rows) for each in ("cycles", "closed_form"))
    lines = [
        f"Verilog ({of.simulator}): all {sum(layer.tiles for layer in of.rows[0].layers)} tiles of {names} on "
        f"{of.tile_images} {'image' if of.tile_images == 1 else 'images'}, {len(of.rows)} configurations: "
        f"{sums:,} partial sums and {codes:,} codes compared, "
        + ("all equal" if not wrong else f"DIFFERENT in {len(wrong)} of {len(rows)} simulations"),
        f"cycles counted {cycles:,}, by the closed form {form:,}; {sum(layer.seconds for layer in rows):.0f} s",
    ]
    for row, layer in wrong:
        lines.append(f"  {row.multiplier}, {layer.layer}: {layer.wrong} vectors differ; {'; '.join(layer.differences)}")
    return lines


def correlation_text(each: RankCorrelation, count: int) -> str:
    """Return one line about a rank correlation."""
    if each.coefficient is None:
        return f"rank correlation of {STATISTICS[each.statistic]} with top-1: not defined, all are alike"
    bounds = "" if each.interval is None else f" (95 %: {each.interval[0]:.2f} to {each.interval[1]:.2f})"
    return (
        f"rank correlation of {STATISTICS[each.statistic]} with top-1 over {count} configurations: "
        f"{each.coefficient:.3f}{bounds}"
    )


def failure_lines(found: Findings) -> list[str]:
    """Say where the model fails."""
    if found.ratios is None:
        return []
    low, median, high = found.ratios
    lines = [
        f"predicted / measured distortion of a layer: median {median:.3f}, {low:.3f} to {high:.3f}; "
        f"within 10 % for {percent(found.within)}"
    ]
    lines += [f"  off: {name}, {layer}: {ratio:.3f}" for name, layer, ratio in found.off[:SHOWN_OFF]]
    if len(found.off) > SHOWN_OFF:
        lines.append(f"  and {len(found.off) - SHOWN_OFF} more")
    lines += [
        f"  order: {better} is predicted to disturb less than {worse}, and loses more, their intervals apart"
        for better, worse in found.inverted
    ]
    lines += [
        f"  same distortion, other accuracy: {worse} is predicted to disturb less than 15 % more than {better}, and "
        "loses more, their intervals apart"
        for worse, better in found.alike
    ]
    return lines


def placement_lines(of: CaseStudy) -> list[str]:
    """Say what the design takes on FPGAs."""
    lines = []
    for each in of.placed:
        frequency = "no frequency" if each.frequency_mhz is None else f"{each.frequency_mhz:.1f} MHz"
        lines.append(
            f"{each.part} on {each.device}: {each.luts} LUTs, {each.flip_flops} flip-flops; placed {frequency}, "
            f"{each.logic_cells} logic cells with the shift registers around it"
        )
    if of.not_placed:
        lines.append(f"not placed: {of.not_placed}")
    return lines


def case_data(of: CaseStudy, found: Findings) -> dict[str, Any]:
    """Return everything as plain numbers and text."""
    return {
        "network": of.network.name,
        "size": of.size,
        "accumulator": dataclasses.asdict(of.accumulator),
        "simulator": of.simulator,
        "images": of.images,
        "measured_images": of.measured_images,
        "statistics_images": of.statistics_images,
        "tile_images": of.tile_images,
        "exact_top1": of.exact_top1,
        "configurations": [{**dataclasses.asdict(row), "equal": row.equal} for row in of.rows],
        "correlations": [dataclasses.asdict(each) for each in found.correlations],
        "within_10_percent": found.within,
        "ratios": found.ratios,
        "off": found.off,
        "inverted": found.inverted,
        "alike": found.alike,
        "placed": [dataclasses.asdict(each) for each in of.placed],
        "not_placed": of.not_placed,
    }
