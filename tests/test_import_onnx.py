"""Small ONNX models of every operator and variant: the converted int8 network gives the float model's logits.

The decisive figure is the signal-to-noise ratio of int8 logits against ONNX Runtime's float logits on random pixels. A
faithful conversion of these shallow models reaches 36 dB and more; a pad, axis or weight in the wrong place leaves less
than 10 dB, which the mutations after the operators prove. The last part are the refusals.
"""

import dataclasses
import re
import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx_models import FAITHFUL, INFINITE, RECIPE, SHAPE, Model, converted, decibels, pixels, save

import axsim
from axsim.cli import main
from axsim.errors import AxsimError, ConversionError
from axsim.images import ImageSet, save_images
from axsim.importers.onnx import read_graph, read_model
from axsim.networks.preprocessing import Preprocessing

WRONG = 12.0  # dB, the most that a wrong one reaches


# Every operator and variant. A function builds its model and returns the output, and the tensor to compare with if
# another. Most end in flattened images, in which nothing averages a misplaced pixel away.

CONVS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "asymmetric pads": {"pads": [1, 2, 0, 1]},
    "asymmetric pads, strides": {"pads": [0, 0, 1, 2], "strides": [2, 1]},
    "pads at one side": {"pads": [2, 0, 0, 0]},
    "strides": {"strides": [1, 3]},
    "dilations": {"dilations": [2, 1], "pads": [1, 0, 2, 0]},
    "SAME_UPPER": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "SAME_LOWER": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "SAME_UPPER, even window": {"auto_pad": "SAME_UPPER", "shape": (5, 3, 4, 2)},
    "SAME_LOWER, even window": {"auto_pad": "SAME_LOWER", "shape": (5, 3, 4, 2)},
    "SAME_LOWER, stride beyond window": {"auto_pad": "SAME_LOWER", "shape": (5, 3, 1, 2), "strides": [2, 3]},
    "VALID": {"auto_pad": "VALID", "strides": [2, 1]},
    "VALID, dilations": {"auto_pad": "VALID", "dilations": [2, 3]},
    "depthwise": {"shape": (3, 1, 3, 3), "group": 3, "pads": [1, 1, 1, 1]},
    "depthwise, two each": {"shape": (6, 1, 3, 3), "group": 3, "strides": [2, 2]},
    "pointwise": {"shape": (7, 3, 1, 1)},
    "pointwise, strides": {"shape": (7, 3, 1, 1), "strides": [2, 2]},
    "row": {"shape": (4, 3, 1, 5), "pads": [0, 2, 0, 2]},
    "column": {"shape": (4, 3, 5, 1)},
    "whole image": {"shape": (4, 3, 9, 7)},
}

