"""Weight tuning: the codes chosen are those of least predicted variance; codes at which a multiplier errs are left."""

import numpy as np
import pytest
import reference
from networks import network_of, random_images

import axsim
from axsim.compensation import compensate
from axsim.compensation.weight_tuning import tune_weights
from axsim.formats import pattern_values
from axsim.multipliers.product_table import Multiplier
from axsim.statistics import LayerStatistics
from axsim.statistics.measure import gather_statistics


def bad_at_odd_weights(operands=("s8", "s8"), size=900):
    """Products with odd weight codes are off by a pattern of the activation; with even ones exact."""
    products = reference.product_table(None, *operands)
    noise = np.random.default_rng(3).integers(-size, size + 1, (256, 256))
    noise[::2] = 0
    return Multiplier("odd", products + noise, operands)


def statistics_of(columns, weight, groups=1, formats=("s8", "s8")):
    found = LayerStatistics(weight, groups, *formats, covariances=True)
    found.add(columns)
    return found


def variances(layer, table, codes, gain):
    """Var(sum_k table(u_k, x_k) - c w_k x_k) as the model has it, from the columns by definition; float64 [M]."""
    out = np.zeros(len(codes))
    depth = codes.shape[1]
    probability = layer.tap_counts / layer.pixels
    values, weights = pattern_values(layer.x_format).astype(float), pattern_values(layer.w_format).astype(float)
    covariance = layer.covariances() * (layer.pixels / (depth + layer.pixels))
    for m in range(len(codes)):
        group = m // (len(codes) // layer.groups)
        off = np.empty(depth)
        for k in range(depth):
            p = probability[group * depth + k]
            product = table[codes[m, k]].astype(float)
            mean = p @ values
            variance = p @ (values - mean) ** 2
            slope = p @ ((values - mean) * (product - p @ product)) / variance
            off[k] = slope - gain[m] * weights[layer.weight[m, k]]
            rest = p @ (product - p @ product) ** 2 - slope**2 * variance
            out[m] += rest + off[k] ** 2 * variance
        shrunk = covariance[group] - np.diag(np.diag(covariance[group]))
        out[m] += off @ shrunk @ off
    return out


@pytest.mark.parametrize("groups", [1, 2])
def test_no_single_change_of_a_code_is_better(groups):
    """Where descent has come to rest, every other code of one tap has a larger predicted variance."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(0, 40, (4 * groups, 300)) + rng.normal(0, 30, 300)
    columns = np.clip(mixed, -127, 127).astype(np.int8).view(np.uint8)
    weight = rng.integers(-127, 128, (2 * groups, 4)).astype(np.int8).view(np.uint8)
    layer, multiplier = statistics_of(columns, weight, groups), bad_at_odd_weights(size=4000)
    codes, _ = tune_weights(layer, multiplier)
    ones = np.ones(len(weight))
    # The gain is that of the codes at first, by the line of their products over the exact sums.
    values = pattern_values("s8").astype(float)
    for m in range(len(weight)):
        rows = slice(4 * (m // 2), 4 * (m // 2) + 4)
        linear = np.zeros(300)
        for k in range(4):
            x = values[columns[rows][k]]
            product = multiplier.table[weight[m, k]][columns[rows][k]].astype(float)
            linear += np.cov(product, x)[0, 1] / np.var(x, ddof=1) * (x - x.mean())
        exact = values[weight[m]] @ values[columns[rows]]
        ones[m] = np.cov(linear, exact)[0, 1] / np.var(exact, ddof=1)
    found = variances(layer, multiplier.table, codes, ones)
    assert (found <= variances(layer, multiplier.table, weight, ones) * (1 + 1e-6)).all()
    for k in range(4):
        for choice in range(256):
            other = codes.copy()
            other[:, k] = choice
            assert (variances(layer, multiplier.table, other, ones) >= found * (1 - 1e-4)).all() or choice == 128


def test_an_exact_multiplier_keeps_its_codes():
    rng = np.random.default_rng(1)
    weight = rng.integers(-127, 128, (3, 6)).astype(np.int8).view(np.uint8)
    layer = statistics_of(rng.integers(0, 128, (6, 200)).astype(np.uint8), weight)
    codes, line = tune_weights(layer, axsim.multiplier("exact"))
    assert (codes == weight).all()
    assert line.gain == pytest.approx(0, abs=1e-9)
    assert line.shift == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("way", ["statistics", "images"])
def test_codes_at_which_the_multiplier_errs_are_left(scheme, way):
    network = network_of(["conv", "depthwise", "conv"], 4, scheme, (3, 7, 6))
    images = random_images(network, 12)
    multiplier = bad_at_odd_weights(("u8", "u8"))
    exact = axsim.run(network, images).logits
    given = {"statistics": gather_statistics(network, images)} if way == "statistics" else {"images": images}
    off = {}
    for tuned in (False, True):
        found = compensate(network, multiplier, **given, tuned=tuned)
        off[tuned] = np.linalg.norm(axsim.run(found, images, multiplier).logits - exact)
        odd = (found.weight_layers[0].weight.view(np.uint8) % 2).mean()  # behind it, some taps are constant
        assert odd == 0 if tuned else odd > 0.3
        assert found.about["compensation"].endswith("weights tuned") == tuned
    if scheme == "symmetric":  # the other network's logits do not change with these errors
        assert off[True] < off[False] / 10


@pytest.mark.parametrize("way", ["statistics", "images"])
@pytest.mark.parametrize("seed", [5, 11])
def test_other_codes_are_told_apart_from_zero_points(seed, way):
    """The input's zero point times the sum of a row's codes is taken off: of the codes chosen, not of those before."""
    network = network_of(["conv"], seed, "affine", (3, 7, 6))
    assert network.input.zero_point != 0
    images = random_images(network, 64)
    multiplier = bad_at_odd_weights(("u8", "u8"))
    exact = axsim.run(network, images).logits
    given = {"statistics": gather_statistics(network, images)} if way == "statistics" else {"images": images}
    off = {
        tuned: np.linalg.norm(
            axsim.run(compensate(network, multiplier, **given, tuned=tuned), images, multiplier).logits - exact
        )
        for tuned in (False, True)
    }
    assert off[False] > 0
    assert off[True] < off[False] / 4


@pytest.mark.parametrize(("seed", "operators"), [(26, ["depthwise", "conv"]), (28, ["conv"])])
def test_codes_are_chosen_with_regard_to_the_weights_zero_point(seed, operators):
    """What the bias and the scale undo is a gain of the sums of (w - z_w) x, not of those of w x."""
    network = network_of(operators, seed, "affine", (4, 7, 6))
    assert any(layer.weight_zero_point.any() for layer in network.weight_layers)
    products = reference.product_table(None, "u8", "u8")
    multiplier = Multiplier("gain", products + 4 * np.rint(products / 16).astype(np.int64), ("u8", "u8"))
    images = random_images(network, 16, 1)
    exact = axsim.run(network, images).logits
    before = np.abs(axsim.run(network, images, multiplier).logits - exact).mean()
    found = compensate(network, multiplier, gather_statistics(network, images), tuned=True)
    after = np.abs(axsim.run(found, images, multiplier).logits - exact).mean()
    assert after < before / 10
