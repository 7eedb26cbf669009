"""Results as HTML, for notebooks: what a bare name at the end of a cell shows."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..formats import code_range
from ..multipliers.moments import Moments
from ..text import percent, summary_rows
from . import charts
from .pictures import error_image, signed_image

if TYPE_CHECKING:
    from ..comparison.compare import Comparison
    from ..comparison.experiment import Experiment
    from ..inference.engine import Run
    from ..multipliers.product_table import Multiplier
    from ..networks.network import Network

STYLE = """<style>
.axsim table { border-collapse: collapse; font-variant-numeric: tabular-nums; line-height: 1.5; }
.axsim th, .axsim td { padding: 1px 9px; text-align: right; border-bottom: 1px solid rgba(128, 128, 128, .35); }
.axsim th:first-child, .axsim td:first-child { text-align: left; }
.axsim .complaint { border-left: 3px solid #D55E00; padding: 2px 9px; }
.axsim .beside { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: flex-start; }
.axsim svg { display: block; }
</style>"""
SHOWN_NODES = 80
SHOWN_ENTRIES = 256  # rows and columns of an error matrix that are drawn


def page_part(*parts: str) -> str:
    """Wrap HTML in the style that tables and charts here have."""
    return f"{STYLE}<div class='axsim'>{''.join(parts)}</div>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """HTML table of texts, which are escaped here."""
    lines = [(head, "th"), *((row, "td") for row in rows)]
    cells = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in line) for line, tag in lines)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in cells)}</table>"


def multiplier_html(multiplier: "Multiplier") -> str:
    """Heat map of the error beside its moments, costs and source."""
    source = f"<p>{html.escape(multiplier.source)}</p>" if multiplier.source else ""
    beside = f"<div>{figures_table(multiplier, [multiplier.moments()], ['uniform operands'])}{source}</div>"
    return page_part(f"<div class='beside'>{error_surface(multiplier)}{beside}</div>")


def error_surface(multiplier: "Multiplier", overlay: "charts.Picture | None" = None) -> str:
    """Chart of the error over both operands."""
    w, x = multiplier.operands
    axes = charts.Axis("activation", *code_range(x)), charts.Axis("weight", *code_range(w))
    label = f"error of {multiplier.name}"
    return charts.heat_map(*error_image(multiplier), *axes, overlay=overlay, label=label)


def figures_table(multiplier: "Multiplier", columns: Sequence[Moments], names: Sequence[str]) -> str:
    """Table of moments, one column for each distribution of operands, and of costs where known."""
    rows = [
        ["mean error, LSB", *(f"{m.mean_error:.5g}" for m in columns)],
        ["sigma, LSB", *(f"{m.standard_deviation:.5g}" for m in columns)],
        ["NMED", *(f"{100 * m.nmed:.4g} %" for m in columns)],
        ["MRED", *(f"{100 * m.mred:.4g} %" for m in columns)],
        ["worst error, LSB", *(f"{m.wce}" for m in columns)],
        ["wrong products", *(f"{100 * m.error_rate:.3g} %" for m in columns)],
    ]
    if multiplier.costs is not None:
        costs = multiplier.costs
        known = [("power", f"{costs.power_mw:g} mW"), ("area", f"{costs.area_um2:g} um²")]
        known.append(("delay", f"{costs.delay_ns:g} ns"))
        rows += [[name, value, *[""] * (len(columns) - 1)] for name, value in known]
    return table([f"{multiplier.name}, {' x '.join(multiplier.operands)}", *names], rows)


def moments_html(moments: Moments) -> str:
    """Table of all figures."""
    rows = [
        [name, f"{value:.8g}" if isinstance(value, float) else str(value)] for name, value in moments.as_dict().items()
    ]
    return page_part(table(["statistic", "value"], rows))


def network_html(network: "Network") -> str:
    """Table of the nodes, with what is known of the network's origin."""
    rows = []
    for node in network.nodes[:SHOWN_NODES]:
        weight = getattr(node, "weight", None)
        shape = " x ".join(map(str, network.shapes[node.name]))
        weights = "" if weight is None else " x ".join(map(str, weight.shape))
        rows.append([node.name, node.op, ", ".join(node.inputs), shape, weights, f"{node.output.scale:.4g}"])
    more = len(network.nodes) - len(rows)
    about = "; ".join(f"{key}: {value}" for key, value in network.about.items())
    title = (
        f"{network.name}: {network.scheme} int8, rounding {network.rounding}, {len(network.nodes)} nodes, "
        f"{len(network.layers)} layers"
    )
    return page_part(
        f"<p><b>{html.escape(title)}</b><br>{html.escape(about)}</p>",
        table(["node", "operator", "inputs", "output C x H x W", "weight", "scale"], rows),
        f"<p>and {more} more nodes</p>" if more > 0 else "",
    )


def run_html(run: "Run") -> str:
    """Table of what served which nodes."""
    served: dict[str, list[str]] = {}
    for step in run.steps:
        served.setdefault(step.multiplier, []).append(step.node)
    rows = [
        [name, str(len(nodes)), ", ".join(nodes[:6]) + (", ..." if len(nodes) > 6 else "")]
        for name, nodes in served.items()
    ]
    return page_part(
        f"<p>{len(run.logits)} images, {run.logits.shape[1]} classes; accumulators of {run.accumulator}</p>",
        table(["served by", "nodes", "which"], rows),
    )


def comparison_html(comparison: "Comparison") -> str:
    """Table of the multipliers, and the shares of pairs that each level predicts."""
    head, *rows = summary_rows(comparison)
    shares = [
        [level, percent(comparison.share_within(level))] for level in ("iid", "operand", "conditional", "covariance")
    ]
    pairs = len(comparison.pairs())
    return page_part(
        f"<p><b>{html.escape(comparison.network.name)}</b>, {comparison.images} images</p>",
        table(head, rows),
        f"<p>Predicted within 10 % of measured, of {pairs} (layer, multiplier) pairs:</p>",
        table(["level", "share"], shares),
    )


def experiment_html(found: "Experiment") -> str:
    """Error matrix as a picture, its norm measured and predicted, and the curve over K."""
    return page_part(f"<div class='beside'>{error_matrix(found)}{norms_table(found)}{norm_curve(found)}</div>")


def error_matrix(found: "Experiment") -> str:
    """Chart of the error matrix's first rows and columns."""
    part = found.error[:SHOWN_ENTRIES, :SHOWN_ENTRIES]
    x, y = charts.Axis("pixel", 0, part.shape[1]), charts.Axis("channel", 0, part.shape[0])
    return charts.heat_map(*signed_image(part), x, y, label="error matrix")


def norms_table(found: "Experiment") -> str:
    """Table of measured and predicted norms."""
    measured = found.norm
    rows = [["measured", f"{measured:.5g}", "", f"{measured / found.exact_norm:.3e}" if found.exact_norm else "-"]]
    for level in ("iid", "operand", "conditional", "covariance"):
        value = float(getattr(found.predicted, level))
        ratio = f"{value / measured:.3f}" if measured else "-"
        rows.append([level, f"{value:.5g}", ratio, f"{value / found.exact_norm:.3e}" if found.exact_norm else "-"])
    rows.append(["mean of E", f"{found.error.mean():.5g}", "", ""])
    return table(["level", "norm(E), LSB", "/ measured", "distortion"], rows)


def norm_curve(found: "Experiment") -> str:
    """Chart of the norm over the number of taps, with the parts of the formula."""
    taps = found.taps.astype(np.float64)
    together = np.hypot(found.bias_curve, found.noise_curve)
    series = [
        charts.Series("measured", taps, found.measured_curve, charts.VERMILION),
        charts.Series("operand level", taps, together, charts.BLUE, "none", line=True),
        charts.Series("its bias, K |mu|", taps, found.bias_curve, charts.GREEN, "none", line=True),
        charts.Series("its noise, sqrt(K) sigma", taps, found.noise_curve, charts.ORANGE, "none", line=True),
    ]
    values = [float(v) for each in series for v in each.y]
    x, y = charts.axis("taps K", taps, log=True), charts.axis("norm(E), LSB", values, log=True)
    return charts.chart(x, y, series, size=(330, 256))
