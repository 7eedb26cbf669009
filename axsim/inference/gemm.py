"""Validated matrix products through a multiplier: the only way into the GEMM kernels."""

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import DTYPES, Format, Integers, Patterns, exact_products, format_of
from ..kernels.count import all_below_128, sum_by_pattern
from ..kernels.elementwise import look_up
from ..kernels.gemm import exact_gemm, table_gemm
from ..kernels.requantize import requantize
from ..multipliers.product_table import Multiplier, check_multiplier
from .accumulator import EXACT_SUMS, Accumulator, Overflow, Sums
from .low_rank import OuterProducts
from .plan import EXACT, MOST_NEGATIVE, BytePlanes, OperandMaps, exact_maps, plan, swapped_planes
from .tier import tier
from .vector_products import DotProduct, Into, multiply_planes

INT32_MAX = 2**31 - 1
NO_SUMS = np.empty((0, 0), np.int32)
KEPT: Into = (np.empty(0, np.int32), np.empty(0, np.float32), (0, 0, 0), np.empty((0, 0), np.uint8))  # sums, no codes
MOST_SWAPPED = 32  # columns that are multiplied as rows: half a vector
FEWEST_ROWS = 4  # of a group, for which packing activations into quads pays


def matmul(
    w: npt.NDArray[np.generic],
    x: npt.NDArray[np.generic],
    multiplier: Multiplier | None = None,
    *,
    accumulator_bits: int = EXACT_SUMS.bits,
    overflow: Overflow = EXACT_SUMS.overflow,
    accumulator_taps: int | None = None,
) -> npt.NDArray[np.int32]:
    """
    C[m, n] = sum_k table[w[m, k], x[k, n]], every product through the multiplier, summed exactly unless told otherwise.

    Parameters
    ----------
    w : int8 or uint8 [M, K]
        Weights, the multiplier's left operand.
    x : int8 or uint8 [K, N]
        Activations, the right operand.
    multiplier : Multiplier, optional
        Exact products when not given. It must serve the operands' formats (int8 is s8, uint8 is u8), see
        `Multiplier.serving`.
    accumulator_bits : int
        8 to 32, two's complement. Products are added one after the other, k ascending.
    overflow : {"wrap", "saturate"}
        What an accumulator does after an addition whose sum does not fit it.
    accumulator_taps : int, optional
        Products after which an accumulator's content is added to an int32 and it starts at 0 again, as behind a mesh of
        so many rows; see `axsim.inference.accumulator.Accumulator`. All K when not given.

    Returns
    -------
    int32 [M, N]
        Any of M, K, N may be 0 or 1; a sum over no products is 0.

    Raises
    ------
    AxsimError
        If shapes, dtypes or the accumulator do not fit, or if some exact sum could leave int32: the bound is
        `sum_k max_x |table[w[m, k], x]|` of the rows given.
    MultiplierError
        If the multiplier cannot serve these operands.
    """
    accumulator = Accumulator(accumulator_bits, overflow, accumulator_taps)
    w, x = np.asarray(w), np.asarray(x)
    w_format, x_format = format_of(w), format_of(x)
    if w_format is None or x_format is None:
        raise AxsimError(f"w and x must be int8 or uint8, got {w.dtype} and {x.dtype}")
    if w.ndim != 2 or x.ndim != 2 or w.shape[1] != x.shape[0]:
        raise AxsimError(f"w and x must have shapes [M, K] and [K, N], got {w.shape} and {x.shape}")
    if multiplier is not None:
        check_multiplier(multiplier)
    served = None if multiplier is None else multiplier.serving(w_format, x_format)
    weight = np.ascontiguousarray(w).view(np.uint8)
    bound = accumulator_bound(weight, w_format, x_format, served)
    if bound > INT32_MAX:
        raise AxsimError(
            f"K must be small enough for sums within int32: with these {w.shape[1]} taps a sum may reach {bound}; "
            "split the matrix along K"
        )
    columns = np.ascontiguousarray(x).view(np.uint8)
    product = Product(weight, 1, w_format, x_format, served)
    exact = accumulator.holds(accumulated_bound(weight, w_format, x_format, served, accumulator))
    return product(columns) if exact else product.accumulated(columns, accumulator)


