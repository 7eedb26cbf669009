"""Segments: a few bits of each operand, an exact multiplier of these, and a shift of its product back into place."""

from ...design import Design, Module, inputs, outputs, product_ports
from .array import array_multiplier
from .leading_one import leading_one_detector
from .shifter import left_shifter, right_shifter
from .text import Net, clog2, instance


def dynamic_segment(width: int, bits: int, set_lowest: bool) -> Module:
    """
    Take the `bits` bits (2 or more, below `width`) of a value from its leading one down, and say how far they moved.

    Ports: value, segment [bits-1:0], shift; the segment of a value below 2^bits is the value, its shift 0. With
    `set_lowest` the lowest bit of a segment that was shifted is 1.
    """
    places = width - bits + 1
    amount = clog2(places)
    detector = leading_one_detector(places)
    shifter = right_shifter(width, amount, bits)
    value = Net("value", width - 1)
    lines = [
        "// The leading one among the bits from " + str(bits - 1) + " up says how far to shift.",
        instance(detector, "detector", value=value.take(width - 1, bits), position="shift"),
    ]
    if set_lowest:
        lines += [
            f"wire [{bits - 1}:0] shifted;",
            instance(shifter, "shifter", value="value", amount="shift", shifted="shifted"),
            "// The lowest bit is set where bits were cut off: their expected value.",
            f"assign segment = {{shifted[{bits - 1}:1], shifted[0] | (|shift)}};",
        ]
    else:
        lines.append(instance(shifter, "shifter", value="value", amount="shift", shifted="segment"))
    return Module(
        f"dynamic_segment_{width}_{bits}" + ("_set" if set_lowest else ""),
        f"{bits} bits of a value from its leading one down" + (", the lowest set" if set_lowest else ""),
        inputs(value=width) | outputs(segment=bits, shift=amount),
        "\n".join(lines),
        (detector, shifter),
    )


def static_segment(width: int, bits: int, step: int) -> Module:
    """
    Take the `bits` bits of a value at the lowest of the places 0, step, 2 step ... that holds its leading one.

    Ports: value, segment [bits-1:0], shift (number of steps). `width - bits` is a multiple of `step`.
    """
    places = (width - bits) // step
    amount = clog2(places + 1)
    value = Net("value", width - 1)
    segment, shift, lines = value.take(bits - 1, 0), f"{amount}'d0", []
    for place in range(1, places + 1):
        # The leading one lies above the segment of the place before.
        low = bits + (place - 1) * step
        above = f"above_{low}"
        lines.append(f"wire {above} = |{value.take(width - 1, low)};")
        segment = f"{above} ? {value.take(place * step + bits - 1, place * step)} : {segment}"
        shift = f"{above} ? {amount}'d{place} : {shift}"
    return Module(
        f"static_segment_{width}_{bits}_{step}",
        f"{bits} bits of a value: the lowest of {places + 1} segments that holds its leading one.",
        inputs(value=width) | outputs(segment=bits, shift=amount),
        "\n".join([*lines, f"assign segment = {segment};", f"assign shift = {shift};"]),
    )


def segment_multiplier(name: str, comment: str, width: int, bits: int, segment: Module, step: int = 1) -> Design:
    """Multiply two segments exactly and shift the product by the sum of their shifts, `step` columns each."""
    amount = segment.ports["shift"].bits or 1
    core = array_multiplier(f"array_multiplier_{bits}", f"Exact {bits} x {bits} multiplier.", bits)
    shifter = left_shifter(2 * bits, amount + 1, 2 * width - 1, step=step)
    body = f"""
        wire [{bits - 1}:0] segment_w, segment_x;
        wire [{amount - 1}:0] shift_w, shift_x;
        {instance(segment, "take_w", value="w", segment="segment_w", shift="shift_w")}
        {instance(segment, "take_x", value="x", segment="segment_x", shift="shift_x")}

        wire [{2 * bits - 1}:0] product;
        {instance(core, "core", w="segment_w", x="segment_x", p="product")}

        wire [{amount}:0] shift = {{1'b0, shift_w}} + {{1'b0, shift_x}};
        {instance(shifter, "shifter", value="product", amount="shift", shifted="p")}
    """
    return Design(Module(name, comment, product_ports(width, 2 * width), body, (segment, core, shifter)), width)
