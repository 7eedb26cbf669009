"""Any constant choice and order of an image's codes."""

from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def rearrange(x, channels, pixels, out):
    """
    out[c, b, p] = x[channels[c, p], b, pixels[c, p]]

    x uint8 [C, B, P] patterns; channels, pixels int32 [M, N], within x; out uint8 [M, B, N], written.
    """
    _, batch, count = out.shape
    for task in prange(out.shape[0] * batch):
        c, b = task // batch, task % batch
        for p in range(count):
            out[c, b, p] = x[channels[c, p], b, pixels[c, p]]
