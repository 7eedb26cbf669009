"""Truncation with constant correction: an array multiplier of n + k columns that adds the constant into free places."""

from ..design import Design, Module, product_ports
from .blocks.array import array_multiplier
from .blocks.text import instance, module_name


def correction_constant(width: int, k: int) -> int:
    """Return the constant C of the software face: minus the expected error, in whole lowest columns."""
    m = width - k
    expected = (((m - 1) << m) + 1) + 2 * ((1 << width) - (1 << m))  # in quarters
    return ((expected + (2 << m)) >> (m + 2)) << m


def design(width: int, k: int) -> Design:
    """Circuit of the multiplier whose product is rounded to its upper half."""
    name = module_name("constant_correction", width, k=k)
    constant, lowest = correction_constant(width, k), width - k
    columns = array_multiplier(
        f"{name}_columns",
        f"Columns {lowest} and above of the partial products, and the constant {constant}.",
        width,
        lambda row: max(0, lowest - row),
        constant=constant,
    )
    body = f"""
        wire [{2 * width - 1}:0] sum;
        {instance(columns, "columns", w="w", x="x", p="sum")}
        assign p = {{sum[{2 * width - 1}:{width}], {width}'d0}};
        wire unused = &{{1'b0, sum[{width - 1}:0]}};
    """
    comment = f"Truncated multiplier with correction constant: {k} columns below the {width} of its result."
    return Design(Module(name, comment, product_ports(width, 2 * width), body, (columns,)), width)
