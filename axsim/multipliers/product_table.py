"""Multiplier: a name, the formats of its operands, and its product table."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MultiplierError, first_line
from ..formats import FORMATS, Format, exact_products, pattern_values
from .costs import Costs
from .moments import Moments, ZeroProducts, moments


def check_multiplier(value: object) -> None:
    """Raise MultiplierError unless `value` is a Multiplier."""
    if not isinstance(value, Multiplier):
        raise MultiplierError(
            f"multiplier must be a Multiplier, such as axsim.multiplier('drum:k=4') gives, got {value!r}"
        )


def digest_of_layers(multipliers: "Mapping[str, Multiplier]") -> str:
    """sha256 (hex) of which table serves which layer; where one serves all, the digest of that table."""
    digests = {name: each.digest for name, each in multipliers.items()}
    if len(set(digests.values())) == 1:
        return next(iter(digests.values()))
    lines = "\n".join(f"{digest} {name}" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _check_operands(operands: object) -> None:
    if not isinstance(operands, tuple | list) or len(operands) != 2 or any(fmt not in FORMATS for fmt in operands):
        raise MultiplierError(f"operands must be a pair of 'u8' or 's8', got {operands!r}")


class Multiplier:
    """An 8x8-bit multiplier, given whole by its product table.

    Parameters
    ----------
    name : str
    table : int array [256, 256]
        `table[w, x]`, the product in LSB, indexed by the bit patterns of the weight (left) operand and of the
        activation (right) operand. Values must fit int32. Copied, kept as read-only int32.
    operands : pair of {"u8", "s8"}
        How each operand's patterns are read.
    costs : Costs, optional
        Power, area and delay of the circuit, where known.
    source : str
        Where the table comes from: a citation, a file.

    Raises
    ------
    MultiplierError
        If the table has another shape, is not of integers or does not fit int32, or a format is unknown.
    """

    def __init__(
        self,
        name: str,
        table: npt.ArrayLike,
        operands: tuple[Format, Format] = ("u8", "u8"),
        *,
        costs: Costs | None = None,
        source: str = "",
    ) -> None:
        try:
            values = np.asarray(table)
        except ValueError:  # rows of different lengths
            raise MultiplierError("table must have shape (256, 256), got rows of different lengths") from None
        if values.shape != (256, 256):
            raise MultiplierError(f"table must have shape (256, 256), got {values.shape}")
        if values.dtype.kind not in "iu":
            raise MultiplierError(f"table must be of integers, got dtype {values.dtype}")
        largest = np.iinfo(np.int32).max  # also of the negative ones, which sign-magnitude may turn
        lowest, highest = int(values.min()), int(values.max())
        if lowest < -largest or highest > largest:
            raise MultiplierError(f"table must be from {-largest} to {largest}, got values from {lowest} to {highest}")
        _check_operands(operands)
        self.name = str(name)
        self.costs, self.source = costs, str(source)
        self.operands: tuple[Format, Format] = (operands[0], operands[1])
        self.table: npt.NDArray[np.int32] = np.array(values, dtype=np.int32, order="C")
        self.table.flags.writeable = False

    @classmethod
    def from_function(
        cls,
        function: Callable[[Any, Any], Any],
        operands: tuple[Format, Format] = ("u8", "u8"),
        *,
        name: str | None = None,
        arrays: bool = False,
        source: str = "",
    ) -> "Multiplier":
        """
        Return the multiplier that a Python function computes, called for every pair of operands.

        Parameters
        ----------
        function : callable
            Product of w and x, the operands' values. Called 65,536 times with Python integers, or, if `arrays`, once
            with two int64 arrays [65536], to return as many integers.
        operands : pair of {"u8", "s8"}
            Formats of w and x: the values that the function sees.
        name : str, optional
            The function's own when not given.
        arrays : bool
        source : str
            Where it comes from: a citation.

        Raises
        ------
        MultiplierError
            If a format is unknown, or the function raises an error or returns something else than integers.
        """
        _check_operands(operands)
        name = str(name or getattr(function, "__name__", "function"))
        w, x = (each.ravel() for each in np.meshgrid(*map(pattern_values, operands), indexing="ij"))
        try:
            given = function(w, x) if arrays else [function(*pair) for pair in zip(w.tolist(), x.tolist(), strict=True)]
            table = np.asarray(given)
        except Exception as error:
            raise MultiplierError(f"function {name} failed: {type(error).__name__}: {first_line(error)}") from error
        if table.shape != w.shape or table.dtype.kind not in "iu":
            raise MultiplierError(
                f"function {name} must return integers, {'an array [65536] of them' if arrays else 'one a pair'}, "
                f"got shape {table.shape} and dtype {table.dtype}"
            )
        return cls(name, table.reshape(256, 256), operands, source=source)

    def __repr__(self) -> str:
        return f"Multiplier({self.name!r}, operands={self.operands})"

    def _repr_html_(self) -> str:
        from ..presentation.display import multiplier_html  # which knows this class, not the other way round

        return multiplier_html(self)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 (hex) of the formats and the table: equal digests, equal multipliers."""
        content = hashlib.sha256("x".join(self.operands).encode())
        content.update(self.table.astype("<i4").tobytes())
        return content.hexdigest()

    @functools.cached_property
    def is_exact(self) -> bool:
        """Whether all 65,536 products are exact."""
        return bool(np.array_equal(self.table, exact_products(*self.operands)))

    def error(self) -> npt.NDArray[np.int64]:
        """Approximate minus exact product, int64 [256, 256], LSB."""
        return self.table.astype(np.int64) - exact_products(*self.operands)

    def moments(
        self,
        w_histogram: npt.ArrayLike | None = None,
        x_histogram: npt.ArrayLike | None = None,
        zero_products: ZeroProducts = "exclude",
    ) -> Moments:
        """Moments of the error, under uniform operands unless histograms are given; see `multipliers.moments`."""
        return moments(self.table, self.operands, w_histogram, x_histogram, zero_products)

    def serves(self, w_format: Format, x_format: Format) -> bool:
        """Whether `serving` has an answer for operands of these formats."""
        return self.operands in ((w_format, x_format), ("u8", "u8"))

    def serving(self, w_format: Format, x_format: Format) -> "Multiplier":
        """
        Return the multiplier as it serves operands of the given formats.

        An unsigned core serves u8 x u8 as it is, and s8 x s8, s8 x u8 or u8 x s8 by sign-magnitude,
        `sign(w) sign(x) core(|w|, |x|)` (|-128| = 128 fits the core). A signed multiplier serves s8 x s8 only.

        Raises
        ------
        MultiplierError
            If it cannot serve these operands; the message says what to do.
        """
        wanted = (w_format, x_format)
        if any(fmt not in FORMATS for fmt in wanted):
            raise MultiplierError(f"operands to serve must be 'u8' or 's8', got {w_format!r} and {x_format!r}")
        if wanted == self.operands:
            return self
        if self.operands != ("u8", "u8"):
            raise MultiplierError(
                f"{self.name} multiplies {self.operands[0]} by {self.operands[1]} and cannot serve {w_format} by "
                f"{x_format}; convert the network under the other scheme, or use an unsigned core"
            )
        return self._served[wanted]

    @functools.cached_property
    def _served(self) -> dict[tuple[Format, Format], "Multiplier"]:
        """The sign-magnitude wrappings of an unsigned core; its costs stay those of the core alone."""
        wrapped: dict[tuple[Format, Format], Multiplier] = {}
        for pair in ((w, x) for w in FORMATS for x in FORMATS if (w, x) != ("u8", "u8")):
            w, x = pattern_values(pair[0]), pattern_values(pair[1])
            core = self.table[np.abs(w)[:, None], np.abs(x)[None, :]].astype(np.int64)
            # An operand of 0 is positive here: a core with core(0, x) != 0 keeps that product, with x's sign.
            sign = np.where(w < 0, -1, 1)[:, None] * np.where(x < 0, -1, 1)[None, :]
            wrapped[pair] = Multiplier(self.name, sign * core, pair, costs=self.costs, source=self.source)
        return wrapped
