"""Mitch-w: Mitchell's circuit on the leading bits of each operand."""

from ..design import Design
from .blocks.logarithmic import logarithmic_multiplier, sum_of_logarithms
from .blocks.text import module_name


def design(width: int, bits: int) -> Design:
    """Circuit of Mitch-w, w = `bits`."""
    kept = bits - 1
    return logarithmic_multiplier(
        module_name("mitch_w", width, bits=bits),
        f"Mitch-w: Mitchell's multiplier on {bits} bits of each operand from its leading one down.",
        width,
        kept=kept,
        middle=sum_of_logarithms(width, kept, "fraction_w", "fraction_x"),
        fraction_bits=kept,
        greatest_exponent=2 * width - 1,
    )
