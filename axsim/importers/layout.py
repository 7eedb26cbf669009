"""Where the numbers of an ONNX tensor stand among the engine's (C, H, W), and moves from one place to another.

A tensor's axes are those of one image and the batch:

    [N, C, H, W]   images, or matrices [N, head, M, K]: (C, H, W) as they are
    [N, T, F]      tokens: (F, T, 1), the features as channels and the tokens as pixels
    [N, F]         (F, 1, 1)
    anything else  (all, 1, 1) in order; it can be moved on, and nothing else

A move is an array of positions, int32 (C, H, W) of the result: the flat position of each number among the source's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Dims = tuple[int, ...]
Move = npt.NDArray[np.int32]
Place = tuple[int, int, int]


def to_engine(values: npt.NDArray[Any], batch_axis: int = 0) -> npt.NDArray[Any]:
    """Values of one image in ONNX's axes, the batch of size 1 among them, as (C, H, W)."""
    dims = values.shape[1:]
    if batch_axis != 0 or len(dims) not in (1, 2, 3):
        return values.reshape(-1, 1, 1)
    if len(dims) == 3:
        return values[0]
    return values[0].reshape(-1, 1, 1) if len(dims) == 1 else values[0].T[:, :, None]


def shape_in_engine(dims: Dims) -> Place:
    """(C, H, W) of a tensor whose batch comes first, `dims` its other axes."""
    channels, height, width = to_engine(np.empty((1, *dims), np.bool_)).shape
    return channels, height, width


def positions(dims: Dims, batch_axis: int = 0) -> npt.NDArray[np.int32]:
    """Flat position in (C, H, W) of each number, in ONNX's axes with the batch of size 1; `dims` are the others."""
    size = int(np.prod(dims))
    ids = np.arange(size, dtype=np.int32)
    if batch_axis == 0 and len(dims) == 2:
        ids = ids.reshape(dims[::-1]).T
    return np.expand_dims(ids.reshape(dims), batch_axis)


def move(dims: Dims, batch_axis: int, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], target: int) -> Move:
    """Move that `change` of the ONNX tensor makes; `target` is the batch axis of its result."""
    return np.ascontiguousarray(to_engine(change(positions(dims, batch_axis)), target))


def axis_in_engine(axis: int, rank: int) -> int | None:
    """Axis of (C, H, W) that an axis of a tensor of `rank`, batch first, lies along; None for the batch."""
    axis %= rank
    if axis == 0:
        return None
    return {2: (0,), 3: (1, 0), 4: (0, 1, 2)}[rank][axis - 1]


def moved_axis(shape: Place, source: int, target: int) -> Move:
    """Move of one axis of (C, H, W) to another place, the others in order."""
    ids = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    return np.ascontiguousarray(np.moveaxis(ids, source, target))
