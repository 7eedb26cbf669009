"""A network, operator by operator: from numbers to codes by the rules of ONNX and of ONNX Runtime."""

import math
from fractions import Fraction

import numpy as np

from reference.fixed import fixed_compute, fixed_mean
from reference.sums import accumulators, activation_sums, layer_sums, sums_of


def quantize(real, output, clamp=None):
    """ONNX QuantizeLinear in float32: round half to even, then the zero point, then saturate."""
    low, high = clamp or ((0, 255) if output.format == "u8" else (-128, 127))
    codes = np.rint(real.astype(np.float32) / np.float32(output.scale)).astype(np.int64) + output.zero_point
    return np.clip(codes, low, high)


def dequantize(codes, quantization):
    """ONNX DequantizeLinear in float32."""
    return (codes - quantization.zero_point).astype(np.float32) * np.float32(quantization.scale)


def activation_product(node, sums, inputs, given):
    """Codes of a matmul from its sums: the zero points off, then float32."""
    a, b = inputs
    a_zero, b_zero = given[0].zero_point, given[1].zero_point
    totals = sums - b_zero * a.sum(axis=3)[:, :, :, None] - a_zero * b.sum(axis=2)[:, :, None, :]
    totals += a.shape[3] * a_zero * b_zero
    assert (totals == ((a - a_zero) @ (b - b_zero)) + sums - a @ b).all()
    scale = np.float32(given[0].scale) * np.float32(node.factor) * np.float32(given[1].scale)
    real = totals.astype(np.float32) * (scale / np.float32(node.output.scale))
    return np.clip(np.rint(real.astype(np.float64)).astype(np.int64) + node.output.zero_point, *node.clamp)


def gelu(real):
    """One number, in float64."""
    return real * (1 + math.erf(real / math.sqrt(2))) / 2


def softmax(codes, scale):
    """Softmax of a list of codes, float64, added up in order."""
    exponentials = [math.exp(-scale * (max(codes) - code)) for code in codes]
    total = 0.0
    for exponential in exponentials:
        total += exponential
    return [exponential / total for exponential in exponentials]


def layer_norm(codes, node, given):
    """Layer normalisation of one pixel's codes over the channels, float64."""
    values, count = [int(code) - given.zero_point for code in codes], len(codes)
    mean = sum(values) / count
    variance = (count * sum(value * value for value in values) - sum(values) ** 2) / (count * count)
    factor = given.scale / math.sqrt(given.scale * given.scale * variance + node.epsilon)
    gamma, beta = node.gamma.astype(np.float64), node.beta.astype(np.float64)
    return [gamma[c] * ((value - mean) * factor) + beta[c] for c, value in enumerate(values)]


def requantize(node, totals, given):
    """Codes of a layer from its accumulators [B, M, OH, OW]."""
    scale = np.float32(given.scale) * node.weight_scale / np.float32(node.output.scale)
    real = totals.astype(np.int32).astype(np.float32) * scale[None, :, None, None]
    return np.clip(np.rint(real.astype(np.float64)).astype(np.int64) + node.output.zero_point, *node.clamp)


def pool_windows(x, node):
    """Yield (oh, ow, window of codes [B, C, ...]) for every output pixel; padding left out."""
    top, left, bottom, right = node.pads
    height = (x.shape[2] + top + bottom - node.kernel_shape[0]) // node.strides[0] + 1
    width = (x.shape[3] + left + right - node.kernel_shape[1]) // node.strides[1] + 1
    for oh in range(height):
        for ow in range(width):
            h, w = oh * node.strides[0] - top, ow * node.strides[1] - left
            yield oh, ow, x[:, :, max(h, 0) : h + node.kernel_shape[0], max(w, 0) : w + node.kernel_shape[1]]


def mean_codes(node, window, given, divisor):
    """Codes of the mean over the last two axes, from the exact integer sum."""
    total = (window - given.zero_point).sum(axis=(2, 3)).astype(np.float32)
    scale = np.float32(given.scale) / (np.float32(node.output.scale) * np.float32(divisor))
    return np.clip(np.rint(total * scale).astype(np.int64) + node.output.zero_point, *node.clamp)


def fused_multiply_add(a, b, c):
    """a b + c rounded once to float32: of float32 numbers the nearest to the fraction, ties to even."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    near = np.float32(float(exact))
    neighbours = [np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))]
    return min(neighbours, key=lambda value: (abs(Fraction(float(value)) - exact), int(value.view(np.int32)) & 1))


def fused_sum(a, b, given, output):
    """Code of a sum by ONNX Runtime's QLinearAdd, before it is clamped; a, b single codes."""
    r_a, r_b = (np.float32(q.scale) / np.float32(output.scale) for q in given)
    zero_points = fused_multiply_add(r_a, given[0].zero_point, r_b * np.float32(given[1].zero_point))
    rest = np.float32(output.zero_point) - zero_points
    return int(np.rint(fused_multiply_add(a, r_a, fused_multiply_add(b, r_b, rest))))


def mean_of_reals(node, window, given, divisor):
    """Codes of the mean over the last two axes by ONNX Runtime's QLinearAveragePool: float32, pixel after pixel."""
    total = np.zeros(window.shape[:2], np.float32)
    for i in range(window.shape[2]):
        for j in range(window.shape[3]):
            total = total + dequantize(window[:, :, i, j], given)
    real = total / np.float32(divisor) / np.float32(node.output.scale) + np.float32(node.output.zero_point)
    return np.clip(np.rint(real).astype(np.int64), *node.clamp)


