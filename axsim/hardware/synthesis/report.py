"""Syntheses as a table: each multiplier beside the exact ones, and which of them save anything on this target."""

from collections.abc import Sequence

from ...text import text_table
from .comparison import Compared

HEAD = ["multiplier", "operands", "LUTs", "of exact", "carry", "flip-flops", "depth", "cells", "MHz", "of exact"]


def report(found: Sequence[Compared]) -> str:
    """Return a table for each flow among `found`, what saves LUTs or is faster on its target, and the tools."""
    targets = dict.fromkeys(each.synthesis.flow for each in found)
    return "\n\n".join(_of_flow([each for each in found if each.synthesis.flow == flow]) for flow in targets)


def saving(found: Sequence[Compared]) -> tuple[list[str], list[str]]:
    """Return the names of the multipliers that have fewer LUTs than any exact one, and of those that have not."""
    fewer = [each.synthesis.multiplier for each in found if each.luts_of_exact is not None and each.luts_of_exact < 1]
    more = [each.synthesis.multiplier for each in found if each.luts_of_exact is not None and each.luts_of_exact >= 1]
    return fewer, more


def faster(found: Sequence[Compared]) -> list[str]:
    """Return the names of the multipliers that run at a higher frequency than any exact one."""
    ratios = [(each, each.frequency_of_exact) for each in found]
    return [each.synthesis.multiplier for each, ratio in ratios if ratio is not None and ratio > 1]


def dominated(found: Sequence[Compared]) -> list[str]:
    """Return the names of the multipliers than which some exact one is no larger and no slower."""
    return [
        each.synthesis.multiplier
        for each in found
        if any(
            other.luts <= each.synthesis.luts and (other.frequency_mhz or 0) >= (each.synthesis.frequency_mhz or 0)
            for other in each.exact
        )
    ]


def _of_flow(found: Sequence[Compared]) -> str:
    exact = {(other.multiplier, other.operands): other for each in found for other in each.exact}.values()
    rows = [_row(Compared(each, tuple(o for o in exact if o.operands == each.operands))) for each in exact]
    rows += [_row(each) for each in found]
    flow = found[0].synthesis.flow
    fewer, more = saving(found)
    quicker = faster(found)
    lines = [text_table(HEAD, rows, right_from=2), ""]
    lines.append(f"Fewer LUTs than any exact multiplier: {_listed(fewer)}")
    lines.append(f"Not fewer on this target: {_listed(more)}")
    if flow.placer:
        lines.append(f"Faster than any exact multiplier: {_listed(quicker)}")
        lines.append(f"No gain, some exact multiplier is as small and as fast: {_listed(dominated(found))}")
    lines.append(f"{flow.text}.")
    return "\n".join(lines)


def _row(each: Compared) -> list[str]:
    own = each.synthesis
    cells = "-" if own.logic_cells is None else str(own.logic_cells)
    frequency = "-" if own.frequency_mhz is None else f"{own.frequency_mhz:.1f}"
    counts = [str(value) for value in (own.carry_cells, own.flip_flops, own.depth)]
    ratios = ["-" if ratio is None else f"{ratio:.2f}" for ratio in (each.luts_of_exact, each.frequency_of_exact)]
    operands = " x ".join(own.operands)
    return [own.multiplier, operands, str(own.luts), ratios[0], *counts, cells, frequency, ratios[1]]


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}" + (f": {', '.join(names)}" if names else "")
