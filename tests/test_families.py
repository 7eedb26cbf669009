"""The multiplier families: bit for bit against slow models of their definitions, and figure for figure against print.

The models read the operands as strings of bits and compute in fractions, from the definitions and not from the
kernels. The figures are those printed by the papers and by EvoApproxLib ("published"), and those of an independent
model of each definition ("computed"); every one is compared to its last printed digit under its own convention.
"""

import functools
import math
from fractions import Fraction

import numpy as np
import pytest
from shared_data import shared_data

from axsim.catalog import families
from axsim.formats import pattern_values

# --- Models: the definitions, as literally as Python allows ----------------------------------------------------------


@functools.cache
def bits_set(value, width):
    """Positions of the ones of `value` in two's complement of `width` bits."""
    return [position for position in range(width) if format(value % 2**width, "b").zfill(width)[-1 - position] == "1"]


def array_sum(w, x, width, signed, kept):
    """Sum of s_i s_j w_i x_j 2^(i+j) over the cells (i, j) that are kept; s = -1 for the sign bit, else 1."""
    weight = [2**i for i in range(width)]
    if signed:
        weight[-1] = -weight[-1]
    return sum(weight[i] * weight[j] for i in bits_set(w, width) for j in bits_set(x, width) if kept(i, j))


def model_exact(w, x, width, signed):
    return w * x


def model_truncated(w, x, width, signed, t, v):
    """No cell of the t lowest rows and columns of the operands, none of the v lowest columns of the product."""
    return array_sum(w, x, width, signed, lambda i, j: i >= t and j >= t and i + j >= v)


def model_broken_array(w, x, width, signed, h, v):
    return array_sum(w, x, width, signed, lambda i, j: i >= h and i + j >= v)


@functools.cache
def drum_operand(value, k):
    text = format(value, "b")
    return value if len(text) <= k else int(text[: k - 1] + "1" + "0" * (len(text) - k), 2)


def model_drum(w, x, width, signed, k):
    return drum_operand(w, k) * drum_operand(x, k)


@functools.cache
def logarithm(value, width, t=0):
    """Position of the leading one, and the fraction behind it, of width - 1 bits; its bits t..0 made 10..0 if t > 0."""
    text = format(value, "b")
    fraction = text[1:].ljust(width - 1, "0")
    if t > 0:
        fraction = fraction[: width - 2 - t] + "1" + "0" * t
    return len(text) - 1, Fraction(int(fraction, 2), 2 ** (width - 1))


def model_mitchell(w, x, width, signed):
    if w == 0 or x == 0:
        return 0
    (k1, x1), (k2, x2) = logarithm(w, width), logarithm(x, width)
    return 2 ** (k1 + k2) * (1 + x1 + x2) if x1 + x2 < 1 else 2 ** (k1 + k2 + 1) * (x1 + x2)


def model_mbm(w, x, width, signed, t):
    if w == 0 or x == 0:
        return 0
    c = Fraction(0b1010, 2**7)
    (k1, x1), (k2, x2) = logarithm(w, width, t), logarithm(x, width, t)
    if x1 + x2 < 1:
        return math.floor(2 ** (k1 + k2) * (1 + x1 + x2 + c))
    overflow = (x1 + x2 - 1) + c / 2 >= 1
    return math.floor(2 ** (k1 + k2 + 1) * (x1 + x2 + (0 if overflow else c / 2)))


MODELS = {
    "exact": model_exact,
    "truncated": model_truncated,
    "broken_array": model_broken_array,
    "drum": model_drum,
    "mitchell": model_mitchell,
    "mbm": model_mbm,
}


def mismatches(name, w, x, width, signed, parameters):
    """The first few (w, x, product, product of the model) that differ."""
    products = families()[name](np.array(w), np.array(x), width=width, signed=signed, **parameters).tolist()
    model = MODELS[name]
    expected = [model(a, b, width, signed, **parameters) for a, b in zip(w, x, strict=True)]
    return [row for row in zip(w, x, products, expected, strict=True) if row[2] != row[3]][:5]


def case(name, signed, *marks, **parameters):
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    return pytest.param(name, signed, parameters, id=f"{name}-{'s' if signed else 'u'}-{text}", marks=marks)


def both(name, **parameters):
    return [case(name, 0, **parameters), case(name, 1, **parameters)]


