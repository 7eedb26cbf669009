"""The depthwise convolution of `depthwise.py` with AVX-512 instructions. Only for CPUs that have them."""

import numpy as np
from numba import prange

from .compilation import kernel
from .depthwise import PIXELS_A_STRIP, SLACK, fill_planes, images_a_task, plane_shape, tap_offsets
from .gemm_avx512 import NARROW, WIDE, sum_narrow_tile, sum_wide_tile
from .requantize import requantize_row
from .simd.copies import copy_bytes, copy_every_second_byte, copy_sums

TASKS_A_THREAD = 4


@kernel
def refill_planes(x, c, first_image, images, strides, pads, height, width, planes):
    """Do what `depthwise.fill_planes` does for strides of 1 and 2, to planes that hold the padding already."""
    _, batch, rows, columns = x.shape
    for p in range(strides[0]):
        for q in range(strides[1]):
            left = q - pads[1]
            first = min(width, max(0, (strides[1] - 1 - left) // strides[1]))
            last = max(first, min(width, (columns - 1 - left) // strides[1] + 1))
            for b in range(images):
                for row in range(height):
                    h = row * strides[0] + p - pads[0]
                    if h < 0 or h >= rows:
                        continue
                    target = (((p * strides[1] + q) * images + b) * height + row) * width + first
                    source = ((c * batch + first_image + b) * rows + h) * columns + first * strides[1] + left
                    if strides[1] == 1:
                        copy_bytes(x, source, planes, target, last - first)
                    else:
                        copy_every_second_byte(x, source, planes, target, last - first)


@kernel(parallel=True)
def plane_depthwise(
    x,
    w,
    tables,
    base,
    kernel_shape,
    strides,
    pads,
    dilations,
    fill,
    output_shape,
    threads,
    out,
    bias,
    multiplier,
    limits,
    codes,
):
    """
    Depthwise convolution by one or two bytes a product.

    tables, base, out, bias, multiplier, limits and codes as in `gemm_avx512.plane_gemm`, the others as in
    `depthwise.table_depthwise`.
    """
    channels, batch = x.shape[0], x.shape[1]
    height, width = plane_shape(kernel_shape, strides, dilations, output_shape)
    images = images_a_task(batch, channels, threads, strides[0] * strides[1] * height * width)
    chunks = (batch + images - 1) // images
    blocks = min(channels, max(1, TASKS_A_THREAD * threads // chunks))
    rows_a_channel = w.shape[0] // channels
    taps = w.shape[1]
    rows_a_strip = max(1, PIXELS_A_STRIP // width)
    for task in prange(blocks * chunks):
        first_image = task % chunks * images
        count = min(images, batch - first_image)
        plane = count * height * width
        offsets = tap_offsets(kernel_shape, strides, dilations, width, plane)
        planes = np.empty(strides[0] * strides[1] * plane + height * width + SLACK, np.uint8)
        planes[:] = fill
        sums = np.empty(rows_a_strip * width + SLACK, np.int32)
        strip = np.empty(rows_a_strip * width, np.uint8)
        for c in range(task // chunks * channels // blocks, (task // chunks + 1) * channels // blocks):
            if max(strides) <= 2:
                refill_planes(x, c, first_image, count, strides, pads, height, width, planes)
            else:
                fill_planes(x[c, first_image : first_image + count], strides, pads, height, width, fill, planes)
            for m in range(c * rows_a_channel, (c + 1) * rows_a_channel):
                for row in range(0, count * height, rows_a_strip):
                    rows = min(rows_a_strip, count * height - row)
                    n = 0
                    while n < rows * width:
                        at = row * width + n
                        if rows * width - n > WIDE // 2:
                            sum_wide_tile(w, m * taps, planes, at, offsets, taps, tables, base[m], False, sums, n)
                            n += WIDE
                        else:
                            sum_narrow_tile(w, m * taps, planes, at, offsets, taps, tables, base[m], False, sums, n)
                            n += NARROW
                    part = sums[: rows * width]
                    if codes.shape[0] > 0:
                        requantize_row(part, bias[m], multiplier[m], limits, strip)
                    for i in range(rows):
                        b, oh = (row + i) // height, (row + i) % height
                        if oh >= output_shape[0]:
                            continue
                        at = ((m * batch + first_image + b) * output_shape[0] + oh) * output_shape[1]
                        if codes.shape[0] > 0:
                            copy_bytes(strip, i * width, codes, at, output_shape[1])
                        else:
                            copy_sums(sums, i * width, out, at, output_shape[1])
