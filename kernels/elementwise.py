"""Elementwise operators: on 8-bit codes each is a table of 256 or 65,536 codes, made in NumPy by the exact rule."""

from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def look_up(x, codes, out):
    """out[i] = codes[x[i]]; x uint8 [size], codes uint8 [256], out uint8 [size], written."""
    for i in prange(x.size):
        out[i] = codes[x[i]]


@kernel(parallel=True)
def look_up_pairs(a, b, codes, out):
    """out[i] = codes[a[i], b[i]]; a, b uint8 [size], codes uint8 [256, 256], out uint8 [size], written."""
    for i in prange(a.size):
        out[i] = codes[a[i], b[i]]


@kernel(parallel=True)
def look_up_pixels(images, codes, out):
    """out[c, b, h, w] = codes[c, images[b, h, w, c]]; images, out uint8, codes uint8 [C, 256], out written."""
    batch, height, width, channels = images.shape
    for row in prange(batch * height):
        b, h = row // height, row % height
        for c in range(channels):
            for w in range(width):
                out[c, b, h, w] = codes[c, images[b, h, w, c]]
