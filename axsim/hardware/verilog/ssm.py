"""Static segment method: each operand's upper or lower m bits, an m x m multiplier, and one of three shifts."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.segments import segment_multiplier, static_segment
from .blocks.text import module_name


def design(width: int, m: int) -> Design:
    """Circuit of SSM-m."""
    name = module_name("ssm", width, m=m)
    if m == width:
        return Design(array_multiplier(name, f"SSM with m = {m} bits of {width}: the exact multiplier.", width), width)
    comment = f"SSM: the upper or the lower {m} bits of each operand, multiplied exactly."
    return segment_multiplier(name, comment, width, m, static_segment(width, m, width - m), width - m)
