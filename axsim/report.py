"""The comparison as one self-contained HTML page: tables, heat maps of the error, predicted against measured."""

import base64
import html
import io
import math
import os
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import __version__
from .comparison import Comparison, LayerComparison, MultiplierComparison
from .files import replacing
from .formats import code_range, pattern_values
from .product_table import Multiplier
from .text import LEVELS, percent, summary_rows

MARK = "<!-- axsim report -->"  # the first line of every report: what carries it may be replaced by a new one
# Okabe and Ito's colours, told apart by colour-blind readers; one shape a level besides.
COLOURS = {"iid": "#E69F00", "operand": "#0072B2", "covariance": "#009E73"}
# Blue for negative, white for zero, orange-red for positive errors.
NEGATIVE, POSITIVE = np.array([5, 80, 160]), np.array([200, 60, 0])
SHOWN_MISSES = 12

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1240px; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .25rem .45rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
.wide { overflow-x: auto; } td.reason { white-space: normal; text-align: left; min-width: 16rem; }
.off { background: #fff1d6; } .maps { display: flex; flex-wrap: wrap; gap: 1.2rem; }
figure { margin: 0; } figcaption { font-size: 13px; max-width: 290px; } .note { color: #555; font-size: 13px; }
"""


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
    return "\n".join(
        [
            MARK,
            "<!doctype html>",
            "<html lang='en'><head><meta charset='utf-8'>",
            f"<title>{html.escape(network.name)} - axsim</title><style>{STYLE}</style></head><body>",
            *sections,
            "</body></html>",
            "",
        ]
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Table of already escaped cells; a cell may bring its own <td ...>."""
    cells = ("".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    header = "".join(f"<th>{name}</th>" for name in head)
    return f"<div class='wide'><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"


def _summary(comparison: Comparison) -> str:
    head, *rows = summary_rows(comparison)
    rows = [[html.escape(cell) for cell in row] for row in rows]
    return _table(head, rows) + (
        "<p class='note'>Mean error and sigma in LSB of the product, uniform operands, as served: an unsigned core "
        "serves signed by signed operands by sign-magnitude, where errors of opposite signs cancel but for -128; "
        "images/s on this machine at this moment, of the run that the accuracy is from.</p>"
    )


def _levels(comparison: Comparison) -> str:
    items = "".join(f"<li>{name}: {percent(comparison.share_within(level))}</li>" for level, name in LEVELS.items())
    pairs = len(comparison.pairs())
    return (
        f"<p>Share of the {pairs} (layer, multiplier) pairs predicted within 10 %:</p><ul>{items}</ul>"
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
    worst = sorted(missed, key=lambda pair: -abs(math.log(max(pair[1].ratio("operand"), 1e-9))))[:SHOWN_MISSES]
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
        + _table(head, rows)
    )


def _layer_table(row: MultiplierComparison) -> str:
    rows = [
        [
            html.escape(layer.layer),
            f"{layer.channels} x {layer.taps} x {layer.pixels}",
            f"{layer.mean_error:.3g}",
            f"{layer.measured:.4g}",
            f"{layer.predicted.iid:.4g}",
            f"{layer.predicted.operand:.4g}",
            f"{layer.predicted.covariance:.4g}",
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
    return f"<h3>{html.escape(row.multiplier.name)}</h3>" + _table(head, rows)


def _ratios(layer: LayerComparison) -> list[str]:
    cells = []
    for level in LEVELS:
        mark = "" if layer.holds(level) else " class='off'"
        cells.append(f"<td{mark}>{layer.ratio(level):.3f}</td>")
    return cells


def error_image(multiplier: Multiplier) -> tuple[Image.Image, int]:
    """
    Heat map of the error over both operands in ascending value, 256 x 256 RGB, and the error at full colour.

    Weights run down, activations across. White is 0; the scale is symmetric about it.
    """
    rows, columns = (np.argsort(pattern_values(fmt), kind="stable") for fmt in multiplier.operands)
    error = multiplier.error()[np.ix_(rows, columns)]
    peak = max(1, int(np.abs(error).max()))
    return Image.fromarray(colours(error / peak)), peak


def colours(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Diverging colours, uint8 [..., 3], of values from -1 to 1; the square root lifts small ones out of the white."""
    strength = np.sqrt(np.abs(values))[..., None]
    end = np.where(values[..., None] < 0, NEGATIVE, POSITIVE)
    return np.rint(255 + strength * (end - 255)).astype(np.uint8)


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _heat_map(row: MultiplierComparison) -> str:
    image, peak = error_image(row.served)
    low, high = code_range(row.served.operands[1])
    scale = Image.fromarray(np.repeat(colours(np.linspace(-1, 1, 256))[None], 12, axis=0))
    name = html.escape(row.multiplier.name)
    return f"""<figure><svg width="330" height="325" viewBox="0 0 330 325" font-size="11" role="img"
 aria-label="error heat map of {name}">
<image x="44" y="8" width="256" height="256" style="image-rendering:pixelated" href="{_data_url(image)}"/>
<rect x="44" y="8" width="256" height="256" fill="none" stroke="#888"/>
<text x="40" y="17" text-anchor="end">-128</text><text x="40" y="139" text-anchor="end">0</text>
<text x="40" y="264" text-anchor="end">127</text><text x="12" y="136" transform="rotate(-90 12 136)"
 text-anchor="middle">weight</text>
<text x="44" y="277">{low}</text><text x="172" y="277" text-anchor="middle">activation</text>
<text x="300" y="277" text-anchor="end">{high}</text>
<image x="44" y="294" width="256" height="12" preserveAspectRatio="none" href="{_data_url(scale)}"/>
<text x="44" y="319">{-peak} LSB</text><text x="172" y="319" text-anchor="middle">0</text>
<text x="300" y="319" text-anchor="end">+{peak} LSB</text></svg>
<figcaption><b>{name}</b>: mean {row.mean_error:.4g}, sigma {row.sigma:.4g} LSB; top-1 {percent(row.top1)}</figcaption>
</figure>"""


def _scatter(comparison: Comparison) -> str:
    """Log-log scatter of predicted against measured norms, with the diagonal and its 10 % band."""
    points = [
        (level, layer.measured, float(getattr(layer.predicted, level)), row.multiplier.name, layer.layer)
        for row, layer in comparison.pairs()
        for level in LEVELS
        if layer.measured > 0 and getattr(layer.predicted, level) > 0
    ]
    if not points:
        return "<p>All error matrices are zero: nothing to draw.</p>"
    logs = [math.log10(value) for point in points for value in point[1:3]]
    low, high = math.floor(min(logs) * 2) / 2, math.ceil(max(logs) * 2) / 2
    high = max(high, low + 0.5)
    left, top, size = 64, 12, 460

    def place(value: float) -> float:
        return (math.log10(value) - low) / (high - low) * size

    marks, ticks = [], []
    for level, measured, predicted, multiplier, layer in points:
        x, y = left + place(measured), top + size - place(predicted)
        words = f"{multiplier}, {layer}: measured {measured:.4g}, {LEVELS[level]} {predicted:.4g}"
        marks.append(_mark(level, x, y, f"<title>{html.escape(words)}</title>"))
    for decade in range(math.ceil(low), math.floor(high) + 1):
        offset = place(10.0**decade)
        ticks.append(
            f"<path d='M{left + offset:.1f} {top}V{top + size}M{left} {top + size - offset:.1f}H{left + size}' "
            f"stroke='#e4e4e4'/><text x='{left + offset:.1f}' y='{top + size + 16}' text-anchor='middle'>1e{decade}"
            f"</text><text x='{left - 6}' y='{top + size - offset + 4:.1f}' text-anchor='end'>1e{decade}</text>"
        )
    band = math.log10(1.1) / (high - low) * size
    legend = "".join(
        f"{_mark(level, left + size + 24, top + 20 + 24 * index, '')}<text x='{left + size + 36}' "
        f"y='{top + 24 + 24 * index}'>{name}</text>"
        for index, (level, name) in enumerate(LEVELS.items())
    )
    return f"""<svg width="800" height="530" viewBox="0 0 800 530" font-size="12" role="img"
 aria-label="predicted against measured norm of the error matrices">
<clipPath id="plot"><rect x="{left}" y="{top}" width="{size}" height="{size}"/></clipPath>{"".join(ticks)}
<g clip-path="url(#plot)"><path d="M{left} {top + size - band:.1f}L{left + size} {top - band:.1f}V{top + band:.1f}
 L{left} {top + size + band:.1f}Z" fill="#00000026"/><path d="M{left} {top + size}L{left + size} {top}" stroke="#555"/>
{"".join(marks)}</g><rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="#888"/>
<text x="{left + size / 2}" y="{top + size + 38}" text-anchor="middle">measured norm(E), LSB</text>
<text x="16" y="{top + size / 2}" transform="rotate(-90 16 {top + size / 2})" text-anchor="middle"
>predicted norm(E), LSB</text>{legend}
<text x="{left + size + 14}" y="{top + 104}" fill="#555">line: equal; band: within 10 %</text></svg>"""


def _mark(level: str, x: float, y: float, title: str) -> str:
    shapes = {
        "iid": f"<path d='M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z'",
        "operand": f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.6'",
        "covariance": f"<rect x='{x - 3:.1f}' y='{y - 3:.1f}' width='6' height='6'",
    }
    return f"{shapes[level]} fill='{COLOURS[level]}' fill-opacity='.65'>{title}</{shapes[level][1:].split(' ')[0]}>"
