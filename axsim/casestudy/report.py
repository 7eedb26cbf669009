"""The case study as one self-contained HTML page."""

import html
import os

from .. import __version__
from ..files import replacing
from ..presentation import charts
from ..presentation.charts import Series, axis, chart
from ..presentation.page import page, wide_text_table
from ..text import percent
from .findings import Findings
from .runner import CaseStudy, ConfigurationRow
from .text import HEAD, cells, correlation_text, failure_lines, simulation_lines


def write_case_report(of: CaseStudy, found: Findings, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write the report, under a temporary name first; raises AxsimError if the file exists and may not be replaced."""
    with replacing(path, overwrite) as temporary:
        temporary.write_text(render(of, found), encoding="utf-8")


def render(of: CaseStudy, found: Findings) -> str:
    """Return the page as text; it loads nothing from anywhere."""
    name = html.escape(of.network.name)
    sections = [
        f"<h1>{name}: an error-configurable multiplier in a systolic array</h1>",
        f"<p class='note'>axsim {__version__}; weight-stationary mesh of {of.size} x {of.size}, partial sums of "
        f"{html.escape(str(of.accumulator))}, then added in 32 bits; exact top-1 {percent(of.exact_top1)} on "
        f"{of.images} images; error matrices of each layer alone on the first {of.measured_images}; operand statistics "
        f"from {of.statistics_images}. The configuration is MBM's correction constant c / 128 and the fraction bits "
        "cut, t; c = 10, t = 0 is MBM as published. The question is that of Alahakoon, Saadat, Jayasinghe and "
        "Parameswaran, arXiv 2512.06537; the moment model here is derived in axsim/predict/levels.py.</p>",
        "<h2>Down to the gates</h2>",
        *(f"<p>{html.escape(line)}</p>" for line in simulation_lines(of)),
        _layers(of),
        "<h2>Mean error, distortion and accuracy over the configurations</h2>",
        *(f"<p>{html.escape(correlation_text(each, len(of.rows)))}.</p>" for each in found.correlations),
        "<div class='row'>",
        _accuracy(of, "predicted"),
        _accuracy(of, "measured"),
        _accuracy(of, "relative_mean_error"),
        _distortions(of),
        "</div>",
        wide_text_table(HEAD, map(cells, of.rows)),
        "<p class='note'>Mean error of the unsigned multiplier under uniform operands, LSB, and mean of its relative "
        "error; distortion: root mean square over the layers of norm(E) / norm(C).</p>",
        "<h2>Where the model fails</h2>",
        "<ul>" + "".join(f"<li>{html.escape(line.strip())}</li>" for line in failure_lines(found)) + "</ul>",
        "<h2>The placed design</h2>",
        "<p>The configuration is a register: one circuit serves all of them.</p>",
        _placed(of),
    ]
    return page(f"{of.network.name} - axsim case study", sections)


def _layers(of: CaseStudy) -> str:
    """Each simulated layer, with the cycles of its tiles; they do not depend on the configuration."""
    rows = [
        [
            layer.layer, f"{layer.products:,}", str(layer.tiles), f"{layer.partial_sums:,}", f"{layer.codes:,}",
            f"{layer.cycles:,}", f"{layer.closed_form:,}", f"{layer.products / layer.cycles:.1f}",
        ]
        for layer in of.rows[0].layers
    ]  # fmt: skip
    head = ["layer", "products", "tiles", "partial sums", "codes", "cycles", "closed form", "products a cycle"]
    return wide_text_table(head, rows)


def _series(of: CaseStudy, values: list[float], y: list[float], **given: list[float]) -> list[Series]:
    """One series for each number of fraction bits cut."""
    found = []
    marks = ("circle", "square", "triangle")
    for index, cut in enumerate(sorted({row.configuration.cut for row in of.rows})):
        at = [i for i, row in enumerate(of.rows) if row.configuration.cut == cut]
        found.append(
            Series(
                f"t = {cut}",
                [values[i] for i in at],
                [y[i] for i in at],
                charts.PALETTE[index % len(charts.PALETTE)],
                marks[index % len(marks)],
                titles=[of.rows[i].multiplier for i in at],
                **{name: [bounds[i] for i in at] for name, bounds in given.items()},  # type: ignore[arg-type]
            )
        )
    return found


LABELS = {
    "predicted": "predicted distortion",
    "measured": "measured distortion",
    "relative_mean_error": "mean relative error of the multiplier, %",
}


def _accuracy(of: CaseStudy, statistic: str) -> str:
    """Top-1 with its interval against a statistic of the configurations."""
    signed = statistic == "relative_mean_error"
    values = [_value(row, statistic) for row in of.rows]
    top1 = [100 * row.top1 for row in of.rows]
    low = [100 * row.top1_interval[0] for row in of.rows]
    high = [100 * row.top1_interval[1] for row in of.rows]
    x, y = axis(LABELS[statistic], values, include=[] if signed else [0.0]), axis("top-1, %", [*low, *high])
    return chart(x, y, _series(of, values, top1, low=low, high=high), size=(380, 280))


def _distortions(of: CaseStudy) -> str:
    """Predicted against measured distortion, with the diagonal."""
    measured, predicted = [row.measured for row in of.rows], [row.predicted for row in of.rows]
    x = axis(LABELS["measured"], [*measured, *predicted], include=[0.0])
    y = axis(LABELS["predicted"], [*measured, *predicted], include=[0.0])
    return chart(x, y, _series(of, measured, predicted), size=(300, 280), diagonal_band=1.1)


def _value(row: ConfigurationRow, statistic: str) -> float:
    return 100 * row.relative_mean_error if statistic == "relative_mean_error" else float(getattr(row, statistic))


def _placed(of: CaseStudy) -> str:
    rows = [
        [
            each.part, each.device, str(each.luts), str(each.flip_flops),
            "-" if each.logic_cells is None else str(each.logic_cells),
            "-" if each.frequency_mhz is None else f"{each.frequency_mhz:.1f}",
        ]
        for each in of.placed
    ]  # fmt: skip
    head = ["part", "device", "LUTs", "flip-flops", "logic cells, placed", "MHz"]
    text = wide_text_table(head, rows) if rows else ""
    notes = sorted({each.tools for each in of.placed})
    text += "".join(f"<p class='note'>{html.escape(note)}</p>" for note in notes)
    text += (
        "<p class='note'>LUTs and flip-flops of the part alone; placed with the shift registers around it.</p>"
        if rows
        else ""
    )
    return text + (f"<p>Not placed: {html.escape(of.not_placed)}</p>" if of.not_placed else "")
