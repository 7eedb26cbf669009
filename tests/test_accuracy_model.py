"""From predicted errors to accuracy: amplitudes are what was put in, sensitivities what injection shows."""

import itertools
import json

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.accuracy_model import KINDS, AccuracyModel, LayerScales, amplitudes, fit, logits_distortion
from axsim.accuracy_model.synthetic import random_multiplier
from axsim.images import ImageSet
from axsim.injection import inject
from axsim.predict import LayerPrediction, PredictedNorms, Predictor
from axsim.statistics.measure import gather_statistics


def predictor_of(network, images):
    return Predictor(gather_statistics(network, images))


@pytest.fixture(scope="module")
def fitted():
    network = network_of(["conv", "conv"], 107, "symmetric", (4, 8, 8))
    labels = axsim.run(network, random_images(network, 30)).logits.argmax(axis=1).astype(np.int64)
    images = ImageSet(random_images(network, 30), labels)
    predictor = predictor_of(network, random_images(network, 20, seed=1))
    return network, images, predictor, fit(network, images, predictor, curve_runs=8, sensitivity_images=20)


def test_amplitudes_are_those_that_were_made():
    network = network_of(["conv"], 0, "symmetric", (3, 9, 9))
    known = predictor_of(network, random_images(network, 30))(axsim.multiplier("mitchell")).layers["0_conv"]
    scales = LayerScales.of(network, "0_conv", known)
    wanted = {"common": 0.3, "scattered": 0.2, "gain": 0.1, "noise": 0.05}
    made = scales.errors(wanted, np.random.default_rng(1))
    layer = LayerPrediction(
        PredictedNorms(0, 0, 0, 0, 0), 1.0, made.mean, made.gain, made.noise, made.centre, known.exact_std
    )
    found = amplitudes(scales, layer)
    if len(made.mean) == 1:  # one channel has nothing to scatter over
        wanted["scattered"] = 0.0
    assert found == {kind: pytest.approx(wanted[kind], rel=1e-6) for kind in KINDS}


def test_distortion_of_logits_ignores_what_moves_all_classes_alike():
    rng = np.random.default_rng(0)
    exact = rng.normal(size=(9, 4)).astype(np.float32)
    assert logits_distortion(exact + rng.normal(size=(9, 1)), exact) == pytest.approx(0, abs=1e-6)
    assert logits_distortion(3 * exact, exact) == pytest.approx(2, rel=1e-5)


def test_sensitivities_are_what_injection_shows(fitted):
    """A small error of one kind: predicted distortion of the logits against that of many drawn patterns."""
    network, images, predictor, model = fitted
    exact = axsim.run(network, images.images).logits
    name = network.layers[-1].name
    measured = []
    for seed in range(12):
        errors = {name: model.scales[name].errors({"noise": 0.2}, np.random.default_rng(seed))}
        measured.append(logits_distortion(inject(network, images.images, errors, seed=seed).logits, exact))
    assert model.sensitivities[name]["noise"] * 0.2 == pytest.approx(np.mean(measured), rel=0.35)
    assert model.distortion(predictor(axsim.multiplier("exact"))) == 0  # the exact multiplier


def test_the_model_is_the_same_again_and_through_json(fitted):
    network, images, predictor, model = fitted
    again = fit(network, images, predictor, curve_runs=8, sensitivity_images=20)
    assert again.as_json() == model.as_json()
    read = AccuracyModel.from_json(
        json.loads(json.dumps(model.as_json())), network, predictor(axsim.multiplier("exact"))
    )
    assert read.as_json() == model.as_json()
    mitchell = predictor(axsim.multiplier("mitchell"))
    assert read.distortion(mitchell) == model.distortion(mitchell) > 0


def test_estimates_fall_with_distortion_and_keep_their_intervals(fitted):
    model = fitted[3]
    estimates = [model.estimate(distortion) for distortion in (0.0, 0.01, 0.1, 0.5, 2.0, 100.0)]
    assert estimates[0].top1 == pytest.approx(1.0)  # the labels are the exact run's classes
    for one, other in itertools.pairwise(estimates):
        assert one.top1 >= other.top1
    for each in estimates:
        assert 0 <= each.interval[0] <= each.top1 <= each.interval[1] <= 1


@pytest.mark.parametrize("operands", [("s8", "s8"), ("s8", "u8"), ("u8", "u8")])
def test_random_error_tables_are_of_one_size_and_of_many_kinds(operands):
    rng = np.random.default_rng(0)
    tables = [random_multiplier(operands, rng) for _ in range(20)]
    assert len({table.digest for table in tables}) == 20
    means = []
    for table in tables:
        moments = table.moments()
        assert np.sqrt(moments.mse) == pytest.approx(400, rel=0.01)
        means.append(abs(moments.mean_error))
    if "s8" in operands:
        assert sum(mean < 20 for mean in means) >= 3  # odd ones
    assert sum(mean > 100 for mean in means) >= 3
