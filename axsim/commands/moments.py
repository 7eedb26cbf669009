"""All error statistics of a multiplier under uniform operands."""

import argparse

from ..errors import MultiplierError
from ..text import text_table
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("multiplier", help="for example drum:k=4")
    parser.add_argument("--operands", metavar="W,X", help="formats to serve, such as s8,s8 (the multiplier's own)")
    parser.add_argument(
        "--zero-products",
        choices=("exclude", "zero", "one"),
        default="exclude",
        help="relative error where the exact product is 0: leave out, count as 0, divide by 1 (exclude)",
    )


def run(given: argparse.Namespace) -> Result:
    """All error statistics of one multiplier."""
    from ..catalog import multiplier
    from ..formats import FORMATS

    each = multiplier(given.multiplier)
    if given.operands is not None:
        pair = tuple(given.operands.split(","))
        if len(pair) != 2 or any(fmt not in FORMATS for fmt in pair):
            raise MultiplierError(f"--operands must be two of u8 and s8 such as s8,s8, got {given.operands!r}")
        each = each.serving(*pair)
    figures = each.moments(zero_products=given.zero_products).as_dict()
    rows = [[key, f"{value:.10g}" if isinstance(value, float) else str(value)] for key, value in figures.items()]
    text = f"{each.name}, {' x '.join(each.operands)}, uniform operands\n\n" + text_table(["statistic", "value"], rows)
    return Result(text, {"multiplier": each.name, "operands": each.operands, "table_sha256": each.digest, **figures})
