"""The moment model: against direct sums where its formulas are exact, against Monte Carlo where they are means."""

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import reference
from networks import network_of, random_images

import axsim
from axsim.multipliers.product_table import Multiplier
from axsim.predict import Predictor, predict, sampled_norms
from axsim.statistics import LayerStatistics, NetworkStatistics
from axsim.statistics.measure import gather_statistics, measure

MULTIPLIERS = [axsim.multiplier(name) for name in ("mitchell", "drum:k=3", "truncated:v=6", "broken_array:h=1,v=5")]
SIGNED = axsim.multiplier("broken_array:h=2,v=5,signed=1")


def gathered(weight, columns, groups=1, x_format="s8"):
    statistics = LayerStatistics(weight, groups, "s8", x_format, covariances=True)
    statistics.add(columns)
    return statistics


def error_matrix(multiplier, weight, columns, x_format="s8"):
    table = reference.product_table(multiplier, "s8", x_format) - reference.product_table(None, "s8", x_format)
    return table[weight.astype(int)[:, :, None], columns.astype(int)[None]].sum(axis=1)


@pytest.mark.parametrize("multiplier", [*MULTIPLIERS, SIGNED], ids=lambda m: m.name)
@pytest.mark.parametrize("scheme", ["s8", "u8"])
def test_conditional_level_is_the_mean_over_independent_taps(multiplier, scheme):
    """Two taps, every pair of their values once: independent, so equation (2) is an identity and (3) equals it."""
    if multiplier is SIGNED and scheme == "u8":
        pytest.skip("a signed multiplier does not serve u8 activations")
    rng = np.random.default_rng(1)
    weight = rng.integers(0, 256, (5, 2), dtype=np.uint8)
    first, second = rng.integers(0, 256, 23), rng.integers(0, 256, 17)
    columns = np.array(list(itertools.product(first, second)), np.uint8).T.copy()
    wanted = np.linalg.norm(error_matrix(multiplier, weight, columns, scheme))
    predicted = predict(multiplier, gathered(weight, columns, x_format=scheme))
    assert predicted.conditional == pytest.approx(wanted, rel=1e-6)
    assert predicted.covariance == pytest.approx(wanted, rel=1e-6)


