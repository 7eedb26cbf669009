"""Errors as a line at every tap: against plain sums over the histograms, and layer by layer against the real run."""

import dataclasses
import pathlib

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.errors import AxsimError
from axsim.formats import exact_products, pattern_values
from axsim.injection import inject, lines_layer_by_layer
from axsim.multipliers.product_table import Multiplier
from axsim.predict import TapLines, tap_lines

WEIGHTS = pathlib.Path(__file__).parents[2] / "weights"
OPERATORS = ["conv", "depthwise", "conv"]


def lines_of(layer, error):
    """Slope [M, K], shift and noise [M]: one tap at a time, float64."""
    values = pattern_values(layer.x_format).astype(float)
    channels, depth = layer.weight.shape
    slope, shift, variance = np.zeros((channels, depth)), np.zeros(channels), np.zeros(channels)
    for m in range(channels):
        group = m // (channels // layer.groups)
        for k in range(depth):
            p = layer.tap_counts[group * depth + k] / layer.pixels
            e = error[layer.weight[m, k]].astype(float)
            mean, own = p @ values, p @ e
            spread = p @ (values - mean) ** 2
            if spread > 1e-9:
                slope[m, k] = p @ ((e - own) * (values - mean)) / spread
            shift[m] += own - slope[m, k] * mean
            variance[m] += p @ (e - own) ** 2 - slope[m, k] ** 2 * spread
    return slope, shift, np.sqrt(np.maximum(0, variance))


def along_a_line(operands=("s8", "s8")):
    """A multiplier whose error is a line in the activation, another for each weight."""
    w, x = (pattern_values(each).astype(np.int64) for each in operands)
    error = (w % 7 - 3)[:, None] * x[None, :] + (w % 5)[:, None]
    return Multiplier("along a line", exact_products(*operands) + error, operands)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("name", ["mitchell", "mul8u_17KS"])
def test_lines_are_those_of_plain_sums_over_the_histograms(scheme, name):
    network = network_of(OPERATORS, 11, scheme, (4, 8, 8))
    multiplier = axsim.multiplier(name)
    for layer in axsim.run(network, random_images(network, 6), statistics=True).statistics.values():
        found = tap_lines(layer, multiplier)
        slope, shift, noise = lines_of(layer, multiplier.serving(layer.w_format, layer.x_format).error())
        np.testing.assert_allclose(found.slope, slope, atol=1e-3, rtol=1e-4)
        np.testing.assert_allclose(found.shift, shift, atol=0.5, rtol=1e-3)
        np.testing.assert_allclose(found.noise, noise, atol=0.5, rtol=1e-2)
        assert (found.slope * 2**16 == np.rint(found.slope * 2**16)).all()


@pytest.fixture(scope="module")
def resnet():
    return axsim.load("resnet20-cifar10"), axsim.load_images(WEIGHTS / "cifar10_test1000.h5", 16).images


def test_lines_are_the_multiplier_where_its_error_is_a_line(resnet):
    network, images = resnet
    multiplier = along_a_line()
    real, exact = (axsim.run(network, images, used).logits for used in (multiplier, None))
    lines = lines_layer_by_layer(network, multiplier, images)
    assert list(lines) == [layer.name for layer in network.weight_layers]
    assert max(found.noise.max() for found in lines.values()) < 1.0
    # What is left is the rounding of a sum to a neighbouring integer, 20 layers of it.
    assert np.linalg.norm(inject(network, images, lines).logits - real) < 0.15 * np.linalg.norm(exact - real)


