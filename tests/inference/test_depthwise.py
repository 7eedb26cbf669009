"""The depthwise convolution without im2col equals the oracle for every geometry, table and tier."""

import numba
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from products import TIERS, of_each_kind, products_spanning

import axsim
from axsim.formats import DTYPES
from axsim.inference.prepared.depthwise import DepthwiseProduct
from axsim.inference.prepared.layer_input import is_depthwise
from axsim.networks.nodes import Conv, Quantization
from axsim.networks.nodes.windows import window_output

NARROW_PRODUCTS = products_spanning(256, ("s8", "u8"))
WIDEST = products_spanning(2**17, ("s8", "u8"))


def conv(weight, strides=(1, 1), pads=(1, 1, 1, 1), dilations=(1, 1)):
    """A depthwise convolution of weight [M, kh, kw], whose channels each read input channel m // (M / groups)."""
    return lambda groups: Conv(
        name="conv",
        inputs=("input",),
        output=Quantization(1.0, 0, "s8"),
        clamp=(-128, 127),
        weight=weight[:, None],
        weight_scale=np.ones(len(weight), np.float32),
        bias=np.zeros(len(weight), np.int32),
        strides=strides,
        pads=pads,
        dilations=dilations,
        groups=groups,
    )


def assert_equal_to_oracle(node, x, x_format, zero_pattern, multiplier):
    """x uint8 [C, B, H, W] patterns."""
    size = window_output((x.shape[0], *x.shape[2:]), node.weight.shape[2:], node.strides, node.pads, node.dilations)
    served = None if multiplier is None else multiplier.serving(node.weight_format, x_format)
    got = DepthwiseProduct(node, x_format, zero_pattern, served)(x, size)
    table = reference.product_table(multiplier, node.weight_format, x_format)
    codes = x.transpose(1, 0, 2, 3).astype(np.int64)
    wanted = reference.convolve(
        codes, node.weight, table, node.strides, node.pads, node.dilations, node.groups, zero_pattern
    )
    assert got.dtype == np.int32
    assert np.array_equal(got.reshape(len(node.weight), -1), wanted.transpose(1, 0, 2, 3).reshape(len(node.weight), -1))


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(7, 7), (14, 14), (15, 28), (57, 56)])
@pytest.mark.parametrize("kind", ["exact", "mitchell", "two planes", "table", "one plane"])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_windows_of_networks(kernel, stride, size, kind, on):
    rng = np.random.default_rng(size[1])
    tables = {**of_each_kind(("s8", "u8")), "exact": None, "mitchell": axsim.multiplier("mitchell")}
    multiplier = NARROW_PRODUCTS if kind == "one plane" else tables[kind]
    node = conv(rng.integers(-128, 128, (5, kernel, kernel)).astype(np.int8), (stride,) * 2, (kernel // 2,) * 4)(5)
    x = rng.integers(0, 256, (5, 3, *size), dtype=np.uint8)
    assert_equal_to_oracle(node, x, "u8", 3, multiplier)
    assert_equal_to_oracle(node, x & 127, "u8", 3, multiplier)  # half of a table serves these
    assert_equal_to_oracle(node, x & 127, "u8", 200, multiplier)  # but for the padding


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_any_geometry(on, data):
    def pair(low, high):
        return data.draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    kernel, strides, dilations = pair(1, 5), pair(1, 4), pair(1, 3)
    pads = (*pair(0, 3), *pair(0, 3))
    spans = [dilation * (size - 1) + 1 for dilation, size in zip(dilations, kernel, strict=True)]
    least = [max(1, spans[i] - pads[i] - pads[i + 2]) for i in (0, 1)]
    size = tuple(data.draw(st.integers(low, low + 20)) for low in least)
    groups, each, batch = (data.draw(st.integers(1, high)) for high in (4, 3, 5))
    x_format, w_format = data.draw(st.sampled_from(["u8", "s8"])), data.draw(st.sampled_from(["u8", "s8"]))
    multiplier = data.draw(st.sampled_from([None, axsim.multiplier("mbm"), products_spanning(65536, ("u8", "u8"))]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    weight = rng.integers(0, 256, (groups * each, *kernel), dtype=np.uint8).view(DTYPES[w_format])
    x = rng.integers(0, data.draw(st.sampled_from([128, 256])), (groups, batch, *size), dtype=np.uint8)
    assert_equal_to_oracle(
        conv(weight, strides, pads, dilations)(groups), x, x_format, data.draw(st.integers(0, 255)), multiplier
    )


@pytest.mark.parametrize("value", [0, 127, 128, 255])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_more_taps_than_a_lane_adds(on, value):
    """A window of 17 x 17, every product at one end of its range."""
    multiplier = products_spanning(65536, ("s8", "u8"))
    node = conv(np.full((2, 17, 17), -128, np.int8), pads=(8, 8, 8, 8))(2)
    assert_equal_to_oracle(node, np.full((2, 2, 20, 23), value, np.uint8), "u8", value, multiplier)


@pytest.mark.parametrize("threads", [1, numba.config.NUMBA_NUM_THREADS])
@pytest.mark.parametrize("batch", [1, 2, 33])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_the_number_of_threads_changes_nothing(threads, batch, on):
    rng = np.random.default_rng(batch)
    node = conv(rng.integers(-128, 128, (7, 3, 3)).astype(np.int8), (2, 2))(7)
    x = rng.integers(0, 256, (7, batch, 30, 31), dtype=np.uint8)
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        assert_equal_to_oracle(node, x, "u8", 0, WIDEST if batch == 2 else axsim.multiplier("mitchell"))
    finally:
        numba.set_num_threads(before)


def test_what_is_depthwise():
    weight = np.zeros((4, 3, 3), np.int8)
    assert is_depthwise(conv(weight)(4))
    assert is_depthwise(conv(weight)(2))
    assert not is_depthwise(conv(weight)(1))
