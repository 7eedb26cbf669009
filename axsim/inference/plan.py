"""How a product table is multiplied: the cheapest way whose sums are those of the table, proven entry by entry.

    exact          the products are exact: an int8 GEMM
    operand maps   P(w, x) = f(w) g(x), f and g bytes: map both operands, then an int8 GEMM (DRUM, cleared operand bits)
    outer products P(w, x) = base(w) + sum_r f_r(w) g_r(x) of low rank, f and g bytes: an int8 GEMM of as many times the
                   taps (broken arrays, truncations)
    error plane    P = w x + error, the error of each weight spanning less than 256 values: an int8 GEMM, then one byte
                   looked up a product
    two planes     the products of each weight span less than 65,536 values: two bytes looked up a product
    table          one 32-bit look-up a product, for any table on any CPU

Outer products and planes need vector instructions; `tier.py` says which there are.
"""

import dataclasses
import functools
import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..formats import DTYPES, Format, Patterns, pattern_values
from ..multipliers.product_table import Multiplier
from .low_rank import OuterProducts, outer_products
from .tier import Tier, aligned, tier

Kind = Literal["exact", "operand maps", "outer products", "error plane", "two planes", "table"]
# Outer products that are cheaper than the planes they replace, for activations below 128, where planes are fastest.
# Where this was measured, 2, 3 and 4 of them multiply at 89, 60 and 46 GMAC/s on the tier avx512, one error plane at 49
# and two planes at 40; on avx2 2 and 3 at 28 and 19, one error plane at 11, two planes at 7.7, single look-ups at 3.5.
MOST_TERMS: dict[Tier, dict[Kind, int]] = {
    "avx512": {"error plane": 3, "two planes": 4, "table": 4},
    "avx2": {"error plane": 4, "two planes": 6, "table": 6},
}
MOST_NEGATIVE = 128  # pattern of -128, which many maps of signed operands cannot serve within a byte


@dataclasses.dataclass(frozen=True, eq=False)
class BytePlanes:
    """Tables of one or two bytes a product: product[w, x] = base[w] + sum_p 256^p tables[w, p, x].

    `base` int64 [256]; `tables` uint8 [256, planes, entries], 64-byte aligned, for x below `entries`.
    """

    base: npt.NDArray[np.int64]
    tables: Patterns

    @functools.cached_property
    def stepped(self) -> Patterns:
        """The tables as AVX2 looks them up: in each half of 128, each 16 bytes exclusive-or'd with those before."""
        steps = self.tables.reshape(*self.tables.shape[:2], -1, 8, 16).copy()
        steps[..., 1:, :] ^= self.tables.reshape(steps.shape)[..., :-1, :]
        return aligned(steps.reshape(self.tables.shape))


