"""Moments of a family's error at operand widths from 4 to 16 bits: counted over all pairs, or over a random sample.

A product table is of 8 bits; wider multipliers have none: their products are computed in blocks, summed on all cores.
"""

import concurrent.futures
import dataclasses
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numba
import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, MultiplierError
from ..kernels.error_sums import EXCLUDE, ONE, ZERO, error_sums
from .members import Member, member
from .moments import Moments, ZeroProducts

BLOCK = 1 << 16  # pairs a block
CONVENTIONS = {"exclude": EXCLUDE, "zero": ZERO, "one": ONE}

Integers = npt.NDArray[np.int64]
Block = tuple[Integers, Integers]


@dataclasses.dataclass(frozen=True)
class WideMoments:
    """Moments of a family member's error under uniform operands of any width, and how they were counted.

    Attributes
    ----------
    name : str
        Canonical name of the member.
    operands : pair of str
        Formats of w and x, such as ("u12", "u12") or ("s12", "s12").
    pairs : int
        Operand pairs that were counted.
    seed : int or None
        Seed of the random sample; None where all pairs were counted.
    moments : Moments
        `mae_fraction` is `mae` over 2^(2 width). Of a sample: estimates, extremes too small if anything.
    """

    name: str
    operands: tuple[str, str]
    pairs: int
    seed: int | None
    moments: Moments

    @property
    def mean_error_standard_error(self) -> float:
        """Standard error of the mean error, LSB: 0 where all pairs were counted."""
        return 0.0 if self.seed is None else self.moments.standard_deviation / math.sqrt(self.pairs)

    @property
    def mred_standard_error(self) -> float:
        """Standard error of `mred`, a fraction (from above): 0 where all pairs were counted."""
        spread = math.hypot(self.moments.relative_std, self.moments.relative_mean)
        return 0.0 if self.seed is None else spread / math.sqrt(self.pairs)


def wide_moments(
    name: str,
    width: int | None = None,
    operands: tuple[str, str] | None = None,
    sample: int | None = None,
    seed: int = 0,
    zero_products: ZeroProducts = "exclude",
    progress: Callable[[int, int], None] | None = None,
) -> WideMoments:
    """Count the moments of a family member's error under uniform operands, over all pairs unless `sample` is given.

    Sums of errors and of their squares are exact integers. Relative errors are summed in float64, by 256, by block and
    these exactly rounded: below 1e-13 of the sum of their absolute values. The result does not depend on the number of
    threads (numba's, NUMBA_NUM_THREADS).

    Parameters
    ----------
    name : str
        A member of a family, such as "drum:k=4".
    width : int, optional
        Bits of each operand, 4 to 16: 2^(2 width) pairs. The name's own `width=`, else 8, when not given.
    operands : pair of str, optional
        Formats, such as ("s12", "s12"): an unsigned core serves signed operands by sign-magnitude. The member's own
        when not given.
    sample : int, optional
        Number of random pairs, independent and uniform, instead of all.
    seed : int
        Of the sample.
    zero_products : {"exclude", "zero", "one"}
        See `Moments`.
    progress : function of (done, total), optional
        Called as blocks of 65,536 pairs are done.

    Raises
    ------
    MultiplierError
        If the name is none of a family, or the member cannot serve the operands.
    AxsimError
        If the sample, the seed or the convention is not allowed.
    """
    chosen = member(name, width)
    if zero_products not in CONVENTIONS:
        raise AxsimError(f"zero_products must be 'exclude', 'zero' or 'one', got {zero_products!r}")
    if sample is not None and not 1 <= sample <= 2**40:
        raise AxsimError(f"sample must be 1 to 2^40 pairs, got {sample}")
    if not 0 <= seed < 2**63:
        raise AxsimError(f"seed must be 0 or more, got {seed}")
    formats, by_sign_magnitude = served_formats(chosen, operands)
    ranges = [format_values(fmt) for fmt in formats]
    pairs = sample if sample is not None else ranges[0].size * ranges[1].size
    blocks = _random_blocks(ranges, pairs, seed) if sample is not None else _all_blocks(ranges)
    integers, reals = _sums(chosen, blocks, by_sign_magnitude, CONVENTIONS[zero_products], pairs, progress)
    largest = max(abs(int(a) * int(b)) for a in ranges[0][[0, -1]] for b in ranges[1][[0, -1]])
    found = _moments(integers, reals, pairs, largest, chosen.width, zero_products)
    return WideMoments(chosen.name, formats, pairs, None if sample is None else seed, found)


