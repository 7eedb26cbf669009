"""Accumulators of an accelerator: how many bits a sum has, and what happens when it needs more."""

import dataclasses
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import Patterns
from ..kernels.accumulate import accumulator_gemm

Overflow = Literal["wrap", "saturate"]
WIDTHS = (8, 32)  # least and greatest number of bits
Sums = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Accumulator:
    """What adds up the products of one sum. The sum starts at 0 and takes the products tap after tap, k ascending.

    The order of the taps is that of the rows of im2col, (c kh + i) kw + j, within the layer's group. Saturation depends
    on the order; wrapping does not, and gives the exact sum modulo 2^bits. Bias and zero points are not in it: they are
    added afterwards, in int32.

    Attributes
    ----------
    bits : int
        8 to 32, two's complement.
    overflow : {"wrap", "saturate"}
        What happens after an addition whose sum does not fit.
    taps : int, optional
        Products that one accumulator takes before its content is handed on and it starts at 0 again; what is handed on
        is added exactly, in int32. This is a weight-stationary mesh of `taps` rows with partial sums of `bits` bits and
        an accumulator memory of 32 bits behind it, as Gemmini has (H. Genc et al., "Gemmini: Enabling Systematic
        Deep-Learning Architecture Evaluation via Full-Stack Integration", DAC 2021, doi:10.1109/DAC18074.2021.9586216).
        One accumulator takes all taps when not given.

    Raises AxsimError where a value is not allowed.
    """

    bits: int = WIDTHS[1]
    overflow: Overflow = "wrap"
    taps: int | None = None

    def __post_init__(self) -> None:
        low, high = WIDTHS
        if not _whole(self.bits) or not low <= self.bits <= high:
            raise AxsimError(f"accumulator_bits must be a whole number from {low} to {high}, got {self.bits!r}")
        if self.overflow not in get_args(Overflow):
            raise AxsimError(f"overflow must be {' or '.join(get_args(Overflow))}, got {self.overflow!r}")
        if self.taps is not None and (not _whole(self.taps) or self.taps < 1):
            raise AxsimError(f"accumulator_taps must be a whole number of 1 or more, got {self.taps!r}")

    def holds(self, bound: int) -> bool:
        """Whether sums of at most `bound`, an absolute value within int32, come through as they are."""
        return bound <= (1 << (self.bits - 1)) - 1

    def __str__(self) -> str:
        every = "" if self.taps is None else f", handed on after every {self.taps} taps"
        return f"{self.bits} bits, {self.overflow}{every}"

    def wrap(self, sums: Sums) -> Sums:
        """Wrap exact sums int32, in place, and return them."""
        shift = 32 - self.bits
        np.left_shift(sums, shift, out=sums)
        return np.right_shift(sums, shift, out=sums)

    def sums(self, weight: Patterns, columns: Patterns, groups: int, table: Sums) -> Sums:
        """
        Return the sums int32 [M, N] of patterns [M, K] and [groups K, N], one addition after the other.

        `table` int32 [256, 256]. The caller has checked that no exact sum leaves int32.
        """
        out = np.empty((weight.shape[0], columns.shape[1]), np.int32)
        taps = weight.shape[1] if self.taps is None else self.taps
        saturate = self.overflow == "saturate"
        accumulator_gemm(weight, columns, groups, table, self.bits, saturate, max(1, taps), out)
        return out


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


EXACT_SUMS = Accumulator()
