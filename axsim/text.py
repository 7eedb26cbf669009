"""Results as plain text: what the command line prints, and the rows that the report shows too."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparison.compare import Comparison, LayerComparison
    from .inference.accuracy import Accuracy
    from .networks.network import Network

LEVELS = {"iid": "uniform operands (a)", "operand": "layer's own histograms (b)", "covariance": "covariance (c)"}


def percent(share: float | None) -> str:
    """Write a share in percent, "-" where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def interval(bounds: tuple[float, float] | None) -> str:
    """Write an interval of shares in percent."""
    return "-" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"


def decimals(value: float | None, digits: int) -> str:
    """Write a number with so many digits behind the point, "-" where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def accuracy_text(measured: "Accuracy | None") -> str:
    """Write top-1 and top-5 with their 95 % intervals."""
    if measured is None:
        return "no labels, so no accuracy"
    return (
        f"top-1 {percent(measured.top1)} ({interval(measured.top1_interval)}), "
        f"top-5 {percent(measured.top5)} ({interval(measured.top5_interval)})"
    )


def summary_rows(comparison: "Comparison") -> list[list[str]]:
    """Head and rows of the table of multipliers, the exact run first."""
    return [
        ["multiplier", "mean error", "sigma", "top-1 measured", "95 % interval", "same class as exact", "images/s"],
        [
            "exact",
            "0",
            "0",
            percent(comparison.exact_top1),
            interval(comparison.exact_interval),
            percent(1.0),
            f"{comparison.exact_images_per_second:.0f}",
        ],
        *(
            [
                row.multiplier.name,
                f"{row.mean_error:.4g}",
                f"{row.sigma:.4g}",
                percent(row.top1),
                interval(row.interval),
                percent(row.agreement),
                f"{row.images_per_second:.0f}",
            ]
            for row in comparison.multipliers
        ),
    ]


LAYER_TABLES = "Frobenius norm of each layer's error matrix, the layer alone, measured and predicted (and their ratio),"


def comparison_text(comparison: "Comparison", layers: bool = True) -> str:
    """Tables of every layer's error matrix (if asked for), of the multipliers, and the shares predicted within 10 %."""
    tables = []
    for each in comparison.multipliers if layers else ():
        cells = []
        for layer in each.layers:
            cells.append([layer.layer, f"{layer.measured:.4g}", *(_norm_and_ratio(layer, level) for level in LEVELS)])
        tables += [text_table([each.multiplier.name, "measured", *LEVELS.values()], cells), ""]
    head, *rows = summary_rows(comparison)
    return "\n".join(
        [
            *([LAYER_TABLES, f"on the first {comparison.measured_images} images:", "", *tables] if layers else []),
            f"{comparison.network.name}, {comparison.network.scheme} int8, {comparison.images} images:",
            "",
            text_table(head, rows),
            "",
            "Predicted within 10 % of measured, of the (layer, multiplier) pairs that the level predicts:",
            *(f"  {share}" for share in shares_within(comparison)),
            *float_notes(comparison.network),
        ]
    )


def shares_within(comparison: "Comparison") -> list[str]:
    """For each level, the share of the pairs predicted within 10 %, and how many pairs it is of."""
    return [
        f"{percent(comparison.share_within(level)):>7} of {len(comparison.predicted(level))}  {name}"
        for level, name in LEVELS.items()
    ]


def float_notes(network: "Network") -> list[str]:
    """Say which nodes compute functions of real numbers: none of their work goes through a multiplier."""
    nodes = [node for node in network.nodes if node.computes_reals]
    kinds = ", ".join(sorted({node.op for node in nodes}))
    return [f"{len(nodes)} nodes ({kinds}) are computed in floating point, through no multiplier."] if nodes else []


def _norm_and_ratio(layer: "LayerComparison", level: str) -> str:
    ratio = layer.ratio(level)
    return "not predicted" if ratio is None else f"{getattr(layer.predicted, level):.4g} ({ratio:.2f})"


def text_table(head: list[str], rows: list[list[str]], right_from: int = 1) -> str:
    """Columns as wide as their widest cell, those from `right_from` on aligned to the right."""
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if index >= right_from else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)
