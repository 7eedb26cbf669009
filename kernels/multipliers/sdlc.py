"""SDLC: significance-driven logic compression, two rows of partial products at a time into one, by OR.

    rows 2p and 2p + 1 of w, for p = 0:

    column       8 7 6 5 4 3 2 1 0
    row 0          o o o o o o o o
    row 1        o o o o o o o o
                 + | | | | | | | |       |: ORed, up to column 7 + p; +: added

The compressed rows are added exactly. The error is never positive: where both bits are 1 one of them is lost. Defined
here for 8 bits, with clusters of two rows; the paper's deeper clusters are not known in full.

I. Qiqieh, R. Shafik, G. Tarawneh, D. Sokolov, A. Yakovlev, "Energy-Efficient Approximate Multiplier Design using Bit
Significance-Driven Logic Compression", DATE 2017, doi:10.23919/DATE.2017.7926950.
"""

from ..compilation import elementwise
from .family import Family, Rule


@elementwise
def sdlc(w, x):
    """Product of unsigned 8-bit operands; rows belong to w."""
    total = 0
    for pair in range(4):
        row = ((w >> (2 * pair)) & 1) * x << (2 * pair)
        next_row = ((w >> (2 * pair + 1)) & 1) * x << (2 * pair + 1)
        low = (1 << (8 + pair)) - 1
        total += ((row | next_row) & low) + (row & ~low) + (next_row & ~low)
    return total


FAMILY = Family(
    product=sdlc,
    parameters=(),
    signed=False,
    citation="Qiqieh, Shafik, Tarawneh, Sokolov, Yakovlev, DATE 2017, doi:10.23919/DATE.2017.7926950",
    summary="significance-driven logic compression: pairs of rows ORed in the low columns",
    examples=({},),
    rules=(Rule("a width of 8", lambda width: width == 8),),
    commutes=False,
)
