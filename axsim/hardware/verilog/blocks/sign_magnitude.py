"""Sign-magnitude: what makes an unsigned core serve two's complement operands."""

from ...design import Design, Module, product_ports
from .text import instance


def sign_magnitude(core: Design, w_signed: bool, x_signed: bool) -> Design:
    """
    Wrap an unsigned core: sign(w) sign(x) core(|w|, |x|); -2^(width-1) enters as 2^(width-1), which fits the core.

    The product port has as many bits as the core's, where that is twice the operands' and both are signed: it holds the
    products of magnitudes up to 2^(width-1). Else it has one more.
    """
    width, inner = core.width, core.product_width
    bits = inner if inner == 2 * width and w_signed and x_signed and not core.signed else inner + 1
    last = width - 1
    lines, signs, magnitudes = [], [], {}
    for operand, signed in (("w", w_signed), ("x", x_signed)):
        magnitudes[operand] = f"magnitude_{operand}" if signed else operand
        if signed:
            signs.append(f"{operand}[{last}]")
            lines.append(f"wire [{last}:0] magnitude_{operand} = {operand}[{last}] ? -{operand} : {operand};")
    # A core whose products may be negative, such as one with a constant added, is turned about with its sign.
    sign = f"magnitude[{inner - 1}]" if core.signed else "1'b0"
    magnitude = "magnitude" if bits == inner else f"{{{sign}, magnitude}}"
    lines += [
        f"wire [{inner - 1}:0] magnitude;",
        instance(core.module, "core", w=magnitudes["w"], x=magnitudes["x"], p="magnitude"),
        f"wire negative = {' ^ '.join(signs)};",
        f"assign p = negative ? -{magnitude} : {magnitude};",
    ]
    kinds = "".join("us"[signed] for signed in (w_signed, x_signed))
    module = Module(
        f"{core.top}_{kinds}",
        f"{core.top} for two's complement operands, by sign and magnitude.",
        product_ports(width, bits, w_signed, x_signed),
        "\n".join(lines),
        (core.module,),
    )
    return Design(module, width, w_signed, x_signed)