EIGHT_BIT = [
    *both("exact"),
    *(row for t in (0, 1, 3, 7) for row in both("truncated", t=t, v=0)),
    *(row for v in (1, 6, 8, 14, 15) for row in both("truncated", t=0, v=v)),
    *(row for t, v in ((2, 7), (4, 8), (8, 15)) for row in both("truncated", t=t, v=v)),
    case("truncated", 0, t=8, v=0),
    case("truncated", 1, t=8, v=0),
    *(
        row
        for h, v in ((0, 0), (0, 4), (1, 0), (2, 5), (3, 11), (6, 0), (7, 0), (7, 14), (8, 0), (0, 15), (8, 15))
        for row in both("broken_array", h=h, v=v)
    ),
    *(case("drum", 0, k=k) for k in range(2, 9)),
    case("mitchell", 0),
    case("mbm", 0, t=0),
]
SIXTEEN_BIT = [
    *both("exact"),
    *(row for t, v in ((0, 0), (1, 0), (8, 0), (15, 0), (0, 1), (0, 16), (0, 31), (3, 20), (16, 31))
      for row in both("truncated", t=t, v=v)),
    *(row for h, v in ((0, 0), (0, 8), (1, 2), (2, 5), (3, 0), (7, 20), (11, 25), (15, 30), (16, 0), (0, 31))
      for row in both("broken_array", h=h, v=v)),
    *(case("drum", 0, k=k) for k in (2, *range(3, 9), 15, 16)),
    case("mitchell", 0),
    *(case("mbm", 0, t=t) for t in range(9)),
]  # fmt: skip


