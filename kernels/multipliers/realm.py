"""REALM: Mitchell's logarithmic multiplier with a correction for each of M x M segments of the fractions.

With w = 2^k1 (1 + x1), x = 2^k2 (1 + x2), i and j the upper log2(M) bits of the fractions x1 and x2:

    P = 2^(k1+k2)   (1 + x1 + x2 + s_ij)     if x1 + x2 < 1
        2^(k1+k2+1) (x1 + x2 + s_ij / 2)     otherwise

rounded down to an integer. s_ij makes the mean relative error of its segment zero,

    s_ij = integral of (p - p_Mitchell) / p  over  integral of 1 / p,      p = (1 + x1)(1 + x2)

rounded to q fraction bits. t > 0 shortens the fractions as in MBM-t: t low bits cleared, bit t set to 1.

H. Saadat, H. Javaid, A. Ignjatovic, S. Parameswaran, "REALM: Reduced-Error Approximate Log-based Integer Multiplier",
DATE 2020, doi:10.23919/DATE48585.2020.9116315. The formula of s_ij is inferred from the paper's description and gives
its published errors at 16 bits; that t works as in MBM-t, and that nothing is bypassed where the fraction overflows, is
assumed.
"""

import numpy as np

from ..compilation import elementwise
from .bits import fraction, leading_one
from .family import Family, Parameter, Rule


def corrections(segments):
    """s_ij before rounding, float64 [segments, segments]."""
    # Gauss-Legendre over each segment. Mitchell's error has a kink on x1 + x2 = 1, the antidiagonal of the segments
    # i + j = M - 1: these are integrated over x2 in two parts, below and above 1 - x1.
    nodes, weights = np.polynomial.legendre.leggauss(24)
    nodes, weights = (nodes + 1) / 2, weights / 2
    result = np.empty((segments, segments))
    for i in range(segments):
        x1 = ((i + nodes) / segments)[:, None]
        for j in range(segments):
            low, high = j / segments, (j + 1) / segments
            middle = np.clip(1 - x1, low, high)
            lost = np.zeros(nodes.size)
            for start, stop, above in ((low, middle, False), (middle, high, True)):
                x2 = start + (stop - start) * nodes
                error = (1 - x1) * (1 - x2) if above else x1 * x2
                lost += ((stop - start) * weights * error / (1 + x2)).sum(axis=1)
            total = (weights * lost / (1 + x1[:, 0])).sum()
            result[i, j] = total / ((weights / (1 + x1[:, 0])).sum() * np.log((1 + high) / (1 + low)))
    return result


# Those of M = 1, 2, 4, 8, 16 in one constant of the compiled code; M's begin at (M^2 - 1) / 3.
CORRECTIONS = np.concatenate([corrections(segments).ravel() for segments in (1, 2, 4, 8, 16)])


def correction_table(segments, q):
    """s_ij of M = `segments`, a power of two up to 16, rounded to q fraction bits: int64 [M, M] in units of 2^-q."""
    first = (segments * segments - 1) // 3
    exact = CORRECTIONS[first : first + segments * segments].reshape(segments, segments)
    return (exact * (1 << q) + 0.5).astype(np.int64)


@elementwise
def realm(w, x, m, t, q, width):
    """REALM product of unsigned operands of `width` bits (up to 16), M = `m`; 0 where an operand is 0."""
    if w == 0 or x == 0:
        return 0
    f1 = fraction(w, width)
    f2 = fraction(x, width)
    i = (f1 * m) >> (width - 1)
    j = (f2 * m) >> (width - 1)
    correction = np.int64(CORRECTIONS[(m * m - 1) // 3 + i * m + j] * (1 << q) + 0.5) << (width - 1)
    if t > 0:
        f1 = ((f1 >> t) | 1) << t
        f2 = ((f2 >> t) | 1) << t
    one = 1 << (width - 1)
    fractions = f1 + f2
    scaled = ((one + fractions) << q if fractions < one else fractions << (q + 1)) + correction
    return (scaled << (leading_one(w) + leading_one(x))) >> (width - 1 + q)


FAMILY = Family(
    product=realm,
    parameters=(
        Parameter("m", "segments of each fraction, a power of two (M)", 1, lambda width: 16),
        Parameter("t", "fraction bits cut", 0, lambda width: max(0, width - 8), default=0),
        Parameter("q", "fraction bits of the corrections", 1, lambda width: 12, default=6),
    ),
    signed=False,
    citation="Saadat, Javaid, Ignjatovic, Parameswaran, DATE 2020, doi:10.23919/DATE48585.2020.9116315",
    summary="logarithmic with a correction for each of M x M segments of the fractions",
    examples=({"m": 4}, {"m": 8}, {"m": 16}),
    rules=(Rule("m that is a power of two", lambda m: m & (m - 1) == 0),),
)