POOLS: dict[str, dict[str, Any]] = {
    "plain": {"kernel_shape": [2, 3]},
    "strides": {"kernel_shape": [3, 2], "strides": [2, 2]},
    "asymmetric pads": {"kernel_shape": [3, 3], "pads": [1, 2, 0, 1], "strides": [2, 1]},
    "SAME_UPPER": {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "SAME_LOWER": {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "VALID": {"kernel_shape": [2, 2], "auto_pad": "VALID", "strides": [2, 2]},
    "ceil_mode": {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    "ceil_mode, pads": {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    "ceil_mode, last window beyond": {"kernel_shape": [2, 1], "strides": [4, 3], "pads": [0, 0, 1, 0], "ceil_mode": 1},
    "not ceil_mode": {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 0},
}


def conv_case(shape=(5, 3, 3, 3), **options):
    return lambda m: m.node("Flatten", m.conv(shape=shape, **options))


def pool_case(op, **options):
    return lambda m: m.node("Flatten", m.node(op, m.conv(pads=[1, 1, 1, 1]), **options))


def grouped(m):
    return m.node("Flatten", m.conv(m.conv(shape=(6, 3, 3, 3)), (4, 3, 3, 3), group=2, pads=[0, 1, 1, 0]))


def head(m, classes=6):
    """A layer that makes the input flat and small, for operators on [N, C]."""
    return m.node("Flatten", m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3))))


def gemm(bias=None, **options):
    def build(m):
        shape = (6, 8) if options.get("transB") else (8, 6)
        parts = [m.constant(m.rng.normal(size=shape))]
        return m.node("Gemm", head(m), *parts, *([] if bias is None else [m.floats(*bias)]), **options)

    return build


def matmul_add(first, norm=False):
    def build(m):
        product, shift = m.node("MatMul", head(m), m.constant(m.rng.normal(size=(8, 6)))), m.floats(6)
        total = m.node("Add", *((shift, product) if first else (product, shift)))
        return m.batch_norm(total, 6) if norm else total

    return build


def gemm_batch_norm(m):
    return m.batch_norm(m.node("Gemm", head(m), m.weight(8, 6)), 6)


def conv_batch_norm(bias=False, before=False, after=False, relu=False):
    def build(m):
        x = m.conv(bias=bias)
        x = m.node("Add", x, m.floats(5, 1, 1)) if before else x
        x = m.batch_norm(x, 5)
        x = m.node("Add", m.floats(1, 5, 1, 1), x) if after else x
        return m.node("Flatten", m.node("Relu", x) if relu else x)

    return build


def batch_norm_epsilon(least, **attributes):
    return lambda m: m.node("Flatten", m.batch_norm(m.conv(), 5, least, **attributes))


def clip(low=None, high=None, before=None):
    def build(m):
        bounds = ["" if bound is None else m.constant(bound, np.float32) for bound in (low, high)]
        while bounds and not bounds[-1]:
            bounds.pop()
        x = m.conv()
        x = m.node("MaxPool", x, kernel_shape=[2, 2]) if before == "MaxPool" else m.node(before, x) if before else x
        return m.node("Flatten", m.node("Clip", x, *bounds))

    return build


def relu_of_the_input(m):
    return m.node("Flatten", m.conv(m.node("Relu", "x")))


def relu_whose_producer_feeds_others(m):
    x = m.conv()
    return m.node("Flatten", m.node("Add", m.node("Relu", x), x))


def residual(m):
    x = m.node("Relu", m.conv(shape=(4, 3, 3, 3), pads=[1, 1, 1, 1]))
    y = m.conv(m.node("Relu", m.conv(x, (4, 4, 3, 3), pads=[1, 1, 1, 1])), (4, 4, 3, 3), pads=[1, 1, 1, 1])
    return m.node("Flatten", m.node("Relu", m.node("Add", y, x)))


def added_to_itself(m):
    x = m.conv()
    return m.node("Flatten", m.node("Add", x, x))


def added_constant(*shape):
    return lambda m: m.node("Flatten", m.node("Add", m.conv(), m.floats(*shape)))


def concat(axis):
    def build(m):
        parts = [m.conv(shape=(count, 3, 3, 3), pads=[1, 1, 1, 1]) for count in (2, 4)]
        return m.node("Flatten", m.node("Relu", m.node("Concat", parts[0], "x", parts[1], axis=axis)))

    return build


def concat_flat(m):
    return m.flat_linear(m.node("Concat", head(m), head(m), axis=-1), 16)


def global_pool(m):
    return m.flat_linear(m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3))), 8)


def reduce_mean(axes, as_input=False, keepdims=1):
    def build(m):
        m.opset = 18 if as_input else 17
        x = m.conv(shape=(8, 3, 3, 3))
        if as_input:
            x = m.node("ReduceMean", x, m.constant(axes), keepdims=keepdims)
        else:
            x = m.node("ReduceMean", x, axes=axes, keepdims=keepdims)
        return m.flat_linear(x, 8) if keepdims else m.node("Gemm", x, m.weight(8, 6))

    return build


def pad(pads, value=None, axes=None, opset=18):
    def build(m):
        m.opset = opset
        parts = [m.constant(pads), "" if value is None else m.constant(value, np.float32)]
        parts += [] if axes is None else [m.constant(axes)]
        channels = 3 + (pads[1] + pads[5] if axes is None else 0)
        padded = m.node("Pad", "x", *(parts if parts[-1] else parts[:1]))
        return m.node("Flatten", m.conv(padded, (4, channels, 3, 3)))

    return build


def cut(starts, ends, axes=None, steps=None, channels=3, kernel=(1, 1)):
    def build(m):
        parts = [m.constant(starts), m.constant(ends), m.constant(axes)]
        parts += [] if steps is None else [m.constant(steps)]
        return m.node("Flatten", m.conv(m.node("Slice", "x", *parts), (4, channels, *kernel)))

    return build


def reshaped(*shape, size=5 * 7 * 5):
    def build(m):
        flat = m.node("Reshape", m.conv(), m.constant(shape))
        return m.node("Gemm", flat, m.weight(6, size), transB=1)

    return build


