"""UDM of Kulkarni: 2x2-bit cells of three outputs, one for each pair of 2-bit blocks, and exact adders."""

from ..design import Design, Module, inputs, outputs, product_ports
from .blocks.text import Net, instance, joined, module_name

CELL = Module(
    "kulkarni_cell",
    "2 x 2 bits: exact but for 3 x 3, which gives 7.",
    inputs(w=2, x=2) | outputs(p=3),
    """
    assign p[0] = w[0] & x[0];
    assign p[1] = (w[0] & x[1]) | (w[1] & x[0]);
    assign p[2] = w[1] & x[1];
    """,
)


def design(width: int) -> Design:
    """Circuit of the underdesigned multiplier."""
    blocks = width // 2
    lines, terms = [], []
    for i in range(blocks):
        lines.append(f"// Row {i}: bits {2 * i + 1}..{2 * i} of w. Cells of every second block do not overlap.")
        for first, place in ((0, "even"), (1, "odd")):
            columns = range(first, blocks, 2)
            if not columns:
                continue
            row = f"row{i}_{place}"
            lines.append(f"wire [{3 * len(columns) - 1}:0] {row};")
            spread = []
            for number, j in enumerate(columns):
                bits = f"{row}[{3 * number + 2}:{3 * number}]"
                pins = {"w": f"w[{2 * i + 1}:{2 * i}]", "x": f"x[{2 * j + 1}:{2 * j}]", "p": bits}
                lines.append(instance(CELL, f"cell{i}_{j}", **pins))
                spread.append(bits)
            below = 2 * i + 2 * first
            net = Net(f"{row}_in_place", below + 4 * len(columns) - 2, below)
            lines.append(f"{net.declaration} = {joined(*separated(spread))};")
            terms.append(net.take(2 * width - 1, 0))
    lines.append("assign p = " + "\n    + ".join(terms) + ";")
    comment = "Underdesigned multiplier of Kulkarni, Gupta and Ercegovac: 2 x 2 cells, added exactly."
    module = Module(module_name("kulkarni", width), comment, product_ports(width, 2 * width), "\n".join(lines), (CELL,))
    return Design(module, width)


def separated(cells: list[str]) -> list[str]:
    """Expressions of cells, the lowest first, to the highest first with an empty column between any two."""
    parts = [cells[-1]]
    for each in reversed(cells[:-1]):
        parts += ["1'b0", each]
    return parts
