"""REALM: Mitchell's circuit with a correction from a small table, looked up by the fractions' upper bits."""

import dataclasses

from ...kernels.multipliers.realm import correction_table
from ..design import Design, Module, inputs, outputs
from .blocks.logarithmic import logarithmic_multiplier, sum_of_positions
from .blocks.text import Net, binary, instance, joined, module_name, zeros


def design(width: int, m: int, t: int, q: int) -> Design:
    """
    Circuit of REALM with M = m.

    The corrections are cut off at 2^-(2 width - 2): what is below reaches neither the product nor a carry.
    """
    one = width - 1  # fraction bits of an operand
    cut = one - t  # of them kept; the lowest is 1 where t > 0
    kept = cut - 1 if t else cut
    bits = min(max(cut, q), 2 * width - 2)  # fraction bits of the significand
    segments = [[(value << bits) >> q for value in row] for row in correction_table(m, q).tolist()]
    index = min(m.bit_length() - 1, one)  # bits of a segment's number; of a short fraction the others are 0
    stride = m >> index
    table = [[segments[i * stride][j * stride] for j in range(1 << index)] for i in range(1 << index)]
    pad = zeros(bits - cut) if bits > cut else ""
    lowest = ", 1'b1" if t else ""
    if index:
        look_up = _correction(module_name("realm_correction", width, m=m, q=q), table, index, bits)
        upper = [Net(f"fraction_{operand}", kept - 1).take(kept - 1, kept - index) for operand in "wx"]
        correct = f"wire [{bits}:0] correction;\n" + instance(
            look_up, "correct", segment_w=upper[0], segment_x=upper[1], correction="correction"
        )
        uses: tuple[Module, ...] = (look_up,)
    else:
        correct, uses = f"wire [{bits}:0] correction = {binary(table[0][0], bits + 1)};", ()
    middle = f"""
        // Fractions' sum s, below 2; the carry tells whether it is 1 or more.
        wire [{cut}:0] fractions = {{1'b0, fraction_w{lowest}}} + {{1'b0, fraction_x{lowest}}};
        // 1 + s, or 2 s after a carry.
        wire [{bits + 1}:0] logarithmic = fractions[{cut}] ? {joined("fractions", "1'b0", pad)} : {
        joined("2'b01", f"fractions[{cut - 1}:0]", pad)
    };
        {correct}
        wire [{bits + 2}:0] significand = {{1'b0, logarithmic}} + {{2'd0, correction}};
        {sum_of_positions(width)}
    """
    return logarithmic_multiplier(
        module_name("realm", width, m=m, t=t, q=q),
        f"REALM: Mitchell's multiplier with a correction for each of {m} x {m} segments of the fractions.",
        width,
        kept=kept,
        middle=middle,
        fraction_bits=bits,
        integer_bits=3,
        uses=uses,
    )


def _correction(name: str, table: list[list[int]], index: int, bits: int) -> Module:
    """Table of corrections, in units of 2^-bits, as a case statement."""
    cases = [
        f"    {2 * index}'d{i << index | j}: correction = {binary(value, bits + 1)};"
        for i, row in enumerate(table)
        for j, value in enumerate(row)
    ]
    ports = inputs(segment_w=index, segment_x=index) | outputs(correction=bits + 1)
    ports["correction"] = dataclasses.replace(ports["correction"], kind="reg")
    body = ["always @*", "case ({segment_w, segment_x})", *cases, "endcase"]
    return Module(name, f"Corrections s_ij in units of 2^-{bits}.", ports, "\n".join(body))
