"""Depthwise convolution through a product table without im2col: portable Numba, for any CPU.

    out[m, b, oh, ow] = sum_ij P(w[m, i, j], x[c, b, oh sh + i dh - top, ow sw + j dw - left]),   c = m // (M / C)

with `fill` where that lies outside of x. Each channel is copied once into padded planes in which all taps of
neighbouring pixels are neighbours: with strides, one plane for each remainder of row and column. A plane has `height`
rows of `width` bytes an image, so that output pixel (b, oh, ow) stands at (b height + oh) width + ow and each tap reads
at a fixed offset from there, whole rows at a time. What falls between the rows is computed too, and left out.
"""

import numpy as np
from numba import prange

from .compilation import kernel

BYTES_A_TASK = 16384  # of a channel's padded planes: half of an L1 cache
PIXELS_A_STRIP = 1024  # of which the sums are kept at a time
SLACK = 256  # bytes behind the planes that whole vectors may read, and sums that they may write


@kernel
def plane_shape(kernel_shape, strides, dilations, output_shape):
    """Rows an image and bytes a row of the padded planes."""
    height = output_shape[0] + (kernel_shape[0] - 1) * dilations[0] // strides[0]
    width = output_shape[1] + (kernel_shape[1] - 1) * dilations[1] // strides[1]
    return height, width


@kernel
def images_a_task(batch, channels, threads, plane):
    """Images of one channel that a task takes: as many as fit the cache, and as leave each thread some tasks."""
    most = (batch * channels + 4 * threads - 1) // (4 * threads)
    return max(1, min(batch, BYTES_A_TASK // plane, most))


@kernel
def tap_offsets(kernel_shape, strides, dilations, width, plane):
    """Offset of each tap from its output pixel, int64 [kh kw]; `plane` bytes lie between the planes."""
    offsets = np.empty(kernel_shape[0] * kernel_shape[1], np.int64)
    for i in range(kernel_shape[0]):
        for j in range(kernel_shape[1]):
            row, column = i * dilations[0], j * dilations[1]
            which = (row % strides[0]) * strides[1] + column % strides[1]
            offsets[i * kernel_shape[1] + j] = which * plane + row // strides[0] * width + column // strides[1]
    return offsets


@kernel
def fill_planes(x, strides, pads, height, width, fill, planes):
    """Copy images x [B, H, W] of one channel into its padded planes uint8 [sh sw B height width + slack]."""
    images, rows, columns = x.shape
    for p in range(strides[0]):
        for q in range(strides[1]):
            left = q - pads[1]  # input column of the plane's column 0
            first = min(width, max(0, (strides[1] - 1 - left) // strides[1]))
            last = max(first, min(width, (columns - 1 - left) // strides[1] + 1))
            for row in range(images * height):
                b, h = row // height, (row % height) * strides[0] + p - pads[0]
                start = ((p * strides[1] + q) * images * height + row) * width
                target = planes[start : start + width]
                if h < 0 or h >= rows:
                    target[:] = fill
                    continue
                target[:first] = fill
                target[last:] = fill
                inside = target[first:last]
                pixels = x[b, h, first * strides[1] + left :]
                if strides[1] == 1:
                    for n in range(inside.size):
                        inside[n] = pixels[n]
                elif strides[1] == 2:
                    for n in range(inside.size):
                        inside[n] = pixels[2 * n]
                else:
                    for n in range(inside.size):
                        inside[n] = pixels[n * strides[1]]


@kernel
def store_rows(sums, first, rows, height, width, output_shape, out):
    """Copy the sums of rows first.. of the planes to the output pixels that they hold; out int32 [B OH OW]."""
    for row in range(first, first + rows):
        b, oh = row // height, row % height
        if oh < output_shape[0]:
            start = (b * output_shape[0] + oh) * output_shape[1]
            target = out[start : start + output_shape[1]]
            source = sums[(row - first) * width : (row - first) * width + output_shape[1]]
            for n in range(target.size):
                target[n] = source[n]


@kernel(parallel=True)
def table_depthwise(x, w, table, kernel_shape, strides, pads, dilations, fill, output_shape, threads, out):
    """
    Depthwise convolution by one look-up a product.

    x uint8 [C, B, H, W] and w uint8 [M, kh kw] are bit patterns; table int32 [256, 256]; kernel_shape, strides, pads
    (top, left), dilations, output_shape pairs (height, width); fill uint8; `threads` that will share the work; out
    int32 [M, B OH OW], written.
    """
    channels, batch = x.shape[0], x.shape[1]
    height, width = plane_shape(kernel_shape, strides, dilations, output_shape)
    images = images_a_task(batch, channels, threads, strides[0] * strides[1] * height * width)
    chunks = (batch + images - 1) // images
    rows_a_channel = w.shape[0] // channels
    taps = w.shape[1]
    rows_a_strip = max(1, PIXELS_A_STRIP // width)
    for task in prange(channels * chunks):
        c, first_image = task // chunks, (task % chunks) * images
        count = min(images, batch - first_image)
        plane = count * height * width
        offsets = tap_offsets(kernel_shape, strides, dilations, width, plane)
        planes = np.empty(strides[0] * strides[1] * plane + height * width + SLACK, np.uint8)
        fill_planes(x[c, first_image : first_image + count], strides, pads, height, width, fill, planes)
        sums = np.empty(rows_a_strip * width, np.int32)
        for m in range(c * rows_a_channel, (c + 1) * rows_a_channel):
            first_pixel = first_image * output_shape[0] * output_shape[1]
            for row in range(0, count * height, rows_a_strip):
                rows = min(rows_a_strip, count * height - row)
                at = row * width
                part = sums[: rows * width]
                part[:] = 0
                k = 0
                while k + 3 <= taps:
                    p0, p1, p2 = table[w[m, k]], table[w[m, k + 1]], table[w[m, k + 2]]
                    x0, x1, x2 = planes[at + offsets[k] :], planes[at + offsets[k + 1] :], planes[at + offsets[k + 2] :]
                    for n in range(part.size):
                        part[n] += p0[x0[n]] + p1[x1[n]] + p2[x2[n]]
                    k += 3
                while k < taps:
                    p0, x0 = table[w[m, k]], planes[at + offsets[k] :]
                    for n in range(part.size):
                        part[n] += p0[x0[n]]
                    k += 1
                store_rows(part, row, rows, height, width, output_shape, out[m, first_pixel:])