def compute(node, inputs, given, multiplier=None, rounding="float", accumulator=None):
    """Output codes int64 [B, C, H, W] of any node; `given` are the inputs' quantizations."""
    x = inputs[0]
    if rounding in ("fixed", "litert"):
        codes = fixed_compute(node, inputs, given, multiplier, rounding, accumulator)
        if codes is not None:
            return codes
    if node.op in ("conv", "linear"):
        sums = layer_sums(node, x, given[0], multiplier, accumulator)
        return requantize(node, accumulators(node, sums, x, given[0]), given[0])
    if node.op == "add" and rounding == "onnxruntime":
        codes = [fused_sum(a, b, given, node.output) for a, b in zip(x.flat, inputs[1].flat, strict=True)]
        return np.clip(np.array(codes, np.int64).reshape(x.shape), *node.clamp)
    if node.op == "add":
        return quantize(dequantize(x, given[0]) + dequantize(inputs[1], given[1]), node.output, node.clamp)
    if node.op == "concat":
        parts = [quantize(dequantize(part, q), node.output, node.clamp) for part, q in zip(inputs, given, strict=True)]
        return np.concatenate(parts, axis=1)
    if node.op == "requantize":
        return quantize(dequantize(x, given[0]), node.output, node.clamp)
    if node.op == "global_average_pool":
        return mean_codes(node, x, given[0], x.shape[2] * x.shape[3])[:, :, None, None]
    if node.op in ("max_pool", "average_pool"):
        pixels = list(pool_windows(x, node))
        out = np.zeros((*x.shape[:2], pixels[-1][0] + 1, pixels[-1][1] + 1), np.int64)
        for oh, ow, window in pixels:
            if node.op == "max_pool":
                out[:, :, oh, ow] = window.max(axis=(2, 3))
            elif rounding in ("fixed", "litert"):
                out[:, :, oh, ow] = fixed_mean(node, window)
            else:
                size = window.shape[2] * window.shape[3]
                full = node.kernel_shape[0] * node.kernel_shape[1]
                whole = node.kernel_shape == x.shape[2:] and not any(node.pads)
                mean = mean_of_reals if rounding == "onnxruntime" and not whole else mean_codes
                out[:, :, oh, ow] = mean(node, window, given[0], full if node.count_include_pad else size)
        return out
    if node.op == "pad":
        before, after = node.pads[:3], node.pads[3:]
        return np.pad(x, ((0, 0), *zip(before, after, strict=True)), constant_values=node.code)
    if node.op == "slice":
        c, h, w = (slice(*bounds) for bounds in zip(node.starts, node.stops, node.steps, strict=True))
        return x[:, c, h, w]
    if node.op == "matmul":
        return activation_product(node, activation_sums(inputs, given, multiplier, accumulator), inputs, given)
    if node.op == "rearrange":
        return x.reshape(len(x), -1)[:, node.index.reshape(-1)].reshape(-1, *node.index.shape)
    if node.op == "gelu":
        real = np.array([gelu(number) for number in dequantize(x, given[0]).reshape(-1).tolist()])
        return quantize(real.reshape(x.shape), node.output, node.clamp)
    if node.op == "softmax":
        real = np.array([softmax(row, given[0].scale) for row in x.reshape(-1, x.shape[3]).tolist()])
        return quantize(real.reshape(x.shape), node.output, node.clamp)
    if node.op == "layer_norm":
        real = np.array(
            [layer_norm(pixel, node, given[0]) for pixel in x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])]
        )
        real = real.reshape(len(x), *x.shape[2:], -1).transpose(0, 3, 1, 2)
        return quantize(real, node.output, node.clamp)
    if node.op == "flatten":
        return x.reshape(len(x), -1, 1, 1)
    raise NotImplementedError(node.op)


def input_codes(network, images):
    """Codes of the network's input, int64 [B, C, H, W], of images uint8 [B, H, W, C]."""
    recipe = network.preprocessing
    real = images.astype(np.float32) / np.float32(recipe.pixel_scale)
    real = (real - np.array(recipe.mean, np.float32)) / np.array(recipe.std, np.float32)
    return quantize(real, network.input).transpose(0, 3, 1, 2)


def run(network, images, multipliers=None, accumulator=None):
    """
    Logits float32 [B, classes], and by name the codes of every node and the sums and inputs of every layer.

    `multipliers`: a multiplier for all layers, or a dict by layer name. `accumulator` as in `add_up`.
    """
    codes, formats = {"input": input_codes(network, images)}, {"input": network.input}
    sums = {}
    for node in network.nodes:
        chosen = multipliers.get(node.name) if isinstance(multipliers, dict) else multipliers
        inputs, given = [codes[name] for name in node.inputs], [formats[name] for name in node.inputs]
        if node.op in ("conv", "linear", "matmul"):
            sums[node.name] = sums_of(node, inputs, given, chosen, accumulator)
        if node.op == "constant":
            codes[node.name] = np.stack([node.codes.astype(np.int64)] * len(images))
        else:
            codes[node.name] = compute(node, inputs, given, chosen, network.rounding, accumulator)
        formats[node.name] = node.output
    last = network.nodes[-1]
    return dequantize(codes[last.name], last.output).reshape(len(images), -1), codes, sums
