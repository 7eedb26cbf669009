"""Any product table as logic: a shared, reduced, ordered binary decision diagram, one multiplexer for each node.

For multipliers that are known by their table alone. The diagram is of the products, or, where that is smaller, of what
they lack to an exact product of the operands' upper bits, which stands beside it as an array. A node chooses by one
operand bit between two others; equal nodes are one, for all bits together. It is minimised, not hand-structured: what a
synthesis program makes of it says little about the multiplier's own circuit.

R. E. Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", IEEE TC C-35(8), 1986,
doi:10.1109/TC.1986.1676819.
"""

import dataclasses
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats import pattern_values
from ...multipliers.product_table import Multiplier
from ..design import Design, Module, product_ports
from .blocks.text import instance, zeros
from .truncated import design as truncated

Integers = npt.NDArray[np.int64]
BITS = 16  # of both operands


@dataclasses.dataclass(frozen=True)
class Diagram:
    """
    Nodes of several functions of the same bits.

    Nodes 0 and 1 are the constants; node n from 2 up chooses, by the operand bit bits[n-2], between low[n-2] and
    high[n-2], which come before it. `roots` are the nodes of the functions.
    """

    bits: Integers
    low: Integers
    high: Integers
    roots: Integers


def diagram(functions: npt.NDArray[np.uint8], order: tuple[int, ...]) -> Diagram:
    """
    Reduce functions to a diagram.

    Parameters
    ----------
    functions : uint8 [functions, 65536]
        Values 0 and 1, by the pattern of w, 8 bits, above that of x.
    order : tuple of int
        The 16 bits of that pattern, from the one that is looked at first to the last.
    """
    # Axes of 2, the bit that is looked at last behind all others.
    cube = functions.reshape(-1, *(2,) * BITS)
    nodes: Any = np.transpose(cube, (0, *(BITS - bit for bit in order))).reshape(len(functions), -1).astype(np.int64)
    count = 2
    bits: list[Integers] = []
    lows: list[Integers] = []
    highs: list[Integers] = []
    for bit in reversed(order):
        low, high = nodes[:, 0::2], nodes[:, 1::2]
        keys, places = np.unique((low * count + high).ravel(), return_inverse=True)
        low_of, high_of = keys // count, keys % count
        new = low_of != high_of
        numbers = np.where(new, count + np.cumsum(new) - 1, low_of)
        nodes = numbers[places].reshape(low.shape)
        bits.append(np.full(np.count_nonzero(new), bit))
        lows.append(low_of[new])
        highs.append(high_of[new])
        count += int(np.count_nonzero(new))
    return Diagram(np.concatenate(bits), np.concatenate(lows), np.concatenate(highs), nodes[:, 0])


# Bits of x first, those of w last, from the lowest or from the highest. Circuits that look at the bits in turn are
# seldom smaller, and the fast-changing operand of a test bench, x, moves few nodes when it is looked at first.
ORDERS = tuple((*range(8), *w) for w in (range(8, 16), range(15, 7, -1)))


