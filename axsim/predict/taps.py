"""Moments of the error at every tap, and what follows for every output channel: equations (3) to (5) of levels.py."""

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import pattern_values
from ..kernels.tap_moments import quadratic_forms, tap_moments
from ..statistics import LayerStatistics

PARTS = 64  # into which the rows are dealt out to threads
LANES = 16  # to a multiple of which a tap's activations are filled up, with probability 0
Vector = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelMoments:
    """Moments of each output channel's error; arrays float64 [M], LSB of the sums (squared where squares).

    mean (b_m); independent, the variance if taps were independent; linear (s_m S s_m') and rest, the two parts of the
    variance otherwise; gain (g_m); exact_variance and centre, variance and mean of the exact sums less the weights'
    zero points; exact_square, mean square of the exact sums of the stored codes over channels and pixels;
    product_square, the mean over them of the sum over the taps of the squared products.
    """

    mean: Vector
    independent: Vector
    linear: Vector
    rest: Vector
    gain: Vector
    exact_variance: Vector
    centre: Vector
    exact_square: float
    product_square: float


class TapSlopes:
    """Layers whose operands have the same formats, as one list of rows and one of taps; needs their histograms only."""

    def __init__(self, layers: list[LayerStatistics]) -> None:
        values = pattern_values(layers[0].x_format).astype(np.float64)
        self._order = np.argsort(values, kind="stable")
        values = values[self._order]
        self._values = values.astype(np.float32)
        self._weight = np.concatenate([layer.weight.reshape(-1) for layer in layers])
        self._depth = np.concatenate([np.full(len(layer.weight), layer.weight.shape[1]) for layer in layers])
        taps = np.cumsum([0] + [len(layer.tap_counts) for layer in layers])
        self._first_tap = np.concatenate([_first_taps(each) + at for each, at in zip(layers, taps, strict=False)])
        ends = np.concatenate([[0], np.cumsum(self._depth)])
        self._bounds = np.searchsorted(ends, np.linspace(0, ends[-1], PARTS + 1)).astype(np.int64)
        self._pack([layer.tap_probabilities[:, self._order] for layer in layers], values)
        rows = np.cumsum([0] + [len(layer.weight) for layer in layers])
        # Of each layer: where its slopes start, its rows, and the variances of its taps.
        self.places = [
            (int(ends[first]), slice(first, last), self._variance[taps[i] : taps[i + 1]])
            for i, (first, last) in enumerate(itertools.pairwise(rows))
        ]

    def _pack(self, probabilities: list[Vector], values: Vector) -> None:
        """Keep of each tap's distribution only the stretch from its lowest to its highest activation."""
        starts, lows, packed, means, variances = [np.zeros(1, np.int64)], [], [], [], []
        for table in probabilities:
            seen = table > 0
            low = seen.argmax(axis=1)
            size = np.maximum(1, 256 - seen[:, ::-1].argmax(axis=1) - low)
            size = -(-size // LANES) * LANES
            low = np.minimum(low, 256 - size)
            inside = (np.arange(256) >= low[:, None]) & (np.arange(256) < (low + size)[:, None])
            packed.append(table[inside].astype(np.float32))
            lows.append(low)
            starts.append(starts[-1][-1] + np.cumsum(size))
            means.append(table @ values)
            variances.append(np.maximum(0.0, table @ values**2 - means[-1] ** 2))
        self._starts, self._lows = np.concatenate(starts), np.concatenate(lows).astype(np.int64)
        self._probability = np.concatenate(packed)
        self._mean, self._variance = np.concatenate(means), np.concatenate(variances)

    def __call__(self, error: Vector) -> tuple[Single, Vector]:
        """
        Slope at every weight, float32, and of every row the three sums of `kernels/tap_moments.py`, float64 [R, 3].

        error float64 [256, 256] by the patterns of w and x.
        """
        slope = np.empty(len(self._weight), np.float32)
        rows = np.empty((len(self._depth), 3))
        tap_moments(
            self._weight,
            np.ascontiguousarray(error[:, self._order], np.float32),
            self._values,
            self._first_tap,
            self._depth,
            self._starts,
            self._lows,
            self._probability,
            self._mean,
            self._variance,
            self._bounds,
            slope,
            rows,
        )
        return slope, rows


class TapMoments:
    """Layers whose operands have the same formats, with the covariances of their taps.

    Raises AxsimError where a layer has neither covariances nor a sample of columns.
    """

    def __init__(self, layers: list[LayerStatistics]) -> None:
        self._slopes = TapSlopes(layers)
        self._layers = [
            _LayerCovariance(layer, *place) for layer, place in zip(layers, self._slopes.places, strict=True)
        ]

    def __call__(self, error: Vector) -> list[ChannelMoments]:
        """Moments of every layer's channels, error float64 [256, 256] by the patterns of w and x."""
        slope, rows = self._slopes(error)
        return [layer.moments(slope, rows) for layer in self._layers]


class _LayerCovariance:
    """How a layer's taps covary, and what its weights make of that."""

    def __init__(self, layer: LayerStatistics, start: int, rows: slice, tap_variance: Vector) -> None:
        self._start, self._rows = start, rows
        self._shape = layer.groups, len(layer.weight) // layer.groups, layer.weight.shape[1]
        self._matrix: Single | None = None
        self._factor: Single | None = None
        if layer.has_covariances:
            self._matrix = layer.covariances().astype(np.float32)
        elif layer.sample.shape[1]:
            self._factor = (layer.centred_sample() / np.sqrt(layer.sample.shape[1])).astype(np.float32)
        else:
            raise AxsimError("covariances must be gathered while the network runs: use axsim.gather_statistics")
        weight = layer.weight_values.reshape(self._shape)
        means = layer.tap_means.reshape(layer.groups, -1)
        self._with_exact = self._times_covariance(weight.astype(np.float32))  # W S, [groups, M / groups, K]
        self._exact_variance = np.maximum(0.0, (weight * self._with_exact).sum(axis=2)).reshape(-1)
        self._centre = np.einsum("gmk,gk->gm", weight, means).reshape(-1)
        codes = weight + layer.weight_zero_point.reshape(*self._shape[:2], 1)
        variance = np.maximum(0.0, (codes * self._times_covariance(codes.astype(np.float32))).sum(axis=2))
        self._exact_square = float((variance + np.einsum("gmk,gk->gm", codes, means) ** 2).mean())
        squares = tap_variance.reshape(layer.groups, -1) + means**2
        self._product_square = float(np.einsum("gmk,gk->gm", codes**2, squares).mean())

    def _times_covariance(self, rows: Single) -> Single:
        if self._matrix is not None:
            return rows @ self._matrix
        assert self._factor is not None
        return ((rows @ self._factor) @ self._factor.transpose(0, 2, 1)).astype(np.float32)

    def moments(self, slope: Single, rows: Vector) -> ChannelMoments:
        groups, channels, depth = self._shape
        slopes = slope[self._start : self._start + groups * channels * depth].reshape(self._shape)
        if self._matrix is not None:
            linear = np.empty((groups, channels))
            quadratic_forms(slopes, self._matrix, linear)
        else:
            assert self._factor is not None
            linear = ((slopes @ self._factor) ** 2).sum(axis=2)
        cross = np.einsum("gmk,gmk->gm", slopes, self._with_exact).reshape(-1).astype(np.float64)
        variance = self._exact_variance
        mean, independent, rest = rows[self._rows].T
        return ChannelMoments(
            mean,
            independent,
            linear.reshape(-1).astype(np.float64),
            rest,
            np.divide(cross, variance, out=np.zeros_like(cross), where=variance > 1e-9),
            variance,
            self._centre,
            self._exact_square,
            self._product_square,
        )


def _first_taps(layer: LayerStatistics) -> npt.NDArray[np.int64]:
    """First tap of each row, int64 [M]: the rows of a group share theirs."""
    rows = len(layer.weight) // layer.groups
    return np.repeat(np.arange(layer.groups, dtype=np.int64) * layer.weight.shape[1], rows)
