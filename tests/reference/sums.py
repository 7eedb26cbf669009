"""Sums of products through a product table, exact or in an accumulator of few bits, and what is added to them."""

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


def accumulators(node, sums, x, given):
    """Sums of (w - w_zero) (x - x_zero) + bias, int64 [B, M, OH, OW], from the sums of the stored codes' products."""
    rows = node.weight.reshape(len(node.weight), -1).astype(np.int64)
    w_zero = np.broadcast_to(node.weight_zero_point, len(rows)).astype(np.int64)
    sum_of_x = _sums_through(node, x, given, np.tile(values_of(given.format), (256, 1)))
    constant = node.bias - given.zero_point * rows.sum(axis=1) + rows.shape[1] * w_zero * given.zero_point
    return sums - w_zero[None, :, None, None] * sum_of_x + constant[None, :, None, None]
