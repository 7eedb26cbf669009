"""Partial product perforation: k successive partial products, from the j-th on, are not formed.

    x = x7 x6 x5 x4 x3 x2 x1 x0      j = 1, k = 3: the rows w x1, w x2, w x3 (times 2, 4, 8) are left out

    P = w (x - 2^j (floor(x / 2^j) mod 2^k))

The paper perforates the second operand, B; here that is x. The error is -w times the bits left out, of rank 1 and never
positive; its mean absolute value under uniform operands, over (2^width - 1)^2, is 2^j (2^k - 1) / (4 (2^width - 1)).

G. Zervakis, K. Tsoumanis, S. Xydis, D. Soudris, K. Pekmestzi, "Design-Efficient Approximate Multiplication Circuits
Through Partial Product Perforation", IEEE TVLSI 24(10), 2016, doi:10.1109/TVLSI.2016.2535398.
"""

from ..compilation import elementwise
from .family import Family, Parameter, Rule


@elementwise
def perforation(w, x, j, k):
    """Product of unsigned operands of any width up to 31 bits, bits j..j+k-1 of x left out."""
    return w * (x & ~(((1 << k) - 1) << j))


FAMILY = Family(
    product=perforation,
    parameters=(
        Parameter("j", "first partial product left out", 0, lambda width: width - 1, default=0),
        Parameter("k", "number of partial products left out", 0, lambda width: width),
    ),
    signed=False,
    citation="Zervakis, Tsoumanis, Xydis, Soudris, Pekmestzi, IEEE TVLSI 24(10), 2016, doi:10.1109/TVLSI.2016.2535398",
    summary="k partial products of x, from the j-th on, not formed",
    examples=({"j": 0, "k": 1}, {"j": 0, "k": 2}, {"j": 1, "k": 3}),
    rules=(Rule("j + k of at most the width", lambda j, k, width: j + k <= width),),
    commutes=False,
)
