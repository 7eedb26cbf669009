"""Vectors: operands, and the product that the software face gives, which the circuit must reproduce.

A file of vectors has one a line, w, x and p in hexadecimal, two's complement, each padded to whole digits.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, HardwareError
from ..multipliers.catalog import multiplier
from ..multipliers.members import families, member
from ..multipliers.wide import format_values, served_formats
from .design import Design

SAMPLE = 1 << 16  # pairs, where there are more than can be tried
Integers = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Vectors:
    """
    Operand values and products, int64 [pairs] each.

    `seed` is that of the random sample; None where all pairs are there.
    """

    w: Integers
    x: Integers
    p: Integers
    seed: int | None

    def __len__(self) -> int:
        return self.w.size

    def hexadecimal(self, design: Design) -> str:
        """
        Return the file of vectors for this circuit's widths.

        Raises HardwareError if a product does not fit the circuit's port.
        """
        bits = design.product_width
        low, high = (-(1 << bits >> 1), (1 << bits >> 1) - 1) if design.signed else (0, (1 << bits) - 1)
        if self.p.min() < low or self.p.max() > high:
            raise HardwareError(
                f"products of {design.top} from {self.p.min()} to {self.p.max()} do not fit its port of {bits} bits"
            )
        fields = ((self.w, design.width), (self.x, design.width), (self.p, bits))
        digits = [
            [f"{value:0{_whole(bits) // 4}x}" for value in (values & ((1 << bits) - 1)).tolist()]
            for values, bits in fields
        ]
        return "".join(f"{w}{x}{p}\n" for w, x, p in zip(*digits, strict=True))


def field_shifts(design: Design) -> tuple[int, int, int]:
    """Lowest bits of w, x and p in a vector: whole hexadecimal digits."""
    operand, product = _whole(design.width), _whole(design.product_width)
    return operand + product, product, 0


def vector_bits(design: Design) -> int:
    """Bits of a vector."""
    return 2 * _whole(design.width) + _whole(design.product_width)


def _whole(bits: int) -> int:
    return -(-bits // 4) * 4


def vectors(name: str, design: Design, sample: int | None = None, seed: int = 0) -> Vectors:
    """
    Return what a multiplier's software face gives: of all operand pairs, or of a random sample.

    Parameters
    ----------
    name : str
        The multiplier, as `axsim.multiplier` takes it.
    design : Design
        Its circuit: says width and formats.
    sample : int, optional
        Number of pairs. When not given: all pairs up to 8 bits, 65,536 above. A sample begins with all pairs of the
        formats' extremes, of 0, and of the powers of two and their neighbours below.
    seed : int
        Of the random pairs, uniform and independent.
    """
    if sample is not None and not 1 <= sample <= 1 << 24:
        raise AxsimError(f"sample must be 1 to 2^24 pairs, got {sample}")
    if not 0 <= seed < 2**63:
        raise AxsimError(f"seed must be 0 or more, got {seed}")
    ranges = [format_values(fmt) for fmt in design.operands]
    if sample is None and design.width <= 8:
        w, x = (each.ravel() for each in np.meshgrid(*ranges, indexing="ij"))
        return Vectors(w, x, _products(name, design, w, x), None)
    count = sample or SAMPLE
    corners = [
        np.unique([values[0], values[-1], 0, *(d for d in _edges(design.width) if d <= values[-1])])
        for values in ranges
    ]
    first = [each.ravel()[:count] for each in np.meshgrid(*corners, indexing="ij")]
    generator = np.random.default_rng(seed)
    w, x = (
        np.concatenate([begun, values[generator.integers(0, values.size, count - begun.size)]])
        for begun, values in zip(first, ranges, strict=True)
    )
    return Vectors(w, x, _products(name, design, w, x), seed)


def _edges(width: int) -> list[int]:
    return [(1 << bit) - less for bit in range(width) for less in (0, 1)]


def _products(name: str, design: Design, w: Integers, x: Integers) -> Integers:
    if name.partition(":")[0].strip() not in families() or design.width == 8:
        table = multiplier(name).serving(*design.operands).table  # type: ignore[arg-type]
        return table[w & 255, x & 255].astype(np.int64)
    chosen = member(name, design.width)
    _, by_sign_magnitude = served_formats(chosen, design.operands)
    if not by_sign_magnitude:
        return np.asarray(chosen.product(w, x))
    sign = np.where(w < 0, -1, 1) * np.where(x < 0, -1, 1)
    return sign * np.asarray(chosen.product(np.abs(w), np.abs(x)))
