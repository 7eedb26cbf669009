"""The oracle: every operator in plain NumPy int64, slow and obvious, on numbers instead of bit patterns and on NCHW.

Nothing of axsim's engine, kernels or tables of codes is used; only what a Network holds is read.
"""

import math
from fractions import Fraction

import numpy as np


def values_of(fmt):
    """The 256 numbers that the patterns of a format stand for."""
    patterns = np.arange(256, dtype=np.int64)
    return patterns if fmt == "u8" else np.where(patterns < 128, patterns, patterns - 256)


def product_table(multiplier, w_format, x_format):
    """Products by pattern, int64 [256, 256]; an unsigned core serves signed operands by sign and magnitude."""
    w, x = values_of(w_format)[:, None], values_of(x_format)[None, :]
    if multiplier is None:
        return w * x
    table = multiplier.table.astype(np.int64)
    if multiplier.operands == (w_format, x_format):
        return table
    assert multiplier.operands == ("u8", "u8")
    sign = np.where(w < 0, -1, 1) * np.where(x < 0, -1, 1)
    return sign * table[abs(w), abs(x)]


def fit(total, bits, overflow):
    """What an accumulator of so many bits holds of a sum (an integer or int64 array) that may not fit it."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return np.clip(total, low, high) if overflow == "saturate" else (total - low) % 2**bits + low


def add_up(products, accumulator=None):
    """Sum of products given in order; `accumulator`: bits, wrap or saturate, taps after which it is emptied or None."""
    bits, overflow, taps = accumulator or (64, "exact", None)
    total = held = 0
    for index, product in enumerate(products):
        if taps is not None and index % taps == 0:
            total, held = total + held, 0
        held = held + product
        if accumulator is not None:
            held = fit(held, bits, overflow)
    return total + held


def matmul(w, x, multiplier=None, accumulator=None):
    """C[m, n] = sum_k table[w[m, k], x[k, n]], int64, by three nested loops over Python's own indices."""
    formats = {"int8": "s8", "uint8": "u8"}
    table = product_table(multiplier, formats[w.dtype.name], formats[x.dtype.name])
    out = np.zeros((w.shape[0], x.shape[1]), np.int64)
    for m in range(w.shape[0]):
        for n in range(x.shape[1]):
            products = (table[int(w[m, k]) % 256, int(x[k, n]) % 256] for k in range(w.shape[1]))
            out[m, n] = add_up(products, accumulator)
    return out


def quantize(real, output, clamp=None):
    """ONNX QuantizeLinear in float32: round half to even, then the zero point, then saturate."""
    low, high = clamp or ((0, 255) if output.format == "u8" else (-128, 127))
    codes = np.rint(real.astype(np.float32) / np.float32(output.scale)).astype(np.int64) + output.zero_point
    return np.clip(codes, low, high)


def dequantize(codes, quantization):
    """ONNX DequantizeLinear in float32."""
    return (codes - quantization.zero_point).astype(np.float32) * np.float32(quantization.scale)


def convolve(x, weight, table, strides, pads, dilations, groups, padding_code, accumulator=None):
    """int64 sums [B, M, OH, OW] of codes x [B, C, H, W] and weight [M, C / groups, kh, kw] through a product table."""
    top, left, bottom, right = pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=padding_code)
    channels_out, channels_in, kernel_height, kernel_width = weight.shape
    height = (padded.shape[2] - dilations[0] * (kernel_height - 1) - 1) // strides[0] + 1
    width = (padded.shape[3] - dilations[1] * (kernel_width - 1) - 1) // strides[1] + 1
    out = np.zeros((x.shape[0], channels_out, height, width), np.int64)
    for m in range(channels_out):
        group = m // (channels_out // groups)
        products = []
        for c in range(channels_in):
            for i in range(kernel_height):
                for j in range(kernel_width):
                    rows = slice(i * dilations[0], i * dilations[0] + strides[0] * (height - 1) + 1, strides[0])
                    columns = slice(j * dilations[1], j * dilations[1] + strides[1] * (width - 1) + 1, strides[1])
                    operand = padded[:, group * channels_in + c, rows, columns]
                    products.append(table[int(weight[m, c, i, j]) % 256, operand % 256])
        out[:, m] = add_up(products, accumulator)
    return out


def layer_sums(node, x, given, multiplier, accumulator=None):
    """Sums of a conv or linear before bias and zero point, int64 [B, M, OH, OW]."""
    w_format = {"int8": "s8", "uint8": "u8"}[node.weight.dtype.name]
    return _sums_through(node, x, given, product_table(multiplier, w_format, given.format), accumulator)


def _sums_through(node, x, given, table, accumulator=None):
    if node.op == "linear":
        weight = node.weight[:, :, None, None]
        return convolve(x, weight, table, (1, 1), (0, 0, 0, 0), (1, 1), 1, given.zero_point, accumulator)
    geometry = node.strides, node.pads, node.dilations, node.groups
    return convolve(x, node.weight, table, *geometry, given.zero_point, accumulator)


def activation_sums(inputs, given, multiplier, accumulator=None):
    """Sums of a matmul before the zero points, int64 [B, C, M, N]: the first input is the left operand."""
    a, b = inputs
    table = product_table(multiplier, given[0].format, given[1].format)
    out = np.zeros((*a.shape[:3], b.shape[3]), np.int64)
    for m in range(a.shape[2]):
        for n in range(b.shape[3]):
            products = (table[a[:, :, m, k] % 256, b[:, :, k, n] % 256] for k in range(a.shape[3]))
            out[:, :, m, n] = add_up(products, accumulator)
    return out


