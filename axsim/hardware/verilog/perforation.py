"""Perforation: an array multiplier whose rows belong to x, some of them not formed."""

from ..design import Design, Module, product_ports
from .blocks.array import array_multiplier
from .blocks.text import instance, module_name


def design(width: int, j: int, k: int) -> Design:
    """Circuit without the k rows of x from the j-th on."""
    name = module_name("perforation", width, j=j, k=k)
    comment = f"Array multiplier without the {k} rows from row {j} on."
    array = array_multiplier(f"{name}_array", comment, width, lambda row: width if j <= row < j + k else 0)
    # Rows of an array belong to its first operand, the paper perforates the second.
    module = Module(
        name,
        f"Perforation: of the bits of x, {k} from bit {j} on form no partial products.",
        product_ports(width, 2 * width),
        instance(array, "array", w="x", x="w", p="p"),
        (array,),
    )
    return Design(module, width)
