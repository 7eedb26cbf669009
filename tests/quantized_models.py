"""Quantized ONNX models as ONNX Runtime's own quantizer writes them, from small float models or given ones."""

import logging

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

# Activations, weights, one scale a channel, other options of quantize_static.
VARIANTS = {
    "u8 s8 per channel": (QuantType.QUInt8, QuantType.QInt8, True, {}),
    "u8 s8 per tensor": (QuantType.QUInt8, QuantType.QInt8, False, {}),
    "s8 s8 per channel": (QuantType.QInt8, QuantType.QInt8, True, {}),
    "s8 s8 per tensor": (QuantType.QInt8, QuantType.QInt8, False, {}),  # its default
    "u8 u8 per tensor": (QuantType.QUInt8, QuantType.QUInt8, False, {}),
    "symmetric": (QuantType.QInt8, QuantType.QInt8, True, {"ActivationSymmetric": True}),
    "weights with zero points": (QuantType.QUInt8, QuantType.QInt8, False, {"WeightSymmetric": False}),
    "float weights": (QuantType.QUInt8, QuantType.QInt8, True, {"AddQDQPairToWeight": True}),
    "float biases": (QuantType.QUInt8, QuantType.QInt8, True, {"QuantizeBias": False}),
}
FORMS = ("QDQ", "QOperator")


class _Batches(CalibrationDataReader):
    def __init__(self, name, batches):
        self._batches = iter([{name: batch} for batch in batches])

    def get_next(self):
        return next(self._batches, None)


def quantize(source, path, form, variant, batches):
    """Write the model that quantize_static makes of a float one; `batches` float32 [N, C, H, W] to calibrate on."""
    activations, weights, per_channel, options = VARIANTS[variant]
    logging.getLogger().setLevel(logging.ERROR)  # it advises pre-processing at length
    quantize_static(
        str(source),
        str(path),
        _Batches(onnx.load(source, load_external_data=False).graph.input[0].name, batches),
        quant_format=QuantFormat[form],
        activation_type=activations,
        weight_type=weights,
        per_channel=per_channel,
        extra_options=dict(options),
    )


def small_model(path, opset=17, batch="N", softmax=False):
    """Write a float model with every operator that both forms quantize."""
    rng = np.random.default_rng(0)
    constants = {
        "w0": rng.normal(size=(8, 3, 3, 3)) / 5,
        "b0": rng.normal(size=8) / 5,
        "w1": rng.normal(size=(8, 1, 3, 3)) / 3,
        "w2": rng.normal(size=(8, 8, 1, 1)) / 3,
        "b2": rng.normal(size=8) / 5,
        "w3": rng.normal(size=(4, 8, 3, 3)) / 9,
        "w4": rng.normal(size=(5, 12)) / 3,
        "b4": rng.normal(size=5),
        "zero": np.array(0.0),
        "six": np.array(1.5),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c0"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"], "stem_relu"),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], "depthwise", pads=[1, 1, 0, 0], group=8),
        helper.make_node("Clip", ["c1", "zero", "six"], ["r1"], "depthwise_clip"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "pointwise"),
        helper.make_node("MaxPool", ["r0"], ["m"], "largest", kernel_shape=[2, 2]),
        helper.make_node("Add", ["m", "c2"], ["a"], "sum"),
        helper.make_node("Conv", ["a", "w3"], ["c3"], "narrow", pads=[1, 1, 1, 1]),
        helper.make_node("Concat", ["a", "c3"], ["j"], "join", axis=1),
        helper.make_node("AveragePool", ["j"], ["p"], "mean", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "w4", "b4"], ["y"], "classifier", transB=1),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["y"], ["probabilities"], "softmax"))
    output = "probabilities" if softmax else "y"
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 9, 8])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)


def small_batches(count=8):
    """Calibration batches for `small_model`."""
    return np.random.default_rng(1).uniform(-2, 2, (count, 1, 3, 9, 8)).astype(np.float32)
