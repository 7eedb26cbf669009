"""Signs that a table came in wrong: one sentence each, with the figures behind it.

None of them is proof. A suspicion is raised only for what a multiplier designed as such does not show: all circuits of
EvoApproxLib and all families of the catalogue pass without one (tests/importers/test_check.py).
"""

import itertools

import numpy as np

from ...formats import exact_products, pattern_values
from ...multipliers.product_table import Multiplier
from .layout import CLEAR, SMALL, mean_absolute_error
from .source import PAIRS, Reading, Table, by_pattern, signed_products


def suspicions(multiplier: Multiplier) -> tuple[str, ...]:
    """All that apply."""
    table = multiplier.table.astype(np.int64)
    found = [_read_otherwise(multiplier, table), _wrong_signs(multiplier, table), _out_of_range(multiplier, table)]
    if multiplier.operands == ("s8", "s8"):
        found += _quadrants(table)
    return tuple(each for each in found if each)


def _read_otherwise(multiplier: Multiplier, table: Table) -> str:
    """Types or indexing: does another reading of the same table agree far better with the exact product?"""
    own = Reading(multiplier.operands, table)
    others = []
    for pair in PAIRS:
        products = signed_products(table) if "s8" in pair else table & 0xFFFF
        others.append(Reading(pair, products, "bit patterns"))
        others.append(Reading(pair, table, "values as they are"))
        if "s8" in pair:
            others.append(Reading(pair, by_pattern(products, pair), "index = value + 128"))
    best = min(others, key=mean_absolute_error)
    least, current = mean_absolute_error(best), mean_absolute_error(own)
    largest = float(np.abs(exact_products(*best.operands)).max())
    if current <= CLEAR * least or current <= 256 or least > SMALL * largest:
        return ""
    return (
        f"the operands or their order may be mistaken: read as {own} the mean absolute error is {current:.4g}, read as "
        f"{best} it would be {least:.4g}; pass --operands {','.join(best.operands)} if that is what it is"
    )


def _wrong_signs(multiplier: Multiplier, table: Table) -> str:
    """Large products of the wrong sign."""
    exact = exact_products(*multiplier.operands).astype(np.int64)
    wrong = (np.sign(table) == -np.sign(exact)) & (np.abs(exact) >= np.abs(exact).max() // 4)
    if not wrong.any():
        return ""
    w, x = (int(pattern_values(fmt)[at[0]]) for fmt, at in zip(multiplier.operands, np.nonzero(wrong), strict=True))
    at = np.argwhere(wrong)[0]
    return (
        f"{int(wrong.sum())} large products have the wrong sign, such as {w} x {x} = {int(table[at[0], at[1]])}; "
        "is -128 taken for 128, or a signed circuit for an unsigned one?"
    )


def _out_of_range(multiplier: Multiplier, table: Table) -> str:
    """Entries that 16 bits cannot hold."""
    low, high = (-(2**15), 2**15 - 1) if "s8" in multiplier.operands else (0, 2**16 - 1)
    count = int(((table < low) | (table > high)).sum())
    return f"{count} products do not fit the 16 bits of an 8 x 8 product ({low} to {high})" if count else ""


def _quadrants(table: Table) -> list[str]:
    """
    Quadrants of a signed table that are copies of each other while the rest are not.

    Up to the sign, quadrants are equal in two pairs or not at all: all four under sign-magnitude; those that differ in
    the sign of x alone where the product is odd in x; and so on. One pair alone is a quadrant filled in afterwards. The
    mul8s_1L2H of two public simulators has the product of the magnitudes where both operands are negative, and only
    there.
    """
    positive = np.arange(1, 128)
    patterns = {"positive": positive, "negative": 256 - positive}
    quadrant = {
        (w, x): table[np.ix_(patterns[w], patterns[x])] * (1 if w == x else -1) for w in patterns for x in patterns
    }
    exact = np.outer(positive, positive)
    approximate = {name for name, values in quadrant.items() if not np.array_equal(values, exact)}
    found = []
    first, *others = quadrant
    for other in others:
        rest = [name for name in others if name != other]
        for (one, two), (three, four) in (((first, other), rest), (rest, (first, other))):
            copied = one in approximate and np.array_equal(quadrant[one], quadrant[two])
            if copied and not np.array_equal(quadrant[three], quadrant[four]):
                found.append(
                    f"the quadrants {' x '.join(one)} and {' x '.join(two)} are copies of each other, up to the sign, "
                    f"but {' x '.join(three)} and {' x '.join(four)} are not: was one filled in by symmetry?"
                )
    commutes = all(np.array_equal(quadrant[w, w], quadrant[w, w].T) for w in patterns)
    for one, two in itertools.combinations(quadrant, 2):
        # Of one that commutes, the quadrants of mixed signs are each other's transposes.
        if (
            np.array_equal(quadrant[one], quadrant[two].T)
            and not np.array_equal(quadrant[one], quadrant[two])
            and not (commutes and one[::-1] == two)
        ):
            found.append(
                f"the quadrants {' x '.join(one)} and {' x '.join(two)} are transposes of each other, up to the sign, "
                "which the multiplier as a whole is not: were the operands swapped in one?"
            )
    return found
