"""DR-ALM: Mitchell's circuit on t leading bits of each operand, the lowest of them set, with a compensating carry."""

from ..design import Design
from .blocks.logarithmic import logarithmic_multiplier, sum_of_logarithms
from .blocks.text import module_name


def design(width: int, t: int) -> Design:
    """Circuit of DR-ALM-t."""
    kept = t - 2  # of t - 1 fraction bits the lowest is 1
    return logarithmic_multiplier(
        module_name("dr_alm", width, t=t),
        f"DR-ALM: Mitchell's multiplier on {t} bits of each operand, the lowest set, and a carry that compensates.",
        width,
        kept=kept,
        middle=sum_of_logarithms(width, t - 1, "fraction_w, 1'b1", "fraction_x, 1'b1", carry="1'b1"),
        fraction_bits=t - 1,
        greatest_exponent=2 * width - 1,
    )
