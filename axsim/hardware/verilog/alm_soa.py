"""ALM-SOA: Mitchell's circuit whose adder sets its m low bits to 1 and guesses the carry out of them."""

from ..design import Design
from .blocks.logarithmic import logarithmic_multiplier, sum_of_logarithms
from .blocks.text import Net, module_name


def design(width: int, m: int) -> Design:
    """Circuit of ALM-SOA-m; m = 0 is Mitchell's multiplier."""
    bits = width - 1
    kept = width - m if m else bits  # the bits m - 1 and above
    upper = bits - m
    fraction_w, fraction_x = (
        Net(f"fraction_{operand}", kept - 1).take(kept - 1, kept - upper) if upper else "" for operand in "wx"
    )
    guess = "" if m == 0 else f"// The carry out of the {m} low bits is the AND of the operands' bits {m - 1}."
    carry = "" if m == 0 else "wire carry = fraction_w[0] & fraction_x[0];"
    adder = sum_of_logarithms(width, upper, fraction_w, fraction_x, carry="carry" if m else "", ones_below=m)
    return logarithmic_multiplier(
        module_name("alm_soa", width, m=m),
        f"ALM-SOA: Mitchell's multiplier with a set-one adder: the {m} low bits of the sum of fractions are 1.",
        width,
        kept=kept,
        middle="\n".join([guess, carry, adder]),
        fraction_bits=bits,
        greatest_exponent=2 * width - 1,
    )
