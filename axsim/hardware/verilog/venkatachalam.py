"""Venkatachalam and Ko: partial products altered in pairs, a tree of approximate cells, and an adder."""

from ..design import Design, Module, inputs, outputs
from .blocks.compressor_tree import Cells
from .blocks.dadda import dadda_multiplier, partial_products
from .blocks.text import module_name

CELLS = Cells(
    full_adder=Module(
        "venkatachalam_full_adder",
        "Approximate full adder.",
        inputs(a=None, b=None, c=None) | outputs(sum=None, carry=None),
        """
        assign sum = (a | b) ^ c;
        assign carry = (a | b) & c;
        """,
    ),
    half_adder=Module(
        "venkatachalam_half_adder",
        "Approximate half adder.",
        inputs(a=None, b=None) | outputs(sum=None, carry=None),
        """
        assign sum = a | b;
        assign carry = a & b;
        """,
    ),
    compressor=Module(
        "venkatachalam_compressor",
        "Approximate 4-2 compressor: no cin, no cout.",
        inputs(x1=None, x2=None, x3=None, x4=None) | outputs(sum=None, carry=None),
        """
        assign sum = (x1 ^ x2) | (x3 ^ x4) | (x1 & x2 & x3 & x4);
        assign carry = (x1 & x2) | (x3 & x4);
        """,
    ),
)


def altered(width: int, column: int) -> list[str]:
    """Bits of a column of more than three: a_mm, a propagate bit for each pair, generate bits, four in one by OR."""
    first, last = max(0, column - width + 1), min(column, width - 1)
    bits, generated = [], []
    for m in range(max(first, (column + 1) // 2), last + 1):
        n = column - m
        bit, other = f"(w[{m}] & x[{n}])", f"(w[{n}] & x[{m}])"
        if m == n:
            bits.append(bit)
        else:
            bits.append(f"({bit} | {other})")
            generated.append(f"({bit} & {other})")
    for group in range(0, len(generated), 4):
        bits.append("(" + " | ".join(generated[group : group + 4]) + ")")
    return bits


def design(width: int, columns: int) -> Design:
    """Circuit with the `columns` lowest columns approximate."""
    bits = partial_products(width)
    for column in range(columns):
        if len(bits[column]) > 3:
            bits[column] = altered(width, column)
    return dadda_multiplier(
        module_name("venkatachalam", width, columns=columns),
        f"Altered partial products and approximate adders and compressors in the {columns} lowest columns.",
        width,
        bits,
        columns,
        CELLS,
    )
