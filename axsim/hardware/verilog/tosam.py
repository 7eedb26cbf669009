"""TOSAM: truncated fractions added, rounded ones of h + 1 bits multiplied, the sum shifted."""

from ..design import Design, Module
from .blocks.array import array_multiplier
from .blocks.logarithmic import logarithmic_multiplier, sum_of_positions
from .blocks.text import Net, instance, joined, module_name, zeros


def design(width: int, h: int, t: int) -> Design:
    """Circuit of TOSAM(h, t)."""
    bits = max(t, 2 * h + 2)  # fraction bits of the sum
    small = h + 1
    kept = max(t, h)
    fractions = {operand: Net(f"fraction_{operand}", kept - 1) for operand in "wx"}
    rounded = {operand: joined(net.take(kept - 1, kept - h) if h else "", "1'b1") for operand, net in fractions.items()}
    added = [
        joined("2'd0", net.take(kept - 1, kept - t), zeros(bits - t) if bits > t else "") for net in fractions.values()
    ]
    below = bits - 2 * h - 2
    uses: tuple[Module, ...] = ()
    if h:
        core = array_multiplier(f"array_multiplier_{small}", f"Exact {small} x {small} multiplier.", small)
        uses = (core,)
        multiply = f"wire [{2 * small - 1}:0] multiplied;\n" + instance(
            core, "core", w=rounded["w"], x=rounded["x"], p="multiplied"
        )
    else:
        multiply = "wire [1:0] multiplied = 2'd1;"
    middle = f"""
        // (Y)_APX, the {h} leading fraction bits and a 1: {small} bits each.
        {multiply}
        // 1 + (Y1)_t + (Y2)_t + (Y1)_APX (Y2)_APX, below 4.
        wire [{bits + 1}:0] added = {joined("2'd1", zeros(bits))} + {added[0]} + {added[1]};
        wire [{bits + 1}:0] significand = added + {joined("2'd0", "multiplied", zeros(below) if below else "")};
        {sum_of_positions(width)}
    """
    return logarithmic_multiplier(
        module_name("tosam", width, h=h, t=t),
        f"TOSAM({h}, {t}): {t} fraction bits of each operand added, {h} and a 1 multiplied.",
        width,
        kept=kept,
        middle=middle,
        fraction_bits=bits,
        integer_bits=2,
        uses=uses,
    )
