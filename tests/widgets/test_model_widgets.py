"""The widgets of the moment model: errors injected, damage undone."""

import numpy as np
import pytest
from networks import random_images
from PIL import Image

import axsim
import axsim.widgets as aw
from axsim.images import ImageSet
from axsim.statistics.measure import measure


def test_a_multiplier_stands_at_the_moments_of_its_errors_over_all_products(small):
    from axsim.injection.placing import network_moments

    network, images = small
    layers = measure(network, images.images[:2], []).layers
    multiplier = axsim.multiplier("mitchell")
    total, products, squares = 0.0, 0, 0.0
    for statistics in layers.values():
        error = multiplier.serving(statistics.w_format, statistics.x_format).error().astype(float)
        joint = np.outer(statistics.weight_histogram, statistics.activation_histogram)
        share = joint / joint.sum() * statistics.weight.size * statistics.pixels
        total, squares = total + (share * error).sum(), squares + (share * error**2).sum()
        products += statistics.weight.size * statistics.pixels
    mean, std = network_moments(multiplier, layers)
    assert mean == pytest.approx(total / products)
    assert std == pytest.approx(np.sqrt(squares / products - (total / products) ** 2))


def test_the_injection_map_is_filled_and_its_points_open(small):
    network, images = small
    names = ["mitchell", "drum:k=4"]
    widget = aw.InjectionWidget(network, images, (-8, 0, 8), (0, 16), names, count=4)
    assert list(widget.points) == names
    left, top = widget._position(5, 0)
    assert widget._position(0, 0)[0] < left < widget._position(8, 0)[0]
    assert top == widget._position(-8, 0)[1]
    widget.run()
    widget.wait(300)
    assert widget.state == "done", widget._complaint.value
    exact = axsim.run(network, images.images[:4]).top1(images.labels[:4])
    assert widget._shares[0, 1] == exact
    assert not np.isnan(widget._shares).any()
    widget.buttons["mitchell"].click()
    assert "mitchell" in widget._opened.children[0]._figures.value


@pytest.mark.parametrize("means", [(1.0,), (3, 1), (2, 2)])
def test_a_grid_that_is_none_is_said_in_place(small, means):
    widget = aw.InjectionWidget(*small, means=means)
    assert "ascending" in widget.children[0].value


def test_injection_without_labels_is_said_in_place(small):
    network, images = small
    assert "labels" in aw.InjectionWidget(network, ImageSet(images.images)).children[0].value
    assert "labels" in aw.CompensationWidget(network, ImageSet(images.images), images).children[0].value


def test_pictures_to_compensate_from_need_no_labels(small, tmp_path):
    network, images = small
    for number, pixels in enumerate(random_images(network, 8, seed=1)):
        Image.fromarray(pixels.squeeze()).save(tmp_path / f"{number}.png")
    widget = aw.CompensationWidget(network, images, tmp_path, "mitchell")
    widget.run()
    widget.wait(300)
    assert widget.state == "done", widget._complaint.value


def test_compensation_shows_before_and_after(small):
    network, images = small
    calibration = ImageSet(random_images(network, 8, seed=1))
    widget = aw.CompensationWidget(network, images, calibration, "mitchell")
    widget.run()
    widget.wait(300)
    assert widget.state == "done", widget._complaint.value
    choice = axsim.compensate_best(network, axsim.multiplier("mitchell"), calibration.images)
    for made, wanted in zip(widget.compensated.weight_layers, choice.network.weight_layers, strict=True):
        assert np.array_equal(made.bias, wanted.bias)
    assert all(word in widget._summary.value for word in ("as it is", *choice.candidates, choice.way))
    assert "mitchell, compensated" in widget._summary.value
    assert "<svg" in widget._bias.value
    widget.layer.value = network.weight_layers[-1].name
    assert widget._gain.value.count("<rect") > 1