def table_design(multiplier: Multiplier, name: str | None = None) -> Design:
    """
    Return the circuit of a multiplier's product table.

    `name` is that of its module, made from the multiplier's own when not given.
    """
    w_signed, x_signed = (fmt == "s8" for fmt in multiplier.operands)
    # A table may hold negative products of unsigned operands, such as add_constant makes: the port is signed then.
    lowest, highest = int(multiplier.table.min()), int(multiplier.table.max())
    signed = w_signed or x_signed or lowest < 0
    width = max(16, *(value.bit_length() + signed for value in (highest, ~lowest if lowest < 0 else 0)))
    ports = product_ports(8, width, w_signed, x_signed)
    ports["p"] = dataclasses.replace(ports["p"], signed=signed)
    cleared, rest = _cheapest(multiplier, width)
    found = min((diagram(_bits(rest, width), order) for order in ORDERS), key=lambda each: each.bits.size)
    body = [*_nodes(found)]
    roots = [_node(int(root)) for root in found.roots]
    said = f"a binary decision diagram of {found.bits.size} nodes"
    uses: tuple[Module, ...] = ()
    if cleared is None:
        body += [f"assign p[{bit}] = {root};" for bit, root in enumerate(roots)]
        used = {int(bit) for bit in found.bits}
        unused = [_bit(bit) for bit in reversed(range(BITS)) if bit not in used]
        body = ([f"wire unused = &{{1'b0, {', '.join(unused)}}};"] if unused else []) + body
    else:
        base = truncated(8, int(w_signed), cleared, 0)
        uses = (base.module,)
        extended = "product"
        if width > base.product_width:
            extended = f"{{{{{width - base.product_width}{{{'product[15]' if w_signed else zeros(1)}}}}}, product}}"
        body += [
            f"wire [{base.product_width - 1}:0] product;",
            instance(base.module, "base", w="w", x="x", p="product"),
            f"wire [{width - 1}:0] rest = {{{', '.join(reversed(roots))}}};",
            f"assign p = {extended} + rest;",
        ]
        without = f" without their {cleared} low bits" if cleared else ""
        said = f"the exact product of the operands{without}, plus {said}"
    module = Module(
        name or "table_" + re.sub(r"[^A-Za-z0-9]+", "_", multiplier.name).strip("_"),
        f"Product table of {multiplier.name} as minimised logic:\n{said}.",
        ports,
        "\n".join(body),
        uses,
    )
    return Design(module, 8, w_signed, x_signed, multiplier.name, multiplier.source)


def _cheapest(multiplier: Multiplier, width: int) -> tuple[int | None, Integers]:
    """
    Return how many low bits of both operands an exact base leaves out, and what is missing from it, int64 [65536].

    None for no base, and the products themselves. Most tables are near such a base, and what is missing is far simpler
    than the products: of mul8u_125K 21 nodes instead of 11,000.
    """
    products = multiplier.table.astype(np.int64)
    w, x = (pattern_values(fmt) for fmt in multiplier.operands)
    bases: list[tuple[int | None, Integers]] = [(None, products)]
    if multiplier.operands[0] == multiplier.operands[1]:
        bases += [(cut, products - np.outer(w >> cut << cut, x >> cut << cut)) for cut in range(8)]

    def cost(candidate: tuple[int | None, Integers]) -> int:
        cleared, rest = candidate
        nodes = diagram(_bits(rest.ravel(), width), ORDERS[0]).bits.size
        # A partial product and the cell that adds it are taken as three nodes, the last adder's cell as two.
        return nodes + (0 if cleared is None else 3 * (8 - cleared) ** 2 + 2 * width)

    cleared, rest = min(bases, key=cost)
    return cleared, rest.ravel()


def _bits(values: Integers, width: int) -> npt.NDArray[np.uint8]:
    """Bits of values modulo 2^width, uint8 [width, values]; the lowest first."""
    return np.stack([(values >> bit & 1).astype(np.uint8) for bit in range(width)])


def _bit(bit: int) -> str:
    return f"w[{bit - 8}]" if bit >= 8 else f"x[{bit}]"


def _node(number: int) -> str:
    return f"1'b{number}" if number < 2 else f"n{number}"


def _nodes(found: Diagram) -> list[str]:
    lines = []
    for number, (bit, low, high) in enumerate(
        zip(found.bits.tolist(), found.low.tolist(), found.high.tolist(), strict=True), start=2
    ):
        chooser = _bit(bit)
        if (low, high) == (0, 1):
            logic = chooser
        elif (low, high) == (1, 0):
            logic = f"~{chooser}"
        elif low < 2:
            logic = f"{chooser} & {_node(high)}" if low == 0 else f"~{chooser} | {_node(high)}"
        elif high < 2:
            logic = f"~{chooser} & {_node(low)}" if high == 0 else f"{chooser} | {_node(low)}"
        else:
            logic = f"{chooser} ? {_node(high)} : {_node(low)}"
        lines.append(f"wire n{number} = {logic};")
    return lines
