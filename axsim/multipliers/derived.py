"""Multipliers made of multipliers: each function takes product tables and gives another.

What is made is a Multiplier like any other. Its name says how, and `axsim.multiplier` reads that name back:
swap(mul8u_FTA), ones_complement(drum:k=4), compose(exact; exact; exact; truncated:v=3).
"""

from collections.abc import Callable

import numpy as np

from ..errors import MultiplierError
from ..formats import code_range, pattern_values
from .product_table import Multiplier, check_multiplier


def swap(multiplier: Multiplier) -> Multiplier:
    """Exchange the operands: table[w, x] becomes table[x, w], and so do their formats."""
    check_multiplier(multiplier)
    w, x = multiplier.operands
    return _made("swap", [multiplier], multiplier.table.T, (x, w))


def sign_magnitude(multiplier: Multiplier) -> Multiplier:
    """Signed multiplier of an unsigned core: sign(w) sign(x) core(|w|, |x|), |-128| = 128; s8 by s8."""
    core = _unsigned("sign_magnitude", multiplier)
    return _made("sign_magnitude", [core], core.serving("s8", "s8").table, ("s8", "s8"))


def ones_complement(multiplier: Multiplier) -> Multiplier:
    """
    Signed multiplier of an unsigned core by one's complement, which saves the carry of a negation; s8 by s8.

    A negative operand enters as its inverted bits, ~w = |w| - 1, and a negative product leaves as the inverted bits of
    what the core gives, ~P = -P - 1: the signed circuit of DRUM (Hashemi, Bahar, Reda, ICCAD 2015) and of TOSAM
    (Vahdat et al., IEEE TVLSI 27(5), 2019).
    """
    core = _unsigned("ones_complement", multiplier)
    values = pattern_values("s8")
    entered = np.where(values < 0, ~values, values)
    product = core.table[np.ix_(entered, entered)]
    negative = (values < 0)[:, None] ^ (values < 0)[None, :]
    return _made("ones_complement", [core], np.where(negative, ~product, product), ("s8", "s8"))


def narrow(multiplier: Multiplier, w_bits: int, x_bits: int) -> Multiplier:
    """
    Limit the operands to the codes of `w_bits` and `x_bits` bits, 1 to 8: codes outside are saturated to the nearest.

    Unsigned codes of n bits are 0 to 2^n - 1, signed ones -2^(n-1) to 2^(n-1) - 1. Within them the products stay.
    """
    check_multiplier(multiplier)
    entered = []
    for name, bits, fmt in zip(("w_bits", "x_bits"), (w_bits, x_bits), multiplier.operands, strict=True):
        if not isinstance(bits, int | np.integer) or not 1 <= bits <= 8:
            raise MultiplierError(f"{name} must be a whole number from 1 to 8, got {bits!r}")
        low, high = code_range(fmt)
        drop = 8 - int(bits)
        entered.append(np.clip(pattern_values(fmt), low >> drop, high >> drop) & 0xFF)
    table = multiplier.table[np.ix_(*entered)]
    return _made("narrow", [multiplier], table, multiplier.operands, w_bits, x_bits)


def add_constant(multiplier: Multiplier, constant: int) -> Multiplier:
    """Add a constant, LSB, to every product, those of 0 included: the hard-wired correction of a mean error."""
    check_multiplier(multiplier)
    if not isinstance(constant, int | np.integer) or isinstance(constant, bool):
        raise MultiplierError(f"constant must be a whole number of LSB, got {constant!r}")
    table = multiplier.table.astype(np.int64) + int(constant)
    return _made("add_constant", [multiplier], table, multiplier.operands, constant)


def compose(high_high: Multiplier, high_low: Multiplier, low_high: Multiplier, low_low: Multiplier) -> Multiplier:
    """
    8x8 multiplier of four 4x4 ones, one for each pair of halves (w's half first), and exact adders; u8 by u8.

        P = high_high(w >> 4, x >> 4) 2^8 + (high_low(w >> 4, x & 15) + low_high(w & 15, x >> 4)) 2^4
            + low_low(w & 15, x & 15)

    Each part is an unsigned multiplier, of which the products of 0 to 15 are used.
    """
    parts = [_unsigned("compose", part) for part in (high_high, high_low, low_high, low_low)]
    high, low = pattern_values("u8") >> 4, pattern_values("u8") & 15
    halves = ((high, high), (high, low), (low, high), (low, low))
    table = sum(
        part.table[np.ix_(*pair)].astype(np.int64) << shift
        for part, pair, shift in zip(parts, halves, (8, 4, 4, 0), strict=True)
    )
    return _made("compose", parts, table, ("u8", "u8"))


# By name: the function, how many multipliers it takes, and how many integers behind them.
DERIVATIONS: dict[str, tuple[Callable[..., Multiplier], int, int]] = {
    "swap": (swap, 1, 0),
    "sign_magnitude": (sign_magnitude, 1, 0),
    "ones_complement": (ones_complement, 1, 0),
    "narrow": (narrow, 1, 2),
    "add_constant": (add_constant, 1, 1),
    "compose": (compose, 4, 0),
}


def _unsigned(name: str, multiplier: Multiplier) -> Multiplier:
    check_multiplier(multiplier)
    if multiplier.operands != ("u8", "u8"):
        raise MultiplierError(
            f"{name} takes unsigned multipliers (u8 by u8), but {multiplier.name} is {' by '.join(multiplier.operands)}"
        )
    return multiplier


def _made(name, parts, table, operands, *numbers):  # type: ignore[no-untyped-def]
    arguments = [*(part.name for part in parts), *map(str, numbers)]
    sources = "; ".join(dict.fromkeys(part.source for part in parts if part.source))
    return Multiplier(f"{name}({'; '.join(arguments)})", table, operands, source=sources)
