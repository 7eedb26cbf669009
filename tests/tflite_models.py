"""Small TFLite models, one for each operator and way of using it, by name."""

import numpy as np
from tflite_files import ModelBuilder, Quantized

SAME, VALID = 0, 1
NONE, RELU, N1_TO_1, RELU6 = 0, 1, 2, 3


def finish(builder, last):
    """Flatten what the operator under test gave, classify it, and give the file's bytes."""
    shape = builder.graph.tensors[last].shape
    features = int(np.prod(shape))
    if len(shape) == 4:
        flat = builder.activation([1, features], fmt_of(builder, last), builder.scale(last), builder.zero_point(last))
        new_shape = builder.tensor([2], np.int32, data=[1, features])
        builder.add("RESHAPE", [last, new_shape], [flat], "ReshapeOptions", newShape=[1, features])
        last = flat
    fmt = fmt_of(builder, last)
    weight, bias = builder.weights(last, [3, features], fmt, 3, 0, False)
    logits = builder.activation([1, 3], fmt, 0.5, 10)
    builder.add(
        "FULLY_CONNECTED", [last, weight, bias], [logits], "FullyConnectedOptions", fusedActivationFunction=NONE
    )
    return builder.content([builder.input], [logits])


def fmt_of(builder, tensor):
    return {3: "u8", 9: "s8"}[builder.graph.tensors[tensor].type]


def start(fmt, shape=(1, 7, 6, 4), seed=0):
    builder = ModelBuilder(seed)
    builder.input = builder.activation(shape, fmt)
    return builder


