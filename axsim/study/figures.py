"""Figures of a study, as SVG text: in its report and in notebooks."""

import math

import numpy as np

from ..presentation import charts
from ..presentation.charts import Series, axis, bars, chart
from .findings import SMALLEST_DISTORTION
from .rows import Row
from .runner import Study

SHOWN = 1200  # points of one level in a scatter: more would only cover each other
LEVEL_COLOURS = {"operand": charts.ORANGE, "conditional": charts.BLUE, "covariance": charts.GREEN}


def norms(of: Study) -> str:
    """Predicted against measured distortion of each layer alone, three levels, with the diagonal and its 5 % band."""
    pairs = [(row, layer) for row in of.rows for layer in row.layers if layer.distortion > SMALLEST_DISTORTION]
    step = max(1, math.ceil(len(pairs) / SHOWN))
    series = [
        Series(
            level,
            [layer.distortion for _, layer in pairs[::step]],
            [layer.predicted[level] / layer.exact for _, layer in pairs[::step]],
            colour,
            mark,
            titles=[f"{row.multiplier}, {layer.layer}: {layer.ratio(level):.3f}" for row, layer in pairs[::step]],
        )
        for (level, colour), mark in zip(LEVEL_COLOURS.items(), ("triangle", "square", "circle"), strict=True)
    ]
    values = [value for each in series for value in (*each.x, *each.y)]
    words = "distortion norm(E) / norm(C) of a layer"
    x, y = axis(f"measured {words}", values, log=True), axis(f"predicted {words}", values, log=True)
    return chart(x, y, series, size=(430, 430), diagonal_band=1.05)


def ratios(of: Study, level: str) -> str:
    """Histogram of predicted over measured norm, from 0.5 to 1.5; what lies outside is counted in the last bars."""
    found = [layer.ratio(level) for row in of.rows for layer in row.layers if layer.distortion > SMALLEST_DISTORTION]
    edges = np.linspace(0.5, 1.5, 41)
    counts, _ = np.histogram(np.clip(found, 0.5, 1.5), edges)
    shares = counts / max(1, len(found))
    x = charts.Axis(f"{level}: predicted / measured", 0.5, 1.5)
    titles = [f"{a:.3f} to {b:.3f}: {n} pairs" for a, b, n in zip(edges, edges[1:], counts, strict=False)]
    return bars(x, axis("share of pairs", [*shares], include=[0.0]), edges, shares, size=(300, 130), titles=titles)


def accuracy(of: Study) -> str:
    """Predicted against measured top-1, by all methods taken; the bars are the predicted 95 % intervals."""
    measured = [100 * row.top1 for row in of.rows]
    names = [row.multiplier for row in of.rows]
    tried = [(row, 100 * row.layer_by_layer_top1) for row in of.rows if row.layer_by_layer_top1 is not None]
    series = [
        Series(
            "sensitivities", measured, [100 * row.predicted_top1 for row in of.rows], charts.BLUE, "circle",
            titles=names, low=[100 * row.predicted_interval[0] for row in of.rows],
            high=[100 * row.predicted_interval[1] for row in of.rows],
        ),
        Series(
            "predicted errors injected", measured, [100 * row.injected_top1 for row in of.rows], charts.VERMILION,
            "square", titles=names,
        ),
    ]  # fmt: skip
    if tried:
        places = [100 * row.top1 for row, _ in tried], [predicted for _, predicted in tried]
        titles = [row.multiplier for row, _ in tried]
        series.append(Series("layer by layer", *places, charts.GREEN, "triangle", titles=titles))
    x, y = charts.Axis("measured top-1, %", 0.0, 100.0), charts.Axis("predicted top-1, %", 0.0, 100.0)
    return chart(x, y, series, size=(380, 380), diagonal_band=1.0)


def lost_against(of: Study, statistic: str, words: str) -> str:
    """Accuracy lost against one candidate statistic, one point a multiplier; statistics of 0 stand at the left edge."""
    values = [row.candidate(statistic) for row in of.rows]
    lost = [100 * (of.exact_top1 - row.top1) for row in of.rows]
    titles = [f"{row.multiplier}: {value:.4g}" for row, value in zip(of.rows, values, strict=True)]
    # What is 0 has no place on a logarithmic axis; it stands left of all others.
    least = min((value for value in values if value > 1e-9), default=1.0)
    x = [value if value > 1e-9 else least / 10 for value in values]
    across, up = axis(words, x, log=True), axis("top-1 lost, points", lost)
    return chart(across, up, [Series("", x, lost, charts.BLUE, titles=titles)], size=(300, 200))


def compensation(of: Study) -> str:
    """Top-1 after compensation against top-1 before, one point a multiplier and way."""
    marks = ("triangle", "circle", "square", "triangle", "circle")
    series = []
    for way, colour, mark in zip(of.compensation_ways, charts.PALETTE, marks, strict=False):
        rows = [row for row in of.rows if way in row.compensated]
        before, after = [100 * row.top1 for row in rows], [100 * row.compensated[way] for row in rows]
        series.append(Series(way, before, after, colour, mark, titles=[row.multiplier for row in rows]))
    x, y = charts.Axis("top-1 before, %", 0.0, 100.0), charts.Axis("top-1 after, %", 0.0, 100.0)
    return chart(x, y, series, size=(340, 340), diagonal_band=1.0)


def bias_regime(rows: list[Row], deepest: int = 4608) -> str:
    """
    Share of the mean error in norm(E) as a sum grows deeper, by the iid formula, a line a multiplier.

    K |mu| / sqrt(K sigma^2 + K^2 mu^2): 0.71 at K = (sigma / mu)^2, towards 1 beyond.
    """
    depths = np.geomspace(1, deepest, 60)
    series = []
    for row, colour in zip(rows, charts.PALETTE, strict=False):
        mean, sigma = row.moments["mean"], row.moments["sigma"]
        norm = np.sqrt(depths * sigma**2 + depths**2 * mean**2)
        # An exact multiplier has neither.
        share = np.divide(depths * abs(mean), norm, out=np.zeros_like(norm), where=norm > 0)
        series.append(Series(row.multiplier, [*depths], [*share], colour, "none", line=True))
    return chart(
        axis("K, products a sum", depths, log=True), charts.Axis("share of the mean in norm(E)", 0.0, 1.05), series
    )