@dataclasses.dataclass(frozen=True, eq=False)
class OperandMaps:
    """P(w, x) = f(w) g(x), both by pattern, int64 [256]; `x_format` is the byte format that g's values fit.

    `whole`: whether that holds for all patterns, or for all but -128.
    """

    f: npt.NDArray[np.int64]
    g: npt.NDArray[np.int64]
    x_format: Format
    whole: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What to do with a table, and why.

    `full` serves all activations, `half` those below 128 (as patterns) at half the cost; both None where the kind has
    no planes. `terms` are the outer products for all activations and for those below 128, None where they would not be
    cheaper. `fallback` is the plan for operands that `maps` do not cover, or for which `terms` do not pay.
    """

    kind: Kind
    reason: str
    maps: OperandMaps | None = None
    full: BytePlanes | None = None
    half: BytePlanes | None = None
    fallback: "Plan | None" = None
    terms: tuple[OuterProducts | None, OuterProducts | None] = (None, None)


EXACT = Plan("exact", "no multiplier: exact products")


def plan(served: Multiplier) -> Plan:
    """Return the plan of a multiplier on the current tier; made once for each multiplier."""
    return _plan(served, tier())


@functools.lru_cache(maxsize=256)
def _plan(served: Multiplier, on: Tier) -> Plan:
    if served.is_exact:
        return Plan("exact", "all 65,536 products are exact")
    look_ups = _look_up_plan(served, on)
    maps = operand_maps(served.table)
    if maps is not None:
        but = "" if maps.whole else ", but for operands of -128"
        return Plan("operand maps", f"each operand is mapped and the product is exact{but}", maps, fallback=look_ups)
    return look_ups if on == "portable" else _low_rank_plan(served, look_ups, MOST_TERMS[on])


def _low_rank_plan(served: Multiplier, look_ups: Plan, most_terms: dict[Kind, int]) -> Plan:
    """Outer products where they are cheaper than `look_ups`, which is the plan otherwise."""
    most = most_terms[look_ups.kind]
    full, half = (outer_products(served.table, entries, most) for entries in (256, 128))
    if full is not None and (half is None or len(half.f) >= len(full.f)):
        half = full
    if half is None:
        return look_ups
    if full is None:
        ranks = f"rank {len(half.f)} for activations below 128; {look_ups.kind} for others"
    else:
        ranks = f"rank {len(full.f)}" + (f", {len(half.f)} for activations below 128" if half is not full else "")
    reason = f"the products are a sum of outer products of bytes, {ranks}"
    return Plan("outer products", reason, fallback=look_ups, terms=(full, half))


def _look_up_plan(served: Multiplier, on: Tier) -> Plan:
    if on == "portable":
        return Plan("table", "portable tier")
    error = served.error()
    full = byte_planes(error, 256, 1)
    if full is not None:
        span = int(np.ptp(error, axis=1).max())
        return Plan(
            "error plane", f"the error spans at most {span + 1} values a weight", None, full, byte_planes(error, 128, 1)
        )
    full = byte_planes(served.table, 256, 2)
    if full is not None:
        return Plan(
            "two planes", "products of 16 bits, errors of more than 8", None, full, byte_planes(served.table, 128, 2)
        )
    return Plan("table", "products of a weight span more than 16 bits")


def product_planes(served: Multiplier, entries: int) -> BytePlanes | None:
    """
    Return the products themselves as the fewest byte planes that hold them, for activations below `entries`.

    None where they span more than two bytes, and on the portable tier.
    """
    return _product_planes(served, entries) if tier() == "avx512" else None


@functools.lru_cache(maxsize=256)
def _product_planes(served: Multiplier, entries: int) -> BytePlanes | None:
    one = byte_planes(served.table, entries, 1)
    return one if one is not None else byte_planes(served.table, entries, 2)


@functools.lru_cache(maxsize=256)
def swapped_planes(served: Multiplier) -> BytePlanes | None:
    """Return the products as two byte planes, indexed by activation first; None where those of one span more."""
    return byte_planes(served.table.T, 256, 2)


def byte_planes(values: npt.NDArray[np.integer], entries: int, planes: int) -> BytePlanes | None:
    """Split values [256, 256] into `planes` bytes above the least of each row; None where a row spans more."""
    part = values[:, :entries].astype(np.int64)
    base = part.min(axis=1)
    above = part - base[:, None]
    if above.max() >= 256**planes:
        return None
    tables = aligned(np.stack([(above >> (8 * p)) & 255 for p in range(planes)], axis=1).astype(np.uint8))
    rebuilt = base[:, None] + sum(tables[:, p].astype(np.int64) << (8 * p) for p in range(planes))
    if not np.array_equal(rebuilt, part):
        raise AssertionError("byte planes must rebuild every entry")
    return BytePlanes(base, tables)


def operand_maps(table: npt.NDArray[np.int32]) -> OperandMaps | None:
    """Factor a table into f(w) g(x), f in s8, g in s8 or u8, for all patterns or all but -128; None if it has none."""
    for whole in (True, False):
        kept = np.arange(256) if whole else np.delete(np.arange(256), MOST_NEGATIVE)
        factors = _rank_one(table[np.ix_(kept, kept)].astype(np.int64))
        if factors is None:
            continue
        f, g = np.zeros(256, np.int64), np.zeros(256, np.int64)
        f[kept], g[kept] = factors
        if not _fits(f, "s8"):
            continue
        for fmt in DTYPES:
            if _fits(g, fmt):
                return OperandMaps(f, g, fmt, whole)
    return None


def _rank_one(table: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Integers f, g with table = f g', as small as their common factor can be shared out; None where there are none."""
    row, column = np.unravel_index(np.abs(table).argmax(), table.shape)
    if table[row, column] == 0:
        return None
    g = table[row] // math.gcd(*map(int, table[row]))
    f = table[:, column] // g[column]
    if not np.array_equal(np.outer(f, g), table):
        return None
    common = math.gcd(*map(int, f))
    f = f // common
    # Both signs and every sharing of the common factor give the same products: take the one that fits bytes.
    most = min(common, MOST_NEGATIVE // int(np.abs(f).max()))
    for share in (d for d in range(1, most + 1) if common % d == 0):
        for sign in (1, -1):
            if _fits(sign * share * f, "s8") and any(_fits(sign * (common // share) * g, fmt) for fmt in DTYPES):
                return sign * share * f, sign * (common // share) * g
    return None


def _fits(values: npt.NDArray[np.int64], fmt: Format) -> bool:
    info = np.iinfo(DTYPES[fmt])
    return bool(values.min() >= info.min and values.max() <= info.max)


def exact_maps(w_format: Format, x_format: Format) -> OperandMaps:
    """Return the identity as operand maps: what serves an exact product."""
    return OperandMaps(pattern_values(w_format), pattern_values(x_format), x_format, True)
