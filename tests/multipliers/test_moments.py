"""Moments of a table's error equal a direct count: every operand of the histogram written out, every pair looked up.

The count runs in integers and fractions, by definition; `moments` runs in floating point over 65,536 weighted pairs.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim.errors import AxsimError
from axsim.formats import FORMATS, code_range, exact_products
from axsim.multipliers.catalog import multiplier
from axsim.multipliers.moments import Moments, moments

PAIRS = [(w, x) for w in FORMATS for x in FORMATS]
CONVENTIONS = ["exclude", "zero", "one"]
UNIFORM = [1] * 256
LARGEST_PRODUCT = {("u8", "u8"): 65025, ("u8", "s8"): 32640, ("s8", "u8"): 32640, ("s8", "s8"): 16384}


def value_of(pattern, fmt):
    return pattern - 256 if fmt == "s8" and pattern >= 128 else pattern


def random_table(operands, seed, spread=3000):
    """Exact products plus seeded noise, wrong for zero operands too."""
    noise = np.random.default_rng(seed).integers(-spread, spread, (256, 256), endpoint=True)
    return (exact_products(*operands) + noise).astype(np.int32)


def written_out(counts):
    """Every pattern as often as it counts."""
    return [pattern for pattern, count in enumerate(counts) for _ in range(count)]


def mean(values):
    """Exact mean of integers or fractions; of floats, the mean of their correctly rounded sum. 0 of none."""
    if not values:
        return 0
    total = math.fsum(values) if isinstance(values[0], float) else Fraction(sum(values))
    return total / len(values)


def count(table, operands, w_counts, x_counts, zero_products, number=Fraction):
    """All figures of `Moments` by the definition, one pair of operands after the other."""
    rows = table.tolist()
    errors, relative, wrong = [], [], 0
    for a in written_out(w_counts):
        for b in written_out(x_counts):
            exact = value_of(a, operands[0]) * value_of(b, operands[1])
            error = rows[a][b] - exact
            errors.append(error)
            wrong += error != 0
            if exact != 0:
                relative.append(number(error) / exact)
            elif zero_products == "zero":
                relative.append(number(0))
            elif zero_products == "one":
                relative.append(number(error))
    mean_error, mse, mae = mean(errors), mean([e * e for e in errors]), mean([abs(e) for e in errors])
    relative_mean = mean(relative)
    return {
        "mean_error": mean_error,
        "variance": mse - mean_error**2,
        "standard_deviation": math.sqrt(mse - mean_error**2),
        "mae": mae,
        "mse": mse,
        "nmed": mae / LARGEST_PRODUCT[operands],
        "mae_fraction": mae / 2**16,
        "mred": mean([abs(r) for r in relative]),
        "relative_mean": relative_mean,
        "relative_std": math.sqrt(mean([(r - relative_mean) ** 2 for r in relative])),
        "relative_min": min([*relative, 0]),
        "relative_max": max([*relative, 0]),
        "wce": max(abs(e) for e in errors),
        "error_rate": Fraction(wrong, len(errors)),
        "zero_products": zero_products,
    }


def assert_equal(found: Moments, expected):
    """Integers and names equal, the rest within rounding: 1e-12 of itself, or 1e-14 of the largest summand."""
    figures = found.as_dict()
    assert figures.keys() == expected.keys()
    assert (figures.pop("wce"), figures.pop("zero_products")) == (expected["wce"], expected["zero_products"])
    largest = dict.fromkeys(figures, expected["wce"])
    largest |= {"variance": expected["wce"] ** 2, "mse": expected["wce"] ** 2, "error_rate": 1}
    largest |= dict.fromkeys(
        ("mred", "relative_mean", "relative_std", "relative_min", "relative_max"),
        max(-expected["relative_min"], expected["relative_max"]),
    )
    assert figures == {
        name: pytest.approx(float(expected[name]), rel=1e-12, abs=1e-14 * float(largest[name])) for name in figures
    }


@pytest.mark.parametrize("zero_products", CONVENTIONS)
@pytest.mark.parametrize("operands", PAIRS)
def test_uniform_operands(operands, zero_products):
    table = random_table(operands, seed=1)
    expected = count(table, operands, UNIFORM, UNIFORM, zero_products, number=float)
    assert_equal(moments(table, operands, zero_products=zero_products), expected)


@pytest.mark.parametrize("zero_products", CONVENTIONS)
def test_uniform_operands_of_a_family(zero_products):
    table = multiplier("drum:k=3").table
    expected = count(table, ("u8", "u8"), UNIFORM, UNIFORM, zero_products, number=float)
    assert_equal(moments(table, ("u8", "u8"), zero_products=zero_products), expected)


histograms = st.dictionaries(st.integers(0, 255), st.integers(1, 4), min_size=1, max_size=5).map(
    lambda chosen: [chosen.get(pattern, 0) for pattern in range(256)]
)


@settings(deadline=None, max_examples=150)
@given(
    w_counts=histograms,
    x_counts=histograms,
    operands=st.sampled_from(PAIRS),
    zero_products=st.sampled_from(CONVENTIONS),
    seed=st.integers(0, 3),
    spread=st.sampled_from([1, 3000, 2**30]),
)
def test_given_histograms(w_counts, x_counts, operands, zero_products, seed, spread):
    table = random_table(operands, seed, spread)
    expected = count(table, operands, w_counts, x_counts, zero_products)
    assert_equal(moments(table, operands, w_counts, x_counts, zero_products), expected)


@pytest.mark.parametrize("zero_products", CONVENTIONS)
@pytest.mark.parametrize("operands", PAIRS)
@pytest.mark.parametrize("pair", [(0, 0), (0, 200), (128, 0), (128, 128), (255, 255), (3, 77)])
def test_single_pair(pair, operands, zero_products):
    w_counts, x_counts = ([3 * (pattern == chosen) for pattern in range(256)] for chosen in pair)
    table = random_table(operands, seed=2)
    found = moments(table, operands, w_counts, x_counts, zero_products)
    assert_equal(found, count(table, operands, w_counts, x_counts, zero_products))
    assert found.variance == 0


@pytest.mark.parametrize("which", ["w_histogram", "x_histogram"])
def test_one_histogram_leaves_the_other_operand_uniform(which):
    table, counts = random_table(("u8", "s8"), seed=3), [(7 * pattern) % 3 for pattern in range(256)]
    both = {"w_histogram": UNIFORM, "x_histogram": UNIFORM, which: counts}
    expected = count(table, ("u8", "s8"), both["w_histogram"], both["x_histogram"], "exclude", number=float)
    assert_equal(moments(table, ("u8", "s8"), **{which: counts}), expected)


@pytest.mark.parametrize("as_array", [list, tuple, np.float32, np.int8, np.uint64], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("scale", [1, 5])
def test_only_the_shares_of_a_histogram_count(as_array, scale):
    table = random_table(("s8", "s8"), seed=4)
    counts = [pattern % 5 for pattern in range(256)]
    given_counts = as_array([scale * entry for entry in counts])
    expected = count(table, ("s8", "s8"), counts, counts, "exclude", number=float)
    assert_equal(moments(table, ("s8", "s8"), given_counts, given_counts), expected)


@pytest.mark.parametrize("zero_products", CONVENTIONS)
@pytest.mark.parametrize("operands", PAIRS)
def test_exact_table_has_no_error(operands, zero_products):
    found = moments(exact_products(*operands), operands, zero_products=zero_products).as_dict()
    assert {name: value for name, value in found.items() if value != 0} == {"zero_products": zero_products}


@pytest.mark.parametrize("operands", PAIRS)
def test_largest_product(operands):
    bounds = [code_range(fmt) for fmt in operands]
    assert max(abs(w * x) for w in bounds[0] for x in bounds[1]) == LARGEST_PRODUCT[operands]


@pytest.mark.parametrize("which", ["w_histogram", "x_histogram"])
@pytest.mark.parametrize(
    "bad",
    [
        [],
        [1] * 255,
        [1] * 257,
        [[1] * 256],
        1,
        [0] * 256,
        [-1] + [1] * 255,
        [float("nan")] + [1] * 255,
        [float("inf")] + [1] * 255,
    ],
    ids=["empty", "255", "257", "2d", "scalar", "all zero", "negative", "nan", "inf"],
)
def test_bad_histogram(bad, which):
    with pytest.raises(AxsimError, match=f"^{which} must have"):
        moments(multiplier("exact").table, ("u8", "u8"), **{which: bad})


@pytest.mark.parametrize("bad", [["w"] * 256, [[1], [1, 2]]], ids=["text", "ragged"])
def test_histogram_that_is_no_numbers(bad):
    with pytest.raises(AxsimError, match=r"^w_histogram must be 256 numbers"):
        moments(multiplier("exact").table, ("u8", "u8"), bad)


def test_histogram_whose_sum_would_overflow():
    assert moments(multiplier("mbm").table, ("u8", "u8"), [1e308] * 256) == multiplier("mbm").moments()


@pytest.mark.parametrize("convention", ["all", "", "Exclude", None, 0])
def test_unknown_convention(convention):
    with pytest.raises(AxsimError, match="zero_products must be 'exclude', 'zero' or 'one', got"):
        moments(multiplier("exact").table, ("u8", "u8"), zero_products=convention)
