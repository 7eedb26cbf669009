"""Fixed-point multipliers and their two roundings: every tie, every sign, the edges of int32."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim.errors import NetworkError
from axsim.inference.fixed_point import mean_multiplier, quantize_multiplier
from axsim.kernels.fixed_point import requantize_fixed, requantize_float64, rescale
from axsim.networks.nodes import AveragePool, Quantization

MULTIPLIERS = st.one_of(st.sampled_from([0, 2**30, 2**31 - 1, 3 * 2**29]), st.integers(2**30, 2**31 - 1))


@settings(deadline=None, max_examples=500)
@given(st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-300, 300)), MULTIPLIERS, st.integers(-31, 0))
def test_rescaling_is_gemmlowps(x, multiplier, shift):
    assert int(rescale(x, multiplier, shift)) == int(reference.rescale(x, multiplier, shift))


@pytest.mark.parametrize(
    ("x", "shift", "wanted"),
    [(5, 0, 3), (-5, 0, -2), (6, -1, 2), (-6, -1, -2), (5, -1, 2), (-5, -1, -1), (7, 1, 7), (2**30, 2, 2**30)],
    ids=str,
)
def test_halves_by_hand(x, shift, wanted):
    """By 1/2 2^shift: the product's halves go up, the shift's away from zero, a left shift saturates."""
    assert int(rescale(x, 2**30, shift)) == wanted


@pytest.mark.parametrize(
    ("real", "wanted"),
    [
        (0.5, (2**30, 0)),
        (1.0, (2**30, 1)),
        (0.75, (3 * 2**29, 0)),
        (1 - 2**-33, (2**30, 1)),  # rounds up to 1
        (0.5 + 2**-32, (2**30 + 1, 0)),  # half an integer, away from zero
        (2**-32, (2**30, -31)),
        (2**-33, (0, 0)),
    ],
    ids=str,
)
def test_multipliers_by_hand(real, wanted):
    assert tuple(int(value) for value in quantize_multiplier(real)) == wanted


@pytest.mark.parametrize("real", [0.0, -1.0, np.inf, np.nan, 2.0**31])
def test_multipliers_that_have_no_such_form(real):
    with pytest.raises(NetworkError, match="scales must give"):
        quantize_multiplier(real)


@settings(deadline=None)
@given(st.floats(1e-6, 100), st.integers(1, 100000))
def test_the_multiplier_of_a_mean_is_the_quotient(real, count):
    multiplier, shift = mean_multiplier(real, count)
    assert 0 < multiplier < 2**31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(real / count, rel=2**-28)


def test_an_average_pool_keeps_its_quantization_where_rounding_is_fixed():
    given, other = Quantization(0.5, 3, "u8"), Quantization(0.5, 4, "u8")
    node = AveragePool("pool", ("input",), other, (0, 255), (2, 2), (2, 2), (0, 0, 0, 0), False)
    node.check_rounding("float", (given,))
    with pytest.raises(NetworkError, match="quantized as its input is"):
        node.check_rounding("fixed", (given,))


def test_two_roundings_differ_from_one_near_halves_only():
    """The rule "litert" of fully connected layers, which rounds once, beside "fixed", which rounds twice."""
    sums = np.arange(-20000, 20000, dtype=np.int32)[None]
    real = np.array([0.0049])
    multiplier = quantize_multiplier(real)
    bias, once, twice = np.zeros(1, np.int32), np.empty(sums.shape, np.uint8), np.empty(sums.shape, np.uint8)
    requantize_float64(sums, bias, real, 0, -128, 127, once)
    requantize_fixed(sums, bias, *multiplier, 0, -128, 127, twice)
    difference = np.abs(once.view(np.int8).astype(int) - twice.view(np.int8))
    from_half = np.abs(np.abs(sums * real) % 1 - 0.5)
    assert difference.max() == 1
    assert from_half[difference > 0].max() < 0.01
    assert np.array_equal(once.view(np.int8), np.clip(reference.half_away(sums * real), -128, 127))
