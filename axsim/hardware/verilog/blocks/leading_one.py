"""Leading-one detector, and the normalizer that takes an operand's approximate logarithm."""

from ...design import Module, Port, inputs, outputs
from .shifter import left_shifter
from .text import Net, clog2, instance


def leading_one_detector(width: int) -> Module:
    """
    Position of the highest set bit of a value of `width` bits (2 or more); 0 for 0.

    Ports: value [width-1:1], whose lowest bit makes no difference, and position.
    """
    bits = clog2(width)
    lines = [
        "// One bit of `leading` is set: the highest that is set in `value`.",
        f"wire [{width - 1}:1] leading;",
        f"assign leading[{width - 1}] = value[{width - 1}];",
    ]
    for i in reversed(range(1, width - 1)):
        above = f"value[{width - 1}]" if i == width - 2 else f"(|value[{width - 1}:{i + 1}])"
        lines.append(f"assign leading[{i}] = value[{i}] & ~{above};")
    lines.append("")
    for bit in range(bits):
        ones = [f"leading[{i}]" for i in range(1, width) if i >> bit & 1]
        lines.append(f"assign position[{bit}] = {' | '.join(ones)};")
    return Module(
        f"leading_one_detector_{width}",
        "Position of the highest set bit, from one-hot to binary; bit 0 need not be looked at.",
        {"value": Port("input", width - 1, low=1), "position": Port("output", bits)},
        "\n".join(lines),
    )


def normalizer(width: int, kept: int) -> Module:
    """
    Mitchell's logarithm of a value of `width` bits: position of its leading one, and the `kept` bits behind it.

    Ports: value, nonzero, position, fraction [kept-1:0] (the highest of the width - 1 bits behind the leading one).
    """
    detector = leading_one_detector(width)
    bits = clog2(width)
    shifter = left_shifter(width - 1, bits, width - 2, width - 1 - kept)
    value = Net("value", width - 1)
    body = f"""
        assign nonzero = |value;
        {instance(detector, "detector", value=value.take(width - 1, 1), position="position")}

        // Shifted until the leading one stands in bit {width - 1}, which is dropped.
        wire [{bits - 1}:0] amount = {bits}'d{width - 1} - position;
        {instance(shifter, "shifter", value=value.take(width - 2, 0), amount="amount", shifted="fraction")}
    """
    return Module(
        f"normalizer_{width}_{kept}",
        f"log2(value) ~ position + fraction: the leading one, and the {kept} bits behind it, for 1 to 2^{width} - 1.",
        inputs(value=width) | outputs(nonzero=None, position=bits, fraction=kept),
        body,
        (detector, shifter),
    )