def accumulator_bound(
    weight: Patterns, w_format: Format, x_format: Format, served: Multiplier | None, bias: Integers | int = 0
) -> int:
    """Largest absolute sum, `bias` [M] included, that any activations give with these weights (patterns [M, K])."""
    return int((_row_sums(weight, _largest(w_format, x_format, served)) + np.abs(bias)).max(initial=0))


def accumulated_bound(
    weight: Patterns, w_format: Format, x_format: Format, served: Multiplier | None, accumulator: Accumulator
) -> int:
    """Largest absolute sum, without bias, that any activations give in one accumulator; see `accumulator_bound`."""
    every = accumulator_bound(weight, w_format, x_format, served)
    if accumulator.taps is None:
        return every
    return min(every, accumulator.taps * int(_largest(w_format, x_format, served).max()))


@functools.lru_cache(maxsize=256)
def _largest(w_format: Format, x_format: Format, served: Multiplier | None) -> Integers:
    """Largest absolute product of each weight pattern, int64 [256]."""
    table = exact_products(w_format, x_format) if served is None else served.table
    return np.abs(table.astype(np.int64)).max(axis=1)


def _row_sums(weight: Patterns, values: Integers) -> Integers:
    """Sum of the values of each row's patterns, int64 [M]."""
    sums = np.empty(len(weight), np.int64)
    sum_by_pattern(weight, values, sums)
    return sums


@dataclasses.dataclass(frozen=True, eq=False)
class Rescale:
    """
    From sums to codes by the float rule of ONNX, see `kernels/requantize.py`.

    bias int32 [M]; multiplier float32 [M]; zero_point and clamp (low, high) codes of the output.
    """

    bias: Sums
    multiplier: npt.NDArray[np.float32]
    zero_point: int
    clamp: tuple[int, int]

    def codes(self, sums: Sums) -> Patterns:
        """Return the patterns uint8 [M, N] of sums int32 [M, N]."""
        out = np.empty(sums.shape, np.uint8)
        requantize(sums, *self.into(out))
        return out

    def into(self, codes: Patterns) -> Into:
        """Return what a kernel wants to store codes instead of sums."""
        return self.bias, self.multiplier, (self.zero_point, *self.clamp), codes


