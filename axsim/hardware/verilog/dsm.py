"""Dynamic segment method: as DRUM, but the lowest bit of a segment stays as it is."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.segments import dynamic_segment, segment_multiplier
from .blocks.text import module_name


def design(width: int, m: int) -> Design:
    """Circuit of DSM-m."""
    name = module_name("dsm", width, m=m)
    if m == width:
        return Design(array_multiplier(name, f"DSM with m = {m} bits of {width}: the exact multiplier.", width), width)
    comment = f"DSM: the {m} bits of each operand from its leading one down, multiplied exactly."
    return segment_multiplier(name, comment, width, m, dynamic_segment(width, m, set_lowest=False))
