"""SDLC: pairs of rows of partial products made one by OR gates in their low columns; what is left is added exactly."""

from ..design import Design, Module, product_ports
from .blocks.text import Net, joined, module_name

WIDTH = 8


def design(width: int) -> Design:
    """Circuit of the 8-bit multiplier; rows belong to w."""
    lines, terms, last = [], [], WIDTH - 1
    for pair in range(WIDTH // 2):
        low, high = 2 * pair, 2 * pair + 1
        # By bits j of x: the lower row's bit j + 1 meets the upper one's bit j in column high + j; the lowest is alone.
        ored = min(7 + pair - high, last - 1)
        lines += [
            f"wire [{last}:0] row{low} = {{{WIDTH}{{w[{low}]}}}} & x;",
            f"wire [{last}:0] row{high} = {{{WIDTH}{{w[{high}]}}}} & x;",
        ]
        net = Net(f"pair{pair}", high + last, low)
        parts = [
            f"row{high}[{last}:{ored + 1}]",
            f"row{high}[{ored}:0] | row{low}[{ored + 1}:1]",
            f"row{low}[0]",
        ]
        lines.append(f"{net.declaration} = {joined(*parts)};")
        terms.append(net.take(2 * WIDTH - 1, 0))
        if ored + 1 < last:  # bits of the lower row above the ORed columns
            net = Net(f"above{pair}", low + last, low + ored + 2)
            lines.append(f"{net.declaration} = row{low}[{last}:{ored + 2}];")
            terms.append(net.take(2 * WIDTH - 1, 0))
    lines.append("assign p = " + "\n    + ".join(terms) + ";")
    comment = "Significance-driven logic compression: rows in pairs, ORed in the low columns, then added."
    module = Module(module_name("sdlc", WIDTH), comment, product_ports(WIDTH, 2 * WIDTH), "\n".join(lines))
    return Design(module, width)
