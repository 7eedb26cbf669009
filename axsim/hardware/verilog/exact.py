"""Exact: an array multiplier with all its partial products; two's complement by Baugh and Wooley."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.text import module_name


def design(width: int, signed: int) -> Design:
    """Circuit of the exact product."""
    name = module_name("exact", width) + ("_signed" if signed else "")
    module = array_multiplier(name, "p = w x: all partial products, row by row.", width, signed=bool(signed))
    return Design(module, width, bool(signed), bool(signed))
