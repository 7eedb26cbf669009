"""The two products that vector instructions make fast, on the tier in use: looked up in byte planes, and exact ones."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..formats import Patterns
from ..kernels import gemm_avx2, gemm_avx512
from .accumulator import Sums
from .plan import BytePlanes
from .tier import aligned, tier

Into = tuple[Sums, npt.NDArray[np.float32], tuple[int, int, int], Patterns]  # bias, multiplier, limits, codes


def multiply_planes(
    weight: Patterns, columns: Patterns, groups: int, planes: BytePlanes, base: Sums, add: bool, out: Sums, into: Into
) -> None:
    """Do what `plane_gemm` of `kernels/gemm_avx512.py` does, on the tier in use, which is not portable."""
    if tier() == "avx2":
        gemm_avx2.plane_gemm(weight, columns, groups, planes.stepped, base, add, out, *into)
    else:
        gemm_avx512.plane_gemm(weight, columns, groups, planes.tables, base, add, out, *into)


class DotProduct:
    """
    An exact GEMM of mapped operands, on the tier in use, which is not portable.

        sums[m, n] = base[m] + sum_r sum_k w[r][m, k] g[r, x[g K + k, n]]

    Parameters
    ----------
    weight : sequence of integers [M, K]
        One for each term, within s8 on the tier avx512, within 16 bits on avx2.
    g : integers [terms, 256]
        Within u8, or within s8.
    base : int32 [M]
    groups : int
    """

    def __init__(
        self, weight: Sequence[npt.NDArray[np.integer]], g: npt.NDArray[np.integer], base: Sums, groups: int
    ) -> None:
        rows, self._depth = weight[0].shape
        self._groups, self._base = groups, base
        self._short = tier() == "avx2"
        taps = 2 if self._short else 4  # of one 32-bit number
        packed = np.zeros(
            (rows, len(weight), (self._depth + taps - 1) // taps * taps), np.int16 if taps == 2 else np.int8
        )
        for r, term in enumerate(weight):
            packed[:, r, : self._depth] = term
        self._weight = packed.reshape(rows, -1).view(np.int32)
        if self._short:
            self._g = g.astype(np.int32)
        else:
            # This dot product takes unsigned activations: signed ones go 128 higher, and 128 sum_k w comes off again.
            lift = 128 if g.min(initial=0) < 0 else 0
            if lift:
                self._base = base - lift * sum(term.sum(axis=1, dtype=np.int32) for term in weight)
            self._g = aligned((g + lift).astype(np.uint8))

    def multiply(self, columns: Patterns, out: Sums, into: Into) -> None:
        """Multiply patterns uint8 [groups K, N] into the codes of `into`, or into `out` where those are empty."""
        gemm = gemm_avx2.dot_gemm if self._short else gemm_avx512.dot_gemm
        gemm(self._weight, columns, self._depth, self._groups, self._g, self._base, out, *into)
