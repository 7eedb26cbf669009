"""Operands, multipliers of every kind of plan, the tiers to try them on, and the oracle's sums for larger shapes."""

import numpy as np
import pytest
import reference

from axsim.formats import DTYPES, exact_products, pattern_values
from axsim.inference.tier import tiers
from axsim.kernels.simd.vectors import has_byte_dot_product, has_byte_permute
from axsim.multipliers.product_table import Multiplier

HAS_AVX512 = has_byte_permute() and has_byte_dot_product()
needs_avx512 = pytest.mark.skipif(not HAS_AVX512, reason="this CPU has no AVX-512 byte permutes")
needs_avx2 = pytest.mark.skipif("avx2" not in tiers(), reason="this CPU has no AVX2")
TIERS = ["portable", pytest.param("avx2", marks=needs_avx2), pytest.param("avx512", marks=needs_avx512)]


def operand(rng, fmt, shape):
    info = np.iinfo(DTYPES[fmt])
    return rng.integers(info.min, info.max + 1, shape).astype(DTYPES[fmt])


def fast_oracle(w, x, multiplier):
    """The oracle's sums without its loops over m and n, for the larger shapes."""
    formats = {"int8": "s8", "uint8": "u8"}
    table = reference.product_table(multiplier, formats[w.dtype.name], formats[x.dtype.name])
    out = np.zeros((w.shape[0], x.shape[1]), np.int64)
    for k in range(w.shape[1]):
        out += table[w[:, k].astype(np.int64)[:, None] % 256, x[k].astype(np.int64)[None, :] % 256]
    return out


def table_spanning(span, operands, seed=0):
    """Exact products plus an error whose rows span exactly `span` values."""
    rng = np.random.default_rng(seed)
    error = rng.integers(0, span, (256, 256))
    error[:, 0], error[:, 255], error[:, 100] = 0, span - 1, span - 1
    return Multiplier(f"span {span}", exact_products(*operands) + error - rng.integers(0, span, (256, 1)), operands)


def products_spanning(span, operands, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, span, (256, 256))
    table[:, 0], table[:, 1], table[:, 200] = 0, span - 1, span - 1
    return Multiplier(f"products {span}", table - rng.integers(0, 2**20, (256, 1)), operands)


def sum_of_outer_products(terms, operands, seed=0):
    """Bytes at their extremes on both sides, and a base of each weight's own."""
    rng = np.random.default_rng(seed)
    f, g = rng.integers(-128, 128, (terms, 256)), rng.integers(0, 256, (terms, 256))
    f[:, :2], f[:, -2:], g[:, :2], g[:, -2:] = [-128, 127], [127, -128], [255, 0], [0, 255]
    return Multiplier(f"rank {terms}", f.T @ g + rng.integers(-(2**20), 2**20, (256, 1)), operands)


def of_each_kind(operands):
    """Multipliers by the kind of plan that serves them where the CPU has byte permutes."""
    signs = np.where(pattern_values(operands[0]) < 0, -1, 1)[:, None]
    return {
        "exact": Multiplier("exact", exact_products(*operands), operands),
        "outer products": sum_of_outer_products(3, operands),
        "error plane": table_spanning(256, operands),
        "two planes": products_spanning(65536, operands),
        "table": products_spanning(65537, operands),
        "operand maps": Multiplier("maps", np.outer(pattern_values(operands[0]) // 4 * 3, signs.ravel() * 5), operands),
    }