def reshape_by_computed_shape(m):
    """What PyTorch writes for x.view(x.size(0), -1) with a free batch."""
    x = m.conv()
    batch = m.node("Gather", m.node("Shape", x), m.constant(0))
    target = m.node("Concat", m.node("Unsqueeze", batch, m.constant([0])), m.constant([-1]), axis=0)
    return m.node("Gemm", m.node("Reshape", x, target), m.weight(6, 5 * 7 * 5), transB=1)


def reshape_back_and_forth(m):
    x = m.node("Reshape", head(m), m.constant([0, -1, 1, 1]))
    return m.node("Reshape", m.node("Reshape", m.conv(x, (6, 8, 1, 1)), m.constant([-1, 6])), m.constant([0, 6]))


def squeeze(opset, **attributes):
    def build(m):
        m.opset = opset
        x = m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3)))
        axes = [] if attributes else [m.constant([-1, 2])]
        return m.node("Gemm", m.node("Squeeze", x, *axes, **attributes), m.weight(8, 6))

    return build


def flatten_negative_axis(m):
    return m.flat_linear(m.node("Flatten", m.conv(), axis=-3), 5 * 7 * 5)


def dropout(opset, outputs=1, **attributes):
    def build(m):
        m.opset = opset
        options = [] if attributes else [m.constant(0.5), m.constant(False, np.bool_)]
        return m.node("Flatten", m.conv(m.node("Dropout", "x", *options, outputs=outputs, **attributes)))

    return build


def identities(m):
    return m.node("Identity", m.node("Flatten", m.node("Identity", m.conv(m.node("Identity", "x")))))


def identity_of_an_initializer(m):
    shared = m.weight(3, 3, 3, 3)
    x = m.node("Conv", "x", m.node("Identity", m.node("Identity", shared)), pads=[1, 1, 1, 1])
    return m.node("Flatten", m.node("Conv", x, shared))


def constant_nodes(m):
    """All attributes of Constant that hold numbers."""
    weight = numpy_helper.from_array((m.rng.normal(size=(4, 3, 3, 3)) / 5).astype(np.float32))
    bias = m.node("Constant", value_floats=[0.5, -0.5, 0.25, -1.0])
    x = m.node("Conv", "x", m.node("Constant", value=weight), bias)
    x = m.node("Clip", x, m.node("Constant", value_float=-0.5), m.node("Constant", value_float=0.75))
    lists = [m.node("Constant", value_ints=values) for values in ([1], [INFINITE], [2], [2])]
    x = m.node("Slice", x, *lists)
    return m.node("Flatten", m.node("Add", m.conv(x, (4, 4, 3, 3)), m.node("Constant", value_float=0.5)))


def softmax(*after, axis=-1):
    def build(m):
        logits = m.flat_linear(m.conv(), 5 * 7 * 5)
        x = m.node("Softmax", logits, axis=axis)
        for op in after:
            x = m.node(op, x)
        return x, logits

    return build


def unused_nodes(m):
    """A branch that no output needs may hold anything."""
    x = m.conv()
    m.node("Sigmoid", x)
    return m.node("Flatten", x)