def test_each_layer_is_predicted_behind_those_before_it(resnet):
    """The lines are nearer to those of the layers' inputs in the multiplier's own run than to the exact run's."""
    network, images = resnet
    multiplier = axsim.multiplier("mul8s_1L2D")
    lines = lines_layer_by_layer(network, multiplier, images)
    real, alone = (axsim.run(network, images, used, statistics=True).statistics for used in (multiplier, None))
    for layer in network.weight_layers[10:]:
        wanted, exact = (tap_lines(each[layer.name], multiplier).shift for each in (real, alone))
        assert np.linalg.norm(lines[layer.name].shift - wanted) < 0.5 * np.linalg.norm(exact - wanted)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_a_seed_gives_the_same_bits_for_any_batches(scheme):
    network = network_of(["conv", "depthwise", "add", "conv"], 3, scheme, (3, 7, 6))
    images = random_images(network, 7)
    lines = {
        name: dataclasses.replace(found, noise=found.noise + 3000)
        for name, found in lines_layer_by_layer(network, axsim.multiplier("mitchell"), images, seed=4).items()
    }
    wanted = inject(network, images, lines, seed=5).logits
    for batch_size in (1, 3, 7):
        assert np.array_equal(inject(network, images, lines, seed=5, batch_size=batch_size).logits, wanted)
    assert not np.array_equal(inject(network, images, lines, seed=6).logits, wanted)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_layers_simulated_run_through_the_multiplier(scheme):
    network = network_of(["conv", "depthwise", "add", "conv"], 3, scheme, (3, 7, 6))
    images = random_images(network, 7)
    multiplier = axsim.multiplier("mitchell")
    names = [layer.name for layer in network.weight_layers]
    every = lines_layer_by_layer(network, multiplier, images, simulated=names)
    assert every == dict.fromkeys(names, multiplier)
    found, wanted = inject(network, images, every), axsim.run(network, images, multiplier)
    assert np.array_equal(found.logits, wanted.logits)
    assert found.steps == wanted.steps
    # Behind layers simulated a layer is given what it is given in the multiplier's own run.
    *before, last = names
    lines = lines_layer_by_layer(network, multiplier, images, simulated=before)
    real = axsim.run(network, images, multiplier, statistics=True).statistics
    assert np.array_equal(lines[last].shift, tap_lines(real[last], multiplier).shift)
    only_last = inject(network, images, {last: lines[last]} | dict.fromkeys(before, multiplier))
    assert np.array_equal(only_last.logits, inject(network, images, lines).logits)
    through = [step.multiplier for step in only_last.steps if step.node in names]
    assert through == ["mitchell"] * len(before) + ["injected errors"]


def test_layers_simulated_must_exist():
    network = network_of(["conv"], 2)
    with pytest.raises(AxsimError, match="simulated must name layers with weights"):
        lines_layer_by_layer(network, axsim.multiplier("mitchell"), random_images(network, 1), simulated=["none"])
    for wrong in ({network.weight_layers[0].name: "mitchell"}, axsim.multiplier("mitchell")):
        with pytest.raises(AxsimError, match="errors must be ErrorModel, ChannelErrors or TapLines, or a dict of such"):
            inject(network, random_images(network, 1), wrong)


def test_lines_of_another_layer_are_refused():
    network = network_of(["conv"], 2)
    name = network.weight_layers[0].name
    with pytest.raises(AxsimError, match="slope must have one entry"):
        inject(network, random_images(network, 1), {name: TapLines(np.zeros((1, 1)), np.zeros(1), np.zeros(1))})
    layer = network.weight_layers[0]
    channels, depth = len(layer.weight), layer.weight[0].size
    fitting = TapLines(np.zeros((channels, depth)), np.zeros(channels), np.zeros(channels))
    for part in ("shift", "noise"):
        with pytest.raises(AxsimError, match=f"{part} must have one entry for each of the {channels} output channels"):
            inject(
                network,
                random_images(network, 1),
                {name: dataclasses.replace(fitting, **{part: np.zeros(channels + 1)})},
            )
    with pytest.raises(AxsimError, match="seed must be"):
        lines_layer_by_layer(network, axsim.multiplier("mitchell"), random_images(network, 1), seed=-1)
    with pytest.raises(AxsimError, match="serve"):
        lines_layer_by_layer(
            network_of(["conv"], 2, "affine"), axsim.multiplier("mul8s_1KVL"), random_images(network, 1)
        )


def test_layers_simulated_may_come_from_any_iterable():
    network = network_of(OPERATORS, 0)
    names = [layer.name for layer in network.weight_layers]
    found = lines_layer_by_layer(network, axsim.multiplier("mbm"), random_images(network, 2), simulated=iter(names[:1]))
    assert [isinstance(found[name], Multiplier) for name in names] == [True, *[False] * (len(names) - 1)]


def test_a_multiplier_whose_sums_could_leave_int32_is_refused():
    network = network_of(["conv"], 0)
    huge = Multiplier("huge", np.full((256, 256), 2**28, np.int64), ("s8", "s8"))
    with pytest.raises(AxsimError, match="sums must stay within int32"):
        lines_layer_by_layer(network, huge, random_images(network, 2))
