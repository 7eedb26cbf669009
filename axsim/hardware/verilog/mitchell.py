"""Mitchell: leading-one detectors and shifters take the logarithms, one adder sums them, a shifter takes the power."""

from ..design import Design
from .blocks.logarithmic import logarithmic_multiplier, sum_of_logarithms
from .blocks.text import module_name


def design(width: int) -> Design:
    """Circuit of Mitchell's multiplier."""
    bits = width - 1
    return logarithmic_multiplier(
        module_name("mitchell", width),
        "Mitchell: adds log2(1 + f) ~ f of both operands and takes the antilogarithm the same way.",
        width,
        kept=bits,
        middle=sum_of_logarithms(width, bits, "fraction_w", "fraction_x"),
        fraction_bits=bits,
        greatest_exponent=2 * width - 1,
    )