def served_formats(chosen: Member, operands: tuple[str, str] | None) -> tuple[tuple[str, str], bool]:
    """Check the operands: their formats, and whether an unsigned core serves them by sign-magnitude."""
    kinds = [f"u{chosen.width}", f"s{chosen.width}"]
    own = (kinds[chosen.signed], kinds[chosen.signed])
    if operands is None or tuple(operands) == own:
        return own, False
    if len(operands) != 2 or any(fmt not in kinds for fmt in operands):
        raise MultiplierError(
            f"operands must be two of {' and '.join(kinds)} at width {chosen.width}, got {operands!r}"
        )
    if chosen.signed:
        raise MultiplierError(f"{chosen.name} multiplies {own[0]} by {own[1]}, not {operands[0]} by {operands[1]}")
    return (operands[0], operands[1]), True


def format_values(fmt: str) -> Integers:
    """All values of a format, ascending."""
    width = int(fmt[1:])
    low = -(1 << (width - 1)) if fmt[0] == "s" else 0
    return np.arange(low, low + (1 << width), dtype=np.int64)


def _all_blocks(ranges: list[Integers]) -> Iterator[Block]:
    """Every pair, in blocks of whole rows."""
    w, x = ranges
    rows = max(1, BLOCK // x.size)
    for start in range(0, w.size, rows):
        yield w[start : start + rows, None], x[None, :]


def _random_blocks(ranges: list[Integers], pairs: int, seed: int) -> Iterator[Block]:
    """Random pairs, each block from a generator of its own."""
    for number, start in enumerate(range(0, pairs, BLOCK)):
        generator = np.random.default_rng([seed, number])
        shape = (1, min(BLOCK, pairs - start))
        w, x = (values[generator.integers(0, values.size, shape)] for values in ranges)
        yield w, x


def _sums(
    chosen: Member,
    blocks: Iterator[Block],
    by_sign_magnitude: bool,
    convention: int,
    pairs: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[int], list[float]]:
    """`error_sums` of all blocks together: exact integers, correctly rounded sums of the blocks' real sums."""

    def block_sums(block: Block) -> tuple[int, list[int], list[float]]:
        w, x = block
        products = np.asarray(chosen.product(np.abs(w), np.abs(x)) if by_sign_magnitude else chosen.product(w, x))
        integers, reals = np.empty(8, np.int64), np.empty(5)
        w, x = np.broadcast_to(w, products.shape), np.broadcast_to(x, products.shape)
        error_sums(products, w, x, by_sign_magnitude, convention, integers, reals)
        return products.size, integers.tolist(), reals.tolist()

    totals, largest, least, greatest = [0] * 8, 0, 0.0, 0.0
    real_sums: list[list[float]] = [[], [], []]
    done = 0
    total_blocks = -(-pairs // BLOCK)
    chosen.product(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64))  # compiled before the threads start
    threads = numba.get_num_threads()
    executor = concurrent.futures.ThreadPoolExecutor(threads)
    try:
        waiting: list[concurrent.futures.Future[tuple[int, list[int], list[float]]]] = []
        more = True
        while more or waiting:
            while more and len(waiting) < 4 * threads:  # few enough to stop soon, in order so that sums do not vary
                block = next(blocks, None)
                more = block is not None
                if block is not None:
                    waiting.append(executor.submit(block_sums, block))
            if not waiting:
                break
            size, integers, reals = waiting.pop(0).result()
            done += size
            totals = [total + value for total, value in zip(totals, integers, strict=True)]
            largest = max(largest, integers[3])
            for sums, value in zip(real_sums, reals, strict=False):
                sums.append(value)
            least, greatest = min(least, reals[3]), max(greatest, reals[4])
            if progress is not None:
                progress(-(-done // BLOCK), total_blocks)
    finally:
        executor.shutdown(cancel_futures=True)
    totals[3] = largest
    return totals, [*map(math.fsum, real_sums), least, greatest]


def _moments(
    integers: list[int], reals: list[float], pairs: int, largest: int, width: int, zero_products: ZeroProducts
) -> Moments:
    """Moments from the sums that `error_sums` describes."""
    total, absolute, wrong, wce, high_high, high_low, low_low, counted = integers
    square = (high_high << 34) + (high_low << 18) + low_low
    mae = absolute / pairs
    relative_mean = reals[0] / max(1, counted)
    return Moments(
        mean_error=total / pairs,
        variance=float(Fraction(square, pairs) - Fraction(total, pairs) ** 2),
        mae=mae,
        mse=square / pairs,
        nmed=absolute / (pairs * largest),
        mae_fraction=absolute / (pairs << (2 * width)),
        mred=reals[1] / max(1, counted),
        relative_mean=relative_mean,
        relative_std=math.sqrt(max(0.0, reals[2] / max(1, counted) - relative_mean**2)),
        relative_min=reals[3],
        relative_max=reals[4],
        wce=wce,
        error_rate=wrong / pairs,
        zero_products=zero_products,
    )
