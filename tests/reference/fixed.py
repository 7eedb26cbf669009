"""The rules of gemmlowp and TFLite: from sums to codes with integers only, and in float64 where LiteRT does so."""

import math

import numpy as np

from reference.sums import accumulators, layer_sums


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
