"""ILM: a chain of basic blocks, each multiplying by leading ones what the one before has left, and adders."""

from ..design import Design, Module, inputs, outputs, product_ports
from .blocks.leading_one import leading_one_detector
from .blocks.shifter import left_shifter
from .blocks.text import Net, clog2, instance, module_name


def basic_block(width: int) -> Module:
    """
    2^(k1+k2) + r1 2^k2 + r2 2^k1 for w = 2^k1 + r1 and x = 2^k2 + r2; 0 where an operand is 0.

    Ports: w, x [width-1:0], p [2 width - 1:0], and what is left, rest_w and rest_x [width-2:0]; of one bit nothing is.
    """
    name = f"ilm_basic_block_{width}"
    ports = inputs(w=width, x=width) | outputs(p=2 * width)
    if width == 1:
        return Module(name, "Basic block of one bit: nothing is left.", ports, "assign p = {1'b0, w & x};")
    detector, bits, top = leading_one_detector(width), clog2(width), width - 1
    shifter = left_shifter(width - 1, bits, 2 * width - 3)
    decoder = left_shifter(1, bits + 1, 2 * width - 2)
    sum_bits = 2 * width
    lines = [f"wire [{bits - 1}:0] k1, k2;"]
    for operand, position in (("w", "k1"), ("x", "k2")):
        lines += [
            instance(detector, f"detector_{operand}", value=Net(operand, top).take(top, 1), position=position),
            "// The operand without its leading one.",
            f"assign rest_{operand} = {operand}[{top - 1}:0] & ~({width - 1}'d1 << {position});",
        ]
    lines += [
        "",
        f"wire [{2 * width - 2}:0] power;",
        f"wire [{2 * width - 3}:0] rest_w_k2, rest_x_k1;",
        instance(decoder, "decoder", value="1'b1", amount="{1'b0, k1} + {1'b0, k2}", shifted="power"),
        instance(shifter, "shift_w", value="rest_w", amount="k2", shifted="rest_w_k2"),
        instance(shifter, "shift_x", value="rest_x", amount="k1", shifted="rest_x_k1"),
        "wire both = (|w) & (|x);",
        f"assign p = {{{sum_bits}{{both}}}} & ({{1'b0, power}} + {{2'd0, rest_w_k2}} + {{2'd0, rest_x_k1}});",
    ]
    comment = "Basic block of the iterative logarithmic multiplier: leading ones multiplied, and the rests by them."
    rests = outputs(rest_w=width - 1, rest_x=width - 1)
    return Module(name, comment, ports | rests, "\n".join(lines), (detector, shifter, decoder))


def design(width: int, ecc: int) -> Design:
    """Circuit with `ecc` error-correction circuits."""
    # A block's operands have a bit less than those of the block before.
    blocks = [basic_block(width - number) for number in range(ecc + 1)]
    lines, terms, operands = [], [], {"w": "w", "x": "x"}
    for number, block in enumerate(blocks):
        bits = width - number
        left = {f"rest_{operand}": f"rest{number}_{operand}" for operand in "wx"} if bits > 1 else {}
        lines.append(f"wire [{2 * bits - 1}:0] product{number};")
        if left:
            lines.append(f"wire [{bits - 2}:0] {', '.join(left.values())};")
        lines.append(instance(block, f"block{number}", **operands, p=f"product{number}", **left))
        terms.append(Net(f"product{number}", 2 * bits - 1).take(2 * width - 1, 0))
        operands = {"w": f"rest{number}_w", "x": f"rest{number}_x"}
    lines.append(f"assign p = {' + '.join(terms)};")
    if ecc + 1 < width:
        lines.append(f"wire unused = &{{1'b0, {', '.join(operands.values())}}};")
    comment = f"Iterative logarithmic multiplier with {ecc} error-correction circuits."
    module = Module(
        module_name("ilm", width, ecc=ecc), comment, product_ports(width, 2 * width), "\n".join(lines), tuple(blocks)
    )
    return Design(module, width)
