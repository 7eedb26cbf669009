"""Error statistics of families as the papers average them, and the comparison with printed figures."""

import functools

import numpy as np
import pytest

from axsim.formats import pattern_values
from axsim.multipliers.catalog import families


def agrees(value, printed, tolerance=0.0):
    """Whether `value` rounds to the digits of `printed`, within a tolerance; a half goes either way, 0 is exact."""
    if printed == "0":
        return value == 0
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10**-decimals * (1 + 1e-9) + tolerance


def statistics(approximate, exact, width):
    """Error statistics by name; relative ones and rates in percent, over pairs with a product unless named "_all"."""
    approximate, exact = np.broadcast_arrays(approximate, exact)
    error = (approximate - exact).astype(np.float64)
    nonzero = exact != 0
    relative = 100 * error[nonzero] / np.abs(exact[nonzero])
    share = nonzero.mean()
    return {
        "ME": error.mean(),
        "MAE": np.abs(error).mean(),
        "WCE": np.abs(error).max(),
        "MSE": (error**2).mean(),
        "STD": error.std(),
        "EP": 100 * (error != 0).mean(),
        "MAE%": 100 * np.abs(error).mean() / 2 ** (2 * width),
        "WCE%": 100 * np.abs(error).max() / 2 ** (2 * width),
        "NMED": np.abs(error).mean() / (2**width - 1) ** 2,
        "NMED_signed": np.abs(error).mean() / 2 ** (2 * width - 2),
        "zeros_wrong": np.count_nonzero(approximate[~nonzero]),
        "bias": relative.mean(),
        "MRED": np.abs(relative).mean(),
        "accuracy": 100 - np.abs(relative).mean(),
        "std": relative.std(),
        "var": relative.var(),
        "min": relative.min(),
        "max": relative.max(),
        "bias_all": relative.mean() * share,
        "MRED_all": np.abs(relative).mean() * share,
        # Standard deviations of one pair's contribution: how far a mean over n random pairs may lie, times root n.
        "spread": {
            "bias": relative.std(),
            "MRED": np.abs(relative).std(),
            "accuracy": np.abs(relative).std(),
            "var": ((relative - relative.mean()) ** 2).std(),
            "std": ((relative - relative.mean()) ** 2).std() / (2 * relative.std() + 1e-30),
            "MRED_all": np.abs(relative).std(),
            "EP": 100 * (error != 0).std(),
            "NMED": np.abs(error).std() / (2**width - 1) ** 2,
            "NMED_signed": np.abs(error).std() / 2 ** (2 * width - 2),
            "MAE%": 100 * np.abs(error).std() / 2 ** (2 * width),
        },
    }


@functools.cache
def exhaustive_8_bit(name, signed=0, **parameters):
    """Statistics over all 65,536 pairs."""
    values = pattern_values("s8" if signed else "u8")
    w, x = values[:, None], values[None, :]
    return statistics(families()[name](w, x, width=8, signed=signed, **parameters), w * x, 8)


@functools.cache
def exhaustive(name, width, **parameters):
    """Statistics over all pairs of unsigned operands of up to 10 bits."""
    operands = np.arange(2**width)
    w, x = operands[:, None], operands[None, :]
    return statistics(families()[name](w, x, width=width, **parameters), w * x, width)


@functools.cache
def lattice(signed=0):
    """
    2^22 operand pairs of 16 bits on a lattice (the golden ratio's), each operand value 64 times.

    Spread evenly over the 2^32 pairs, they give a mean far closer to that over all pairs than random pairs do: see
    test_lattice_is_as_good_as_all_pairs.
    """
    count = 2**22
    i = np.arange(count)
    w, x = i >> 6, ((i * 2592279) & (count - 1)) >> 6  # 2592279: odd, next to count / golden ratio
    return (w - 2**15, x - 2**15) if signed else (w, x)


LATTICE_ERROR = 2e-4
"""Error of a lattice mean, in spreads (one standard deviation of what is averaged): the bound that its test checks."""

REFERENCE_ERROR = 4 / 2.5e7**0.5
"""Error of the reference's "computed" means over 2.5e7 random pairs, in spreads: four standard errors."""


@functools.cache
def corners(signed=0):
    """
    Pairs of 16-bit operands among which the extreme errors lie: all pairs of the 512 operands in the top binade whose
    fraction has 8 leading bits of any value and low bits all 0 or all 1, and of the least and greatest operands.
    """
    operands = np.array([2**15 | top << 7 | low for top in range(256) for low in (0, 127)])
    if signed:
        operands = np.array([-(2**15), -(2**15) + 1, -1, 1, 2**15 - 2, 2**15 - 1])
    return np.repeat(operands, operands.size), np.tile(operands, operands.size)


@functools.cache
def sampled_16_bit(name, signed=0, **parameters):
    """Statistics of 16-bit operands: means over the lattice, extremes over lattice and corners."""
    means, extremes = (
        statistics(families()[name](w, x, width=16, signed=signed, **parameters), w * x, 16)
        for w, x in (lattice(signed), corners(signed))
    )
    means["min"] = min(means["min"], extremes["min"])
    means["max"] = max(means["max"], extremes["max"])
    means["WCE%"] = max(means["WCE%"], extremes["WCE%"])
    return means


def figures(name, parameters, **printed):
    """One case a figure; a figure's name is a key of `statistics`, "_" for "%"."""
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    return [
        pytest.param(name, parameters, figure.replace("_percent", "%"), value, id=f"{name}-{text}-{figure}={value}")
        for figure, value in printed.items()
    ]


def agrees_computed(sampled, figure, printed):
    """The reference took its means over 2.5e7 random pairs: its own sampling error is allowed for; extremes are not."""
    tolerance = (REFERENCE_ERROR + LATTICE_ERROR) * sampled["spread"].get(figure, 0.0)
    return agrees(sampled[figure], printed, tolerance)


def agrees_published(sampled, figure, printed):
    return agrees(sampled[figure], printed, LATTICE_ERROR * sampled["spread"].get(figure, 0.0))


def deviates(sampled, figure, printed, obtained, within):
    """Whether the figure is the one obtained, not the printed one, and no further from that than `within`."""
    close = abs(sampled[figure] - float(printed)) <= within
    return agrees_published(sampled, figure, obtained) and not agrees(sampled[figure], printed) and close
