"""Compressor trees: columns of bits, reduced stage by stage by small cells, as dot diagrams show them.

A stage goes column by column from the lowest, through the bits in their order, those that arrive from the column below
in front of those that stay. As long as a column has 3 bits too many for the stage, its next 4 go through a compressor,
where there is one; 2 too many, 3 through a full adder; 1 too many, 2 through a half adder. What leaves a cell enters
the next stage only. The n-th cout of a column is the cin of the next one's n-th compressor, or an ordinary bit where
there is none: the wiring of kernels/multipliers/dadda.py.
"""

import dataclasses
from collections.abc import Sequence

from ...design import Module, inputs, outputs
from .text import instance

FULL_ADDER = Module(
    "full_adder",
    "Adds three bits.",
    inputs(a=None, b=None, c=None) | outputs(sum=None, carry=None),
    """
    assign sum = a ^ b ^ c;
    assign carry = (a & b) | (a & c) | (b & c);
    """,
)
HALF_ADDER = Module(
    "half_adder",
    "Adds two bits.",
    inputs(a=None, b=None) | outputs(sum=None, carry=None),
    """
    assign sum = a ^ b;
    assign carry = a & b;
    """,
)


@dataclasses.dataclass(frozen=True)
class Cells:
    """
    What a tree is made of: adders with the ports a, b, c (of the full adder), sum and carry.

    `compressor`, where there is one, has x1..x4, sum and carry, and both or none of cin and cout.
    """

    full_adder: Module = FULL_ADDER
    half_adder: Module = HALF_ADDER
    compressor: Module | None = None

    @property
    def chained(self) -> bool:
        """Whether compressors hand a cout to the next column's."""
        return self.compressor is not None and "cout" in self.compressor.ports


class CompressorTree:
    """
    Columns of one-bit expressions, the first with the lowest weight, and the Verilog that has reduced them so far.

    Attributes
    ----------
    columns : list of list of str
    lines : list of str
    uses : list of Module
    """

    def __init__(self, columns: Sequence[Sequence[str]]) -> None:
        self.columns = [list(column) for column in columns]
        self.lines: list[str] = []
        self.uses: list[Module] = []
        self._stages = 0
        self._instances = 0

    def reduce(self, target: int, count: int, cells: Cells) -> None:
        """One stage: reduce the `count` lowest columns to at most `target` bits each, as far as the cells can."""
        self._stages += 1
        below, self.columns = self.columns[:count], self.columns[count:]
        reduced: list[list[str]] = [[] for _ in range(count + 1)]
        nets: list[list[str]] = [[] for _ in range(count + 1)]  # that the cells drive, by column
        placed: list[str] = []
        couts: list[str] = []
        for column, left in enumerate(below):
            next_couts: list[str] = []
            while True:
                excess = len(left) + len(reduced[column]) + max(0, len(couts) - len(next_couts)) - target
                if excess <= 0 or len(left) < 2:
                    break
                ports: tuple[str, ...] = ("a", "b")
                pins, next_cout = {}, ""
                if excess >= 3 and len(left) >= 4 and cells.compressor is not None:
                    cell, ports = cells.compressor, ("x1", "x2", "x3", "x4")
                    if cells.chained:
                        number = len(next_couts)
                        pins["cin"] = couts[number] if number < len(couts) else "1'b0"
                        next_cout = pins["cout"] = self._net(nets, column + 1, "cout")
                elif excess >= 2 and len(left) >= 3:
                    cell, ports = cells.full_adder, ("a", "b", "c")
                else:
                    cell = cells.half_adder
                for port in ports:
                    pins[port] = left.pop(0)
                pins["sum"] = self._net(nets, column, "sum")
                pins["carry"] = self._net(nets, column + 1, "carry")
                reduced[column].append(pins["sum"])
                reduced[column + 1].append(pins["carry"])
                if next_cout:
                    next_couts.append(next_cout)
                placed.append(instance(cell, f"cell{self._instances}", **{name: pins[name] for name in cell.ports}))
                self._instances += 1
                self.uses.append(cell)
            reduced[column] += couts[len(next_couts) :] + left
            couts = next_couts
        self.lines += ["", f"// Stage {self._stages}: at most {target} bits a column."]
        self.lines += [f"wire {', '.join(names)};" for names in nets if names]
        self.lines += placed
        leaving = couts + reduced.pop()
        self.columns = [*reduced, *self.columns]
        if leaving and len(self.columns) == count:
            self.columns.append([])
        if leaving:
            self.columns[count] += leaving  # last, for they come late

    def _net(self, nets: list[list[str]], column: int, what: str) -> str:
        """Return a new net in a column of the stage's result, to be declared."""
        name = f"{what}{self._stages}_{column}_{sum(each.startswith(what) for each in nets[column])}"
        nets[column].append(name)
        return name

    def add_exactly(self) -> None:
        """Reduce all columns to two bits by exact adders, in the stages of Dadda's tree (heights 2, 3, 4, 6, 9 ...)."""
        heights = [2]
        while heights[-1] < max(map(len, self.columns)):
            heights.append(heights[-1] * 3 // 2)
        for height in reversed(heights[:-1]):
            if max(map(len, self.columns)) > height:
                self.reduce(height, len(self.columns), Cells())

    def greatest(self) -> int:
        """Return the value of all bits set: no smaller than any value of the columns."""
        return sum(len(column) << weight for weight, column in enumerate(self.columns))
