"""R4ABM: radix-4 Booth rows, approximate encoders in the p low columns, and exact adders.

A row's bit `width` is its sign. It stands inverted, and a constant takes back what that adds: -b 2^c = ~b 2^c - 2^c.
"""

from ..design import Design, Module, inputs, outputs, product_ports
from .blocks.text import Net, binary, instance, module_name


def booth_row(width: int, encoder: int, approximate: int) -> Module:
    """
    Row of partial products of w and a digit of x, `approximate` of its lowest columns by the approximate encoder.

    Ports: w, digit (x_(2i+1), x_(2i), x_(2i-1)), row [width:0], negative.
    """
    if encoder == 1:
        lines = ["// R4ABE1: twice w, and minus twice w, become 0."]
        low = "{n}{{digit[1] ^ digit[0]}}}} & ({n}{{digit[2]}}}} ^ {w})"
    else:
        lines = ["// R4ABE2: every row is w or its inverse."]
        low = "{n}{{digit[2]}}}} ^ {w}"
    extended = Net("extended", width)
    body = [f"wire [{width}:0] extended = {{w[{width - 1}], w}};"]
    exact = width + 1 - approximate
    if exact:
        above = extended.take(width, approximate)
        twice = extended.take(width - 1, approximate - 1) if approximate else f"{{{extended.take(width - 1, 0)}, 1'b0}}"
        body += [
            "wire one = digit[1] ^ digit[0];",
            "wire two = (digit[2] & ~digit[1] & ~digit[0]) | (~digit[2] & digit[1] & digit[0]);",
            f"wire [{exact - 1}:0] multiple = ({{{exact}{{one}}}} & {above}) | ({{{exact}{{two}}}} & {twice});",
            f"assign {Net('row', width).take(width, approximate)} = {{{exact}{{negative}}}} ^ multiple;",
        ]
    if approximate:
        filled = low.format(n="{" + str(approximate), w=extended.take(approximate - 1, 0))
        body += [*lines, f"assign {Net('row', width).take(approximate - 1, 0)} = {filled};"]
    body.append("assign negative = digit[2] & ~(digit[1] & digit[0]);")
    return Module(
        f"booth_row_{width}_encoder{encoder}_{approximate}" if approximate else f"booth_row_{width}",
        f"Radix-4 Booth row, {approximate} of its {width + 1} columns approximate; it stands for row + negative.",
        inputs(w=width, digit=3) | outputs(row=width + 1, negative=None),
        "\n".join(body),
    )


def design(width: int, encoder: int, p: int) -> Design:
    """Circuit of R4ABM1 or R4ABM2 for two's complement operands; x is recoded."""
    rows, total = width // 2, 2 * width
    uses: list[Module] = []
    lines, terms = [f"wire [{rows - 1}:0] negative;"], []
    for i in range(rows):
        row = booth_row(width, encoder, min(width + 1, max(0, p - 2 * i)))
        uses.append(row)
        digit = f"x[{2 * i + 1}:{2 * i - 1}]" if i else "{x[1:0], 1'b0}"
        lines += [
            f"wire [{width}:0] row{i};",
            instance(row, f"booth{i}", w="w", digit=digit, row=f"row{i}", negative=f"negative[{i}]"),
        ]
        net = Net(f"unsigned_row{i}", width + 2 * i, 2 * i)
        lines.append(f"{net.declaration} = {{~row{i}[{width}], row{i}[{width - 1}:0]}};")
        terms.append(net.take(total - 1, 0))
    negatives = ", ".join(f"1'b0, negative[{i}]" for i in reversed(range(rows)))
    terms.append(f"{{{width}'d0, {negatives}}}")
    terms.append(binary(-sum(1 << (width + 2 * i) for i in range(rows)), total))
    lines.append("assign p = " + "\n    + ".join(terms) + ";")
    comment = f"Approximate radix-4 Booth multiplier, encoder {encoder} in the {p} low columns."
    module = Module(
        module_name("r4abm", width, encoder=encoder, p=p),
        comment,
        product_ports(width, total, True, True),
        "\n".join(lines),
        tuple(uses),
    )
    return Design(module, width, True, True)