CASES = {
    **{f"Conv {name}": conv_case(**options) for name, options in CONVS.items()},
    "Conv groups": grouped,
    **{f"MaxPool {name}": pool_case("MaxPool", **options) for name, options in POOLS.items()},
    "MaxPool storage_order": pool_case("MaxPool", kernel_shape=[2, 3], storage_order=1),
    **{f"AveragePool {name}": pool_case("AveragePool", **options) for name, options in POOLS.items()},
    "AveragePool count_include_pad": pool_case(
        "AveragePool", kernel_shape=[3, 2], pads=[2, 0, 1, 1], strides=[2, 2], count_include_pad=1
    ),
    "AveragePool SAME count_include_pad": pool_case(
        "AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2], count_include_pad=1
    ),
    "GlobalAveragePool": global_pool,
    "ReduceMean": reduce_mean([2, 3]),
    "ReduceMean negative axes": reduce_mean([-1, -2]),
    "ReduceMean without keepdims": reduce_mean([2, 3], keepdims=0),
    "ReduceMean axes as input": reduce_mean([2, 3], as_input=True),
    "ReduceMean axes as input, negative, without keepdims": reduce_mean([-2, -1], as_input=True, keepdims=0),
    "Gemm": gemm(bias=(6,)),
    "Gemm transB": gemm(bias=(6,), transB=1),
    "Gemm alpha": gemm(bias=(6,), alpha=0.25),
    "Gemm beta": gemm(bias=(6,), beta=-3.0),
    "Gemm alpha, beta, transB": gemm(bias=(6,), alpha=1.75, beta=0.5, transB=1),
    "Gemm without bias": gemm(),
    "Gemm bias of one row": gemm(bias=(1, 6)),
    "Gemm bias of one number": gemm(bias=(1,)),
    "Gemm bias without axes": gemm(bias=()),
    "MatMul": lambda m: m.node("MatMul", head(m), m.constant(m.rng.normal(size=(8, 6)))),
    "MatMul, Add": matmul_add(first=False),
    "MatMul, Add of constant first": matmul_add(first=True),
    "MatMul, Add, BatchNormalization": matmul_add(first=False, norm=True),
    "BatchNormalization": conv_batch_norm(),
    "BatchNormalization epsilon": batch_norm_epsilon(0.5, epsilon=0.75),
    "BatchNormalization default epsilon": batch_norm_epsilon(1e-5),
    "BatchNormalization behind a bias": conv_batch_norm(bias=True),
    "BatchNormalization, Relu": conv_batch_norm(relu=True),
    "BatchNormalization behind Add": conv_batch_norm(before=True),
    "BatchNormalization before Add": conv_batch_norm(after=True, relu=True),
    "BatchNormalization behind Gemm": gemm_batch_norm,
    "Clip": clip(-0.25, 0.5),
    "Clip without low": clip(None, 0.5),
    "Clip without high": clip(-0.25),
    "Clip without bounds": clip(),
    "Clip above 0": clip(0.25, 1.0),
    "Clip behind Relu": clip(-1.0, 0.5, before="Relu"),
    "Clip behind MaxPool": clip(0.0, 0.5, before="MaxPool"),
    "Relu": lambda m: m.node("Flatten", m.node("Relu", m.conv())),
    "Relu of the input": relu_of_the_input,
    "Relu whose producer feeds others": relu_whose_producer_feeds_others,
    "Add": residual,
    "Add to itself": added_to_itself,
    "Add of [C, 1, 1]": added_constant(5, 1, 1),
    "Add of [1, C, 1, 1]": added_constant(1, 5, 1, 1),
    "Add of one number": added_constant(),
    "Concat": concat(1),
    "Concat negative axis": concat(-3),
    "Concat of flat": concat_flat,
    "Pad": pad([0, 0, 1, 2, 0, 0, 0, 1], opset=11),
    "Pad at the start": pad([0, 0, 0, 3, 0, 0, 2, 0]),
    "Pad channels": pad([0, 1, 0, 0, 0, 2, 0, 0]),
    "Pad value": pad([0, 0, 1, 2, 0, 0, 0, 1], 1.0),
    "Pad negative value": pad([0, 0, 1, 2, 0, 0, 0, 1], -1.0),
    "Pad axes": pad([1, 0, 0, 2], 0.5, axes=[3, 2]),
    "Pad negative axes": pad([0, 2, 1, 0], 0.0, axes=[-2, -1]),
    "Slice": cut([1], [6], [2]),
    "Slice channels": cut([1], [3], [1], channels=2),
    "Slice several axes": cut([1, 2, 0], [8, 7, 2], [2, 3, 1], channels=2),
    "Slice negative indices": cut([-6, -5], [-1, -2], [2, 3]),
    "Slice steps": cut([0, 1], [INFINITE, INFINITE], [2, 3], [2, 2]),
    "Slice negative axes": cut([1, 0], [INFINITE, -1], [-1, -2], [3, 2]),
    "Slice beyond the end": cut([-100], [100], [3]),
    "Reshape [0, -1]": reshaped(0, -1),
    "Reshape [-1, F]": reshaped(-1, 175),
    "Reshape [0, F]": reshaped(0, 175),
    "Reshape by a computed shape": reshape_by_computed_shape,
    "Reshape back and forth": reshape_back_and_forth,
    "Squeeze": squeeze(17),
    "Squeeze, axes as attribute": squeeze(11, axes=[2, 3]),
    "Flatten negative axis": flatten_negative_axis,
    "Dropout": dropout(17),
    "Dropout with its mask": dropout(17, outputs=2),
    "Dropout, ratio as attribute": dropout(11, ratio=0.25),
    "Identity": identities,
    "Identity of an initializer": identity_of_an_initializer,
    "Constant": constant_nodes,
    "Softmax": softmax(),
    "Softmax, Identity": softmax("Identity", axis=1),
    "unused nodes": unused_nodes,
}


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


