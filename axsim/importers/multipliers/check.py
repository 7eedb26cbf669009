"""What to know about an imported multiplier before it is used."""

import dataclasses
from typing import Any

import numpy as np

from ...formats import Format, pattern_values
from ...multipliers.moments import Moments
from ...multipliers.product_table import Multiplier
from ...text import text_table
from .stated import Statement, statements
from .suspicions import suspicions


@dataclasses.dataclass(frozen=True)
class Check:
    """Findings about a product table.

    Attributes
    ----------
    moments : Moments
        Under uniform operands.
    not_commuting : int or None
        Unordered pairs of different operands whose product changes when they are swapped; None where the operands are
        of different formats.
    not_odd : int or None
        Pairs (w, x), without -128, with `table[-w, x] != -table[w, x]` or `table[w, -x] != -table[w, x]`; None unless
        both operands are signed. 0: odd symmetry, as sign-magnitude gives it.
    zero_products : int
        Pairs with a zero operand whose product is not 0, of 511.
    stated : tuple of Statement
        Metrics that the file states, beside those counted.
    suspicions : tuple of str
        Signs that it came in wrong.
    """

    moments: Moments
    not_commuting: int | None
    not_odd: int | None
    zero_products: int
    stated: tuple[Statement, ...]
    suspicions: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All findings, for JSON."""
        return {
            "moments": self.moments.as_dict(),
            "not_commuting": self.not_commuting,
            "not_odd": self.not_odd,
            "zero_products": self.zero_products,
            "stated": [dataclasses.asdict(each) for each in self.stated],
            "suspicions": list(self.suspicions),
        }

    def text(self) -> str:
        """Write the findings as lines of text."""
        m = self.moments
        rows = [
            ["mean error", f"{m.mean_error:.6g} LSB"],
            ["sigma", f"{m.standard_deviation:.6g} LSB"],
            ["MAE", f"{m.mae:.6g} LSB ({100 * m.mae_fraction:.3g} % of 2^16)"],
            ["MRED", f"{100 * m.mred:.4g} % (non-zero products)"],
            ["WCE", f"{m.wce} LSB"],
            ["error rate", f"{100 * m.error_rate:.2f} %"],
            ["commutes", _commutes(self.not_commuting)],
            ["odd symmetry", _odd(self.not_odd)],
            ["0 * x is 0", "yes" if self.zero_products == 0 else f"no, for {self.zero_products} of 511 pairs"],
        ]
        lines = [text_table(["check", "uniform operands"], rows, right_from=2)]
        if self.stated:
            rows = [[s.metric, s.stated, f"{s.counted:.10g}", "yes" if s.agrees else "NO"] for s in self.stated]
            lines += ["", text_table(["stated in the file", "stated", "counted", "agrees"], rows)]
        lines += ["", *(f"WARNING: {each}" for each in self.suspicions)] if self.suspicions else []
        return "\n".join(lines)


def check(multiplier: Multiplier, comment: str = "") -> Check:
    """Examine a multiplier; `comment` is what its file says about it."""
    table = multiplier.table.astype(np.int64)
    stated = statements(comment, multiplier)
    found = list(suspicions(multiplier))
    disagreeing = [each.metric for each in stated if not each.agrees]
    if 2 * len(disagreeing) >= max(2, len(stated)):  # one alone may be a misprint, and is marked in the list
        found.append(f"the file states another {', '.join(disagreeing)} than its table has: was it read as meant?")
    same = multiplier.operands[0] == multiplier.operands[1]
    zero = np.zeros_like(table, dtype=np.bool_)
    zero[0, :] = zero[:, 0] = True
    return Check(
        moments=multiplier.moments(),
        not_commuting=int((table != table.T).sum()) // 2 if same else None,
        not_odd=_not_odd(table) if multiplier.operands == ("s8", "s8") else None,
        zero_products=int((table[zero] != 0).sum()),
        stated=stated,
        suspicions=tuple(found),
    )


def _not_odd(table: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    kept: Format = "s8"
    patterns = np.flatnonzero(pattern_values(kept) != -128)
    opposite = (256 - patterns) % 256
    own = table[np.ix_(patterns, patterns)]
    return int(((table[np.ix_(opposite, patterns)] != -own) | (table[np.ix_(patterns, opposite)] != -own)).sum())


def _commutes(count: int | None) -> str:
    if count is None:
        return "operands of different formats"
    return "yes" if count == 0 else f"no, {count} of 32640 pairs do not: which operand is the weight matters"


def _odd(count: int | None) -> str:
    if count is None:
        return "for signed operands only"
    return "yes" if count == 0 else f"no, for {count} of 65025 pairs"
