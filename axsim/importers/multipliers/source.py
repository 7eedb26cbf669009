"""What a reader hands on: the product tables that a file may mean, and what the file says about them."""

import dataclasses

import numpy as np
import numpy.typing as npt

from ...errors import MultiplierError
from ...formats import FORMATS, Format, pattern_values

Table = npt.NDArray[np.int64]
Operands = tuple[Format, Format]
PAIRS: tuple[Operands, ...] = tuple((first, second) for first in FORMATS for second in FORMATS)


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to read a file.

    Attributes
    ----------
    operands : pair of {"u8", "s8"}
        In the file's order.
    table : int64 [256, 256]
        Products in LSB by the bit patterns of the operands, in the file's order.
    how : str
        What distinguishes it besides the operands, such as "int16, index = value + 128".
    """

    operands: Operands
    table: Table
    how: str = ""

    def __str__(self) -> str:
        return " x ".join(self.operands) + (f" ({self.how})" if self.how else "")


@dataclasses.dataclass(frozen=True)
class Source:
    """A file, read: at least one reading.

    Attributes
    ----------
    name : str
        Of the multiplier: the function's, the module's or the file's.
    kind : str
        "C", "Verilog" or "table".
    operand_names : pair of str
        As the file calls its first and second operand.
    readings : tuple of Reading
        More than one where the file itself does not say which it is.
    declared : bool
        Whether the file says how its operands are read.
    comment : str
        The file's comments, in which published metrics may stand.
    notes : tuple of str
        What a user should know about how it was read.
    """

    name: str
    kind: str
    operand_names: tuple[str, str]
    readings: tuple[Reading, ...]
    declared: bool
    comment: str = ""
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user said about a file; None where nothing.

    Attributes
    ----------
    operands : pair of {"u8", "s8"}, optional
        Formats of weight and activation.
    order : {"w,x", "x,w"}, optional
        What the file's first and second operand are: weight (w) and activation (x).
    top : str, optional
        The function or module that is the multiplier.
    index : {"pattern", "value+128"}, optional
        How a table of signed operands is ordered.
    dtype : str, optional
        Type of a raw binary table's entries, such as "<i2".
    """

    operands: Operands | None = None
    order: str | None = None
    top: str | None = None
    index: str | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        if self.operands is not None and self.operands not in PAIRS:
            raise MultiplierError(f"operands must be two of u8 and s8 such as s8,s8, got {self.operands!r}")
        if self.order not in (None, "w,x", "x,w"):
            raise MultiplierError(
                "order must be 'w,x' (the file's first operand is the weight) or 'x,w' (it is the activation), "
                f"got {self.order!r}"
            )
        if self.index not in (None, *INDEXES):
            raise MultiplierError(f"index must be one of {', '.join(INDEXES)}, got {self.index!r}")
        if self.dtype not in (None, *DTYPES):
            raise MultiplierError(f"dtype must be one of {', '.join(DTYPES)}, got {self.dtype!r}")

    def swapped(self, names: tuple[str, str]) -> bool:
        """Whether the file's first operand is the activation: as the user says, else by the names, else not."""
        return names_swapped(names) if self.order is None else self.order == "x,w"

    def pairs(self, names: tuple[str, str]) -> tuple[Operands, ...]:
        """Return the formats to consider, in the file's order: those given, else all."""
        if self.operands is None:
            return PAIRS
        return (self.operands[::-1] if self.swapped(names) else self.operands,)


INDEXES = ("pattern", "value+128")
DTYPES = ("<i2", ">i2", "<u2", ">u2", "<i4", ">i4")

# Names of weight and activation that are not in alphabetical order, or that decide more than the alphabet does.
_WEIGHT_FIRST = {("w", "x"), ("w", "a"), ("w", "i"), ("weight", "activation"), ("weight", "input"), ("weight", "x")}


def names_swapped(names: tuple[str, str]) -> bool:
    """
    Whether the names say that the second operand of a file is the left one, as in `mul(B, A)`.

    They do when they are known names of weight and activation, or alike but for their last character.
    """
    first, second = (name.lower() for name in names)
    if (first, second) in _WEIGHT_FIRST or (second, first) in _WEIGHT_FIRST:
        return (second, first) in _WEIGHT_FIRST
    return first[:-1] == second[:-1] and first > second


def signed_products(table: Table, bits: int = 16) -> Table:
    """Read products as two's complement numbers of so many bits (unsigned ones from 2^(bits-1) on are negative)."""
    half = 1 << (bits - 1)
    return ((table + half) & (2 * half - 1)) - half


def by_pattern(table: Table, operands: Operands) -> Table:
    """Reorder a table whose signed operands are indexed by value + 128 to one indexed by bit patterns."""
    rows, columns = ((pattern_values(fmt) + (128 if fmt == "s8" else 0)) for fmt in operands)
    return table[np.ix_(rows, columns)]
