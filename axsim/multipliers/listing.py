"""Lists of multipliers with their error statistics and costs: filtered, sorted, and reduced to a Pareto front."""

import dataclasses
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..errors import AxsimError
from ..formats import Format
from .costs import Costs, FpgaCosts
from .moments import Moments
from .product_table import Multiplier

ERROR_COLUMNS = (*(f.name for f in dataclasses.fields(Moments) if f.name != "zero_products"), "standard_deviation")
COST_COLUMNS = tuple(f.name for f in dataclasses.fields(Costs) if f.name != "source")
FPGA_COLUMNS = tuple(f.name for f in dataclasses.fields(FpgaCosts) if f.name != "source")
COLUMNS = (*ERROR_COLUMNS, *COST_COLUMNS, *FPGA_COLUMNS)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A multiplier, its figures by column, costs that are not known missing, and the costs on an FPGA where given."""

    multiplier: Multiplier
    figures: dict[str, float]
    fpga: FpgaCosts | None = None

    def sources(self, name: str) -> set[str]:
        """Where the figures of a cost's column come from."""
        costs = self.fpga if name in FPGA_COLUMNS else self.multiplier.costs
        return set() if costs is None else {costs.source}


@dataclasses.dataclass(frozen=True)
class Condition:
    """A comparison of one column with a number, such as mred < 0.05."""

    column: str
    comparison: str
    number: float

    def holds(self, row: Row) -> bool:
        """Whether the row's figure is known and compares so."""
        value = row.figures.get(self.column)
        return value is not None and _COMPARISONS[self.comparison](value, self.number)


def rows(
    multipliers: Iterable[Multiplier],
    operands: tuple[Format, Format] | None = None,
    fpga: Mapping[tuple[str, str], FpgaCosts] | None = None,
) -> list[Row]:
    """
    Figures of each multiplier, under uniform operands, as it is or as it serves `operands`.

    One that cannot serve these operands is left out. `fpga` holds costs by a multiplier's name and digest.
    """
    listed = []
    for each in multipliers:
        if operands is not None:
            if not each.serves(*operands):
                continue
            each = each.serving(*operands)
        moments = each.moments()
        figures = {name: float(getattr(moments, name)) for name in ERROR_COLUMNS}
        if each.costs is not None:
            figures |= {name: float(getattr(each.costs, name)) for name in COST_COLUMNS}
        on_fpga = (fpga or {}).get((each.name, each.digest))
        if on_fpga is not None:
            known = {name: getattr(on_fpga, name) for name in FPGA_COLUMNS}
            figures |= {name: float(value) for name, value in known.items() if value is not None}
        listed.append(Row(each, figures, on_fpga))
    return listed


def condition(text: str) -> Condition:
    """
    Read a condition: a column, one of < <= > >= =, and a number, in percent where a % follows.

    Raises
    ------
    AxsimError
        If it has another form or names no column.
    """
    parts = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>|=)\s*([-+.\de]+)\s*(%?)\s*", text)
    try:
        if parts is None:
            raise ValueError
        number = float(parts[3])
    except ValueError:
        raise AxsimError(f"a condition must be a column, < <= > >= or =, and a number, got {text!r}") from None
    return Condition(column(parts[1]), parts[2], number / 100 if parts[4] else number)


def column(name: str) -> str:
    """Return the name if it is a column; raises AxsimError if not."""
    if name not in COLUMNS:
        raise AxsimError(f"column must be one of {', '.join(COLUMNS)}, got {name!r}")
    return name


def sorted_by(listed: Sequence[Row], name: str, descending: bool = False) -> list[Row]:
    """Sort by a column; rows without that figure come last either way."""
    known = [row for row in listed if column(name) in row.figures]
    unknown = [row for row in listed if name not in row.figures]
    return sorted(known, key=lambda row: row.figures[name], reverse=descending) + unknown


def pareto_front(listed: Sequence[Row], first: str, second: str) -> list[Row]:
    """
    Rows that no other beats: none is smaller in one column and no larger in the other, in order of the first.

    Magnitudes are compared, so that a mean error of -3 is smaller than one of 5; of frequencies the larger counts as
    the smaller. Rows without a figure are left out.
    """
    known = [row for row in listed if column(first) in row.figures and column(second) in row.figures]
    known.sort(key=lambda row: (_burden(row, first), _burden(row, second)))
    front: list[Row] = []
    for row in known:
        if not front or _burden(row, second) < _burden(front[-1], second):
            front.append(row)
    return front


def _burden(row: Row, name: str) -> float:
    """Magnitude of a figure, negative where more of it is better."""
    magnitude = abs(row.figures[name])
    return -magnitude if name.startswith("frequency") else magnitude
