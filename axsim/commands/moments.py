"""All error statistics of a multiplier under uniform operands."""

import argparse
import dataclasses
import re

from ..errors import AxsimError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import count, wide_operands
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("multiplier", help="for example drum:k=4")
    parser.add_argument(
        "--operands", type=wide_operands, metavar="W,X", help="as it serves these formats, such as s8,s8"
    )
    parser.add_argument(
        "--zero-products",
        choices=("exclude", "zero", "one"),
        default="exclude",
        help="relative error where the exact product is 0: leave out, count as 0, divide by 1 (exclude)",
    )
    parser.add_argument(
        "--width",
        type=count,
        metavar="BITS",
        help="of each operand, 4 to 16 (8): a family's member, its products counted over all pairs, 2^32 at most",
    )
    parser.add_argument("--sample", type=count, metavar="N", help="count N random pairs instead of all")
    parser.add_argument("--seed", type=int, metavar="S", help="of the sample (0)")
    parser.add_argument("--plot", metavar="FILE", help="write a heat map and a histogram of the error as PNG")
    parser.add_argument("--overwrite", action="store_true", help="replace the plot if it exists")


def run(given: argparse.Namespace) -> Result:
    """All error statistics of one multiplier."""
    from ..multipliers.catalog import multiplier

    if given.width is not None or given.sample is not None or re.search(r"[:,]\s*width\s*=", given.multiplier):
        return _counted(given)
    if given.seed is not None:
        raise AxsimError("--seed is of a --sample, which is not asked for")
    each = multiplier(given.multiplier)
    if given.operands is not None:
        each = each.serving(*given.operands)
    if given.plot:
        from ..files import check_output
        from ..multipliers.plots import error_plot

        check_output(given.plot, given.overwrite, given.multiplier)
        error_plot(each, given.plot, given.overwrite)
    figures = each.moments(zero_products=given.zero_products).as_dict()
    rows = _rows(figures)
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


def _rows(figures: dict[str, float | int | str]) -> list[list[str]]:
    return [[key, f"{value:.10g}" if isinstance(value, float) else str(value)] for key, value in figures.items()]


def _counted(given: argparse.Namespace) -> Result:
    """Error statistics without a table: of another width, or of a sample."""
    from ..multipliers.wide import wide_moments

    if given.plot:
        raise AxsimError("--plot draws a table of 8-bit operands: leave out --width and --sample, or --plot")
    if given.seed is not None and given.sample is None:
        raise AxsimError("--seed is of a --sample, which is not asked for")
    display = ProgressDisplay()
    try:
        found = wide_moments(
            given.multiplier,
            given.width,
            given.operands,
            given.sample,
            given.seed or 0,
            given.zero_products,
            display.phase("operand pairs"),
        )
    finally:
        display.close()
    figures = found.moments.as_dict()
    errors: dict[str, float | int | str] = {
        "mean_error_standard_error": found.mean_error_standard_error,
        "mred_standard_error": found.mred_standard_error,
    }
    sampled = found.seed is not None
    how = f"{found.pairs} random pairs, seed {found.seed}" if sampled else f"all {found.pairs} pairs"
    lines = [
        f"{found.name}, {' x '.join(found.operands)}, uniform operands, {how}",
        "",
        text_table(["statistic", "value"], _rows({**figures, **(errors if sampled else {})})),
        *(["Of a sample: relative_min, relative_max and wce are the largest that it met."] if sampled else []),
    ]
    about = {"multiplier": found.name, "operands": found.operands, "pairs": found.pairs, "seed": found.seed}
    return Result("\n".join(lines), {**about, **figures, **errors})
