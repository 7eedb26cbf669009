"""Plots as PNG, by Matplotlib (extra `plot`): error of a multiplier, error against cost of many."""

import io
import os
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AxsimError
from ..files import replacing
from ..formats import code_range, pattern_values
from .listing import Row, column, pareto_front
from .product_table import Multiplier

LABELS = {"power_mw": "power, mW", "area_um2": "area, um²", "delay_ns": "delay, ns", "mean_error": "|mean error|, LSB"}
LABELS |= {"luts": "LUTs", "logic_cells": "logic cells", "frequency_mhz": "highest frequency, MHz"}
LABELS |= {"luts_of_exact": "LUTs of the exact multiplier's"}
NAME_HEIGHT = 14  # pixels that a name takes in a plot; nearer than this above another it is left out


def error_plot(multiplier: Multiplier, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """
    Write a PNG with the error of every operand pair as a heat map, and its histogram; error in LSB.

    Weights run upwards, activations to the right, in ascending value. White is 0, and the scale is symmetric about it.

    Raises AxsimError if Matplotlib is missing or the file cannot be written.
    """
    order = [np.argsort(pattern_values(fmt), kind="stable") for fmt in multiplier.operands]
    error = multiplier.error()[np.ix_(*order)]
    peak = max(1, int(np.abs(error).max()))
    (w_low, w_high), (x_low, x_high) = (code_range(fmt) for fmt in multiplier.operands)
    figure = _figure(11.0, 4.6)
    figure.get_layout_engine().set(wspace=0.06)
    surface, histogram = figure.subplots(1, 2, width_ratios=(1.15, 1))
    picture = surface.imshow(
        error,
        cmap="RdBu_r",
        vmin=-peak,
        vmax=peak,
        origin="lower",
        interpolation="nearest",
        extent=(x_low - 0.5, x_high + 0.5, w_low - 0.5, w_high + 0.5),
    )
    figure.colorbar(picture, ax=surface, label="error, LSB")
    surface.set(xlabel=f"activation ({multiplier.operands[1]})", ylabel=f"weight ({multiplier.operands[0]})")
    moments = multiplier.moments()
    histogram.hist(error.reshape(-1), bins=min(129, int(np.ptp(error)) + 1), color="#33608c", log=True)
    histogram.axvline(moments.mean_error, color="#c24e00", label=f"mean {moments.mean_error:.4g}")
    histogram.axvspan(
        moments.mean_error - moments.standard_deviation,
        moments.mean_error + moments.standard_deviation,
        color="#c24e00",
        alpha=0.15,
        label=f"sigma {moments.standard_deviation:.4g}",
    )
    histogram.set(xlabel="error, LSB", ylabel="operand pairs of 65,536")
    histogram.legend()
    figure.suptitle(
        f"{multiplier.name}: MRED {100 * moments.mred:.3g} %, error rate {100 * moments.error_rate:.3g} %, "
        f"worst {moments.wce} LSB (uniform operands)"
    )
    _write(figure, path, overwrite)


def pareto_plot(
    rows: Sequence[Row], cost: str, error: str, path: str | os.PathLike[str], overwrite: bool = True
) -> None:
    """
    Write a PNG of all rows that have both figures, error (logarithmic) over cost; the Pareto front is drawn and named.

    Raises AxsimError if no row has both, Matplotlib is missing or the file cannot be written.
    """
    known = [row for row in rows if column(cost) in row.figures and column(error) in row.figures]
    if not known:
        raise AxsimError(f"no multiplier listed has both {cost} and {error}: choose others to plot")
    front = pareto_front(known, cost, error)
    figure = _figure(9.0, 6.0)
    axes = figure.subplots()
    smallest = min((abs(row.figures[error]) for row in known if row.figures[error]), default=1.0)
    axes.set_yscale("symlog", linthresh=smallest)
    axes.plot(*_points(known, cost, error), "o", color="#8a8a8a", markersize=5, label="multiplier")
    axes.plot(*_points(front, cost, error), "o-", color="#c24e00", markersize=6, label="Pareto front")
    axes.set(xlabel=LABELS.get(cost, cost), ylabel=LABELS.get(error, error), ylim=(0, None))
    named: list[float] = []
    for row in front:
        place = (abs(row.figures[cost]), abs(row.figures[error]))
        height = float(axes.transData.transform(place)[1])
        if all(abs(height - other) >= NAME_HEIGHT for other in named):
            named.append(height)
            axes.annotate(row.multiplier.name, place, xytext=(6, 5), textcoords="offset points", fontsize=8)
    axes.grid(alpha=0.3)
    axes.legend()
    sources = set().union(*(row.sources(cost) for row in known))
    title = f"{len(known)} multipliers; costs: {'; '.join(sorted(sources))}"
    axes.set_title("\n".join(textwrap.wrap(title, 110)), fontsize=9)
    _write(figure, path, overwrite)


def _points(rows: Sequence[Row], *columns: str) -> list[list[float]]:
    return [[abs(row.figures[name]) for row in rows] for name in columns]


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise AxsimError("plots need the package matplotlib: pip install 'axsim[plot]'") from None
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _write(figure: Any, path: str | os.PathLike[str], overwrite: bool) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    with replacing(path, overwrite) as temporary:
        temporary.write_bytes(content.getvalue())
