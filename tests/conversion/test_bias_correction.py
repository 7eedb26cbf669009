"""Bias correction: the mean that rounding adds is computed as plain sums have it, and is gone afterwards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim.conversion.bias_correction import ChannelMeans, output_shift
from axsim.conversion.quantize import quantize
from axsim.importers.float_graph import FloatGraph, FloatNode
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
def test_the_shift_is_that_of_constant_inputs(seed, groups, rows, channels, size):
    """An input that has its mean everywhere: each output is off by the sum of error times mean."""
    rng = np.random.default_rng(seed)
    error = rng.normal(size=(groups * rows, channels, size, size))
    means = rng.normal(size=groups * channels)
    wanted = [
        sum(
            error[m, c, i, j] * means[m // rows * channels + c]
            for c in range(channels)
            for i in range(size)
            for j in range(size)
        )
        for m in range(groups * rows)
    ]
    assert output_shift(error, means, groups) == pytest.approx(wanted, abs=1e-9)


def test_means_over_batches():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(n, 3, 4, 5)).astype(np.float32) for n in (2, 7)]
    flat = [rng.normal(size=(n, 6)).astype(np.float32) for n in (2, 7)]
    means = ChannelMeans()
    for value, row in zip(batches, flat, strict=True):
        means.add({"a": value, "b": row, "tokens": value[..., 0], "other": value[0, 0, 0]})
    assert means["a"] == pytest.approx(np.concatenate(batches).mean(axis=(0, 2, 3)), abs=1e-6)
    assert means["b"] == pytest.approx(np.concatenate(flat).mean(axis=0), abs=1e-6)
    assert means["tokens"] == pytest.approx(np.concatenate(batches)[..., 0].mean(axis=(0, 1)), abs=1e-6)
    assert means["other"] is None
    assert means["none"] is None


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("groups", [1, 4])
def test_the_mean_output_is_the_float_models(scheme, groups):
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(4, 4 // groups, 3, 3)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    x = rng.gamma(2.0, 1.0, size=(50, 4, 3, 3)).astype(np.float32)
    attributes = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": groups}
    conv = FloatNode("conv", "c", ["x"], "c", attributes, weight, bias)
    graph = FloatGraph("g", "x", "c", (4, 3, 3), [conv])
    means = ChannelMeans()
    means.add({"x": np.broadcast_to(x.mean(axis=(0, 2, 3), keepdims=True), x.shape)})
    recipe = Preprocessing(1.0, (0.0,) * 4, (1.0,) * 4)
    ranges = {"x": (0.0, float(x.max())), "c": (-50.0, 50.0)}

    def mean_error(node):
        scale = node.weight_scale.astype(np.float64)
        rounded = node.weight * scale.reshape(4, 1, 1, 1)
        shift = output_shift(rounded - weight, means["x"], groups)
        return np.abs(shift + node.bias * scale * network.input.scale - bias)

    network = quantize(graph, ranges, recipe, scheme)
    before = mean_error(network.nodes[0])
    network = quantize(graph, ranges, recipe, scheme, means=means)
    after = mean_error(network.nodes[0])
    half_step = network.nodes[0].weight_scale * network.input.scale / 2
    assert (after <= 1.01 * half_step).all()
    assert after.max() < before.max() / 3
