"""Small ONNX models of every operator and variant: the converted int8 network gives the float model's logits.

The decisive figure is the signal-to-noise ratio of int8 logits against ONNX Runtime's float logits on random pixels. A
faithful conversion of these shallow models reaches 36 dB and more; a pad, axis or weight in the wrong place leaves less
than 10 dB, which the mutations after the operators prove.
"""

import dataclasses

import numpy as np
import pytest
from onnx_cases import CASES
from onnx_models import FAITHFUL, RECIPE, SHAPE, Model, converted, decibels, pixels, save

import axsim
from axsim.images import ImageSet

WRONG = 12.0  # dB, the most that a wrong one reaches


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("case", CASES)
def test_the_network_gives_the_logits_of_the_float_model(case, scheme, tmp_path):
    network, images, wanted = converted(CASES[case], tmp_path, scheme)
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


@pytest.mark.parametrize("batch", ["N", None, 1, 4])
@pytest.mark.parametrize("case", ["Reshape [0, -1]", "Reshape [-1, F]", "Squeeze", "ReduceMean", "Add"])
def test_models_with_a_fixed_or_nameless_batch(case, batch, tmp_path):
    network, images, wanted = converted(CASES[case], tmp_path, model=Model(batch=batch))
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


def test_a_fixed_batch_leaves_out_what_does_not_fill_one(tmp_path):
    model = Model(batch=4)
    path = save(model, str(tmp_path / "model.onnx"), CASES["Conv plain"](model))
    images = pixels(11, SHAPE)
    ranges = [axsim.convert(path, ImageSet(images[:count]), RECIPE).quantization("Conv_0") for count in (8, 11)]
    assert ranges[0] == ranges[1]


# A network that was converted right, then spoiled in one place as a careless importer would have.


def spoiled(network, op, **changes):
    """The network with fields of its last `op` replaced by functions of them."""
    nodes = list(network.nodes)
    index = max(index for index, node in enumerate(nodes) if node.op == op)
    fields = {name: change(getattr(nodes[index], name)) for name, change in changes.items()}
    nodes[index] = dataclasses.replace(nodes[index], **fields)
    return dataclasses.replace(network, nodes=tuple(nodes))


def ends_swapped(pads):
    return (*pads[len(pads) // 2 :], *pads[: len(pads) // 2])


MUTATIONS = {
    "pads, ends swapped": ("Conv asymmetric pads", "conv", {"pads": ends_swapped}),
    "pads by axis": ("Conv pads at one side", "conv", {"pads": lambda p: (p[0] // 2, 0, p[0] - p[0] // 2, 0)}),
    "SAME_LOWER as SAME_UPPER": ("Conv SAME_LOWER, even window", "conv", {"pads": ends_swapped}),
    "SAME_UPPER as SAME_LOWER": ("Conv SAME_UPPER, even window", "conv", {"pads": ends_swapped}),
    "pads of a max pool": ("MaxPool asymmetric pads", "max_pool", {"pads": ends_swapped}),
    "pads of an average pool": ("AveragePool SAME_UPPER", "average_pool", {"pads": ends_swapped}),
    "weight, height and width swapped": ("Conv plain", "conv", {"weight": lambda w: w.swapaxes(2, 3).copy()}),
    "weight flipped": ("Conv row", "conv", {"weight": lambda w: w[..., ::-1].copy()}),
    "weight, channels reversed": ("Conv groups", "conv", {"weight": lambda w: w[:, ::-1].copy()}),
    "depthwise, channels interleaved": (
        "Conv depthwise, two each", "conv", {"weight": lambda w: w[[0, 3, 1, 4, 2, 5]]}
    ),
    "linear, flattened with channels innermost": (
        "Softmax", "linear", {"weight": lambda w: w.reshape(6, 7, 5, 5).transpose(0, 3, 1, 2).reshape(6, 175).copy()}
    ),
    "concat, other order": ("Concat", "concat", {"inputs": lambda names: names[::-1]}),
    "pad, ends swapped": ("Pad", "pad", {"pads": ends_swapped}),
    "pad, channels at the other end": ("Pad channels", "pad", {"pads": ends_swapped}),
    "slice, off by one": (
        "Slice", "slice", {"starts": lambda s: (s[0], s[1] + 1, s[2]), "stops": lambda s: (s[0], s[1] + 1, s[2])}
    ),
    "slice, step from the wrong pixel": (
        "Slice steps", "slice", {"starts": lambda s: (s[0], s[1], s[2] - 1), "stops": lambda s: (s[0], s[1], s[2] - 1)}
    ),
    "no relu": ("Relu", "conv", {"clamp": lambda c: (-127, 127)}),
    "no bias": ("Gemm beta", "linear", {"bias": np.zeros_like}),
}  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_conversion_would_be_noticed(mutation, tmp_path):
    case, op, changes = MUTATIONS[mutation]
    network, images, wanted = converted(CASES[case], tmp_path)
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL
    assert decibels(wanted, axsim.run(spoiled(network, op, **changes), images).logits) < WRONG
