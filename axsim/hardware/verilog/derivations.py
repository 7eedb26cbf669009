"""Multipliers made of multipliers: wrappers around the circuits of their parts; multipliers/derived.py defines them."""

import re
from collections.abc import Callable, Sequence

from ..design import Design, Module, Port
from .blocks.sign_magnitude import sign_magnitude
from .blocks.text import binary, instance, joined, zeros


def derived_design(made_by: str, name: str, parts: Sequence[Design], numbers: Sequence[int]) -> Design:
    """
    Return the circuit of a derivation.

    Parameters
    ----------
    made_by : str
        A function of multipliers/derived.py.
    name : str
        The whole name, such as "narrow(mitchell; 4; 8)".
    parts : sequence of Design
        Circuits of its multipliers, of 8 bits, as the function wants them; checked.
    numbers : sequence of int
        Its integers, checked.
    """
    module_name = re.sub(r"[^A-Za-z0-9]+", "_", name.replace("-", "minus")).strip("_")
    return _MAKERS[made_by](module_name, *parts, *numbers)


def _wrapped(
    name: str, comment: str, formats: tuple[bool, bool], product: Port, body: str, parts: Sequence[Design]
) -> Design:
    ports = {"w": Port("input", 8, formats[0]), "x": Port("input", 8, formats[1]), "p": product}
    modules = {part.top: part.module for part in parts}
    return Design(Module(name, comment, ports, body, tuple(modules.values())), 8, *formats)


def _swap(name: str, part: Design) -> Design:
    body = instance(part.module, "core", w="x", x="w", p="p")
    product = part.module.ports["p"]
    return _wrapped(
        name, f"{part.top} with its operands exchanged.", (part.x_signed, part.w_signed), product, body, [part]
    )


def _sign_magnitude(name: str, part: Design) -> Design:
    return sign_magnitude(part, True, True)


def _ones_complement(name: str, part: Design) -> Design:
    bits = part.product_width
    body = f"""
        // A negative operand enters inverted, |w| - 1, and a negative product leaves inverted.
        wire [{bits - 1}:0] product;
        {instance(part.module, "core", w="w ^ {8{w[7]}}", x="x ^ {8{x[7]}}", p="product")}
        assign p = product ^ {{{bits}{{w[7] ^ x[7]}}}};
    """
    return _wrapped(
        name,
        f"{part.top} for two's complement operands, by one's complement.",
        (True, True),
        Port("output", bits, True),
        body,
        [part],
    )


def _narrow(name: str, part: Design, w_bits: int, x_bits: int) -> Design:
    lines = []
    entered = {}
    for operand, bits, signed in (("w", w_bits, part.w_signed), ("x", x_bits, part.x_signed)):
        entered[operand] = operand if bits == 8 else f"narrow_{operand}"
        if bits < 8:
            lines.append(f"wire [7:0] narrow_{operand} = {_saturated(operand, bits, signed)};")
    lines.append(instance(part.module, "core", w=entered["w"], x=entered["x"], p="p"))
    comment = f"{part.top} with its operands saturated to {w_bits} and {x_bits} bits."
    formats = (part.w_signed, part.x_signed)
    return _wrapped(name, comment, formats, part.module.ports["p"], "\n".join(lines), [part])


def _saturated(operand: str, bits: int, signed: bool) -> str:
    if not signed:
        return f"(|{operand}[7:{bits}]) ? {binary((1 << bits) - 1, 8)} : {operand}"
    low = -(1 << (bits - 1))
    # Within the range where all bits from bits - 1 up are alike.
    outside = f"({operand}[7:{bits - 1}] != {{{9 - bits}{{{operand}[7]}}}})"
    return f"{outside} ? ({operand}[7] ? {binary(low, 8)} : {binary(~low, 8)}) : {operand}"


def _add_constant(name: str, part: Design, constant: int) -> Design:
    inner = part.product_width
    low, high = (-(1 << inner >> 1), (1 << inner >> 1) - 1) if part.signed else (0, (1 << inner) - 1)
    low, high = low + constant, high + constant
    signed = part.signed or low < 0
    bits = max(inner, *((value if value >= 0 else ~value).bit_length() + signed for value in (low, high)))
    # Extended by its sign, or by 0.
    top = f"product[{inner - 1}]" if part.signed else zeros(1)
    extended = "product" if bits == inner else f"{{{{{bits - inner}{{{top}}}}}, product}}"
    body = f"""
        wire [{inner - 1}:0] product;
        {instance(part.module, "core", w="w", x="x", p="product")}
        assign p = {extended} + {binary(constant, bits)};
    """
    comment = f"{part.top} plus {constant}."
    return _wrapped(name, comment, (part.w_signed, part.x_signed), Port("output", bits, signed), body, [part])


def _compose(name: str, *parts: Design) -> Design:
    halves = (("w[7:4]", "x[7:4]"), ("w[7:4]", "x[3:0]"), ("w[3:0]", "x[7:4]"), ("w[3:0]", "x[3:0]"))
    names, shifts = ("high_high", "high_low", "low_high", "low_low"), (8, 4, 4, 0)
    signed = any(part.signed for part in parts)  # a part with a negative constant added, say
    greatest = sum(((1 << part.product_width) - 1) << shift for part, shift in zip(parts, shifts, strict=True))
    bits = greatest.bit_length() + signed
    lines = []
    for part, called, (w, x), shift in zip(parts, names, halves, shifts, strict=True):
        inner = part.product_width
        sign = f"{called}[{inner - 1}]" if part.signed else zeros(1)
        parts_of = joined(f"{{{bits - inner - shift}{{{sign}}}}}", called, zeros(shift) if shift else "")
        lines += [
            f"wire [{inner - 1}:0] {called};",
            instance(part.module, f"part_{called}", w=f"{{4'd0, {w}}}", x=f"{{4'd0, {x}}}", p=called),
            f"wire [{bits - 1}:0] shifted_{called} = {parts_of};",
        ]
    lines.append(f"assign p = {' + '.join(f'shifted_{called}' for called in names)};")
    comment = "Four 8x8 multipliers, each on a pair of halves of the operands, and exact adders."
    return _wrapped(name, comment, (False, False), Port("output", bits, signed), "\n".join(lines), parts)


_MAKERS: dict[str, Callable[..., Design]] = {
    "swap": _swap,
    "sign_magnitude": _sign_magnitude,
    "ones_complement": _ones_complement,
    "narrow": _narrow,
    "add_constant": _add_constant,
    "compose": _compose,
}