def sums_of(node, inputs, given, multiplier, accumulator=None):
    """Sums of any layer's products, int64 [B, C, H, W], before bias and zero points."""
    if node.op == "matmul":
        return activation_sums(inputs, given, multiplier, accumulator)
    return layer_sums(node, inputs[0], given[0], multiplier, accumulator)


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


def accumulators(node, sums, x, given):
    """Sums of (w - w_zero) (x - x_zero) + bias, int64 [B, M, OH, OW], from the sums of the stored codes' products."""
    rows = node.weight.reshape(len(node.weight), -1).astype(np.int64)
    w_zero = np.broadcast_to(node.weight_zero_point, len(rows)).astype(np.int64)
    sum_of_x = _sums_through(node, x, given, np.tile(values_of(given.format), (256, 1)))
    constant = node.bias - given.zero_point * rows.sum(axis=1) + rows.shape[1] * w_zero * given.zero_point
    return sums - w_zero[None, :, None, None] * sum_of_x + constant[None, :, None, None]


def quantize_multiplier(real):
    """gemmlowp's integer multiplier and shift of a real multiplier, in Python's own numbers."""
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def rescale(x, multiplier, shift):
    """x multiplier 2^(shift - 31) with gemmlowp's two roundings, in int64, for arrays of any shape."""
    product = (np.asarray(x, np.int64) * 2 ** max(shift, 0)) * multiplier
    nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
    high = np.sign(nudged) * (abs(nudged) // 2**31)
    divisor = 2 ** max(-shift, 0)
    size = abs(high) // divisor + (2 * (abs(high) % divisor) >= divisor) * (divisor > 1)
    return np.sign(high) * size


def half_away(real):
    """Round float64 to whole numbers, halves away from zero."""
    whole = np.trunc(real)
    return (whole + np.where(abs(real - whole) >= 0.5, np.sign(real), 0)).astype(np.int64)


def float64_requantize(node, totals, given):
    """Codes of a fully connected layer by the rule "litert"."""
    scale = given.scale * node.weight_scale.astype(np.float64) / node.output.scale
    codes = half_away(totals * np.broadcast_to(scale, len(node.weight))[None, :, None, None])
    return np.clip(codes + node.output.zero_point, *node.clamp)


def fixed_requantize(node, totals, given):
    """Codes of a layer from its accumulators by the rule "fixed"."""
    scales = np.broadcast_to(node.weight_scale, len(node.weight))
    in_float32 = node.weight.dtype == np.uint8 or (node.op == "linear" and len(node.weight_scale) == 1)
    codes = np.zeros_like(totals)
    for m, weight_scale in enumerate(scales):
        product = float(np.float32(given.scale) * weight_scale) if in_float32 else given.scale * float(weight_scale)
        codes[:, m] = rescale(totals[:, m], *quantize_multiplier(product / node.output.scale))
    return np.clip(codes + node.output.zero_point, *node.clamp)


def fixed_mean(node, window):
    """Mean of the codes of a window over the last two axes, halves away from zero."""
    total, count = window.sum(axis=(2, 3)), window.shape[2] * window.shape[3]
    return np.clip(np.sign(total) * ((abs(total) + count // 2) // count), *node.clamp)


def fixed_concat(node, x, given):
    """One input of a concat by the rule "fixed", which is TFLite's, in float32."""
    if given == node.output:
        return np.clip(x, *node.clamp)
    ratio = np.float32(given.scale) * (np.float32(1) / np.float32(node.output.scale))
    real = x.astype(np.float32) * ratio + np.float32(-given.zero_point) * ratio
    return np.clip(half_away(real.astype(np.float64)) + node.output.zero_point, *node.clamp)


def fixed_compute(node, inputs, given, multiplier, rounding, accumulator=None):
    """Output codes by the rules "fixed" and "litert", or None where all rules are one."""
    x, output = inputs[0], node.output
    if node.op in ("conv", "linear"):
        totals = accumulators(node, layer_sums(node, x, given[0], multiplier, accumulator), x, given[0])
        rule = float64_requantize if node.op == "linear" and rounding == "litert" else fixed_requantize
        return rule(node, totals, given[0])
    if node.op == "add":
        common = 2 * max(given[0].scale, given[1].scale)
        terms = [
            rescale((part - q.zero_point) * 2**20, *quantize_multiplier(q.scale / common))
            for part, q in zip(inputs, given, strict=True)
        ]
        total = rescale(terms[0] + terms[1], *quantize_multiplier(common / (2**20 * output.scale)))
        return np.clip(total + output.zero_point, *node.clamp)
    if node.op == "requantize":
        steps = rescale(x - given[0].zero_point, *quantize_multiplier(given[0].scale / output.scale))
        return np.clip(steps + output.zero_point, *node.clamp)
    if node.op == "concat":
        return np.concatenate([fixed_concat(node, part, q) for part, q in zip(inputs, given, strict=True)], axis=1)
    if node.op == "global_average_pool":
        count = x.shape[2] * x.shape[3]
        whole, shift = quantize_multiplier(given[0].scale / output.scale)
        up = min(math.floor(math.log2(count)), 32, 31 + shift)
        total = x.sum(axis=(2, 3)) - count * given[0].zero_point
        steps = rescale(total, (whole << up) // count, shift - up)
        return np.clip(steps + output.zero_point, *node.clamp)[:, :, None, None]
    return None


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
