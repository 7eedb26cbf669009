"""Validated matrix products through a multiplier: the only way into the GEMM kernels."""

import numpy as np
import numpy.typing as npt

from .errors import AxsimError
from .formats import DTYPES, Format, Patterns, exact_products, format_of
from .kernels.gemm import exact_gemm, table_gemm
from .product_table import Multiplier

INT32_MAX = 2**31 - 1


def matmul(
    w: npt.NDArray[np.generic], x: npt.NDArray[np.generic], multiplier: Multiplier | None = None
) -> npt.NDArray[np.int32]:
    """
    C[m, n] = sum_k table[w[m, k], x[k, n]], every product through the multiplier, summed exactly.

    Parameters
    ----------
    w : int8 or uint8 [M, K]
        Weights, the multiplier's left operand.
    x : int8 or uint8 [K, N]
        Activations, the right operand.
    multiplier : Multiplier, optional
        Exact products when not given. It must serve the operands' formats (int8 is s8, uint8 is u8), see
        `Multiplier.serving`.

    Returns
    -------
    int32 [M, N]
        Any of M, K, N may be 0 or 1; a sum over no products is 0.

    Raises
    ------
    AxsimError
        If shapes or dtypes do not fit, or if some sum could leave int32: the bound is `sum_k max_x |table[w[m, k], x]|`
        of the rows given.
    MultiplierError
        If the multiplier cannot serve these operands.
    """
    w, x = np.asarray(w), np.asarray(x)
    w_format, x_format = format_of(w), format_of(x)
    if w_format is None or x_format is None:
        raise AxsimError(f"w and x must be int8 or uint8, got {w.dtype} and {x.dtype}")
    if w.ndim != 2 or x.ndim != 2 or w.shape[1] != x.shape[0]:
        raise AxsimError(f"w and x must have shapes [M, K] and [K, N], got {w.shape} and {x.shape}")
    served = None if multiplier is None else multiplier.serving(w_format, x_format)
    weight = np.ascontiguousarray(w).view(np.uint8)
    bound = accumulator_bound(weight, w_format, x_format, served)
    if bound > INT32_MAX:
        raise AxsimError(
            f"K must be small enough for sums within int32: with these {w.shape[1]} taps a sum may reach {bound}; "
            "split the matrix along K"
        )
    return grouped_matmul(weight, np.ascontiguousarray(x).view(np.uint8), 1, w_format, x_format, served)


def accumulator_bound(weight: Patterns, w_format: Format, x_format: Format, served: Multiplier | None) -> int:
    """Largest absolute sum that any activations can give with these weights (uint8 patterns [M, K])."""
    table = exact_products(w_format, x_format) if served is None else served.table
    largest = np.abs(table.astype(np.int64)).max(axis=1)
    return int(largest[weight].sum(axis=1).max(initial=0))


def grouped_matmul(
    weight: Patterns, columns: Patterns, groups: int, w_format: Format, x_format: Format, served: Multiplier | None
) -> npt.NDArray[np.int32]:
    """
    Multiply already validated operands, given as contiguous bit patterns; see `kernels/gemm.py` for the groups.

    weight uint8 [M, K]; columns uint8 [groups K, N]; `served` a multiplier for exactly these formats, or None. An exact
    table gives the same sums as no table: it takes the exact kernel.
    """
    out = np.empty((weight.shape[0], columns.shape[1]), np.int32)
    if served is None or served.is_exact:
        values = weight.view(DTYPES[w_format]).astype(np.int32)
        exact_gemm(values, columns.view(DTYPES[x_format]), groups, out)
    else:
        table_gemm(weight, columns, groups, served.table, out)
    return out
