"""Operators that move, cut, join or pass on numbers, constants, and nodes that nothing needs."""

import numpy as np
from onnx import numpy_helper
from onnx_models import INFINITE

from onnx_cases.arithmetic import head


def concat(axis):
    def build(m):
        parts = [m.conv(shape=(count, 3, 3, 3), pads=[1, 1, 1, 1]) for count in (2, 4)]
        return m.node("Flatten", m.node("Relu", m.node("Concat", parts[0], "x", parts[1], axis=axis)))

    return build


def concat_flat(m):
    return m.flat_linear(m.node("Concat", head(m), head(m), axis=-1), 16)


def pad(pads, value=None, axes=None, opset=18):
    def build(m):
        m.opset = opset
        parts = [m.constant(pads), "" if value is None else m.constant(value, np.float32)]
        parts += [] if axes is None else [m.constant(axes)]
        channels = 3 + (pads[1] + pads[5] if axes is None else 0)
        padded = m.node("Pad", "x", *(parts if parts[-1] else parts[:1]))
        return m.node("Flatten", m.conv(padded, (4, channels, 3, 3)))

    return build


def cut(starts, ends, axes=None, steps=None, channels=3, kernel=(1, 1)):
    def build(m):
        parts = [m.constant(starts), m.constant(ends), m.constant(axes)]
        parts += [] if steps is None else [m.constant(steps)]
        return m.node("Flatten", m.conv(m.node("Slice", "x", *parts), (4, channels, *kernel)))

    return build


def reshaped(*shape, size=5 * 7 * 5):
    def build(m):
        flat = m.node("Reshape", m.conv(), m.constant(shape))
        return m.node("Gemm", flat, m.weight(6, size), transB=1)

    return build


def reshape_by_computed_shape(m):
    """What PyTorch writes for x.view(x.size(0), -1) with a free batch."""
    x = m.conv()
    batch = m.node("Gather", m.node("Shape", x), m.constant(0))
    target = m.node("Concat", m.node("Unsqueeze", batch, m.constant([0])), m.constant([-1]), axis=0)
    return m.node("Gemm", m.node("Reshape", x, target), m.weight(6, 5 * 7 * 5), transB=1)


def reshape_back_and_forth(m):
    x = m.node("Reshape", head(m), m.constant([0, -1, 1, 1]))
    return m.node("Reshape", m.node("Reshape", m.conv(x, (6, 8, 1, 1)), m.constant([-1, 6])), m.constant([0, 6]))


def squeeze(opset, **attributes):
    def build(m):
        m.opset = opset
        x = m.node("GlobalAveragePool", m.conv(shape=(8, 3, 3, 3)))
        axes = [] if attributes else [m.constant([-1, 2])]
        return m.node("Gemm", m.node("Squeeze", x, *axes, **attributes), m.weight(8, 6))

    return build


def flatten_negative_axis(m):
    return m.flat_linear(m.node("Flatten", m.conv(), axis=-3), 5 * 7 * 5)


def dropout(opset, outputs=1, **attributes):
    def build(m):
        m.opset = opset
        options = [] if attributes else [m.constant(0.5), m.constant(False, np.bool_)]
        return m.node("Flatten", m.conv(m.node("Dropout", "x", *options, outputs=outputs, **attributes)))

    return build


def identities(m):
    return m.node("Identity", m.node("Flatten", m.node("Identity", m.conv(m.node("Identity", "x")))))


def identity_of_an_initializer(m):
    shared = m.weight(3, 3, 3, 3)
    x = m.node("Conv", "x", m.node("Identity", m.node("Identity", shared)), pads=[1, 1, 1, 1])
    return m.node("Flatten", m.node("Conv", x, shared))


def constant_nodes(m):
    """All attributes of Constant that hold numbers."""
    weight = numpy_helper.from_array((m.rng.normal(size=(4, 3, 3, 3)) / 5).astype(np.float32))
    bias = m.node("Constant", value_floats=[0.5, -0.5, 0.25, -1.0])
    x = m.node("Conv", "x", m.node("Constant", value=weight), bias)
    x = m.node("Clip", x, m.node("Constant", value_float=-0.5), m.node("Constant", value_float=0.75))
    lists = [m.node("Constant", value_ints=values) for values in ([1], [INFINITE], [2], [2])]
    x = m.node("Slice", x, *lists)
    return m.node("Flatten", m.node("Add", m.conv(x, (4, 4, 3, 3)), m.node("Constant", value_float=0.5)))


def unused_nodes(m):
    """A branch that no output needs may hold anything."""
    x = m.conv()
    m.node("Sigmoid", x)
    return m.node("Flatten", x)


CASES = {
    "Concat": concat(1),
    "Concat negative axis": concat(-3),
    "Concat of flat": concat_flat,
    "Pad": pad([0, 0, 1, 2, 0, 0, 0, 1], opset=11),
    "Pad at the start": pad([0, 0, 0, 3, 0, 0, 2, 0]),
    "Pad channels": pad([0, 1, 0, 0, 0, 2, 0, 0]),
    "Pad value": pad([0, 0, 1, 2, 0, 0, 0, 1], 1.0),
    "Pad negative value": pad([0, 0, 1, 2, 0, 0, 0, 1], -1.0),
    "Pad axes": pad([1, 0, 0, 2], 0.5, axes=[3, 2]),
    "Pad negative axes": pad([0, 2, 1, 0], 0.0, axes=[-2, -1]),
    "Slice": cut([1], [6], [2]),
    "Slice channels": cut([1], [3], [1], channels=2),
    "Slice several axes": cut([1, 2, 0], [8, 7, 2], [2, 3, 1], channels=2),
    "Slice negative indices": cut([-6, -5], [-1, -2], [2, 3]),
    "Slice steps": cut([0, 1], [INFINITE, INFINITE], [2, 3], [2, 2]),
    "Slice negative axes": cut([1, 0], [INFINITE, -1], [-1, -2], [3, 2]),
    "Slice beyond the end": cut([-100], [100], [3]),
    "Reshape [0, -1]": reshaped(0, -1),
    "Reshape [-1, F]": reshaped(-1, 175),
    "Reshape [0, F]": reshaped(0, 175),
    "Reshape by a computed shape": reshape_by_computed_shape,
    "Reshape back and forth": reshape_back_and_forth,
    "Squeeze": squeeze(17),
    "Squeeze, axes as attribute": squeeze(11, axes=[2, 3]),
    "Flatten negative axis": flatten_negative_axis,
    "Dropout": dropout(17),
    "Dropout with its mask": dropout(17, outputs=2),
    "Dropout, ratio as attribute": dropout(11, ratio=0.25),
    "Identity": identities,
    "Identity of an initializer": identity_of_an_initializer,
    "Constant": constant_nodes,
    "unused nodes": unused_nodes,
}
