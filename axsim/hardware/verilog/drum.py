"""DRUM: leading-one detectors, multiplexers that take k bits of each operand, a k x k multiplier, a barrel shifter."""

from ..design import Design
from .blocks.array import array_multiplier
from .blocks.segments import dynamic_segment, segment_multiplier
from .blocks.text import module_name


def design(width: int, k: int) -> Design:
    """Circuit of DRUM-k."""
    name = module_name("drum", width, k=k)
    if k == width:
        return Design(array_multiplier(name, f"DRUM with k = {k} bits of {width}: the exact multiplier.", width), width)
    comment = f"DRUM: the {k} leading bits of each operand, the lowest of them set, multiplied exactly."
    return segment_multiplier(name, comment, width, k, dynamic_segment(width, k, set_lowest=True))
