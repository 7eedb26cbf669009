"""Momeni: AND gates, a Dadda tree with approximate compressors in its low columns, and an adder."""

from ..design import Design, Module, inputs, outputs
from .blocks.compressor_tree import Cells
from .blocks.dadda import dadda_multiplier, partial_products
from .blocks.text import module_name

_BITS = inputs(x1=None, x2=None, x3=None, x4=None)
DESIGN_1 = Module(
    "momeni_compressor_1",
    "Approximate 4-2 compressor of Momeni and others, Design 1.",
    _BITS | inputs(cin=None) | outputs(sum=None, carry=None, cout=None),
    """
    assign sum = ~cin & (~(x1 ^ x2) | ~(x3 ^ x4));
    assign carry = cin;
    assign cout = (x1 | x2) & (x3 | x4);
    """,
)
DESIGN_2 = Module(
    "momeni_compressor_2",
    "Approximate 4-2 compressor of Momeni and others, Design 2: no cin, no cout.",
    _BITS | outputs(sum=None, carry=None),
    """
    assign sum = ~(x1 ^ x2) | ~(x3 ^ x4);
    assign carry = (x1 | x2) & (x3 | x4);
    """,
)


def design(width: int, design: int, columns: int) -> Design:
    """Circuit with compressors of Design 1 or 2 in the `columns` lowest columns."""
    return dadda_multiplier(
        module_name("momeni", width, design=design, columns=columns),
        f"Dadda tree with approximate 4-2 compressors (Design {design}) in the {columns} lowest columns.",
        width,
        partial_products(width),
        columns,
        Cells(compressor=DESIGN_1 if design == 1 else DESIGN_2),
    )
