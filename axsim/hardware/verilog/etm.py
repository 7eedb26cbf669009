"""ETM: one multiplier of half the width for the upper or the lower halves, and ORs for the lower result."""

from ..design import Design, Module, product_ports
from .blocks.array import array_multiplier
from .blocks.text import instance, joined, module_name


def design(width: int) -> Design:
    """Circuit of the error-tolerant multiplier."""
    half = width // 2
    core = array_multiplier(f"array_multiplier_{half}", f"Exact {half} x {half} multiplier.", half)
    high, low = f"[{width - 1}:{half}]", f"[{half - 1}:0]"
    body = f"""
        // Multiplication part: the upper halves, or the lower ones where both upper ones are 0.
        wire upper = (|w{high}) | (|x{high});
        wire [{half - 1}:0] part_w = upper ? w{high} : w{low};
        wire [{half - 1}:0] part_x = upper ? x{high} : x{low};
        wire [{width - 1}:0] product;
        {instance(core, "core", w="part_w", x="part_x", p="product")}

        // Non-multiplication part: from the highest bit down, 1 from the first place on where an operand has a 1.
        wire [{half - 1}:0] either = w{low} | x{low};
        wire [{half - 1}:0] from_first = {joined(*(f"|either[{half - 1}:{i}]" for i in reversed(range(half))))};

        assign p = upper ? {{product, from_first, {{{half}{{from_first[0]}}}}}} : {{{width}'d0, product}};
    """
    comment = "ETM: upper halves multiplied, lower result filled with ones from the first 1 of the lower halves down."
    return Design(Module(module_name("etm", width), comment, product_ports(width, 2 * width), body, (core,)), width)