# Any geometry.


@st.composite
def windows(draw):
    """Attributes of a sliding window, and the image's height and width."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list)
    kernel, strides = draw(pair), draw(pair)
    size = draw(st.tuples(st.integers(3, 11), st.integers(3, 11)))
    options = {"kernel_shape": kernel, "strides": strides}
    mode = draw(st.sampled_from(["none", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if mode == "pads":
        options["pads"] = [draw(st.integers(0, kernel[axis % 2] - 1)) for axis in range(4)]
    elif mode != "none":
        options["auto_pad"] = mode
    return options, size


ANY = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@ANY
@given(windows(), st.sampled_from([1, 2]), st.sampled_from([1, 2, 4]), st.sampled_from(["symmetric", "affine"]))
def test_convs_of_any_geometry(tmp_path, window, dilation, groups, scheme):
    options, size = window
    kernel, pads = options["kernel_shape"], options.get("pads", [0] * 4)
    assume(dilation == 1 or options.get("auto_pad") not in ("SAME_UPPER", "SAME_LOWER"))  # ONNX Runtime cannot
    assume(all(dilation * (kernel[axis] - 1) < size[axis] + pads[axis] + pads[axis + 2] for axis in (0, 1)))
    model = Model((4, *size))

    def build(m):
        return m.node(
            "Flatten", m.conv("x", (4, 4 // groups, *kernel), group=groups, dilations=[dilation] * 2, **options)
        )

    recipe = Preprocessing(255.0, (0.5,) * 4, (0.25,) * 4)
    path = save(model, str(tmp_path / "model.onnx"), build(model))
    images = pixels(12, model.shape[1:])
    network = axsim.convert(path, ImageSet(images), recipe, scheme=scheme)
    real = ((images.astype(np.float32) / 255 - 0.5) / 0.25).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": np.ascontiguousarray(real)})[0]
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


@ANY
@given(
    windows(),
    st.sampled_from(["MaxPool", "AveragePool"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["symmetric", "affine"]),
)
def test_pools_of_any_geometry(tmp_path, window, op, ceil_mode, count_include_pad, scheme):
    options, size = window
    if options.get("auto_pad") in (
        "SAME_UPPER",
        "SAME_LOWER",
    ):  # ONNX Runtime has no window smaller than its stride then
        assume(all(side >= stride for side, stride in zip(options["kernel_shape"], options["strides"], strict=True)))
    options = {**options, "ceil_mode": int(ceil_mode)}
    if op == "AveragePool" and not ceil_mode:
        options["count_include_pad"] = int(count_include_pad)

    def build(m):
        return m.node("Flatten", m.node(op, m.conv("x", (3, 3, 1, 1)), **options))

    network, images, wanted = converted(build, tmp_path, scheme, model=Model((3, *size)))
    assert decibels(wanted, axsim.run(network, images).logits) > FAITHFUL


# Refusals: one line that names the node and the operator; nothing is written.


def behind_conv(op, *inputs, **attributes):
    return lambda m: m.node("Flatten", m.node(op, m.conv(), *inputs, **attributes))


def with_input(shape, kind=TensorProto.FLOAT):
    """A model whose input is of another shape or type, and its weights with it."""

    def build(m):
        m.inputs = [helper.make_tensor_value_info("x", kind, shape)]
        output = m.node("Flatten", m.conv("x", (5, 3, *[3] * (len(shape) - 2))))
        arrays = [(numpy_helper.to_array(tensor), tensor.name) for tensor in m.initializers]
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        m.initializers = [numpy_helper.from_array(array.astype(dtype), name) for array, name in arrays]
        m.kind = kind
        return output

    return build


def second_input(m):
    m.inputs.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, ["N", 3]))
    return m.node("Flatten", m.conv())


def second_output(m):
    m.outputs.append(m.conv())
    return m.node("Flatten", m.outputs[0])


def weight_of(value):
    def build(m):
        weight = m.rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
        weight[1, 2, 0, 1] = value
        return m.node("Flatten", m.node("Relu", m.node("Conv", "x", m.constant(weight))))

    return build


def computed_weight(m):
    return m.node("Flatten", m.node("Conv", "x", m.node("Relu", m.weight(4, 3, 3, 3))))


def bad_variance(m):
    parts = [m.constant(values) for values in ([1.0] * 5, [0.0] * 5, [0.0] * 5, [1.0, 1.0, -1.0, 1.0, 1.0])]
    return m.node("Flatten", m.node("BatchNormalization", m.conv(), *parts))


def old_opset(m):
    m.opset = 8
    return m.node("Flatten", m.conv())


def conv_of_two_images(m):
    """The Conv that has a constant for its image."""
    return m.node("Flatten", m.node("Add", m.node("MaxPool", m.floats(1, 3, 9, 7), kernel_shape=[1, 1]), "x"))


def gemm_column_bias(m):
    return m.node("Gemm", m.node("Flatten", "x"), m.weight(6, 189), m.floats(6, 1), transB=1)


def pad_of(pads, value=None, mode="constant"):
    def build(m):
        parts = [m.constant(pads)] + ([] if value is None else [m.constant(value)])
        return m.node("Flatten", m.conv(m.node("Pad", "x", *parts, mode=mode)))

    return build


def dropout_in_training(m):
    return m.node("Flatten", m.conv(m.node("Dropout", "x", m.constant(0.5), m.constant(True, np.bool_))))


def fixed_inner_batch(m):
    return m.node("Reshape", m.conv(), m.constant([1, 175]))


REFUSED = {
    "LSTM": (
        lambda m: m.node("Flatten", m.node("LSTM", m.node("Squeeze", m.conv(shape=(5, 3, 9, 1)), m.constant([2])),
                                           m.weight(1, 16, 7), m.weight(1, 16, 4), hidden_size=4)),
        r"node '/LSTM_\d': operator LSTM is not supported",
    ),
    "ConvTranspose": (
        lambda m: m.node("Flatten", m.node("ConvTranspose", "x", m.weight(3, 4, 3, 3))),
        r"node '/ConvTranspose_0': operator ConvTranspose is not supported; supported are Add, ",
    ),
    "Sigmoid": (behind_conv("Sigmoid"), r"node '/Sigmoid_1': operator Sigmoid is not supported"),
    "LeakyRelu": (behind_conv("LeakyRelu"), "operator LeakyRelu is not supported"),
    "dynamic height": (with_input(("N", 3, "H", 7)), r"input 'x' must have a fixed shape.*'dynamic'.*fixed sizes"),
    "height below 1": (with_input(("N", 3, -1, 7)), r"input 'x' must have a fixed shape"),
    "Conv in one dimension": (with_input(("N", 3, 63)), r"input 'x' must have a fixed shape \[N, C, H, W\]"),
    "Conv in three dimensions": (with_input(("N", 3, 9, 7, 5)), r"input 'x' must have a fixed shape \[N, C, H, W\]"),
    "float16": (with_input(("N", *SHAPE), TensorProto.FLOAT16), "input 'x' must be of float32, got FLOAT16"),
    "float64": (with_input(("N", *SHAPE), TensorProto.DOUBLE), "input 'x' must be of float32, got DOUBLE"),
    "two inputs": (second_input, "one input, the images, got 2"),
    "two outputs": (second_output, "one output, the logits, got 2"),
    "opset 8": (old_opset, "opset must be 11 or newer, got 8; export the model with a newer opset"),
    "weight of NaN": (weight_of(np.nan), r"node '/Conv_0' \(Conv\): its weights must be finite"),
    "weight of infinity": (weight_of(np.inf), r"node '/Conv_0' \(Conv\): its weights must be finite"),
    "negative variance": (bad_variance, r"\(BatchNormalization\): its weights must be finite"),
    "weight that is computed": (computed_weight, r"node '/Conv_1' \(Conv\): its weight must be constant"),
    "an image that is constant": (conv_of_two_images, r"\(MaxPool\): its input must"),
    "Gemm transA": (
        lambda m: m.node("Gemm", m.node("Flatten", "x"), m.weight(4, 6), transA=1),
        r"\(Gemm\): transA must be 0",
    ),
    "Gemm bias by image": (gemm_column_bias, r"\(Gemm\): its bias must have one number a class, got \(6, 1\) for 6"),
    "BatchNormalization of the input": (
        lambda m: m.node("Flatten", m.conv(m.batch_norm("x", 3))),
        "BatchNormalization is supported behind a Conv or Gemm",
    ),
    "Add of different shapes": (
        lambda m: m.node("Flatten", m.node("Add", m.conv("x", (3, 3, 9, 7)), "x")),
        r"\(Add\): its inputs must have one shape",
    ),
    "Clip upside down": (
        lambda m: m.node("Flatten", m.node("Clip", m.conv(), m.constant(1.0), m.constant(0.0))),
        r"\(Clip\): its bounds must ascend, got \(1.0, 0.0\)",
    ),
    "Clip at computed bounds": (
        lambda m: m.node("Flatten", m.node("Clip", m.conv(), m.node("Relu", m.constant(0.0)))),
        r"\(Clip\): its bounds must be constant",
    ),
    "MaxPool dilations": (behind_conv("MaxPool", kernel_shape=[2, 2], dilations=[2, 1]), r"\(MaxPool\): dilations"),
    "AveragePool ceil_mode with count_include_pad": (
        behind_conv("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1),
        r"\(AveragePool\): ceil_mode together with count_include_pad",
    ),
    "ReduceMean of channels": (
        lambda m: m.node("Flatten", m.node("ReduceMean", m.conv(), axes=[1])),
        r"\(ReduceMean\): must be over height and width",
    ),
    "ReduceMean of everything": (
        lambda m: m.node("Flatten", m.node("ReduceMean", m.conv())),
        r"\(ReduceMean\): must be over height and width",
    ),
    "Pad of the batch": (pad_of([1, 0, 0, 0, 0, 0, 0, 0]), r"\(Pad\): pads must be 0 or more, and none for the batch"),
    "Pad that cuts": (pad_of([0, 0, -1, 0, 0, 0, 0, 0]), r"\(Pad\): pads must be 0 or more"),
    "Pad by reflection": (pad_of([0, 0, 1, 1, 0, 0, 1, 1], mode="reflect"), r"\(Pad\): mode must be constant"),
    "Pad of infinity": (pad_of([0, 0, 1, 1, 0, 0, 1, 1], -np.inf), r"\(Pad\): its value must be finite, got -inf"),
    "Pad beyond the range": (
        pad_of([0, 0, 1, 1, 0, 0, 1, 1], 50.0),
        r"node 'Pad_0' \(Pad\): its value must lie within the range of what it pads .*, -\d.* to \d.*, got 50",
    ),
    "Slice backwards": (
        lambda m: m.node("Flatten", m.conv(m.node("Slice", "x", *map(m.constant, ([5], [0], [2], [-1]))))),
        r"\(Slice\): must not slice the batch nor go backwards",
    ),
    "Slice of the batch": (
        lambda m: m.node("Flatten", m.conv(m.node("Slice", "x", *map(m.constant, ([1], [5], [0]))))),
        r"\(Slice\): must not slice the batch",
    ),
    "Reshape across images": (fixed_inner_batch, r"ONNX Runtime cannot run the model: .*Reshape"),
    "Flatten of rows": (
        lambda m: m.node("Flatten", m.conv(), axis=2),
        r"\(Flatten\): axis must be 1",
    ),
    "Dropout in training": (dropout_in_training, r"\(Dropout\): training_mode must be off"),
    "an output that is no vector": (lambda m: m.conv(), r"the last node must give one number a class"),
    "nothing to multiply": (lambda m: m.node("Flatten", m.node("Relu", "x")), "at least one conv or linear"),
    "nothing at all": (lambda m: m.node("Identity", "x"), "must compute something from its input"),
}  # fmt: skip


def refused_by_both(path, folder, words, capsys, images=None, recipe=RECIPE):
    """`convert` raises one line with the words; `axsim convert` prints it, exits with 2 and writes nothing."""
    images = pixels(8, SHAPE) if images is None else images
    with pytest.raises(AxsimError) as caught:
        axsim.convert(path, ImageSet(images), recipe)
    assert re.search(words, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    save_images(folder / "images.h5", ImageSet(images), {})
    before = sorted(folder.iterdir())
    listed = [",".join(map(str, values)) for values in (recipe.mean, recipe.std)]
    capsys.readouterr()
    code = main(["convert", str(path), "--images", str(folder / "images.h5"), "-o", str(folder / "out.h5"),
                 f"--mean={listed[0]}", f"--std={listed[1]}"])  # fmt: skip
    errors = [line for line in capsys.readouterr().err.splitlines() if line != "axsim: calibration"]
    assert code == 2
    assert len(errors) == 1
    assert re.search(words, errors[0]), errors
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_are_refused(case, tmp_path, capsys):
    build, words = REFUSED[case]
    model = Model(batch=9) if build is None else Model()
    path = save(model, tmp_path / "model.onnx", (build or CASES["Conv plain"])(model))
    refused_by_both(path, tmp_path, words, capsys)


@pytest.fixture
def path(tmp_path):
    """File of a model that converts."""
    model = Model()
    return save(model, tmp_path / "model.onnx", CASES["Relu"](model))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_truncated_files(share, path, tmp_path, capsys):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused_by_both(path, tmp_path, r"model\.onnx: not a valid ONNX model, truncated or damaged", capsys)


def test_no_truncation_goes_unnoticed(path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ConversionError, match="truncated or damaged"):
            read_model(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"not a model\n" * 100, bytes(range(256)), b"\x89HDF\r\n\x1a\n"]
)
def test_files_that_are_no_model(content, path, tmp_path, capsys):
    path.write_bytes(content)
    refused_by_both(path, tmp_path, r"model\.onnx: not a valid ONNX model, truncated or damaged", capsys)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.onnx", "no such file"),
        ("no/folder.onnx", "no such file"),
        (".", "is a folder"),
        ("n" * 300, "too long"),
    ],
)
def test_files_that_are_not_there(name, words, tmp_path, capsys):
    refused_by_both(tmp_path / name, tmp_path, words, capsys)


def test_external_data_is_read_and_its_absence_noticed(path, tmp_path, capsys):
    images = pixels(8, SHAPE)
    whole = axsim.convert(path, ImageSet(images), RECIPE)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    parted = axsim.convert(path, ImageSet(images), RECIPE)
    assert np.array_equal(parted.layers[0].weight, whole.layers[0].weight)
    (tmp_path / "weights.bin").unlink()
    refused_by_both(path, tmp_path, r"model\.onnx: .*weights\.bin", capsys)


@pytest.mark.parametrize("shape", [(3, 7, 9), (3, 9, 8), (1, 9, 7), (4, 9, 7)])
def test_images_of_another_size(shape, path, tmp_path, capsys):
    recipe = Preprocessing(255.0, (0.5,) * shape[0], (0.5,) * shape[0])
    words = f"images must be 9 x 7 with 3 channels for this model, got {shape[1]} x {shape[2]} x {shape[0]}"
    refused_by_both(path, tmp_path, words, capsys, pixels(8, shape), recipe)


@pytest.mark.parametrize(("means", "stds"), [(1, 3), (3, 1), (4, 4), (2, 3)])
def test_a_mean_or_std_too_many_or_too_few(means, stds, path, tmp_path, capsys):
    recipe = Preprocessing(255.0, (0.5,) * means, (0.5,) * stds)
    refused_by_both(path, tmp_path, "mean and std must have 3 numbers", capsys, recipe=recipe)


def test_a_scheme_that_does_not_exist(path):
    with pytest.raises(AxsimError, match="scheme must be one of symmetric, affine, got 'float'"):
        axsim.convert(path, ImageSet(pixels(2, SHAPE)), RECIPE, scheme="float")


def test_an_operator_of_another_domain_is_refused_by_name(tmp_path, capsys):
    model = Model()
    proto = model.proto(model.node("Flatten", model.node("Relu", model.conv())))
    proto.graph.node[1].domain = "com.example"
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(proto, tmp_path / "model.onnx")
    refused_by_both(tmp_path / "model.onnx", tmp_path, "node '/Relu_1': operator Relu is not supported", capsys)


def test_without_onnx_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(AxsimError, match=r"pip install 'axsim\[convert\]'"):
        axsim.convert(path, ImageSet(pixels(2, SHAPE)), RECIPE)


def test_names_shape_and_output_of_the_graph(path):
    graph = read_graph(read_model(path), "name")
    assert (graph.name, graph.input, graph.output, graph.shape) == ("name", "x", "Flatten_2", SHAPE)
    assert [(node.op, node.name, node.label) for node in graph.nodes] == [
        ("conv", "Relu_1", "/Conv_0"),
        ("flatten", "Flatten_2", "/Flatten_2"),
    ]
