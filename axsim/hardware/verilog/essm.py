"""Enhanced static segment method: segments of half the width at three places, and one of five shifts."""

from ..design import Design
from .blocks.segments import segment_multiplier, static_segment
from .blocks.text import module_name


def design(width: int, m: int) -> Design:
    """Circuit of ESSM; m is half the width."""
    step = (width - m) // 2
    comment = f"ESSM: {m} bits of each operand at one of three places, multiplied exactly."
    return segment_multiplier(module_name("essm", width, m=m), comment, width, m, static_segment(width, m, step), step)
