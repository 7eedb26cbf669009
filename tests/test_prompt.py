"""At the Python prompt: what a bare name shows, and names or wrong types where objects belong."""

from typing import Any

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.compensation import compensate, fold
from axsim.errors import AxsimError, ImageError, MultiplierError, NetworkError
from axsim.images import ImageSet
from axsim.injection import ErrorModel, lines_layer_by_layer

NETWORK = network_of(["conv", "add"], 3)
NAME: Any = "mbm"


@pytest.mark.parametrize(
    "made",
    [
        lambda images: NETWORK,
        lambda images: ImageSet(images),
        lambda images: axsim.run(NETWORK, images),
        lambda images: axsim.gather_statistics(NETWORK, images),
        lambda images: axsim.Predictor(axsim.gather_statistics(NETWORK, images))(axsim.multiplier("mbm")),
        lambda images: axsim.compensate_best(NETWORK, axsim.multiplier("mbm"), images),
    ],
)
def test_a_bare_name_at_the_prompt_is_a_line(made):
    line = repr(made(random_images(NETWORK, 8)))
    assert len(line) < 250 and "\n" not in line and line.startswith("<")


@pytest.mark.parametrize(
    "call",
    [
        lambda m, images: axsim.run(NAME, images),
        lambda m, images: axsim.inject(NAME, images, ErrorModel()),
        lambda m, images: axsim.gather_statistics(NAME, images),
        lambda m, images: lines_layer_by_layer(NAME, m, images),
        lambda m, images: compensate(NAME, m, images=images),
        lambda m, images: axsim.compensate_best(NAME, m, images),
        lambda m, images: fold(NAME, {}),
    ],
)
def test_names_where_networks_belong(call):
    with pytest.raises(NetworkError, match=r"network must be a Network, such as axsim.load.* got 'mbm'"):
        call(axsim.multiplier("mbm"), random_images(NETWORK, 8))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, images: axsim.Predictor(NAME),
        lambda m, images: compensate(NETWORK, m, NAME),
        lambda m, images: axsim.compensate_best(NETWORK, m, images, NAME),
    ],
)
def test_names_where_statistics_belong(call):
    with pytest.raises(AxsimError, match=r"statistics must be NetworkStatistics, such as axsim.gather.* got 'mbm'"):
        call(axsim.multiplier("mbm"), random_images(NETWORK, 8))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, images: compensate(NETWORK, m, images=images),
        lambda m, images: compensate(NETWORK, m, images=images, target="layer"),
        lambda m, images: axsim.compensate_best(NETWORK, m, images),
        lambda m, images: lines_layer_by_layer(NETWORK, m, images),
    ],
)
def test_image_sets_where_images_belong(call):
    with pytest.raises(ImageError, match=r"images must be uint8 .* got ImageSet"):
        call(axsim.multiplier("mbm"), ImageSet(random_images(NETWORK, 8)))


@pytest.mark.parametrize("call", [
    lambda: axsim.run(NETWORK, random_images(NETWORK, 1), {"0_conv": NAME}),
    lambda: axsim.matmul(np.zeros((1, 1), np.int8), np.zeros((1, 1), np.int8), NAME),
    lambda: axsim.compare(NETWORK, ImageSet(random_images(NETWORK, 1)), [NAME]),
])  # fmt: skip
def test_names_where_multipliers_belong(call):
    with pytest.raises(MultiplierError, match=r"axsim\.multiplier"):
        call()
