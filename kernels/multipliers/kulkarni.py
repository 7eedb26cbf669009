"""Underdesigned multiplier (UDM): a 2x2-bit cell that is wrong in one of its 16 products, tiled to any even width.

    cell    out0 = w0 x0,  out1 = w0 x1 | w1 x0,  out2 = w1 x1      three outputs instead of four: 3 x 3 gives 7, not 9

    8 bits  w = w7w6 w5w4 w3w2 w1w0,  x likewise: 16 cells, one for each pair of 2-bit blocks, added exactly

Closed form: every pair of blocks that are both 3 loses 2, so with T(v) = sum of 4^i over the blocks i of v that are 3,

    P = w x - 2 T(w) T(x)

The error has rank 1, is never positive, and has the mean -(1/8) ((4^(width/2) - 1) / 3)^2 under uniform operands.

P. Kulkarni, P. Gupta, M. Ercegovac, "Trading Accuracy for Power with an Underdesigned Multiplier Architecture", 24th
International Conference on VLSI Design, 2011, doi:10.1109/VLSID.2011.51.
"""

from ..compilation import elementwise, kernel
from .family import Family, Rule


@kernel
def blocks_of_three(value):
    """T(v): 1 at the low bit of every 2-bit block that is 3, for operands up to 32 bits."""
    return value & (value >> 1) & 0x55555555


@elementwise
def kulkarni(w, x):
    """P = w x - 2 T(w) T(x) for unsigned operands of even width."""
    return w * x - 2 * blocks_of_three(w) * blocks_of_three(x)


FAMILY = Family(
    product=kulkarni,
    parameters=(),
    signed=False,
    citation="Kulkarni, Gupta, Ercegovac, VLSI Design 2011, doi:10.1109/VLSID.2011.51",
    summary="underdesigned: 2x2-bit cells in which 3 x 3 gives 7",
    examples=({},),
    rules=(Rule("an even width", lambda width: width % 2 == 0),),
)
