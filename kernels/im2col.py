"""im2col: the patches that a convolution multiplies, as the columns of a matrix."""

from numba import prange

from .compilation import kernel


@kernel(parallel=True)
def im2col(x, kernel_shape, strides, pads, dilations, fill, output_shape, columns):
    """
    columns[(c kh + i) kw + j, (b OH + oh) OW + ow] = x[c, b, oh sh + i dh - top, ow sw + j dw - left]

    and `fill` where that lies outside of x: padding goes through the multiplier like any other operand.

    x uint8 [C, B, H, W]; pads (top, left); kernel_shape, strides, dilations, output_shape pairs (height, width); fill
    uint8, the zero point's pattern; columns uint8 [C kh kw, B OH OW], written.
    """
    _, batch, height, width = x.shape
    kernel_height, kernel_width = kernel_shape
    output_height, output_width = output_shape
    for row in prange(columns.shape[0]):
        c = row // (kernel_height * kernel_width)
        i = (row // kernel_width) % kernel_height
        j = row % kernel_width
        left = j * dilations[1] - pads[1]  # input column of output column 0
        # Output columns first..last-1 read inside of the row; the others see padding.
        first = min(output_width, max(0, (strides[1] - 1 - left) // strides[1]))
        last = max(first, min(output_width, (width - 1 - left) // strides[1] + 1))
        position = 0
        for b in range(batch):
            for oh in range(output_height):
                target = columns[row, position : position + output_width]
                position += output_width
                h = oh * strides[0] + i * dilations[0] - pads[0]
                if h < 0 or h >= height:
                    target[:] = fill
                    continue
                source = x[c, b, h]
                for ow in range(first):
                    target[ow] = fill
                if strides[1] == 1:
                    for ow in range(first, last):
                        target[ow] = source[ow + left]
                else:
                    for ow in range(first, last):
                        target[ow] = source[ow * strides[1] + left]
                for ow in range(last, output_width):
                    target[ow] = fill
