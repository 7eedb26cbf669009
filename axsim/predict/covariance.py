"""How the taps of layers covary, laid out for one pass over all: s S s' of equations (4) and (5) of levels.py."""

import dataclasses
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..statistics import LayerStatistics

ROWS = 16  # that one thread takes together: the matrix is read once for all of them
LANES = 16  # to a multiple of which rows, and those of the matrix, are filled up with zeros
Vector = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]
Index = npt.NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)


def filled_up(length: int) -> int:
    """Return the length as a multiple of LANES."""
    return -(-length // LANES) * LANES


def filled_up_rows(rows: npt.NDArray[Value]) -> npt.NDArray[Value]:
    """Return rows [M, K] with zeros behind them, [M, K filled up]."""
    return np.pad(rows, ((0, 0), (0, filled_up(rows.shape[1]) - rows.shape[1])))


@dataclasses.dataclass(frozen=True, eq=False)
class QuadraticForm:
    """A matrix A with s A s' = s S s' for any row s or, if not `triangle`, with |A s'|^2 = s S s'.

    Float32 [groups, n, K filled up], n even.
    """

    matrix: Single
    triangle: bool

    def blocks(self, rows: int, first: int, first_of_matrix: int, at: int) -> list[tuple[int, ...]]:
        """Blocks that `quadratic_forms` takes, of `rows` rows a group."""
        groups, count, width = (int(size) for size in self.matrix.shape)
        return [
            (
                first + (group * rows + start) * width,
                min(ROWS, rows - start),
                width,
                first_of_matrix + group * count * width,
                count,
                int(self.triangle),
                at + group * rows + start,
            )
            for group in range(groups)
            for start in range(0, rows, ROWS)
        ]


class Covariance:
    """S of a layer's taps, [groups, K, K]: the matrix or, where that is not known, a factor F of it, S = F F'.

    Raises AxsimError where the layer has neither covariances nor a sample of columns.
    """

    def __init__(self, layer: LayerStatistics) -> None:
        self._known = layer.has_covariances
        if self._known:
            values = layer.covariances()
        elif pixels := layer.sample.shape[1]:
            values = layer.centred_sample() / np.sqrt(pixels)
        else:
            raise AxsimError("covariances must be gathered while the network runs: use axsim.gather_statistics")
        self._values = values.astype(np.float32)

    def times(self, rows: Vector) -> Single:
        """Rows [groups, M / groups, K] times S, in float32."""
        product: Single = rows.astype(np.float32) @ self._values
        return product if self._known else np.asarray(product @ self._values.transpose(0, 2, 1), np.float32)

    def form(self) -> QuadraticForm:
        """Lower triangle of S, what lies beside the diagonal doubled; or F'."""
        if self._known:
            diagonal = np.einsum("gkk->gk", self._values)
            rows = np.tril(2 * self._values)
            np.einsum("gkk->gk", rows)[...] = diagonal
        else:
            rows = self._values.transpose(0, 2, 1)
        groups, count, depth = rows.shape
        matrix = np.zeros((groups, count + count % 2, filled_up(depth)), np.float32)
        matrix[:, :count, :depth] = rows
        return QuadraticForm(matrix, self._known)


@dataclasses.dataclass(frozen=True, eq=False)
class ExactSums:
    """What a layer's exact sums are, whatever the multiplier.

    Attributes
    ----------
    variance, centre : float64 [M]
        Variance and mean of the sums less the weights' zero points.
    square : float
        Mean square of the sums of the stored codes over channels and pixels.
    product_square : float
        Mean over channels and pixels of the sum over the taps of the squared products.
    """

    variance: Vector
    centre: Vector
    square: float
    product_square: float

    @classmethod
    def of(
        cls, layer: LayerStatistics, covariance: Covariance, with_exact: Single, tap_variance: Vector
    ) -> "ExactSums":
        """Return those of a layer, `with_exact` [M, K] being W S, W the weight codes less their zero points."""
        groups, depth = layer.groups, layer.taps
        shape = groups, layer.channels // groups, depth
        weight, means = layer.weight_values.reshape(shape), layer.tap_means.reshape(groups, -1)
        codes = weight + layer.weight_zero_point.reshape(*shape[:2], 1)
        variance = np.maximum(0.0, (codes * covariance.times(codes)).sum(axis=2))
        squares = tap_variance.reshape(groups, -1) + means**2
        return cls(
            np.maximum(0.0, (weight * with_exact.reshape(shape)).sum(axis=2)).reshape(-1),
            np.einsum("gmk,gk->gm", weight, means).reshape(-1),
            float((variance + np.einsum("gmk,gk->gm", codes, means) ** 2).mean()),
            float(np.einsum("gmk,gk->gm", codes**2, squares).mean()),
        )