class Product:
    """Validated weights, ready to be multiplied by any columns through one table, by the cheapest plan for it.

    Parameters
    ----------
    weight : uint8 [M, K]
        Contiguous bit patterns.
    groups : int
        Group g of M / groups rows multiplies its own K columns; see `kernels/gemm.py`.
    w_format, x_format : {"u8", "s8"}
    served : Multiplier, optional
        Serving exactly these formats; exact products when not given.
    """

    def __init__(
        self, weight: Patterns, groups: int, w_format: Format, x_format: Format, served: Multiplier | None
    ) -> None:
        # Kernels are compiled apart for arrays that cannot be written: copies of those spare the user the wait.
        self.weight = weight if weight.flags.writeable else weight.copy()
        self.groups, self.served = groups, served
        self._formats: tuple[Format, Format] = (w_format, x_format)
        self.plan = EXACT if served is None else plan(served)
        self._few_rows = weight.shape[0] // groups < FEWEST_ROWS
        self._look_ups = self.plan.fallback or self.plan
        # Only what the plan needs: the left operands of a product of activations are prepared anew for every batch.
        if "exact" in (self.plan.kind, self._look_ups.kind) or self._look_ups.kind == "error plane":
            self._exact = MappedProduct(weight, groups, exact_maps(w_format, x_format), True, self._few_rows)
        self._mapped = self._exact if self.plan.kind == "exact" else None
        if self.plan.maps is not None and (tier() == "portable" or not self._few_rows):
            # Where a group has few rows, mapping its activations costs more than looking its products up.
            self._mapped = MappedProduct(weight, groups, self.plan.maps, False, self._few_rows)
        self._bases = BaseSums(weight)
        self._stacked: dict[OuterProducts, StackedProduct] = {}

    def __call__(self, columns: Patterns) -> Sums:
        """Return the sums int32 [M, N] for contiguous patterns uint8 [groups K, N]."""
        out = np.empty((self.weight.shape[0], columns.shape[1]), np.int32)
        if out.size == 0 or self.weight.shape[1] == 0:
            out[...] = 0
        else:
            self._multiply(columns, out, KEPT)
        return out

    def codes(self, columns: Patterns, rescale: Rescale) -> Patterns:
        """Return the sums made codes, uint8 [M, N]: where the kernels can, without an array of sums between."""
        codes = np.empty((self.weight.shape[0], columns.shape[1]), np.uint8)
        if codes.size == 0 or self.weight.shape[1] == 0:
            return rescale.codes(self(columns))
        sums = self._multiply(columns, None, rescale.into(codes))
        return codes if sums is None else rescale.codes(sums)

    def accumulated(self, columns: Patterns, accumulator: Accumulator) -> Sums:
        """Return the sums int32 [M, N] as this accumulator makes them of the products."""
        if accumulator.overflow == "wrap" and accumulator.taps is None:
            return accumulator.wrap(self(columns))  # by the fast plans: the order does not matter
        table = exact_products(*self._formats) if self.served is None else self.served.table
        return accumulator.sums(self.weight, columns, self.groups, table)

    def _multiply(self, columns: Patterns, out: Sums | None, into: Into) -> Sums | None:
        """Multiply into the codes of `into`, or else into `out`, which is returned, made here where it is None."""
        below_128 = self.plan.kind != "exact" and all_below_128(columns.reshape(-1))
        if self._mapped is not None and self._mapped.covers(columns, below_128):
            return self._mapped.multiply(columns, out, into)
        swapped = self._swapped_planes(columns)
        if swapped is not None:
            return self._multiply_swapped(columns, swapped, out)
        terms = self.plan.terms[below_128]
        # Activations are packed once for each term, which so many rows must share.
        if terms is not None and self.weight.shape[0] // self.groups > FEWEST_ROWS * len(terms.f):
            if terms not in self._stacked:
                self._stacked[terms] = StackedProduct(self.weight, self.groups, terms)
            return self._stacked[terms].multiply(columns, out, into)
        planes = self._look_ups.half if below_128 else self._look_ups.full
        if planes is None:
            assert self.served is not None
            out = self._new(columns) if out is None else out
            table_gemm(self.weight, columns, self.groups, self.served.table, out)
            return out
        from_exact = self._look_ups.kind == "error plane"
        if from_exact:
            out = self._exact.multiply(columns, self._new(columns) if out is None else out, KEPT)
        sums = NO_SUMS if out is None else out
        multiply_planes(self.weight, columns, self.groups, planes, self._bases(planes), from_exact, sums, into)
        return None if into[-1].size else out

    def _swapped_planes(self, columns: Patterns) -> BytePlanes | None:
        """Tables by which to multiply with the operands swapped; None where nothing is to be gained."""
        few = columns.shape[1] <= MOST_SWAPPED and columns.shape[1] < self.weight.shape[0]
        if not few or self.groups != 1 or self.served is None or tier() == "portable":
            return None
        return swapped_planes(self.served)

    def _multiply_swapped(self, columns: Patterns, planes: BytePlanes, out: Sums | None) -> Sums:
        """Multiply with many rows and few columns swapped, so that the lanes of a vector are full: they hold rows."""
        left = np.ascontiguousarray(columns.T)
        base = _row_sums(left, planes.base).astype(np.int32)
        sums = np.empty((left.shape[0], self.weight.shape[0]), np.int32)
        multiply_planes(left, self._transposed, 1, planes, base, False, sums, KEPT)
        out = self._new(columns) if out is None else out
        out[...] = sums.T
        return out

    @functools.cached_property
    def _transposed(self) -> Patterns:
        return np.ascontiguousarray(self.weight.T)

    def _new(self, columns: Patterns) -> Sums:
        return np.empty((self.weight.shape[0], columns.shape[1]), np.int32)