def conv(fmt, per_channel=False, kind="CONV_2D", multiplier=1, groups=1, padding=SAME, strides=(1, 1), dilations=(1, 1),
         activation=NONE, kernel=(3, 2), seed=0):  # fmt: skip
    builder = start(fmt, seed=seed)
    channels = 4 * multiplier if kind == "DEPTHWISE_CONV_2D" else 6
    shape = [1, *kernel, channels] if kind == "DEPTHWISE_CONV_2D" else [channels, *kernel, 4 // groups]
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    weight, bias = builder.weights(builder.input, shape, fmt, channels, axis, per_channel)
    size = []
    for length, k, stride, dilation in zip((7, 6), kernel, strides, dilations, strict=True):
        span = (k - 1) * dilation + 1
        size.append(-(-length // stride) if padding == SAME else (length - span) // stride + 1)
    output = builder.activation([1, *size, channels], fmt, 0.05)
    fields = {
        "padding": padding,
        "strideH": strides[0],
        "strideW": strides[1],
        "dilationHFactor": dilations[0],
        "dilationWFactor": dilations[1],
        "fusedActivationFunction": activation,
    }
    options = "Conv2DOptions"
    if kind == "DEPTHWISE_CONV_2D":
        options, fields["depthMultiplier"] = "DepthwiseConv2DOptions", multiplier
    builder.add(kind, [builder.input, weight, bias], [output], options, **fields)
    return finish(builder, output)


def pool(kind, fmt, padding=SAME, activation=NONE, window=(3, 2), strides=(2, 1)):
    builder = start(fmt)
    size = [
        -(-length // stride) if padding == SAME else (length - k) // stride + 1
        for length, k, stride in zip((7, 6), window, strides, strict=True)
    ]
    kept = builder.scale(builder.input), builder.zero_point(builder.input)
    output = builder.activation([1, *size, 4], fmt, *kept)
    builder.add(
        kind,
        [builder.input],
        [output],
        "Pool2DOptions",
        padding=padding,
        strideH=strides[0],
        strideW=strides[1],
        filterHeight=window[0],
        filterWidth=window[1],
        fusedActivationFunction=activation,
    )
    return finish(builder, output)


def add(fmt, activation=NONE, seed=0):
    builder = start(fmt, seed=seed)
    other = builder.activation([1, 7, 6, 4], fmt)
    builder.add("QUANTIZE", [builder.input], [other], "QuantizeOptions")
    output = builder.activation([1, 7, 6, 4], fmt, 0.1)
    builder.add("ADD", [builder.input, other], [output], "AddOptions", fusedActivationFunction=activation)
    return finish(builder, output)


def quantize(given, wanted, scale=None):
    builder = start(given)
    output = builder.activation([1, 7, 6, 4], wanted, scale)
    builder.add("QUANTIZE", [builder.input], [output], "QuantizeOptions")
    return finish(builder, output)


def concat(fmt):
    builder = start(fmt)
    kept = builder.scale(builder.input), builder.zero_point(builder.input)
    other = builder.activation([1, 7, 6, 4], fmt, *(kept if fmt == "s8" else ()))
    builder.add("QUANTIZE", [builder.input], [other], "QuantizeOptions")
    output = builder.activation([1, 7, 6, 12], fmt, *(kept if fmt == "s8" else ()))
    inputs = [other, builder.input, other]
    builder.add("CONCATENATION", inputs, [output], "ConcatenationOptions", axis=-1, fusedActivationFunction=NONE)
    return finish(builder, output)


def mean(fmt, keep_dims, size=(7, 6)):
    builder = start(fmt, (1, *size, 4))
    axes = builder.tensor([2], np.int32, data=[1, 2])
    output = builder.activation([1, 1, 1, 4] if keep_dims else [1, 4], fmt, 0.02)
    builder.add("MEAN", [builder.input, axes], [output], "ReducerOptions", keepDims=keep_dims)
    return finish(builder, output)


def pad(fmt, kind):
    builder = start(fmt)
    kept = builder.scale(builder.input), builder.zero_point(builder.input)
    widths = builder.tensor([4, 2], np.int32, data=[[0, 0], [1, 2], [0, 3], [2, 1]])
    output = builder.activation([1, 10, 9, 7], fmt, *kept)
    inputs, options = [builder.input, widths], "PadOptions"
    if kind == "PADV2":
        options = "PadV2Options"
        inputs.append(builder.tensor([1], fmt, Quantized(*kept), [77]))
    builder.add(kind, inputs, [output], options)
    return finish(builder, output)


def relu(fmt, kind):
    builder = start(fmt)
    output = builder.activation([1, 7, 6, 4], fmt, builder.scale(builder.input), 20)
    builder.add(kind, [builder.input], [output])
    return finish(builder, output)


def fully_connected(fmt, per_channel=False, activation=NONE, bias=True):
    builder = start(fmt)
    weight, constant = builder.weights(builder.input, [5, 168], fmt, 5, 0, per_channel)
    output = builder.activation([1, 5], fmt, 0.3)
    builder.add(
        "FULLY_CONNECTED",
        [builder.input, weight, constant if bias else -1],
        [output],
        "FullyConnectedOptions",
        fusedActivationFunction=activation,
    )
    return builder.content([builder.input], [output])


MODELS = {
    "conv u8": lambda: conv("u8"),
    "conv u8 relu6 valid strides": lambda: conv("u8", padding=VALID, strides=(2, 3), activation=RELU6),
    "conv s8": lambda: conv("s8"),
    "conv s8 channels": lambda: conv("s8", True, activation=RELU),
    "conv s8 dilated": lambda: conv("s8", True, dilations=(2, 3), padding=SAME),
    "conv s8 dilated valid": lambda: conv("s8", True, dilations=(2, 3), padding=VALID),
    "conv s8 groups": lambda: conv("s8", True, groups=2, activation=N1_TO_1),
    "conv u8 1x1": lambda: conv("u8", kernel=(1, 1)),
    "conv s8 even window": lambda: conv("s8", True, kernel=(2, 4), strides=(2, 2)),
    "depthwise u8": lambda: conv("u8", kind="DEPTHWISE_CONV_2D"),
    "depthwise u8 x3": lambda: conv("u8", kind="DEPTHWISE_CONV_2D", multiplier=3, strides=(2, 2)),
    "depthwise s8": lambda: conv("s8", kind="DEPTHWISE_CONV_2D"),
    "depthwise s8 channels x2": lambda: conv("s8", True, kind="DEPTHWISE_CONV_2D", multiplier=2, dilations=(2, 1)),
    "add u8": lambda: add("u8"),
    "add s8 relu": lambda: add("s8", RELU, 3),
    "add s8 relu6": lambda: add("s8", RELU6, 4),
    "quantize s8 s8": lambda: quantize("s8", "s8"),
    "quantize u8 s8": lambda: quantize("u8", "s8"),
    "quantize s8 u8": lambda: quantize("s8", "u8", 0.003),
    "concat u8": lambda: concat("u8"),
    "concat s8": lambda: concat("s8"),
    "mean u8": lambda: mean("u8", True),
    "mean s8": lambda: mean("s8", False),
    "mean s8 power of two": lambda: mean("s8", False, (4, 8)),
    "mean s8 one pixel": lambda: mean("s8", True, (1, 1)),
    "average u8": lambda: pool("AVERAGE_POOL_2D", "u8"),
    "average s8": lambda: pool("AVERAGE_POOL_2D", "s8"),
    "average s8 valid relu": lambda: pool("AVERAGE_POOL_2D", "s8", VALID, RELU, (7, 6), (1, 1)),
    "max u8 relu6": lambda: pool("MAX_POOL_2D", "u8", SAME, RELU6),
    "max s8": lambda: pool("MAX_POOL_2D", "s8", VALID),
    "pad u8": lambda: pad("u8", "PAD"),
    "pad s8": lambda: pad("s8", "PAD"),
    "padv2 s8": lambda: pad("s8", "PADV2"),
    "relu s8": lambda: relu("s8", "RELU"),
    "relu6 u8": lambda: relu("u8", "RELU6"),
    "relu_n1 s8": lambda: relu("s8", "RELU_N1_TO_1"),
    "fully connected u8": lambda: fully_connected("u8"),
    "fully connected s8": lambda: fully_connected("s8", activation=RELU),
    "fully connected s8 channels": lambda: fully_connected("s8", True, bias=False),
}
