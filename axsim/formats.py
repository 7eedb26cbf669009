"""Operand formats: how the 256 bit patterns of a byte are read as numbers.

`u8` is 0..255, `s8` two's complement -128..127. Tables, histograms and activations are indexed by pattern; this is the
only place that knows what value a pattern stands for.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Format = Literal["u8", "s8"]
FORMATS: tuple[Format, ...] = ("u8", "s8")
DTYPES: dict[Format, type[np.uint8] | type[np.int8]] = {"u8": np.uint8, "s8": np.int8}

Patterns = npt.NDArray[np.uint8]
Images = npt.NDArray[np.uint8] | npt.NDArray[np.int8]  # [N, H, W, C]; pixels, or codes of a network's s8 input
Integers = npt.NDArray[np.int64]


def pattern_values(fmt: Format) -> Integers:
    """Value of each of the 256 bit patterns, int64 [256]."""
    return np.arange(256, dtype=np.uint8).view(DTYPES[fmt]).astype(np.int64)


def code_range(fmt: Format) -> tuple[int, int]:
    """Lowest and highest value of the format."""
    return (0, 255) if fmt == "u8" else (-128, 127)


def exact_products(w_format: Format, x_format: Format) -> npt.NDArray[np.int32]:
    """Table of exact products, int32 [256, 256], indexed by the patterns of w and x."""
    return (pattern_values(w_format)[:, None] * pattern_values(x_format)[None, :]).astype(np.int32)


def format_of(array: npt.NDArray[np.generic]) -> Format | None:
    """Operand format of an int8 or uint8 array; None for any other dtype."""
    return {"int8": "s8", "uint8": "u8"}.get(array.dtype.name)  # type: ignore[return-value]