class BaseSums:
    """Sums of the bases of byte planes over each row's weights, uint8 [M, K]; computed once for each table."""

    def __init__(self, weight: Patterns) -> None:
        self._weight = weight
        self._sums: dict[BytePlanes, Sums] = {}

    def __call__(self, planes: BytePlanes) -> Sums:
        """Return int32 [M]."""
        if planes not in self._sums:
            # It may pass int32; the whole sum was checked not to, and int32 arithmetic comes back to it.
            self._sums[planes] = _row_sums(self._weight, planes.base).astype(np.int32)
        return self._sums[planes]


class MappedProduct:
    """An exact GEMM of operands that are mapped first; `identity` where the maps leave the activations as they are."""

    def __init__(self, weight: Patterns, groups: int, maps: OperandMaps, identity: bool, few_rows: bool) -> None:
        self._maps, self._groups, self._identity = maps, groups, identity
        self._most_negative = not maps.whole and bool((weight == MOST_NEGATIVE).any())
        mapped = maps.f.astype(np.int16)[weight]  # a byte's worth, s8 or u8
        self._dots: DotProduct | None = None
        fits = tier() == "avx2" or maps.f.max() <= 127 or mapped.max(initial=0) <= 127
        if tier() != "portable" and not few_rows and fits:
            self._dots = DotProduct([mapped], maps.g[None], np.zeros(len(weight), np.int32), groups)
        else:
            self._weight = mapped.astype(np.int32)

    def covers(self, columns: Patterns, below_128: bool) -> bool:
        """Whether the maps serve these operands: all of them, or those without -128."""
        if self._maps.whole:
            return True
        return not self._most_negative and (below_128 or not (columns == MOST_NEGATIVE).any())

    def multiply(self, columns: Patterns, out: Sums | None, into: Into) -> Sums | None:
        """Do what `Product._multiply` does."""
        if self._dots is not None:
            self._dots.multiply(columns, NO_SUMS if out is None else out, into)
            return None if into[-1].size else out
        out = np.empty((len(self._weight), columns.shape[1]), np.int32) if out is None else out
        dtype = DTYPES[self._maps.x_format]
        if not self._identity:
            mapped = np.empty_like(columns)
            look_up(columns.reshape(-1), self._maps.g.astype(dtype).view(np.uint8), mapped.reshape(-1))
            columns = mapped
        exact_gemm(self._weight, columns.view(dtype), self._groups, out)
        return out


class StackedProduct:
    """Outer products summed by one exact GEMM: the taps of every term, one term after the other."""

    def __init__(self, weight: Patterns, groups: int, terms: OuterProducts) -> None:
        mapped = []
        for f in terms.f.astype(np.int8).view(np.uint8):
            term = np.empty_like(weight)
            look_up(weight.reshape(-1), f, term.reshape(-1))
            mapped.append(term.view(np.int8))
        g = np.zeros((len(terms.g), 256), np.int64)
        g[:, : terms.g.shape[1]] = terms.g
        # The base may pass int32; the whole sum was checked not to, and int32 arithmetic comes back to it.
        self._dots = DotProduct(mapped, g, _row_sums(weight, terms.base).astype(np.int32), groups)

    def multiply(self, columns: Patterns, out: Sums | None, into: Into) -> Sums | None:
        """Do what `Product._multiply` does."""
        self._dots.multiply(columns, NO_SUMS if out is None else out, into)
        return None if into[-1].size else out
