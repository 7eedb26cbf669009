"""OU(L): two multipliers by a segment's centre, l + 1 bits of which the lowest is 1, and a bound at 0.

With s = width - l, cx = (2 hx + 1) 2^(s-1) and x = hx 2^s + lx, cw and w likewise, the software face's product is

    P = w cx + (x - cx) cw = 2^(s-1) (w (2 hx + 1) + (lx - 2^(s-1)) (2 hw + 1)),   or 0 where that is negative
"""

from ..design import Design, Module, product_ports
from .blocks.array import rectangular_array
from .blocks.text import Net, instance, joined, module_name, zeros


def design(width: int, l: int) -> Design:  # noqa: E741 (the literature's name)
    """Circuit of OU(L)."""
    s = width - l
    total = width + l + 3  # bits of the sum, two's complement

    def extended(bits: int, *parts: str) -> str:
        return joined(zeros(total - bits), *parts)

    x_low = f"x[{s - 1}:0]"
    below = zeros(s - 1) if s > 1 else ""
    lines: list[str] = []
    uses: tuple[Module, ...] = ()
    terms = [extended(width, "w"), extended(s, x_low)]
    centre = extended(s, "1'b1", below)
    if l:
        upper = f"[{width - 1}:{s}]"
        by_w = rectangular_array(f"array_multiplier_{l}_{width}", f"Exact {l} x {width} multiplier.", l, width)
        by_low = rectangular_array(f"array_multiplier_{l}_{s}", f"Exact {l} x {s} multiplier.", l, s)
        uses = (by_w, by_low)
        lines = [
            f"wire [{width + l - 1}:0] w_segment;",
            instance(by_w, "w_by_segment", w=f"x{upper}", x="w", p="w_segment"),
            f"wire [{width - 1}:0] low_segment;",
            instance(by_low, "low_by_segment", w=f"w{upper}", x=x_low, p="low_segment"),
        ]
        terms += [extended(width + l + 1, "w_segment", "1'b0"), extended(width + 1, "low_segment", "1'b0")]
        centre = extended(width, f"w{upper}", "1'b1", below)
    lines += [
        "// In units of half a segment; negative only near 0.",
        f"wire [{total - 1}:0] sum = {' + '.join(terms)} - {centre};",
    ]
    places = 2 * width - (s - 1)  # bits of the product above its empty columns
    value = Net("sum", total - 2).take(places - 1, 0)
    lines.append(f"assign p = sum[{total - 1}] ? {zeros(2 * width)} : {joined(value, below)};")
    if places < total - 1:
        lines.append(f"wire unused = &{{1'b0, sum[{total - 2}:{places}]}};")
    comment = f"OU(L): the product linearised in each of 2^{l} x 2^{l} segments of the operands."
    module = Module(module_name("ou", width, l=l), comment, product_ports(width, 2 * width), "\n".join(lines), uses)
    return Design(module, width)
