"""Truncation: an array multiplier without the rows and columns of cleared operand bits, and without low columns."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.text import module_name


def design(width: int, signed: int, t: int, v: int) -> Design:
    """Circuit without the t low bits of both operands and the v low columns of the product."""
    name = module_name("truncated", width, t=t, v=v) + ("_signed" if signed else "")
    module = array_multiplier(
        name,
        f"Array multiplier without rows and columns of the {t} lowest bits, and without columns below {v}.",
        width,
        lambda row: max(t, v - row) if row >= t else width,
        signed=bool(signed),
    )
    return Design(module, width, bool(signed), bool(signed))
