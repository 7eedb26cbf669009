"""Logarithmic multipliers: two normalizers, what the family does with the fractions, and a shift that scales the sum.

w -> normalizer -> position_w, fraction_w -+
                                           +-> family -> significand -> left shifter by exponent -> p
x -> normalizer -> position_x, fraction_x -+

p = floor(significand 2^exponent), 0 where an operand is 0
"""

from ...design import Design, Module, product_ports
from .leading_one import normalizer
from .shifter import left_shifter
from .text import Net, clog2, instance, joined, zeros


def logarithmic_multiplier(
    name: str,
    comment: str,
    width: int,
    kept: int,
    middle: str,
    fraction_bits: int,
    integer_bits: int = 1,
    greatest_exponent: int | None = None,
    uses: tuple[Module, ...] = (),
) -> Design:
    """
    Circuit of a logarithmic multiplier around what is a family's own.

    Parameters
    ----------
    name, comment : str
        Of the top module.
    width : int
        Bits of an operand.
    kept : int
        Bits of the fractions that `middle` reads, fraction_w and fraction_x [kept-1:0]; the highest of width - 1.
    middle : str
        Verilog that declares and drives `significand` [integer_bits+fraction_bits-1:0], in units of 2^-fraction_bits,
        and `exponent`, from position_w, position_x, fraction_w and fraction_x.
    fraction_bits, integer_bits : int
    greatest_exponent : int, optional
        2 width - 2, the greatest sum of positions, when not given. Not below fraction_bits.
    uses : tuple of Module
        Instantiated by `middle`.
    """
    greatest = 2 * width - 2 if greatest_exponent is None else greatest_exponent
    product_width = integer_bits + greatest
    bits = clog2(width)
    logarithm = normalizer(width, kept)
    shifter = left_shifter(
        integer_bits + fraction_bits, clog2(greatest + 1), product_width + fraction_bits - 1, fraction_bits
    )
    pins = ("nonzero", "position", "fraction")
    of_w, of_x = ({pin: f"{pin}_{operand}" for pin in pins} for operand in "wx")
    body = "\n".join(
        [
            "wire nonzero_w, nonzero_x;",
            f"wire [{bits - 1}:0] position_w, position_x;",
            f"wire [{kept - 1}:0] fraction_w, fraction_x;",
            instance(logarithm, "logarithm_w", value="w", **of_w),
            instance(logarithm, "logarithm_x", value="x", **of_x),
            "",
            *(line.strip() for line in middle.strip().splitlines()),
            "",
            f"wire [{product_width - 1}:0] scaled;",
            instance(shifter, "shifter", value="significand", amount="exponent", shifted="scaled"),
            f"assign p = scaled & {{{product_width}{{nonzero_w & nonzero_x}}}};",
        ]
    )
    ports = product_ports(width, product_width)
    return Design(Module(name, comment, ports, body, (logarithm, shifter, *uses)), width)


def sum_of_positions(width: int) -> str:
    """Verilog that declares `exponent` as position_w + position_x."""
    bits = clog2(width)
    top = clog2(2 * width - 1)
    pad = zeros(top - bits) if top > bits else ""
    return f"wire [{top - 1}:0] exponent = {joined(pad, 'position_w')} + {joined(pad, 'position_x')};"


def sum_of_logarithms(
    width: int, fraction_bits: int, fraction_w: str, fraction_x: str, carry: str = "", ones_below: int = 0
) -> str:
    """
    Verilog of Mitchell's antilogarithm: `exponent` and `significand` from the sum of two logarithms.

    The fractions, expressions of `fraction_bits` bits ("" of none), are added to each other, and to `carry`, an
    expression of one bit; what they carry over raises the exponent, which is at most 2 width - 1. `significand` is a 1,
    the sum of the fractions, and `ones_below` ones.
    """
    bits = clog2(2 * width)
    pad = zeros(bits - clog2(width)) if bits > clog2(width) else ""
    total = bits + fraction_bits
    terms = [joined(pad, "position_w", fraction_w), joined(pad, "position_x", fraction_x)]
    terms += [joined(zeros(total - 1), carry)] if carry else []
    logarithm = Net("logarithm", total - 1)
    fraction = logarithm.take(fraction_bits - 1, 0) if fraction_bits else ""
    significand = joined("1'b1", fraction, f"{{{ones_below}{{1'b1}}}}" if ones_below else "")
    return f"""
        // The fractions' carry raises the exponent: 2^(k+1) s for a sum s of 1 or more, else 2^k (1 + s).
        {logarithm.declaration} = {" + ".join(terms)};
        wire [{bits - 1}:0] exponent = {logarithm.take(total - 1, fraction_bits)};
        wire [{fraction_bits + ones_below}:0] significand = {significand};
    """
