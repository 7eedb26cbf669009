"""The comparison as one self-contained HTML page: tables, heat maps of the error, predicted against measured."""

import html
import math
import os

from .. import __version__
from ..comparison.compare import TOLERANCE, Comparison, LayerComparison, MultiplierComparison
from ..files import replacing
from ..formats import code_range
from ..text import LEVELS, float_notes, percent, shares_within, summary_rows
from . import charts
from .page import page, wide_table
from .pictures import error_image

MARK = "<!-- axsim report -->"  # the first line of every report: what carries it may be replaced by a new one
COLOURS = {"iid": charts.ORANGE, "operand": charts.BLUE, "covariance": charts.GREEN}
SHOWN_MISSES = 12


def write_report(comparison: Comparison, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write the report, under a temporary name first; raises AxsimError if the file exists and may not be replaced."""
    with replacing(path, overwrite) as temporary:
        temporary.write_text(render(comparison), encoding="utf-8")


def may_replace(path: str | os.PathLike[str]) -> bool:
    """Whether a file is absent or an earlier report."""
    if not os.path.lexists(path):
        return True
    if not os.path.isfile(path):
        return False
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip() == MARK
    except (OSError, UnicodeDecodeError):
        return False


def render(comparison: Comparison) -> str:
    """Return the page as text; it loads nothing from anywhere."""
    network = comparison.network
    about = "; ".join(f"{key}: {value}" for key, value in network.about.items())
    sections = [
        f"<h1>{html.escape(network.name)}: measured beside predicted</h1>",
        f"<p class='note'>axsim {__version__}; {network.scheme} int8, requantization rounding {network.rounding}; "
        f"accuracy on {comparison.images} images, error matrices on the first {comparison.measured_images}. "
        f"{html.escape(about)}</p>",
        "<h2>Multipliers</h2>",
        _summary(comparison),
        "<h2>Error of each multiplier</h2>",
        "<p>Approximate minus exact product, as the multiplier serves this network's operands (weights down, "
        "activations across); colour grows with the square root of the error.</p>",
        "<div class='maps'>" + "".join(map(_heat_map, comparison.multipliers)) + "</div>",
        "<h2>Predicted against measured norm of the error matrix</h2>",
        _levels(comparison),
        _scatter(comparison),
        "<h2>Where prediction (b) is off by more than 10 %, and why</h2>",
        _misses(comparison),
        "<h2>Layer by layer</h2>",
        "<p>Frobenius norm of the error matrix of each layer alone (its input is the exact run's), in LSB of the "
        "sums; predictions as their ratio to it, marked where off by more than 10 %.</p>",
        *map(_layer_table, comparison.multipliers),
    ]
    return page(f"{network.name} - axsim", sections, first_line=MARK)


def _summary(comparison: Comparison) -> str:
    head, *rows = summary_rows(comparison)
    rows = [[html.escape(cell) for cell in row] for row in rows]
    return wide_table(head, rows) + (
        "<p class='note'>Mean error and sigma in LSB of the product, uniform operands, as served: an unsigned core "
        "serves signed by signed operands by sign-magnitude, where errors of opposite signs cancel but for -128; "
        "images/s on this machine at this moment, of the run that the accuracy is from.</p>"
    )


def _levels(comparison: Comparison) -> str:
    items = "".join(f"<li>{html.escape(share)}</li>" for share in shares_within(comparison))
    notes = "".join(f"<p class='note'>{html.escape(note)}</p>" for note in float_notes(comparison.network))
    return (
        f"<p>Share of the (layer, multiplier) pairs that a level predicts, within 10 %:</p><ul>{items}</ul>{notes}"
        "<p class='note'>(a), (b): sqrt(M N (K sigma<sup>2</sup> + K<sup>2</sup> mu<sup>2</sup>)), products taken as "
        "independent draws; (c) knows each weight, each tap's activations and how the taps covary. None of them runs "
        "the multiplier.</p>"
    )


def _misses(comparison: Comparison) -> str:
    missed = [(row, layer) for row, layer in comparison.pairs() if not layer.holds("operand")]
    if not missed:
        return "<p>Nowhere.</p>"
    reasons: dict[str, int] = {}
    for _, layer in missed:
        reasons[layer.reason()] = reasons.get(layer.reason(), 0) + 1
    counted = "".join(f"<li>{count} pairs: {html.escape(reason)}</li>" for reason, count in reasons.items())
    worst = sorted(missed, key=lambda pair: -abs(math.log(max(pair[1].ratio("operand") or 0.0, 1e-9))))[:SHOWN_MISSES]
    rows = [
        [
            html.escape(row.multiplier.name),
            html.escape(layer.layer),
            *_ratios(layer),
            f"<td class='reason'>{html.escape(layer.reason())}</td>",
        ]
        for row, layer in worst
    ]
    head = ("multiplier", "layer", *(f"{name}<br>/ measured" for name in LEVELS.values()), "reason")
    return (
        f"<p>{len(missed)} of {len(comparison.pairs())} pairs:</p><ul>{counted}</ul><p>The farthest off:</p>"
        + wide_table(head, rows)
    )


def _layer_table(row: MultiplierComparison) -> str:
    rows = [
        [
            html.escape(layer.layer),
            f"{layer.channels} x {layer.taps} x {layer.pixels}",
            f"{layer.mean_error:.3g}",
            f"{layer.measured:.4g}",
            *(_norm(layer, level) for level in LEVELS),
            *_ratios(layer),
            f"{layer.measured / layer.exact_norm if layer.exact_norm else 0:.2e}",
        ]
        for layer in row.layers
    ]
    head = (
        "layer",
        "M x K x N",
        "mean<br>of E",
        "norm(E)<br>measured",
        "predicted<br>(a)",
        "predicted<br>(b)",
        "predicted<br>(c)",
        "(a)<br>/ measured",
        "(b)<br>/ measured",
        "(c)<br>/ measured",
        "distortion",
    )
    return f"<h3>{html.escape(row.multiplier.name)}</h3>" + wide_table(head, rows)


def _ratios(layer: LayerComparison) -> list[str]:
    cells = []
    for level in LEVELS:
        ratio = layer.ratio(level)
        mark = "" if ratio is None or layer.holds(level) else " class='off'"
        cells.append(f"<td{mark}>{'not predicted' if ratio is None else format(ratio, '.3f')}</td>")
    return cells


def _norm(layer: LayerComparison, level: str) -> str:
    value: float | None = getattr(layer.predicted, level)
    return "-" if value is None else f"{value:.4g}"


def _heat_map(row: MultiplierComparison) -> str:
    image, peak = error_image(row.served)
    weights, activations = (
        charts.Axis(name, *code_range(fmt))
        for name, fmt in zip(("weight", "activation"), row.served.operands, strict=True)
    )
    picture = charts.heat_map(image, peak, activations, weights, label=f"error heat map of {row.multiplier.name}")
    words = f"mean {row.mean_error:.4g}, sigma {row.sigma:.4g} LSB; top-1 {percent(row.top1)}"
    return f"<figure>{picture}<figcaption><b>{html.escape(row.multiplier.name)}</b>: {words}</figcaption></figure>"


def _scatter(comparison: Comparison) -> str:
    """Log-log scatter of predicted against measured norms, with the diagonal and its 10 % band."""
    pairs = comparison.pairs()
    if not any(layer.measured for _, layer in pairs):
        return "<p>All error matrices are zero: nothing to draw.</p>"
    series = []
    for (level, name), mark in zip(LEVELS.items(), ("triangle", "circle", "square"), strict=True):
        known = [(row, layer) for row, layer in pairs if getattr(layer.predicted, level) is not None]
        predicted = [float(getattr(layer.predicted, level)) for _, layer in known]
        titles = [
            f"{row.multiplier.name}, {layer.layer}: measured {layer.measured:.4g}, {name} {value:.4g}"
            for (row, layer), value in zip(known, predicted, strict=True)
        ]
        measured = [layer.measured for _, layer in known]
        series.append(charts.Series(name, measured, predicted, COLOURS[level], mark, titles=titles))
    values = [value for each in series for value in (*each.x, *each.y)]
    x, y = (charts.axis(f"{what} norm(E), LSB", values, log=True) for what in ("measured", "predicted"))
    return charts.chart(x, y, series, size=(460, 460), diagonal_band=1 + TOLERANCE) + (
        "<p class='note'>Line: predicted equals measured; band: within 10 %.</p>"
    )
