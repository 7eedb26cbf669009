"""All error statistics of a multiplier under uniform operands."""

import argparse
import dataclasses

from ..text import text_table
from .arguments import operands
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("multiplier", help="for example drum:k=4")
    parser.add_argument("--operands", type=operands, metavar="W,X", help="as it serves these formats, such as s8,s8")
    parser.add_argument(
        "--zero-products",
        choices=("exclude", "zero", "one"),
        default="exclude",
        help="relative error where the exact product is 0: leave out, count as 0, divide by 1 (exclude)",
    )
    parser.add_argument("--plot", metavar="FILE", help="write a heat map and a histogram of the error as PNG")
    parser.add_argument("--overwrite", action="store_true", help="replace the plot if it exists")


def run(given: argparse.Namespace) -> Result:
    """All error statistics of one multiplier."""
    from ..catalog import multiplier

    each = multiplier(given.multiplier)
    if given.operands is not None:
        each = each.serving(*given.operands)
    if given.plot:
        from ..plots import error_plot

        error_plot(each, given.plot, given.overwrite)
    figures = each.moments(zero_products=given.zero_products).as_dict()
    rows = [[key, f"{value:.10g}" if isinstance(value, float) else str(value)] for key, value in figures.items()]
    costs = None if each.costs is None else dataclasses.asdict(each.costs)
    rows += [[key, str(value)] for key, value in (costs or {}).items() if key != "source"]
    lines = [
        f"{each.name}, {' x '.join(each.operands)}, uniform operands",
        "",
        text_table(["statistic", "value"], rows),
        *([f"Costs: {costs['source']}"] if costs else []),
        *([f"Source: {each.source}"] if each.source else []),
        *([f"Plot: {given.plot}"] if given.plot else []),
    ]
    about = {"multiplier": each.name, "operands": each.operands, "table_sha256": each.digest, "source": each.source}
    return Result("\n".join(lines), {**about, **figures, "costs": costs, "plot": given.plot})
