"""Broken array: an array multiplier without its lowest rows and columns; two's complement by Baugh and Wooley."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.text import module_name


def design(width: int, signed: int, h: int, v: int) -> Design:
    """Circuit without the rows of w below h and the columns below v."""
    name = module_name("broken_array", width, h=h, v=v) + ("_signed" if signed else "")
    module = array_multiplier(
        name,
        f"Broken array: no row of w below {h}, no partial product in a column below {v}.",
        width,
        lambda row: max(0, v - row) if row >= h else width,
        signed=bool(signed),
    )
    return Design(module, width, bool(signed), bool(signed))
