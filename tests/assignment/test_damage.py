"""Damages: the divergence, what compensation leaves, and the correction by measured runs."""

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.assignment.correction import corrected
from axsim.assignment.damage import damages, divergence, left_over, scales_of, sensitivities
from axsim.compensation import Line
from axsim.predict import LayerPrediction, PredictedNorms
from axsim.statistics.measure import gather_statistics


def test_divergence_is_its_definition():
    exact, other = np.log([[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]), np.log([[0.25, 0.5, 0.25], [0.9, 0.05, 0.05]])
    wanted = (0.5 * np.log(2) + 0.25 * np.log(0.5)) / 2
    assert divergence(other, exact) == pytest.approx(wanted)
    assert divergence(exact + 7.0, exact) == pytest.approx(0.0, abs=1e-12)  # a shift of all logits changes nothing
    assert divergence(1e4 * exact, exact) < np.inf


def test_damages_are_squares_of_amplitudes():
    network = network_of(["conv", "conv"], 4, "symmetric", (3, 7, 6))
    images = random_images(network, 8)
    predictor = axsim.Predictor(gather_statistics(network, images))
    predictions = [predictor(axsim.multiplier(name)) for name in ("exact", "mitchell", "mul8s_1KVL")]
    scales = scales_of(network, predictions[0])
    ones = np.ones((len(scales), 4))
    found = damages(ones, scales, predictions)
    assert (found[:, 0] == 0).all()
    assert (found[:, 1:] > 0).all()
    assert damages(3 * ones, scales, predictions) == pytest.approx(3 * found)
    assert (damages(ones, scales, predictions, compensated=True)[:, 1:] < found[:, 1:]).all()


def test_sensitivities_are_the_same_for_the_same_seed():
    network = network_of(["conv", "depthwise", "conv"], 107, "symmetric", (4, 8, 8))
    images = random_images(network, 6)
    scales = scales_of(network, axsim.Predictor(gather_statistics(network, images))(axsim.multiplier("exact")))
    first, again = (sensitivities(network, images, scales, seed=3) for _ in range(2))
    assert first.shape == (len(scales), 4)
    assert (first == again).all()
    assert first.max() > 0


def test_what_compensation_leaves_of_a_line_is_nothing():
    rng = np.random.default_rng(0)
    mean, gain, centre = rng.normal(0, 50, 6), rng.uniform(-0.5, 1.0, 6), rng.normal(0, 100, 6)
    layer = LayerPrediction(PredictedNorms(1, 1, 1, 1, 1), 1.0, mean, gain, np.full(6, 8.0), centre, np.ones(6))
    left = left_over(layer)
    assert left.mean == pytest.approx(np.zeros(6), abs=1e-9)
    assert left.gain == pytest.approx(np.zeros(6), abs=1e-12)
    assert left.noise == pytest.approx(8.0 / (1 + gain))


def test_what_compensation_leaves_is_what_the_line_undoes():
    """Beyond the gains that a line may have, a rest remains: checked against sums that are undone one by one."""
    layer = LayerPrediction(
        PredictedNorms(1, 1, 1, 1, 1),
        1.0,
        np.array([30.0]),
        np.array([-0.9]),
        np.zeros(1),
        np.array([20.0]),
        np.ones(1),
    )
    line = Line.predicted(layer)
    exact = np.array([0.0, 20.0, 100.0])
    approximate = layer.centre + layer.mean + (1 + layer.gain) * (exact - layer.centre)
    undone = (approximate - line.shift) / (1 + line.gain)
    left = left_over(layer)
    assert undone - exact == pytest.approx(left.mean + left.gain * (exact - layer.centre))


def test_correction_finds_factors_of_layers_and_multipliers():
    """Runs of damages made with known factors: what they have shown is predicted anew within a few percent."""
    rng = np.random.default_rng(1)
    predicted = np.exp(rng.normal(-4, 1, (6, 5)))
    truth = predicted * np.exp(rng.normal(0, 0.5, (6, 1)) + rng.normal(0, 0.5, (1, 5)) + 0.7)
    choices = [tuple(int(column) for column in rng.integers(0, 5, 6)) for _ in range(40)]
    measured = [float(truth[np.arange(6), choice].sum()) for choice in choices]
    found = corrected(predicted, choices[:30], measured[:30])
    before, after = (
        [abs(np.log(values[np.arange(6), each].sum() / wanted)) for each, wanted in zip(choices, measured, strict=True)]
        for values in (predicted, found)
    )
    assert np.median(after[30:]) < 0.1 < np.median(before[30:])
    assert (corrected(predicted, [], []) == predicted).all()
