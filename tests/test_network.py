"""The rules between nodes that no file format can express, and the shapes that follow from them."""

import dataclasses

import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from networks import network_of, networks, random_images

from axsim.errors import NetworkError
from axsim.networks.network import Network
from axsim.networks.nodes import Flatten, Quantization, window_output


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_shapes_are_those_that_the_oracle_computes(network):
    _, codes, _ = reference.run(network, random_images(network, 1))
    assert {name: value.shape[1:] for name, value in codes.items()} == network.shapes


def altered(network, **changes):
    return dataclasses.replace(network, **changes)


def with_node(network, index, **changes):
    nodes = list(network.nodes)
    nodes[index] = dataclasses.replace(nodes[index], **changes)
    return altered(network, nodes=tuple(nodes))


NETWORK = network_of(["conv", "max_pool", "add"], 1)
AFFINE = network_of(["conv"], 1, "affine")
U8 = Quantization(1.0, 3, "u8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: altered(NETWORK, nodes=()), "at least one conv or linear"),
        (lambda: altered(NETWORK, input=U8), "the input: output of a symmetric network must be s8"),
        (lambda: with_node(NETWORK, 0, output=U8, clamp=(0, 255)), r"'0_conv' \(conv\): output of a symmetric"),
        (lambda: with_node(NETWORK, 1, output=Quantization(0.5, 0, "s8")), "quantized as its input is"),
        (lambda: with_node(NETWORK, 1, kernel_shape=(90, 1), pads=(0, 0, 0, 0)), "must fit the padded input"),
        (lambda: with_node(NETWORK, 1, pads=(9, 0, 0, 0)), "smaller than the window"),
        (lambda: with_node(NETWORK, 2, inputs=("input", NETWORK.nodes[1].name)), "one shape"),
        (lambda: altered(NETWORK, nodes=NETWORK.nodes[:1]), "the last node must give one number a class"),
        (lambda: altered(NETWORK, class_names=("a",) * 77), "class_names must have"),
        (
            lambda: with_node(
                NETWORK,
                0,
                weight_scale=np.full(len(NETWORK.nodes[0].weight), 1e38, np.float32),
                output=Quantization(float(np.float32(1e-30)), 0, "s8"),
            ),
            "in float32",
        ),
        (lambda: with_node(NETWORK, 4, inputs=("input",)), "flattened input"),
        (lambda: with_node(NETWORK, 0, weight=NETWORK.nodes[0].weight.view(np.uint8)), "must be s8 with zero point 0"),
        (lambda: with_node(NETWORK, 0, weight=NETWORK.nodes[0].weight.astype(np.int16)), "int8 or uint8, got int16"),
        (lambda: with_node(NETWORK, 0, weight_zero_point=np.array([3], np.int32)), "must be s8 with zero point 0"),
        (lambda: with_node(AFFINE, 0, weight_zero_point=np.array([300], np.int32)), r"one [us]8 code.* got \[300\]"),
        (lambda: with_node(AFFINE, 0, weight_zero_point=np.zeros(77, np.int32)), "weight_zero_point must be one"),
        (lambda: with_node(AFFINE, 0, weight_zero_point=np.zeros(1, np.int64)), "weight_zero_point must be of int32"),
        (lambda: with_node(NETWORK, 0, inputs=()), "must have 1 inputs"),
    ],
)
def test_broken_rules(change, words):
    with pytest.raises(NetworkError, match=words):
        change()


def test_flattening_puts_channels_outermost():
    assert Flatten("flat", ("input",), U8).output_shape(((2, 3, 4),)) == (24, 1, 1)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads", "dilation", "wanted"),
    [
        (7, 3, 1, (0, 0), 1, 5),
        (7, 3, 2, (1, 1), 1, 4),
        (7, 3, 2, (0, 1), 1, 3),
        (1, 1, 5, (0, 0), 1, 1),
        (9, 3, 1, (0, 0), 3, 3),
    ],
)
def test_window_output(size, kernel, stride, pads, dilation, wanted):
    quad = (pads[0], pads[0], pads[1], pads[1])
    assert window_output((1, size, size), (kernel, kernel), (stride, stride), quad, (dilation, dilation)) == (
        wanted,
        wanted,
    )


def test_a_network_is_a_value():
    assert isinstance(NETWORK, Network)
    with pytest.raises(dataclasses.FrozenInstanceError):
        NETWORK.name = "other"
