"""R4ABM1 and R4ABM2: radix-4 Booth multiplication with a simpler encoder in the p low columns.

x is recoded: d_i = -2 x_(2i+1) + x_(2i) + x_(2i-1) in -2..2. Row i is d_i w 4^i: bits pp_ij in columns 2i + j, and
neg_i.

    exact                   pp_ij = bit j of |d_i| w, inverted where d_i < 0;   neg_i = 1 where d_i < 0, in column 2i
    R4ABE1 (encoder = 1)    pp_ij = (x_2i ^ x_(2i-1)) (x_(2i+1) ^ w_j)          2 w and -2 w become 0
    R4ABE2 (encoder = 2)    pp_ij = x_(2i+1) ^ w_j                              every row w or its inverse

R4ABE1 is wrong in 4 and R4ABE2 in 8 of the 32 combinations of its inputs.

    column     7 6 5 4 3 2 1 0      p = 4: o exact, ~ approximate
    row 0          o o o~ ~ ~ ~
    row 1      o o o o~ ~

W. Liu, L. Qian, C. Wang, H. Jiang, J. Han, F. Lombardi, "Design of Approximate Radix-4 Booth Multipliers for
Error-Tolerant Computing", IEEE TC 66(8), 2017, doi:10.1109/TC.2017.2672976. Both operands are two's complement. How the
paper treats the neg bits in approximate columns and the sign extension is not known: here neg_i is exact, and a row
whose bit `width` is approximate extends that bit.
"""

from ..compilation import elementwise
from .family import Family, Parameter, Rule


@elementwise
def r4abm(w, x, encoder, p, width):
    """R4ABM product of two's complement operands of even `width` (up to 16); x is recoded."""
    total = 0
    previous = 0  # x_(2i-1)
    for i in range(width // 2):
        low = (x >> (2 * i)) & 1
        high = (x >> (2 * i + 1)) & 1
        digit = low + previous - 2 * high
        negative = 1 if digit < 0 else 0
        row = ~(-digit * w) if negative else digit * w
        # An int64 holds the row sign-extended: column j of `approximate` is its bit j at any j.
        inverted = ~w if high else w
        approximate = inverted if encoder == 2 or low != previous else 0
        columns = max(0, p - 2 * i)
        kept = -1 << columns if columns <= width else 0
        row = (row & kept) | (approximate & ~kept)
        total += (row + negative) << (2 * i)
        previous = high
    return total


FAMILY = Family(
    product=r4abm,
    parameters=(
        Parameter("encoder", "1 for R4ABE1, 2 for R4ABE2", 1, lambda width: 2),
        Parameter("p", "columns with the approximate encoder", 0, lambda width: 2 * width),
    ),
    signed=True,
    unsigned=False,
    citation="Liu, Qian, Wang, Jiang, Han, Lombardi, IEEE TC 66(8), 2017, doi:10.1109/TC.2017.2672976",
    summary="radix-4 Booth, approximate encoder in the p low columns",
    examples=({"encoder": 1, "p": 6}, {"encoder": 2, "p": 6}, {"encoder": 2, "p": 8}),
    rules=(Rule("an even width", lambda width: width % 2 == 0),),
    commutes=False,
    keeps_zero=False,
)
