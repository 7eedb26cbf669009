"""How the taps of layers covary, laid out for one pass over all: s S s' of equations (4) and (5) of levels.py."""

import dataclasses

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..statistics import LayerStatistics

ROWS = 16  # that one thread takes together: its lines are read once for all of them
LANES = 16  # to a multiple of which rows and lines are filled up with zeros
Vector = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]
Index = npt.NDArray[np.int64]


def filled_up(length: int) -> int:
    """Return the length as a multiple of LANES."""
    return -(-length // LANES) * LANES


@dataclasses.dataclass(frozen=True, eq=False)
class Lines:
    """A matrix L with row L row' = row S row' or, if not `triangle`, with |L row'|^2 = row S row'.

    Float32 [groups, n, K filled up], n even.
    """

    values: Single
    triangle: bool

    def blocks(self, rows: int, first: int, first_line: int, at: int) -> tuple[list[tuple[int, ...]], list[float]]:
        """Blocks that `quadratic_forms` takes, of `rows` rows a group, and the products that each costs."""
        groups, count, width = (int(size) for size in self.values.shape)
        blocks: list[tuple[int, ...]] = [
            (
                first + (group * rows + start) * width,
                min(ROWS, rows - start),
                width,
                first_line + group * count * width,
                count,
                int(self.triangle),
                at + group * rows + start,
            )
            for group in range(groups)
            for start in range(0, rows, ROWS)
        ]
        return blocks, [block[1] * count * width * (0.5 if self.triangle else 1.0) for block in blocks]


class LayerCovariance:
    """How a layer's taps covary, and what its weights make of that.

    Raises AxsimError where the layer has neither covariances nor a sample of columns.

    Attributes
    ----------
    lines : Lines
        For the quadratic forms of rows of slopes.
    with_exact : float32 [M, K filled up]
        W S, row by row, W the weight codes less their zero points.
    exact_variance, centre : float64 [M]
        Variance and mean of the exact sums less the weights' zero points.
    exact_square, product_square : float
        See ChannelMoments.
    """

    def __init__(self, layer: LayerStatistics, tap_variance: Vector) -> None:
        groups, depth = layer.groups, layer.taps
        shape = groups, layer.channels // groups, depth
        matrix, factor = _matrix_or_factor(layer)
        self.lines = _triangle(matrix) if factor is None else _factor_lines(factor)

        def times_covariance(rows: Vector) -> Single:
            single = rows.astype(np.float32)
            if factor is None:
                return single @ matrix
            return ((single @ factor) @ factor.transpose(0, 2, 1)).astype(np.float32)

        weight = layer.weight_values.reshape(shape)
        means = layer.tap_means.reshape(groups, -1)
        with_exact = times_covariance(weight)
        self.with_exact = np.zeros((layer.channels, filled_up(depth)), np.float32)
        self.with_exact[:, :depth] = with_exact.reshape(-1, depth)
        self.exact_variance = np.maximum(0.0, (weight * with_exact).sum(axis=2)).reshape(-1)
        self.centre = np.einsum("gmk,gk->gm", weight, means).reshape(-1)
        codes = weight + layer.weight_zero_point.reshape(*shape[:2], 1)
        variance = np.maximum(0.0, (codes * times_covariance(codes)).sum(axis=2))
        self.exact_square = float((variance + np.einsum("gmk,gk->gm", codes, means) ** 2).mean())
        squares = tap_variance.reshape(groups, -1) + means**2
        self.product_square = float(np.einsum("gmk,gk->gm", codes**2, squares).mean())


def _matrix_or_factor(layer: LayerStatistics) -> tuple[Single, Single | None]:
    """S, float32 [groups, K, K]; or, where it is not known, a factor F of it [groups, K, n], F F' = S."""
    if layer.has_covariances:
        return layer.covariances().astype(np.float32), None
    if not layer.sample.shape[1]:
        raise AxsimError("covariances must be gathered while the network runs: use axsim.gather_statistics")
    factor = (layer.centred_sample() / np.sqrt(layer.sample.shape[1])).astype(np.float32)
    return factor, factor


def _triangle(matrix: Single) -> Lines:
    """Lines of the lower triangle of S, what lies beside the diagonal doubled."""
    groups, depth, _ = matrix.shape
    values = np.zeros((groups, depth + depth % 2, filled_up(depth)), np.float32)
    values[:, :depth, :depth] = np.tril(2 * matrix, -1)
    diagonal = np.arange(depth)
    values[:, diagonal, diagonal] = matrix[:, diagonal, diagonal]
    return Lines(values, True)


def _factor_lines(factor: Single) -> Lines:
    groups, depth, count = factor.shape
    values = np.zeros((groups, count + count % 2, filled_up(depth)), np.float32)
    values[:, :count, :depth] = factor.transpose(0, 2, 1)
    return Lines(values, False)
