"""The ONNX operators that move an image's numbers and change none: each becomes one rearrangement."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .float_graph import FloatNode
from .layout import move, shape_in_engine

if TYPE_CHECKING:
    from .onnx import Reader

Change = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def rearrangement(
    reader: "Reader", node: Any, change: Change, batch_axis: int | None = None, output: int = 0
) -> FloatNode:
    """Return the rearrangement that `change`, of an array with a batch of size 1, is; batch axis as before by default.

    Raises ConversionError where the input's size is not known.
    """
    given, made = node.input[0], node.output[output]
    dims, before = reader.image_dims(node, given), reader.batch_axis(given)
    after = before if batch_axis is None else batch_axis
    reader.batch_axes[made] = after
    index = move(dims, before, change, after)
    shape = shape_in_engine(dims) if before == 0 and len(dims) < 4 else (int(np.prod(dims)), 1, 1)
    return FloatNode("rearrange", made, [given], attributes={"index": index}, shape=shape)


def transpose(reader: "Reader", node: Any) -> FloatNode:
    """Transpose; the batch may move."""
    rank = len(reader.image_dims(node, node.input[0])) + 1
    order = reader.attributes(node, perm=tuple(reversed(range(rank))))["perm"]
    return rearrangement(reader, node, lambda x: x.transpose(order), order.index(reader.batch_axis(node.input[0])))


def reshape(reader: "Reader", node: Any) -> FloatNode:
    """Reshape that keeps images apart, batch first on both sides."""
    dims, made = reader.image_dims(node, node.input[0]), reader.shapes.get(node.output[0], ())[1:]
    if reader.batch_axis(node.input[0]) != 0 or not all(made) or np.prod(made) != np.prod(dims):
        raise reader.refuse(node, f"must keep each image's {int(np.prod(dims))} numbers together, got {dims} to {made}")
    return rearrangement(reader, node, lambda x: x.reshape(1, *made))


def squeeze(reader: "Reader", node: Any) -> FloatNode:
    """Squeeze, but not the batch."""
    batch, rank = reader.batch_axis(node.input[0]), len(reader.image_dims(node, node.input[0])) + 1
    axes = _axes(reader, node)
    sizes = np.insert(reader.image_dims(node, node.input[0]), batch, 0)
    gone = {axis for axis in range(rank) if sizes[axis] == 1} if axes is None else {axis % rank for axis in axes}
    if batch in gone:
        raise reader.refuse(node, "must not remove the batch")
    return rearrangement(reader, node, lambda x: x.squeeze(tuple(gone)), batch - sum(axis < batch for axis in gone))


def unsqueeze(reader: "Reader", node: Any) -> FloatNode:
    """Unsqueeze."""
    axes, batch = _axes(reader, node), reader.batch_axis(node.input[0])
    rank = len(reader.image_dims(node, node.input[0])) + 1 + len(axes or ())
    new = sorted(axis % rank for axis in axes or ())
    for axis in new:
        batch += axis <= batch
    return rearrangement(reader, node, lambda x: np.expand_dims(x, tuple(new)), batch)


def slices(reader: "Reader", node: Any) -> FloatNode:
    """Slice of any axes but the batch."""
    batch, rank = reader.batch_axis(node.input[0]), len(reader.image_dims(node, node.input[0])) + 1
    starts, ends = (reader.constant(node, index, "its bounds").tolist() for index in (1, 2))
    axes, steps = (reader.optional(node, index, "its axes and steps") for index in (3, 4))
    cuts = [slice(None)] * rank
    for index, axis in enumerate(range(len(starts)) if axes is None else (int(axis) % rank for axis in axes)):
        step = 1 if steps is None else int(steps[index])
        if axis == batch or step < 1:
            raise reader.refuse(node, "must not slice the batch nor go backwards")
        cuts[axis] = slice(starts[index], ends[index], step)
    return rearrangement(reader, node, lambda x: x[tuple(cuts)])


def split(reader: "Reader", node: Any) -> list[FloatNode]:
    """Split: one rearrangement for each part."""
    dims, batch = reader.image_dims(node, node.input[0]), reader.batch_axis(node.input[0])
    axis = reader.attributes(node, axis=0)["axis"] % (len(dims) + 1)
    if axis == batch:
        raise reader.refuse(node, "must not split the batch")
    size = int(np.insert(dims, batch, 1)[axis])
    given = reader.attributes(node).get("split") or reader.optional(node, 1, "its sizes")
    equal = -(-size // len(node.output))
    sizes = [equal] * len(node.output) if given is None else [int(part) for part in given]
    bounds = np.minimum(np.cumsum([0, *sizes]), size)

    def part(index: int) -> Change:
        return lambda x: np.take(x, range(bounds[index], bounds[index + 1]), axis)

    return [rearrangement(reader, node, part(index), output=index) for index in range(len(node.output))]


def gather(reader: "Reader", node: Any) -> FloatNode:
    """Gather at constant places of one axis, as the choice of a class token."""
    dims, batch = reader.image_dims(node, node.input[0]), reader.batch_axis(node.input[0])
    axis = reader.attributes(node, axis=0)["axis"] % (len(dims) + 1)
    places = reader.constant(node, 1, "its places").astype(np.int64)
    if axis == batch:
        raise reader.refuse(node, "must not choose images")
    shift = places.ndim - 1 if axis < batch else 0
    return rearrangement(reader, node, lambda x: np.take(x, places, axis), batch + shift)


def _axes(reader: "Reader", node: Any) -> list[int] | None:
    """Axes as attribute (before opset 13) or as input; None where there are none."""
    axes = reader.attributes(node).get("axes")
    if axes is None:
        axes = reader.optional(node, 1, "its axes")
    return None if axes is None else [int(axis) for axis in axes]
