"""Sums of slopes times activations by digits: those of a product of floats, to the bit."""

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from networks import network_of, random_images

from axsim.errors import AxsimError
from axsim.inference.engine import forward
from axsim.inference.prepared import prepare
from axsim.injection.slopes import LARGEST_SLOPE, SlopeProduct, digits_of
from axsim.kernels.digits import weigh_digits
from axsim.predict.lines import STEP

NUMBERS = st.integers(-(2**46), 2**46)


@drawn(st.lists(NUMBERS, min_size=1, max_size=9))
def test_digits_make_up_the_numbers(values):
    digits = digits_of(np.array(values))
    assert digits.dtype == np.int8
    assert [sum(int(d) * 256**p for p, d in enumerate(column)) for column in digits.T] == values
    assert len(digits) == 1 or digits[-1].any()


@pytest.mark.parametrize("largest", [0.0, STEP, 100.0, 3000.0])
@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_sums_are_those_of_a_product_of_floats(scheme, largest):
    """Every layer of a network: padded, strided, depthwise, grouped or not; all sums are exact in float64."""
    network = network_of(["conv", "depthwise", "grouped", "conv"], 3, scheme, (4, 9, 8))
    layers = prepare(network, dict.fromkeys([layer.name for layer in network.layers]))
    rng = np.random.default_rng(1)
    seen = set()

    def accumulate(layer, given):
        depth = layer.weight.shape[1]
        limit = int(largest / STEP)
        slope = rng.integers(-limit, limit, layer.weight.shape, endpoint=True) * STEP
        values = given.columns.view(np.int8 if layer.x.format == "s8" else np.uint8).astype(np.float64)
        wanted = slope.reshape(layer.groups, -1, depth) @ values.reshape(layer.groups, depth, -1)
        found = SlopeProduct(layer, slope)(given)
        assert found.dtype == np.float32
        assert np.array_equal(found, wanted.reshape(found.shape).astype(np.float32))
        seen.add(layer.node.name)
        return layer.sums(given, None)

    for _ in forward(network, layers, random_images(network, 5), accumulate, 3):
        pass
    assert seen == {layer.name for layer in network.weight_layers}


@pytest.mark.parametrize("pixels", [1, 1023, 1024, 1025, 2050])
@pytest.mark.parametrize(("groups", "rows_a_group", "digits"), [(1, 2, 1), (3, 2, 3), (2, 1, 6)])
def test_digits_are_weighed_strip_by_strip(groups, rows_a_group, digits, pixels):
    rng = np.random.default_rng(pixels)
    sums = rng.integers(-(2**31), 2**31, (groups * digits * rows_a_group, pixels)).astype(np.int32)
    found = np.full((groups * rows_a_group, pixels), np.nan, np.float32)
    weigh_digits(sums, digits, rows_a_group, STEP, found)
    by_digit = sums.reshape(groups, digits, rows_a_group, pixels).astype(object)
    wanted = sum(256**p * by_digit[:, p] for p in range(digits)) * STEP
    assert found == pytest.approx(wanted.reshape(found.shape).astype(np.float64), rel=2**-23)


@pytest.mark.parametrize("wrong", [STEP / 2, 2 * LARGEST_SLOPE, np.nan, np.inf])
def test_slopes_that_have_no_digits_are_refused(wrong):
    network = network_of(["conv"], 2)
    layer = prepare(network, dict.fromkeys([layer.name for layer in network.layers]))[network.layers[0].name]
    slope = np.zeros(layer.weight.shape)
    slope[0, 0] = wrong
    with pytest.raises(AxsimError, match=r"slope must be multiples of 2\^-16 within"):
        SlopeProduct(layer, slope)
