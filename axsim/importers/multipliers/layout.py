"""Which of a file's readings is meant: shown by the metrics that it states or by the exact product, or asked for.

A reading is shown when it alone has every error metric that the file states, two at least. Else by its error, which is
small beside that of a wrong reading: a signed product read as unsigned is off by thousands in half of all entries, and
so is a table indexed by value + 128 when it is taken for one by pattern. Its mean absolute error must then be at most a
third of that of every reading with another table, and at most an eighth of the largest product. Otherwise the user is
asked.
"""

import numpy as np

from ...errors import MultiplierError
from ...formats import exact_products
from ...multipliers.product_table import Multiplier
from .source import Options, Reading, Source
from .stated import statements

CLEAR = 3.0  # how many times the error of the next best reading must be larger
SMALL = 1 / 8  # of the largest product


def mean_absolute_error(reading: Reading) -> float:
    """Mean absolute difference from the exact products, uniform operands, LSB."""
    return float(np.abs(reading.table - exact_products(*reading.operands)).mean())


def choose(source: Source, options: Options) -> tuple[Reading, str]:
    """
    Return the reading that the file means and how that is known.

    Raises
    ------
    MultiplierError
        If several readings remain; lists them and the option that decides.
    """
    readings = list(source.readings)
    if len(readings) == 1:
        return readings[0], "as declared" if options.operands is None and source.declared else "as given"
    agreeing = [each for each in readings if _as_stated(source, each)]
    if agreeing and not any(_different(each, agreeing[0]) for each in agreeing):
        return agreeing[0], "from the error metrics that the file states, which no other reading has"
    ranked = sorted(readings, key=mean_absolute_error)
    best, least = ranked[0], mean_absolute_error(ranked[0])
    others = [each for each in ranked[1:] if _different(each, best)]
    if not others:
        return best, "as given"
    largest = float(np.abs(exact_products(*best.operands)).max())
    following = mean_absolute_error(others[0])
    if following >= CLEAR * least and least <= SMALL * largest:
        return best, (
            f"from the content: mean absolute error {least:.4g}, and {following:.4g} read as {others[0]}, "
            "the next best reading"
        )
    said = "; ".join(f"{each}: {mean_absolute_error(each):.4g}" for each in [best, *others][:6])
    raise MultiplierError(
        f"{source.name}: the {source.kind} does not say how its operands are read, and no reading agrees with the "
        f"exact product clearly better than the others (mean absolute error as {said}); {_remedy([best, *others])}"
    )


def _as_stated(source: Source, reading: Reading) -> bool:
    if not source.comment or np.abs(reading.table).max() >= 2**31:  # such as a wrong order of bytes
        return False
    stated = statements(source.comment, Multiplier(source.name, reading.table, reading.operands))
    return len(stated) >= 2 and all(each.agrees for each in stated)


def _different(one: Reading, other: Reading) -> bool:
    return one.operands != other.operands or not np.array_equal(one.table, other.table)


def _remedy(readings: list[Reading]) -> str:
    options = ["--operands W,X, such as u8,u8 or s8,s8"]
    if len({each.how for each in readings}) > 1:
        options += ["--index pattern or value+128", "--dtype for a binary file"]
    return f"pass {', and if need be '.join(options)} (`axsim import --help`)"
