"""ONNX models that are refused: one line that names the node and the operator; nothing is written."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import SHAPE, Model, refused_by_both, save


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


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_are_refused(case, tmp_path, capsys):
    build, words = REFUSED[case]
    model = Model()
    path = save(model, tmp_path / "model.onnx", build(model))
    refused_by_both(path, tmp_path, words, capsys)


def test_an_operator_of_another_domain_is_refused_by_name(tmp_path, capsys):
    model = Model()
    proto = model.proto(model.node("Flatten", model.node("Relu", model.conv())))
    proto.graph.node[1].domain = "com.example"
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(proto, tmp_path / "model.onnx")
    refused_by_both(tmp_path / "model.onnx", tmp_path, "node '/Relu_1': operator Relu is not supported", capsys)
