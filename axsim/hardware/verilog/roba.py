"""RoBA: operands rounded to powers of two, three barrel shifters, an adder and a subtractor."""

from ..design import Design, Module, inputs, outputs, product_ports
from .blocks.shifter import left_shifter
from .blocks.text import clog2, instance, module_name


def rounding(width: int) -> Module:
    """
    Nearest power of two of a value: one of width + 1 bits, none for 0; a tie rounds up, but 3 to 2.

    Ports: value, power [width:0], exponent.
    """
    bits = clog2(width + 1)
    lines = [f"wire [{width - 1}:0] leading;", f"assign leading[{width - 1}] = value[{width - 1}];"]
    for i in reversed(range(width - 1)):
        above = f"value[{width - 1}]" if i == width - 2 else f"(|value[{width - 1}:{i + 1}])"
        lines.append(f"assign leading[{i}] = value[{i}] & ~{above};")
    lines += [
        "",
        "assign power[0] = leading[0];",
        "assign power[1] = leading[1];  // of 2 and of 3",
        "assign power[2] = leading[2] & ~value[1];",
    ]
    for i in range(3, width):
        lines.append(f"assign power[{i}] = (leading[{i}] & ~value[{i - 1}]) | (leading[{i - 1}] & value[{i - 2}]);")
    lines.append(f"assign power[{width}] = leading[{width - 1}] & value[{width - 2}];")
    for bit in range(bits):
        ones = [f"power[{i}]" for i in range(1, width + 1) if i >> bit & 1]
        lines.append(f"assign exponent[{bit}] = {' | '.join(ones)};")
    return Module(
        f"roba_rounding_{width}",
        "Nearest power of two, and its exponent: up from 3 2^k on, but 3 itself down.",
        inputs(value=width) | outputs(power=width + 1, exponent=bits),
        "\n".join(lines),
    )


def design(width: int) -> Design:
    """Circuit of the rounding-based multiplier for unsigned operands (U-RoBA)."""
    block, bits, last = rounding(width), clog2(width + 1), 2 * width - 1
    shifter = left_shifter(width, bits, last)
    power_shifter = left_shifter(width + 1, bits, last)
    body = f"""
        wire [{width}:0] power_w, power_x;
        wire [{bits - 1}:0] exponent_w, exponent_x;
        {instance(block, "rounding_w", value="w", power="power_w", exponent="exponent_w")}
        {instance(block, "rounding_x", value="x", power="power_x", exponent="exponent_x")}

        wire [{last}:0] x_by_power, w_by_power, powers;
        {instance(shifter, "shift_x", value="x", amount="exponent_w", shifted="x_by_power")}
        {instance(shifter, "shift_w", value="w", amount="exponent_x", shifted="w_by_power")}
        {instance(power_shifter, "shift_power", value="power_w", amount="exponent_x", shifted="powers")}

        wire both = (|w) & (|power_x);
        assign p = {{{last + 1}{{both}}}} & (x_by_power + w_by_power - powers);
    """
    comment = "RoBA: wr x + xr w - wr xr, with wr and xr the operands rounded to powers of two."
    module = Module(
        module_name("roba", width), comment, product_ports(width, 2 * width), body, (block, shifter, power_shifter)
    )
    return Design(module, width)
