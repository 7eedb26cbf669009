"""An array multiplier: rows of partial products, each added to the sum of those above it.

Row i belongs to bit i of w and holds the bits j of x that are kept, in columns i + j. Two's complement operands as
Baugh and Wooley have it: a partial product of one sign bit counts negatively, -b 2^c = (1 - b) 2^c - 2^c, so it is
inverted, and the constants -2^c are added up beforehand. C. R. Baugh, B. A. Wooley, "A Two's Complement Parallel Array
Multiplication Algorithm", IEEE TC C-22(12), 1973, doi:10.1109/T-C.1973.223648.
"""

from collections.abc import Callable

from ...design import Module, product_ports
from .text import Net, binary, joined


def array_multiplier(
    name: str,
    comment: str,
    width: int,
    lowest: Callable[[int], int] = lambda row: 0,
    signed: bool = False,
    constant: int = 0,
) -> Module:
    """
    Array multiplier of two operands of `width` bits that forms, in row i, the partial products with bits
    lowest(i)..width-1 of x; none where lowest(i) >= width. The lowest column of a row may not be below that of the row
    before it. `constant` is added to the product, modulo 2^(2 width).

    Ports: w, x [width-1:0], p [2 width - 1:0], the product of what is kept, two's complement if `signed`.
    """
    return rectangular_array(name, comment, width, width, lowest, signed, constant)


def rectangular_array(
    name: str,
    comment: str,
    w_bits: int,
    x_bits: int,
    lowest: Callable[[int], int] = lambda row: 0,
    signed: bool = False,
    constant: int = 0,
) -> Module:
    """Array multiplier, see `array_multiplier`, of operands of different widths; p has w_bits + x_bits bits."""
    total = w_bits + x_bits
    rows = [row for row in range(w_bits) if lowest(row) < x_bits]
    if signed:
        inverted = [(i, j) for i in rows for j in range(lowest(i), x_bits) if (i == w_bits - 1) != (j == x_bits - 1)]
        constant -= sum(1 << (i + j) for i, j in inverted)
    constant %= 1 << total

    lines: list[str] = []
    # A row has its free place just above its highest bit: there a 1 of the constant costs nothing.
    free = {row: row + x_bits for row in rows if constant >> (row + x_bits) & 1 and row + x_bits < total}
    left = constant - sum(1 << column for column in free.values())
    accumulated = _Sum(total, lines)
    if left:
        lines.append(f"wire [{left.bit_length() - 1}:0] constant = {binary(left, left.bit_length())};")
        accumulated.begin(Net("constant", left.bit_length() - 1), left)
    for row in rows:
        low, high = row + lowest(row), row + x_bits - 1
        parts = _row(row, lowest(row), w_bits, x_bits, signed)
        if row in free:
            parts, high = ["1'b1", *parts], high + 1
        net = Net(f"row{row}", high, low)
        lines.append(f"{net.declaration} = {joined(*parts)};")
        accumulated.add(net, (1 << (high + 1)) - (1 << low), row)
    lines.append(f"assign p = {accumulated.result()};")
    ports = product_ports(0, total, signed, signed)
    ports["w"], ports["x"] = (type(ports["w"])("input", bits, signed) for bits in (w_bits, x_bits))
    unused = _unused(rows, lowest, w_bits, x_bits)
    return Module(name, comment, ports, "\n".join(unused + lines))


def _row(row: int, low: int, w_bits: int, x_bits: int, signed: bool) -> list[str]:
    """Expressions of a row's bits, the highest first."""
    x = Net("x", x_bits - 1)

    def ands(high: int, low: int, invert: bool) -> str:
        if high < low:
            return ""
        copies = f"{{{high - low + 1}{{w[{row}]}}}}" if high > low else f"w[{row}]"
        both = f"{copies} & {x.take(high, low)}"
        return f"~({both})" if invert else both

    if not signed:
        return [ands(x_bits - 1, low, False)]
    last = row == w_bits - 1
    return [ands(x_bits - 1, max(low, x_bits - 1), not last), ands(x_bits - 2, low, last)]


def _unused(rows: list[int], lowest: Callable[[int], int], w_bits: int, x_bits: int) -> list[str]:
    """Gather the operand bits that no partial product takes in a net of its own, as lint programs want it."""
    first = min((lowest(row) for row in rows), default=x_bits)
    used = [row in rows for row in range(w_bits)]
    bits = [f"w[{row}]" for row in reversed(range(w_bits)) if not used[row]]
    bits += [f"x[{bit}]" for bit in reversed(range(first))]
    if not bits:
        return []
    return [f"wire unused = &{joined(chr(49) + chr(39) + 'b0', *bits)};"]


class _Sum:
    """The rows added so far: bits that no later row reaches, and the sum of the others."""

    def __init__(self, total: int, lines: list[str]) -> None:
        self.total, self.lines = total, lines
        self.net: Net | None = None
        self.most = 0  # greatest value, in units of 1
        self.done: list[str] = []  # expressions of finished bits, the lowest first
        self.bottom = 0  # first column that is not finished

    def begin(self, net: Net, most: int) -> None:
        self.net, self.most = net, most

    def add(self, row: Net, most: int, number: int) -> None:
        self._finish(row.low)
        if self.net is None or self.net.high < row.low:
            self.net, self.most = row, most
            return
        self.most = min(self.most + most, (1 << self.total) - 1)
        high = self.most.bit_length() - 1
        summed = Net(f"sum{number}", high, row.low)
        self.lines.append(f"{summed.declaration} = {self.net.take(high, row.low)} + {row.take(high, row.low)};")
        self.net = summed

    def _finish(self, column: int) -> None:
        """Take the bits below `column` as the product's."""
        if column > self.bottom:
            bits = f"{column - self.bottom}'d0" if self.net is None else self.net.take(column - 1, self.bottom)
            self.done.append(bits)
            self.bottom = column

    def result(self) -> str:
        self._finish(self.total)
        return joined(*reversed(self.done))
