"""A multiplier around a Dadda tree whose lowest columns are made of approximate cells.

w, x -> columns of bits -> approximate stages, then exact ones -> two rows -> adder -> p
"""

from collections.abc import Sequence

from ...design import Design, Module, product_ports
from .compressor_tree import Cells, CompressorTree
from .text import joined


def partial_products(width: int) -> list[list[str]]:
    """Expressions of the partial products by column, in the order of the bits of w."""
    return [
        [f"(w[{i}] & x[{column - i}])" for i in range(max(0, column - width + 1), min(column, width - 1) + 1)]
        for column in range(2 * width - 1)
    ]


def dadda_multiplier(
    name: str, comment: str, width: int, columns: Sequence[Sequence[str]], count: int, cells: Cells
) -> Design:
    """
    Multiplier that reduces the `count` lowest columns with `cells`, stage by stage, and adds all others exactly.

    `columns`, the lowest first, holds expressions in w and x. The port p has as many bits as the greatest sum that the
    tree could have if all its bits were independent.
    """
    named = [[f"bit{weight}_{n}" for n in range(len(column))] for weight, column in enumerate(columns)]
    lines = [
        f"wire {', '.join(f'{net} = {bit}' for net, bit in zip(nets, column, strict=True))};"
        for nets, column in zip(named, columns, strict=True)
    ]
    tree = CompressorTree(named)
    target = 1 << max(0, (width - 1).bit_length() - 1)
    while target >= 2 and count:
        tree.reduce(target, count, cells)
        target //= 2
    bits = max(2 * width, tree.greatest().bit_length())
    tree.add_exactly()
    lines += tree.lines
    unused = [bit for column in tree.columns[bits:] for bit in column]  # 0: above any sum
    kept = tree.columns[:bits] + [[]] * (bits - len(tree.columns))
    rows = [[column[n] if n < len(column) else "1'b0" for column in reversed(kept)] for n in range(2)]
    lines += ["", *(f"wire [{bits - 1}:0] row{n} = {joined(*row)};" for n, row in enumerate(rows))]
    lines.append("assign p = row0 + row1;")
    if unused:
        lines.append(f"wire unused = &{joined(chr(49) + chr(39) + 'b0', *unused)};")
    module = Module(name, comment, product_ports(width, bits), "\n".join(lines), tuple(tree.uses))
    return Design(module, width)
