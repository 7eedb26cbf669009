"""Barrel shifters: a stage of multiplexers for each bit of the amount, the greatest first.

Only the bits that reach the result are formed: each stage is as wide as the stages behind it need.
"""

from ...design import Module, inputs, outputs
from .text import Net


def left_shifter(value_bits: int, amount_bits: int, high: int, low: int = 0, step: int = 1) -> Module:
    """
    Bits high..low of value << (step * amount).

    Ports: value [value_bits-1:0], amount [amount_bits-1:0], shifted [high-low:0].
    """
    # Lowest bits that the stages need, from the last back to the first: bit i comes from i or from i - step.
    lows = [low]
    for bit in range(amount_bits):
        lows.append(max(0, lows[-1] - (step << bit)))
    lows.reverse()
    source, lines, greatest = Net("value", value_bits - 1), [], value_bits - 1
    for bit, bottom in zip(reversed(range(amount_bits)), lows[1:], strict=True):
        by = step << bit
        greatest += by
        stage = Net(f"by_{by}", min(high, greatest), bottom)
        moved = source.take(stage.high - by, stage.low - by)
        lines.append(f"{stage.declaration} = amount[{bit}] ? {moved} : {source.take(stage.high, stage.low)};")
        source = stage
    lines.append(f"assign shifted = {source.take(high, low)};")
    times = f" * {step}" if step > 1 else ""
    return Module(
        f"left_shifter_{value_bits}_{amount_bits}_{high}_{low}" + (f"_{step}" if step > 1 else ""),
        f"Bits {high}..{low} of value << (amount{times}).",
        inputs(value=value_bits, amount=amount_bits) | outputs(shifted=high - low + 1),
        "\n".join(lines),
    )


def right_shifter(value_bits: int, amount_bits: int, result_bits: int) -> Module:
    """
    Return the low `result_bits` of value >> amount.

    Ports: value [value_bits-1:0], amount [amount_bits-1:0], shifted [result_bits-1:0].
    """
    highs = [result_bits - 1]
    for bit in range(amount_bits):
        highs.append(min(value_bits - 1, highs[-1] + (1 << bit)))
    highs.reverse()
    source, lines = Net("value", value_bits - 1), []
    for bit, high in zip(reversed(range(amount_bits)), highs[1:], strict=True):
        by = 1 << bit
        stage = Net(f"by_{by}", high)
        lines.append(f"{stage.declaration} = amount[{bit}] ? {source.take(high + by, by)} : {source.take(high, 0)};")
        source = stage
    lines.append(f"assign shifted = {source.take(result_bits - 1, 0)};")
    return Module(
        f"right_shifter_{value_bits}_{amount_bits}_{result_bits}",
        f"The low {result_bits} bits of value >> amount.",
        inputs(value=value_bits, amount=amount_bits) | outputs(shifted=result_bits),
        "\n".join(lines),
    )
