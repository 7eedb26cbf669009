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
    same_grid = strides[0] == 1 and strides[1] == 1 and output_height == height and output_width == width
    for row in prange(columns.shape[0]):
        c = row // (kernel_height * kernel_width)
        i = (row // kernel_width) % kernel_height
        j = row % kernel_width
        above = i * dilations[0] - pads[0]  # input row of output row 0
        left = j * dilations[1] - pads[1]  # input column of output column 0
        # Output columns first..last-1 read inside of the input; the others see padding.
        first = min(output_width, max(0, (strides[1] - 1 - left) // strides[1]))
        last = max(first, min(output_width, (width - 1 - left) // strides[1] + 1))
        if same_grid:
            # The row is all planes of the channel, shifted: one long copy, then the padding over what that brought in.
            shift = above * width + left
            size = batch * height * width
            begin, end = max(0, -shift), max(0, -shift, min(size, size - shift))
            source = x[c].reshape(size)[begin + shift : end + shift]
            target = columns[row, begin:end]
            for n in range(target.size):  # indices from 0: one that could be negative keeps LLVM from vectorising
                target[n] = source[n]
            for b in range(batch):
                plane = columns[row, b * height * width : (b + 1) * height * width]
                plane[: min(height, max(0, -above)) * width] = fill
                plane[max(0, min(height, height - above)) * width :] = fill
            for ow in range(output_width):
                if ow < first or ow >= last:
                    columns[row, ow::width] = fill
            continue
        for b in range(batch):
            for oh in range(output_height):
                start = (b * output_height + oh) * output_width
                target = columns[row, start : start + output_width]
                h = oh * strides[0] + above
                if h < 0 or h >= height:
                    target[:] = fill
                    continue
                target[:first] = fill
                target[last:] = fill
                inside = target[first:last]
                pixels = x[c, b, h, first * strides[1] + left :]
                if strides[1] == 1:
                    for ow in range(inside.size):
                        inside[ow] = pixels[ow]
                else:
                    for ow in range(inside.size):
                        inside[ow] = pixels[ow * strides[1]]
