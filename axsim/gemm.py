"""Validated matrix products through a multiplier: the only way into the GEMM kernels."""

import numpy as np
import numpy.typing as npt

from .errors import AxsimError
from .formats import DTYPES, Format, Patterns, exact_products, format_of
from .kernels.elementwise import look_up
from .kernels.gemm import exact_gemm, table_gemm
from .kernels.gemm_avx512 import dot_gemm, plane_gemm
from .plan import MOST_NEGATIVE, OperandMaps, aligned, exact_maps, plan, tier
from .product_table import Multiplier

INT32_MAX = 2**31 - 1
FEWEST_ROWS = 4  # of a group, for which packing activations into quads pays


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
    Multiply already validated operands, given as contiguous bit patterns, by the cheapest plan for the table.

    weight uint8 [M, K]; columns uint8 [groups K, N]; `served` a multiplier for exactly these formats, or None for exact
    products. Group g of rows multiplies its own K columns; see `kernels/gemm.py`.
    """
    out = np.empty((weight.shape[0], columns.shape[1]), np.int32)
    if out.size == 0 or weight.shape[1] == 0:
        out[...] = 0
        return out
    chosen = None if served is None else plan(served)
    maps = exact_maps(w_format, x_format) if chosen is None or chosen.kind == "exact" else chosen.maps
    few_rows = weight.shape[0] // groups < FEWEST_ROWS
    below_128 = served is not None and bool(columns.max() < MOST_NEGATIVE)
    if maps is not None and (maps.whole or _no_most_negative(weight, columns, below_128)):
        identity = chosen is None or chosen.maps is None
        # Where a group has few rows, mapping its activations costs more than looking its products up.
        if identity or not few_rows or tier() == "portable":
            _mapped_gemm(weight, columns, groups, maps, identity, few_rows, out)
            return out
    assert served is not None and chosen is not None
    chosen = chosen.fallback or chosen
    planes = chosen.half if below_128 else chosen.full
    if planes is None:
        table_gemm(weight, columns, groups, served.table, out)
        return out
    from_exact = chosen.kind == "error plane"
    if from_exact:
        _mapped_gemm(weight, columns, groups, exact_maps(w_format, x_format), True, few_rows, out)
    # Sums of bases may pass int32 on the way; the whole sum was checked, and int32 arithmetic comes back to it.
    base = planes.base[weight].sum(axis=1).astype(np.int32)
    plane_gemm(weight, columns, groups, planes.tables, base, from_exact, out)
    return out


def _no_most_negative(weight: Patterns, columns: Patterns, below_128: bool) -> bool:
    """Whether no operand is -128."""
    return not (weight == MOST_NEGATIVE).any() and (below_128 or not (columns == MOST_NEGATIVE).any())


def _mapped_gemm(
    weight: Patterns,
    columns: Patterns,
    groups: int,
    maps: OperandMaps,
    identity: bool,
    few_rows: bool,
    out: npt.NDArray[np.int32],
) -> None:
    """Exact GEMM of mapped operands, out int32 [M, N]; `identity` where the maps leave the activations as they are."""
    values = maps.f[weight]
    if tier() == "avx512" and not few_rows and values.min() >= -128 and values.max() <= 127:
        depth = weight.shape[1]
        quads = np.zeros((weight.shape[0], (depth + 3) // 4 * 4), np.int8)
        quads[:, :depth] = values
        # The dot product takes unsigned activations: signed ones are sent 128 higher, and 128 sum_k w taken off again.
        lift = 128 if maps.x_format == "s8" else 0
        base = (-lift * values.sum(axis=1)).astype(np.int32)
        dot_gemm(quads.view(np.int32), columns, depth, groups, aligned((maps.g + lift).astype(np.uint8)), base, out)
        return
    if not identity:
        mapped = np.empty_like(columns)
        look_up(columns.reshape(-1), maps.g.astype(DTYPES[maps.x_format]).view(np.uint8), mapped.reshape(-1))
        columns = mapped
    exact_gemm(values.astype(np.int32), columns.view(DTYPES[maps.x_format]), groups, out)