def random_operands(width, signed, count):
    """Operands of all magnitudes, half uniform and half with a uniform number of bits, and the extremes in pairs."""
    rng = np.random.default_rng(20180911 + width)
    uniform = rng.integers(0, 2**width, count // 2)
    operands = np.concatenate([uniform, rng.integers(0, 2**width, count // 2) >> rng.integers(0, width, count // 2)])
    extremes = [0, 1, 2, 3, 2 ** (width - 1) - 1, 2 ** (width - 1), 2**width - 2, 2**width - 1]
    w = [*rng.permutation(operands).tolist(), *(value for value in extremes for _ in extremes)]
    x = [*rng.permutation(operands).tolist(), *(extremes * len(extremes))]
    sign = 2 ** (width - 1) if signed else 0
    return ([(value ^ sign) - sign for value in operand] for operand in (w, x))


@pytest.mark.parametrize(("name", "signed", "parameters"), EIGHT_BIT)
def test_all_8_bit_pairs_equal_the_model(name, signed, parameters):
    values = pattern_values("s8" if signed else "u8").tolist()
    w, x = [a for a in values for _ in values], values * 256
    assert mismatches(name, w, x, 8, signed, parameters) == []


@pytest.mark.parametrize(("name", "signed", "parameters"), SIXTEEN_BIT)
def test_random_16_bit_pairs_equal_the_model(name, signed, parameters):
    assert mismatches(name, *random_operands(16, signed, 3000), 16, signed, parameters) == []


@pytest.mark.parametrize(
    ("name", "signed", "parameters"),
    [*both("broken_array", h=3, v=9), *both("truncated", t=2, v=5), *(case("mbm", 0, t=t) for t in range(5))],
)
def test_random_12_bit_pairs_equal_the_model(name, signed, parameters):
    assert mismatches(name, *random_operands(12, signed, 2000), 12, signed, parameters) == []


def test_every_family_has_a_model():
    assert sorted(families()) == sorted(MODELS)


# --- Figures ---------------------------------------------------------------------------------------------------------


def agrees(value, printed, tolerance=0.0):
    """Whether `value` rounds to the digits of `printed`, within a tolerance; a half goes either way, 0 is exact."""
    if printed == "0":
        return value == 0
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10**-decimals * (1 + 1e-9) + tolerance


def statistics(approximate, exact, width):
    """Error statistics by name; relative ones and rates in percent, over pairs with a product unless named "_all"."""
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
            "NMED": np.abs(error).std() / (2**width - 1) ** 2,
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


@functools.cache
def exhaustive_12_bit_mred(name, **parameters):
    """MRED in percent over all 2^24 pairs of unsigned 12-bit operands, zero products left out; by blocks of rows."""
    x = np.arange(1, 2**12)
    total = 0.0
    for block in np.array_split(x, 16):
        exact = block[:, None] * x
        approximate = families()[name](block[:, None], x, width=12, **parameters)
        total += float((np.abs(approximate - exact) / exact).sum())
    return 100 * total / x.size**2


@pytest.mark.parametrize("k", range(3, 9))
def test_lattice_is_as_good_as_all_pairs(k):
    """DRUM maps each operand on its own: its bias and std over all 2^32 pairs follow from 2^16 products by 1."""
    w = np.arange(1, 2**16)
    ratio = families()["drum"](w, 1, k=k) / w
    bias, std = 100 * (ratio.mean() ** 2 - 1), 100 * np.sqrt((ratio**2).mean() ** 2 - ratio.mean() ** 4)
    sampled = sampled_16_bit("drum", k=k)
    assert abs(sampled["bias"] - bias) < LATTICE_ERROR * std
    assert abs(sampled["std"] - std) < LATTICE_ERROR * std


def figures(name, parameters, **printed):
    """One case a figure; a figure's name is a key of `statistics`, "_" for "%"."""
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    return [
        pytest.param(name, parameters, figure.replace("_percent", "%"), value, id=f"{name}-{text}-{figure}={value}")
        for figure, value in printed.items()
    ]


@pytest.mark.parametrize(
    ("name", "parameters", "figure", "printed"),
    [
        *figures("mitchell", {}, bias="-3.788", std="2.981", NMED="0.00933", WCE="4096", ME="-606.40", EP="93.09"),
        *figures("mitchell", {}, min="-11.1"),
        # Published (all pairs, product rounded down), then computed under both conventions.
        *figures("mbm", {"t": 0}, bias_all="0.05", MRED_all="2.69", max="7.81"),
        *figures("mbm", {"t": 0}, bias_all="0.0469", MRED_all="2.6896", max="7.812", bias="0.0473", MRED="2.7107"),
        *figures("drum", {"k": 3}, bias="3.433", MRED="12.095", std="14.895", NMED=".02841"),
        *figures("drum", {"k": 4}, bias="1.596", MRED="5.887", std="7.185", NMED=".01424"),
        *figures("drum", {"k": 5}, bias=".937", MRED="2.839", std="3.441", NMED=".00715"),
        *figures("drum", {"k": 6}, bias=".571", MRED="1.301", std="1.586", NMED=".00358"),
        *figures("drum", {"k": 7}, bias=".277", MRED=".483", std=".656", NMED=".00162"),
        # Perforation of the k lowest rows (Zervakis, TVLSI 2016) is a broken array with h = k, v = 0.
        *figures("broken_array", {"h": 1, "v": 0}, NMED=".00098"),
        *figures("broken_array", {"h": 2, "v": 0}, NMED=".00294"),
    ],
)
def test_8_bit_figures(name, parameters, figure, printed):
    assert agrees(exhaustive_8_bit(name, **parameters)[figure], printed)


@pytest.mark.parametrize(
    ("figure", "printed"),
    [("bias", "0.0556"), ("MRED", "2.7167"), ("min", "-7.64"), ("max", "7.81")],
)
def test_8_bit_mbm_figures_without_rounding_down(figure, printed):
    """Operands times 2^8 have the same fractions and room for all bits of the correction: nothing is rounded down."""
    w, x = np.arange(256)[:, None], np.arange(256)[None, :]
    products = families()["mbm"](w << 8, x << 8, width=16, t=0) / 2**16
    assert agrees(statistics(products, w * x, 8)[figure], printed)


@pytest.mark.parametrize(
    ("w", "x", "product"),
    [(3, 3, 8), (3, 6, 16), (3, 12, 33), (3, 24, 66), (6, 6, 33), (6, 12, 66)],
)
def test_mbm_pairs_that_lose_the_correction(w, x, product):
    assert families()["mbm"](w, x, width=8, t=0) == product
    assert families()["mbm"](x, w, width=8, t=0) == product


def test_mbm_errs_below_its_peak_in_ten_8_bit_pairs_only():
    w, x = np.arange(1, 256)[:, None], np.arange(1, 256)[None, :]
    error = families()["mbm"](w, x, width=8, t=0) - w * x
    pairs = {(3, 3), (3, 6), (3, 12), (3, 24), (6, 6), (6, 12)}
    below = np.argwhere(64 * error < -5 * w * x) + 1  # below -5/64 = -7.8125 %
    assert set(map(tuple, below.tolist())) == pairs | {(x, w) for w, x in pairs}


MBM_T = {  # t: bias, mean, peak
    1: ("-.093", "2.583", "7.825"),
    2: ("-.092", "2.583", "7.837"),
    3: ("-.091", "2.583", "7.861"),
    4: ("-.090", "2.584", "7.910"),
    5: ("-.089", "2.584", "8.008"),
    6: ("-.088", "2.585", "8.203"),
    7: ("-.087", "2.589", "8.594"),
}
DRUM_K = {  # k: bias, avg, std
    3: ("+2.076", "11.900", "14.745"),
    4: ("+0.531", "5.891", "7.257"),
    5: ("+0.142", "2.937", "3.613"),
    6: ("+0.043", "1.468", "1.804"),
    7: ("+0.018", "0.733", "0.902"),
    8: ("+0.011", "0.366", "0.450"),
}


@pytest.mark.parametrize(
    ("name", "parameters", "figure", "printed"),
    [
        *figures("mitchell", {}, bias="-3.848", MRED="3.848", var="8.633", min="-11.11", max="0", NMED="0.00926"),
        *figures("mbm", {"t": 0}, bias="-0.0968", MRED="2.583", min="-7.64", max="7.81", var="10.02"),
        *figures("mbm", {"t": 8}, bias="-0.0855", MRED="2.604", max="9.375", var="10.23"),
        *(row for t, (b, m, p) in MBM_T.items() for row in figures("mbm", {"t": t}, bias=b, MRED=m, max=p)),
        *(row for k, (b, a, s) in DRUM_K.items() for row in figures("drum", {"k": k}, bias=b, MRED=a, std=s)),
    ],
)
def test_16_bit_figures_computed(name, parameters, figure, printed):
    """The reference took its means over 2.5e7 random pairs: its own sampling error is allowed for; extremes are not."""
    sampled = sampled_16_bit(name, **parameters)
    assert agrees(sampled[figure], printed, (REFERENCE_ERROR + LATTICE_ERROR) * sampled["spread"].get(figure, 0.0))


@pytest.mark.parametrize(
    ("name", "parameters", "figure", "printed"),
    [
        *figures("mitchell", {}, min="-11.1"),
        *figures("mbm", {"t": 0}, MRED="2.58", max="7.81"),
        *figures("mbm", {"t": 8}, bias="-0.08", MRED="2.60"),
        *figures("drum", {"k": 3}, max="56.25", MRED="11.90", std="14.75"),
        *figures("drum", {"k": 4}, max="26.56", MRED="5.89", std="7.26"),
        *figures("drum", {"k": 5}, MRED="2.94", std="3.61"),
        *figures("drum", {"k": 6}, MRED="1.47", std="1.80"),
        *figures("drum", {"k": 7}, max="3.1", MRED="0.73", std="0.90"),
        *figures("drum", {"k": 8}, MRED="0.37", std="0.45"),
        # TRUN8 of Narayanamoorthy, TVLSI 2015: the upper 8 of 16 bits; accuracy = 100 - MRED.
        *figures("truncated", {"t": 8, "v": 0}, accuracy="97.1"),
    ],
)
def test_16_bit_figures_published(name, parameters, figure, printed):
    sampled = sampled_16_bit(name, **parameters)
    assert agrees(sampled[figure], printed, LATTICE_ERROR * sampled["spread"].get(figure, 0.0))


@pytest.mark.parametrize(("k", "printed"), [(3, "2.08"), (4, "0.53"), (5, "-0.14"), (6, "-0.04"), (8, "0.01")])
def test_16_bit_drum_bias_published(k, printed):
    """
    The magnitude of the published bias is compared. For k = 5 and 6 the paper prints a minus sign that no model of its
    definition gives: the reference holds it for unreliable, and the computed figures above are positive.
    """
    assert agrees(abs(sampled_16_bit("drum", k=k)["bias"]), printed.removeprefix("-"))


@pytest.mark.parametrize("t", range(1, 9))
def test_16_bit_mbm_ranges_published(t):
    """Published for t = 0..8: bias -0.09 to -0.08, mean error 2.58 to 2.60, at two digits. (t = 0: the table below.)"""
    sampled = sampled_16_bit("mbm", t=t)
    assert -0.095 <= sampled["bias"] < -0.075
    assert 2.575 <= sampled["MRED"] < 2.605


def test_mitchell_mean_error_is_a_twelfth():
    """Analytically, the mean error is -1/12 of 2^(k1+k2) where the fractions are uniform: in the top binade."""
    w, x = (operand[np.minimum(*lattice()) >= 2**15] for operand in lattice())
    error = (families()["mitchell"](w, x) - w * x) / 2**30
    # A quarter of the lattice: twice its error.
    assert abs(error.mean() + 1 / 12) < 2 * LATTICE_ERROR * error.std()


DEVIATIONS = [
    # name, parameters, figure, as printed, as obtained, why the printed figure is not reproduced
    ("mbm", {"t": 0}, "bias", "-0.09", "-0.0958", "published; exact mean -0.0958, the paper sampled (unknown count)"),
    ("mbm", {"t": 8}, "max", "9.36", "9.375", "published; a sample's maximum, 2^i x 2^j reach c + 2^-6 = 9.375"),
    ("mbm", {"t": 8}, "min", "-8.57", "-8.587", "computed; a sample's minimum, corners of the top binade lie lower"),
    ("drum", {"k": 5}, "max", "12.86", "12.891", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-4)^2 - 1"),
    ("drum", {"k": 6}, "max", "6.31", "6.348", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-5)^2 - 1"),
    ("drum", {"k": 8}, "max", "1.54", "1.569", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-7)^2 - 1"),
    ("drum", {"k": 7}, "bias", "0.01", "0.0176", "published; exact mean 0.0176, cut rather than rounded, or sampled"),
]


@pytest.mark.parametrize(("name", "parameters", "figure", "printed", "obtained", "why"), DEVIATIONS)
def test_figures_that_deviate_from_print(name, parameters, figure, printed, obtained, why):
    """Figures not reproduced to their last digit: what comes instead, close by, and why."""
    sampled = sampled_16_bit(name, **parameters)
    assert agrees(sampled[figure], obtained, LATTICE_ERROR * sampled["spread"].get(figure, 0.0))
    assert not agrees(sampled[figure], printed)
    assert abs(sampled[figure] - float(printed)) < 0.04


# --- Broken arrays and truncations: EvoApproxLib's circuits ----------------------------------------------------------


def broken(h, v):
    return "broken_array", {"h": h, "v": v}


def cleared(t):
    return "truncated", {"t": t, "v": 0}


def facts(form, me, std, mae, wce, ep, mred, mse):
    return *form, {"MAE": mae, "WCE": wce, "EP": ep, "MRED": mred, "MSE": mse, "ME": me, "STD": std}


SIGNED_CIRCUITS = {  # name in the master branch (v1.x), as in the file of truth tables
    "1KV8": facts(("exact", {}), "0", "0", "0", "0", "0", "0", "0"),
    "1KVA": facts(broken(0, 2), "-1.25", "1.479", "1.25", "5", "50.0", "0.2751742102", "3.75"),
    "1KVB": facts(broken(0, 3), "-4.25", "4.023", "4.25", "17", "68.75", "0.9023975799", "34.25"),
    "1KX2": facts(broken(0, 4), "-12.25", "9.909", "12.25", "49", "81.25", "2.5296091936", "248.25"),
    "1KR8": facts(broken(1, 0), "0.25", "52.26", "32", "128", "49.8046875", "2.4009424633", "2730.75"),
    "1KR6": facts(broken(1, 3), "-2.25", "52.36", "33.28", "137", "74.8046875", "2.7338766725", "2746.25"),
    "1KRC": facts(broken(1, 4), "-8.25", "52.95", "36.54", "161", "84.1796875", "3.6431448323", "2872.25"),
    "1L2H": facts(cleared(1), "0.75", "73.90", "53.33398", "255", "74.609375", "4.4119727217", "5461.75"),
    "1KVL": facts(broken(2, 5), "-16.25", "139.38", "101.28", "449", "91.89453125", "8.9304206615", "19690.25"),
    "1L2D": facts(cleared(2), "3.75", "195.50", "149.7843", "759", "93.1640625", "12.2637692389", "38236.25"),
    "1KTY": facts(broken(3, 0), "1.75", "309.15", "224", "896", "87.158203125", "15.7193912735", "95576.25"),
    "1L1G": facts(cleared(3), "15.75", "437.02", "339.94366", "1743", "97.75390625", "27.4449954193", "191238.25"),
    "1KR3": facts(broken(6, 0), "15.75", "2698.64", "2016", "8064", "98.0529785156", "135.7731035", "7282910.25"),
}


@pytest.mark.parametrize(
    ("circuit", "figure", "printed"),
    [(circuit, *item) for circuit, (_, _, printed) in SIGNED_CIRCUITS.items() for item in printed.items()],
)
def test_signed_closed_forms(circuit, figure, printed):
    """MRE over pairs with a product; MAE, WCE, MSE, ME and STD in LSB."""
    name, parameters, _ = SIGNED_CIRCUITS[circuit]
    assert agrees(exhaustive_8_bit(name, signed=1, **parameters)[figure], printed)


@pytest.mark.parametrize("circuit", SIGNED_CIRCUITS)
def test_signed_circuits_are_their_closed_forms(circuit):
    h5py = pytest.importorskip("h5py")
    with h5py.File(shared_data("evoapproxlib_8x8.h5")) as file:
        table = file[f"mul8s_{circuit}"][...]
    name, parameters, _ = SIGNED_CIRCUITS[circuit]
    values = pattern_values("s8")
    products = families()[name](values[:, None], values[None, :], width=8, signed=1, **parameters)
    assert np.argwhere(products != table).tolist() == []


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        # mul12u_2EC to mul12u_2EJ
        (broken(0, 2), ".00062"),
        (broken(0, 3), ".0019"),
        (broken(0, 4), ".005"),
        (broken(0, 5), ".012"),
        (broken(0, 6), ".026"),
        (broken(0, 7), ".057"),
        (broken(0, 8), ".12"),
        # mul12u_2CP, mul12u_2CN
        (broken(0, 10), ".46"),
        (broken(0, 11), ".87"),
        # mul12u_33U, mul12u_35U, mul12u_33E
        (cleared(5), "5.01"),
        (cleared(7), "15.79"),
        (cleared(8), "26.71"),
    ],
)
def test_12_bit_circuits_relative_error(form, printed):
    name, parameters = form
    assert agrees(exhaustive_12_bit_mred(name, **parameters), printed)


def wide(signed, form, mae, wce, mre):
    name, parameters = form
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    printed = {"MAE%": mae, "WCE%": wce, "MRED": mre}
    return [
        pytest.param(name, signed, parameters, figure, value, id=f"{name}-{'s' if signed else 'u'}-{text}-{figure}")
        for figure, value in printed.items()
        if value
    ]


@pytest.mark.parametrize(
    ("name", "signed", "parameters", "figure", "printed"),
    [
        *wide(0, broken(7, 20), ".10", ".41", "2.07"),  # mul16u_GPF
        *wide(0, broken(7, 21), ".16", ".63", "3.06"),  # mul16u_GPE
        *wide(0, broken(11, 25), "1.76", "7.03", "19.30"),  # mul16u_H6G
        *wide(0, broken(3, 4), ".0027", ".011", ".058"),  # mul16u_GZ7
        *wide(0, cleared(10), ".77", "3.10", "9.15"),  # mul16u_HGK
        *wide(0, cleared(11), "1.54", "6.15", "15.90"),  # mul16u_HGP
        *wide(1, broken(1, 0), ".00019", ".00076", ".018"),  # mul16s_G80
        *wide(1, broken(2, 5), None, None, ".052"),  # mul16s_GK2
        *wide(1, broken(3, 0), None, None, ".12"),  # mul16s_G7F
        *wide(1, broken(6, 0), ".012", ".048", "1.06"),  # mul16s_GAT
    ],
)
def test_16_bit_circuits(name, signed, parameters, figure, printed):
    """MAE % and WCE % over 2^32, as EvoApproxLib states them; WCE from the corners, means from the lattice."""
    sampled = sampled_16_bit(name, signed=signed, **parameters)
    assert agrees(sampled[figure], printed, LATTICE_ERROR * sampled["spread"].get(figure, 0.0))


@pytest.mark.parametrize(("h", "v"), [(0, 4), (1, 0), (2, 5), (6, 0), (8, 0), (0, 15)])
def test_unsigned_broken_array_is_never_above_the_product(h, v):
    """Published (Mahdiani)."""
    assert exhaustive_8_bit("broken_array", h=h, v=v)["max"] <= 0


@pytest.mark.parametrize("h", [1, 2])
def test_broken_array_errs_below_one_percent_for_one_or_two_rows(h):
    """Published (Mahdiani), at a width unknown to us: so it is for 16 bits; 8 bits give 1.34 and 3.57 %."""
    assert sampled_16_bit("broken_array", h=h, v=0)["MRED"] < 1
    assert agrees(exhaustive_8_bit("broken_array", h=h, v=0)["MRED"], {1: "1.34", 2: "3.57"}[h])
