"""Tiers: the kernels for the vector instructions that a CPU has.

    portable   compiled loops, on any CPU
    avx2       x86 with AVX2: bytes looked up by shuffles of 16, exact products in pairs of 16 bits
    avx512     x86 with AVX-512 VBMI and VNNI: bytes looked up by permutes of 128, exact products in quads of bytes

All give the same sums. `AXSIM_TIER` in the environment chooses one that the CPU has, for tests and for comparing.
"""

import functools
import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..kernels.simd.vectors import has_byte_dot_product, has_byte_permute, has_short_dot_product

Tier = Literal["portable", "avx2", "avx512"]


@functools.cache
def tiers() -> tuple[Tier, ...]:
    """Tiers that this CPU has, the fastest last."""
    found: list[Tier] = ["portable"]
    if has_short_dot_product():
        found.append("avx2")
    if has_byte_permute() and has_byte_dot_product():
        found.append("avx512")
    return tuple(found)


def tier() -> Tier:
    """
    Return the tier in use: the fastest, or the one that the environment variable AXSIM_TIER names.

    Raises
    ------
    AxsimError
        If it names what this CPU lacks, or what does not exist.
    """
    found = tiers()
    asked = os.environ.get("AXSIM_TIER", found[-1])
    for each in found:
        if each == asked:
            return each
    raise AxsimError(f"AXSIM_TIER must be {' or '.join(found)} on this CPU, got {asked!r}")


def aligned(array: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    """Copy an array to an address that is a multiple of 64, as vector loads want it."""
    buffer = np.empty(array.nbytes + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    copy = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