def test_covariance_level_is_exact_where_the_error_is_linear():
    """e(w, x) = c(w) x + d(w): correlated taps in any way, and equation (3) is an identity."""
    rng = np.random.default_rng(2)
    w, x = reference.values_of("s8")[:, None], reference.values_of("s8")[None, :]
    table = w * x + rng.integers(-3, 4, (256, 1)) * x + rng.integers(-50, 50, (256, 1))
    multiplier = Multiplier("linear error", table, ("s8", "s8"))
    mixed = rng.integers(-40, 41, (3, 400))
    columns = np.concatenate([mixed, mixed[:2] + mixed[1:] // 2, -mixed]).astype(np.int8).view(np.uint8)
    weight = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    wanted = np.linalg.norm(error_matrix(multiplier, weight, columns))
    predicted = predict(multiplier, gathered(weight, columns))
    assert predicted.covariance == pytest.approx(wanted, rel=1e-6)
    assert abs(predicted.conditional / wanted - 1) > 0.05  # independence would be wrong here


@pytest.mark.parametrize("multiplier", MULTIPLIERS, ids=lambda m: m.name)
@pytest.mark.parametrize(("channels", "depth", "pixels"), [(32, 16, 200), (16, 256, 100)])
def test_iid_level_is_the_mean_over_uniform_operands(multiplier, channels, depth, pixels):
    """Monte Carlo over 40 draws: the mean of norm(E)^2 lies within four standard errors of equation (1)."""
    rng = np.random.default_rng(3)
    squares, predicted = [], 0.0
    for _ in range(40):
        weight = rng.integers(0, 256, (channels, depth), dtype=np.uint8)
        columns = rng.integers(0, 256, (depth, pixels), dtype=np.uint8)
        squares.append(float((error_matrix(multiplier, weight, columns).astype(float) ** 2).sum()))
        predicted = predict(multiplier, gathered(weight, columns)).iid ** 2
    error = np.std(squares) / math.sqrt(len(squares))
    assert abs(np.mean(squares) - predicted) < 4 * error


def test_operand_level_uses_the_layers_own_histograms():
    rng = np.random.default_rng(4)
    weight = np.abs(rng.laplace(0, 12, (40, 64))).clip(0, 127).astype(np.uint8)
    columns = np.maximum(rng.normal(0, 30, (64, 3000)), 0).clip(0, 127).astype(np.uint8)
    multiplier = MULTIPLIERS[0]
    statistics = gathered(weight, columns)
    error = (reference.product_table(multiplier, "s8", "s8") - reference.product_table(None, "s8", "s8")).astype(float)
    p_w = np.bincount(weight.ravel(), minlength=256) / weight.size
    p_x = np.bincount(columns.ravel(), minlength=256) / columns.size
    mean = p_w @ error @ p_x
    variance = p_w @ error**2 @ p_x - mean**2
    wanted = math.sqrt(40 * 3000 * (64 * variance + 64**2 * mean**2))
    assert predict(multiplier, statistics).operand == pytest.approx(wanted, rel=1e-6)
    measured = np.linalg.norm(error_matrix(multiplier, weight, columns))
    assert predict(multiplier, statistics).operand == pytest.approx(measured, rel=0.05)
    assert predict(multiplier, statistics).iid > 1.5 * measured


def test_groups_are_predicted_each_from_its_own_taps():
    rng = np.random.default_rng(5)
    weight, columns = rng.integers(0, 256, (6, 4), dtype=np.uint8), rng.integers(0, 256, (12, 500), dtype=np.uint8)
    multiplier = MULTIPLIERS[1]
    together = predict(multiplier, gathered(weight, columns, groups=3))
    alone = [predict(multiplier, gathered(weight[2 * g : 2 * g + 2], columns[4 * g : 4 * g + 4])) for g in range(3)]
    for level in ("conditional", "covariance"):
        parts = math.sqrt(sum(getattr(one, level) ** 2 for one in alone))
        assert getattr(together, level) == pytest.approx(parts, rel=1e-6)


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(
    shapes=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 19), st.integers(1, 150)), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
def test_equations_4_and_5_one_weight_at_a_time(shapes, seed):
    """Layers (groups, rows a group, taps) of any shape, predicted together, against plain float64 sums."""
    rng = np.random.default_rng(seed)
    multiplier = MULTIPLIERS[seed % len(MULTIPLIERS)]
    values = reference.values_of("s8")
    error = reference.product_table(multiplier, "s8", "s8") - reference.product_table(None, "s8", "s8")
    layers = {}
    for number, (groups, rows, depth) in enumerate(shapes):
        weight = rng.integers(0, 256, (groups * rows, depth), dtype=np.uint8)
        columns = rng.integers(0, rng.integers(2, 256), (groups * depth, 30), dtype=np.uint8)
        layers[f"layer{number}"] = gathered(weight, columns, groups), columns
    statistics = NetworkStatistics("", "", 0, {name: layer for name, (layer, _) in layers.items()})
    found = Predictor(statistics)(multiplier).layers
    for name, (layer, columns) in layers.items():
        total, rows = 0.0, layer.channels // layer.groups
        for m in range(layer.channels):
            own = columns[m // rows * layer.taps :][: layer.taps]
            x, e = values[own].astype(float), error[layer.weight[m][:, None], own].astype(float)
            centred = x - x.mean(axis=1, keepdims=True)
            variance = (centred**2).mean(axis=1)
            slope = (e * centred).mean(axis=1) / np.where(variance > 1e-9, variance, np.inf)
            rest = e.var(axis=1) - slope**2 * variance
            linear = ((slope @ centred) ** 2).mean()
            exact = values[layer.weight[m]] @ centred
            assert found[name].mean[m] == pytest.approx(e.mean(axis=1).sum(), rel=1e-4, abs=1e-2)
            if (exact**2).mean() > 1:
                gain = ((slope @ centred) * exact).mean() / (exact**2).mean()
                assert found[name].gain[m] == pytest.approx(gain, rel=1e-3, abs=1e-4)
            total += e.mean(axis=1).sum() ** 2 + max(0.0, linear + rest.sum())
        wanted = math.sqrt(layer.pixels * total)
        assert found[name].norms.covariance == pytest.approx(wanted, rel=1e-4, abs=1e-2)


def test_the_exact_multiplier_is_predicted_to_do_nothing():
    rng = np.random.default_rng(6)
    statistics = gathered(rng.integers(0, 256, (3, 5), dtype=np.uint8), rng.integers(0, 256, (5, 50), dtype=np.uint8))
    predicted = predict(axsim.multiplier("exact"), statistics)
    assert (predicted.iid, predicted.operand, predicted.conditional, predicted.covariance) == (0, 0, 0, 0)


def test_covariances_are_those_of_the_columns():
    rng = np.random.default_rng(7)
    columns = rng.integers(0, 256, (6, 20000), dtype=np.uint8)
    statistics = LayerStatistics(np.zeros((2, 3), np.uint8), 2, "s8", "s8", covariances=True)
    for part in np.array_split(columns, 7, axis=1):
        statistics.add(np.ascontiguousarray(part))
    values = columns.view(np.int8).astype(float)
    for group in range(2):
        wanted = np.cov(values[3 * group : 3 * group + 3], bias=True)
        assert statistics.covariances()[group] == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert statistics.tap_means == pytest.approx(values.mean(axis=1))


def test_covariances_must_have_been_gathered():
    with pytest.raises(ValueError, match=r"axsim\.gather_statistics"):
        statistics = LayerStatistics(np.zeros((1, 1), np.uint8), 1, "s8", "s8")
        statistics.add(np.zeros((1, 1), np.uint8))
        predict(MULTIPLIERS[0], statistics)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_measured_error_matrices_are_those_of_each_layer_alone(scheme, batch_size):
    network = network_of(["conv", "grouped", "add", "depthwise"], 8, scheme, (4, 6, 5))
    images = random_images(network, 4)
    logits, codes, exact = reference.run(network, images)
    measurement = measure(network, images, MULTIPLIERS, batch_size=batch_size)
    assert np.array_equal(measurement.logits, logits)
    for multiplier, errors in zip(MULTIPLIERS, measurement.errors, strict=True):
        for layer in network.layers:
            given = network.quantization(layer.inputs[0])
            error = reference.layer_sums(layer, codes[layer.inputs[0]], given, multiplier) - exact[layer.name]
            measured = errors[layer.name]
            assert measured.pixels == error[:, 0].size
            assert measured.norm == math.sqrt(int((error.astype(object) ** 2).sum()))
            assert measured.exact_norm == math.sqrt(int((exact[layer.name].astype(object) ** 2).sum()))
            assert measured.mean_error == pytest.approx(error.mean(), rel=1e-12, abs=1e-12)


def test_sums_of_the_largest_errors_do_not_overflow():
    from axsim.statistics import ErrorSums

    errors = ErrorSums(2)
    exact = np.full((2, 1000), 2**31 - 1, np.int32)
    for _ in range(3):
        errors.add(exact, -exact)
    assert errors.norm == math.sqrt(6000 * (2**32 - 2) ** 2)
    assert errors.exact_norm == math.sqrt(6000 * (2**31 - 1) ** 2)
    assert errors.mean_error == -(2**32 - 2)


def test_relative_level_is_the_mean_over_independent_relative_errors():
    """Equation (2), Monte Carlo: every product's relative error drawn anew from the table's."""
    rng = np.random.default_rng(8)
    weight = rng.integers(0, 256, (12, 30), dtype=np.uint8)
    columns = rng.integers(0, 256, (30, 60), dtype=np.uint8)
    multiplier = MULTIPLIERS[0]
    exact = reference.product_table(None, "s8", "s8")
    error = reference.product_table(multiplier, "s8", "s8") - exact
    ratios = error[exact != 0] / exact[exact != 0]
    products = weight.view(np.int8).astype(float)[:, :, None] * columns.view(np.int8).astype(float)[None]
    squares = [float(((products * rng.choice(ratios, products.shape)).sum(axis=1) ** 2).sum()) for _ in range(60)]
    predicted = predict(multiplier, gathered(weight, columns)).relative ** 2
    assert abs(np.mean(squares) - predicted) < 4 * np.std(squares) / math.sqrt(len(squares))


@pytest.mark.parametrize("zero_point", [0, 17])
def test_mean_gain_and_noise_are_those_of_the_least_squares_line(zero_point):
    """An error linear in the activation: E = mean + gain (C - centre) + rest, as a regression of the bits gives it."""
    rng = np.random.default_rng(9)
    w, x = reference.values_of("s8")[:, None], reference.values_of("s8")[None, :]
    table = w * x + rng.integers(-3, 4, (256, 1)) * x + rng.integers(-50, 50, (256, 1))
    multiplier = Multiplier("linear error", table, ("s8", "s8"))
    mixed = rng.integers(-30, 31, (4, 500))
    columns = np.concatenate([mixed, mixed[::-1] + mixed // 2]).astype(np.int8).view(np.uint8)
    weight = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    layer = LayerStatistics(weight, 1, "s8", "s8", True, weight_zero_point=np.full(6, zero_point))
    layer.add(columns)
    found = Predictor(NetworkStatistics("", "", 1, {"l": layer}))(multiplier).layers["l"]
    error = error_matrix(multiplier, weight, columns).astype(float)
    exact = (weight.view(np.int8).astype(float) - zero_point) @ columns.view(np.int8).astype(float)
    for m in range(6):
        gain, shift = np.polyfit(exact[m] - exact[m].mean(), error[m], 1)
        rest = error[m] - shift - gain * (exact[m] - exact[m].mean())
        assert found.gain[m] == pytest.approx(gain, rel=1e-4, abs=1e-6)
        assert found.mean[m] == pytest.approx(shift, rel=1e-4, abs=1e-2)
        assert found.noise[m] == pytest.approx(rest.std(), rel=1e-3)
        assert found.centre[m] == pytest.approx(exact[m].mean(), rel=1e-6, abs=1e-6)
    codes = weight.view(np.int8).astype(float) @ columns.view(np.int8).astype(float)
    assert found.exact_norm == pytest.approx(np.linalg.norm(codes), rel=1e-6)
    assert found.distortion() == pytest.approx(np.linalg.norm(error) / np.linalg.norm(codes), rel=1e-5)


def test_a_sample_of_all_columns_stands_for_the_covariances():
    rng = np.random.default_rng(10)
    weight, columns = rng.integers(0, 256, (6, 40), dtype=np.uint8), rng.integers(0, 256, (80, 30), dtype=np.uint8)
    sampled = LayerStatistics(weight, 2, "s8", "s8", positions=np.arange(30))
    for part in np.array_split(columns, 4, axis=1):
        sampled.add(np.ascontiguousarray(part))
    assert np.array_equal(sampled.sample, columns)
    for multiplier in MULTIPLIERS:
        wanted = predict(multiplier, gathered(weight, columns, groups=2))
        found = predict(multiplier, sampled)
        for level in ("relative", "conditional", "covariance"):
            assert getattr(found, level) == pytest.approx(getattr(wanted, level), rel=1e-5)


@pytest.mark.parametrize(("channels", "depth", "pixels"), [(3, 5, 11), (16, 300, 40), (1, 64, 900), (40, 9, 7)])
@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 20.0), (-3.0, 40.0), (16.0, 1.0), (-16.0, 500.0)])
def test_iid_formula_within_its_own_99_percent_interval(channels, depth, pixels, mean, sigma):
    """Independent errors over a grid of M, K, N, mu and sigma: the mean of 200 draws of norm(E)^2."""
    seed = [channels, depth, pixels, int(mean + 100), int(sigma)]
    rng = np.random.default_rng(seed)
    squares = [float((rng.normal(mean, sigma, (channels, pixels, depth)).sum(axis=2) ** 2).sum()) for _ in range(200)]
    predicted = channels * pixels * (depth * sigma**2 + depth**2 * mean**2)
    assert abs(np.mean(squares) - predicted) < 2.576 * np.std(squares) / math.sqrt(len(squares))


def test_bias_dominates_from_the_stated_depth_on():
    mean, sigma = 2.0, 40.0
    norms = {depth: math.sqrt(depth * sigma**2 + depth**2 * mean**2) / (depth * mean) for depth in (1, 400, 40000)}
    assert norms[1] > 15
    assert norms[400] == pytest.approx(math.sqrt(2))  # K = (sigma / mu)^2: as much of either
    assert norms[40000] < 1.01


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_gathered_statistics_do_not_depend_on_batches(batch_size):
    network = network_of(["conv", "grouped", "add", "depthwise"], 8, "affine", (4, 6, 5))
    images = random_images(network, 5)
    found = gather_statistics(network, images, sampled_pixels=20, batch_size=batch_size)
    assert found.images == 5
    measured = measure(network, images, []).layers
    for name, layer in found.layers.items():
        assert np.array_equal(layer.tap_counts, measured[name].tap_counts)
        assert 0 < layer.sample.shape[1] <= max(20, layer.weight.shape[1])
        if layer.has_covariances:
            assert np.array_equal(layer.covariances(), measured[name].covariances())


def test_sampled_level_is_exact_when_every_pixel_is_sampled():
    network = network_of(["conv", "depthwise"], 3, "symmetric", (3, 6, 5))
    images = random_images(network, 3)
    statistics = gather_statistics(network, images, sampled_pixels=10**6)
    for multiplier in MULTIPLIERS:
        errors = measure(network, images, [multiplier], statistics=False).errors[0]
        found = sampled_norms(statistics, multiplier)
        assert found == {name: pytest.approx(errors[name].norm, rel=1e-12) for name in errors}


def test_several_passes_gather_what_one_does(monkeypatch):
    network = network_of(["conv", "grouped", "conv"], 8, "symmetric", (4, 6, 5))
    images = random_images(network, 4)
    wanted = gather_statistics(network, images)
    monkeypatch.setattr("axsim.statistics.measure.COVARIANCE_BYTES", 1)
    steps = []
    found = gather_statistics(network, images, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] > 4
    for name, layer in wanted.layers.items():
        assert np.array_equal(found.layers[name].tap_counts, layer.tap_counts)
        assert layer.second_moments is None or np.array_equal(found.layers[name].second_moments, layer.second_moments)


def test_a_layer_with_too_many_taps_keeps_columns(monkeypatch):
    monkeypatch.setattr("axsim.statistics.measure.DENSE_TAPS", 8)
    network = network_of(["conv"], 8, "symmetric", (4, 6, 5))
    images = random_images(network, 30)
    statistics = gather_statistics(network, images)
    first = next(iter(statistics.layers.values()))
    assert first.weight.shape[1] > 8 and not first.has_covariances
    dense = measure(network, images, []).layers
    for multiplier in MULTIPLIERS:
        found = Predictor(statistics)(multiplier)
        for name, layer in dense.items():
            assert found.layers[name].norms.covariance == pytest.approx(predict(multiplier, layer).covariance, rel=0.05)
