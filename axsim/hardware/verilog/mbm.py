"""MBM: Mitchell's circuit with a constant added to the fractions' sum before the last shift, halved after a carry."""

from ..design import Design
from .blocks.logarithmic import logarithmic_multiplier, sum_of_positions
from .blocks.text import binary, joined, module_name, zeros


def design(width: int, t: int, c: int, q: int) -> Design:
    """
    Circuit of MBM-t with the correction c / 2^q.

    The correction is cut off at 2^-(2 width - 2): what is below reaches neither the product nor a carry.
    """
    one = width - 1  # fraction bits of an operand
    cut = one - t  # of them kept; the lowest is 1 where t > 0
    kept = cut - 1 if t else cut
    bits = min(max(cut, q), 2 * width - 2)  # fraction bits of the significand
    correction = (c << bits) >> q
    sums = [joined(f"fraction_{operand}", "1'b1" if t else "") for operand in "wx"]
    pad = zeros(bits - cut) if bits > cut else ""
    middle = f"""
        // Fractions' sum s, below 2; the carry tells whether it is 1 or more.
        wire [{cut}:0] fractions = {{1'b0, {sums[0].strip("{}")}}} + {{1'b0, {sums[1].strip("{}")}}};
        wire carry = fractions[{cut}];
        // 1 + s, or 2 s after a carry; both below 4.
        wire [{bits + 1}:0] logarithmic = carry ? {joined("fractions", "1'b0", pad)} : {
        joined("2'b01", f"fractions[{cut - 1}:0]", pad)
    };
        // Plus the correction {c} / 2^{q}; left out where it would carry over.
        wire [{bits + 2}:0] corrected = {{1'b0, logarithmic}} + {binary(correction, bits + 3)};
        wire [{bits + 1}:0] significand = corrected[{bits + 2}] ? logarithmic : corrected[{bits + 1}:0];
        {sum_of_positions(width)}
    """
    return logarithmic_multiplier(
        module_name("mbm", width, t=t, c=c, q=q),
        f"MBM: Mitchell's multiplier with the correction {c} / 2^{q}" + (f", {t} fraction bits cut" if t else ""),
        width,
        kept=kept,
        middle=middle,
        fraction_bits=bits,
        integer_bits=2,
    )
