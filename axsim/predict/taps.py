"""Moments of the error at every tap, and what follows for every output channel: equations (3) to (5) of levels.py."""

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt

from ..formats import pattern_values
from ..kernels.tap_moments import quadratic_forms, tap_moments
from ..statistics import LayerStatistics
from .covariance import LANES, Covariance, ExactSums, Index, Single, Vector, filled_up, filled_up_rows

PARTS = 64  # into which the work is dealt out to threads
PIECE_TAPS = 64  # of a layer, whose rows one thread adds up


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelMoments:
    """Moments of each output channel's error; arrays float64 [M], LSB of the sums (squared where squares).

    mean (b_m); independent, the variance if taps were independent; linear (s_m S s_m') and rest, the two parts of the
    variance otherwise; gain (g_m); and what the exact sums are.
    """

    mean: Vector
    independent: Vector
    linear: Vector
    rest: Vector
    gain: Vector
    exact: ExactSums


class TapSlopes:
    """Layers whose operands have the same formats, their rows in one list and their taps in another.

    Needs their histograms only. Rows of weights and slopes are filled up with zeros to a multiple of 16 taps.

    Attributes
    ----------
    rows : int64 [layers + 1]
        Where the rows of each layer begin, and end.
    tap_variance : list of float64 [taps of the layer]
        Of each layer, variance of the activation at each tap.
    """

    def __init__(self, layers: list[LayerStatistics]) -> None:
        self._activations = _Activations(layers)
        self.rows = np.cumsum([0] + [layer.channels for layer in layers])
        self._weight = np.concatenate([filled_up_rows(layer.weight).reshape(-1) for layer in layers])
        codes = [_codes_of_taps(layer) for layer in layers]
        self._code_starts = np.concatenate([[0], np.cumsum(np.concatenate([counts for counts, _ in codes]))])
        self._codes = np.concatenate([each for _, each in codes])
        taps = np.cumsum([0] + [len(layer.tap_counts) for layer in layers])
        self.tap_variance = np.split(self._activations.variance, taps[1:-1])
        self._deal_out(layers, taps)

    def _deal_out(self, layers: list[LayerStatistics], taps: Index) -> None:
        """Cut the rows by taps, and remember which row each sum of a piece belongs to."""
        pieces, owners, sums, first = [], [], 0, 0
        for layer, tap, row in zip(layers, taps, self.rows, strict=False):
            in_group, depth = layer.channels // layer.groups, layer.taps
            step = filled_up(depth)
            for group in range(layer.groups):
                own = np.arange(in_group) + row + group * in_group
                for start in range(0, depth, PIECE_TAPS):
                    at = first + group * in_group * step + start
                    count = min(PIECE_TAPS, depth - start)
                    pieces.append((tap + group * depth + start, count, sums, in_group, at, step))
                    owners.append(own)
                    sums += in_group
            first += layer.channels * step
        self._pieces, self._owners = np.array(pieces, np.int64), np.concatenate(owners)
        sizes = self._activations.sizes * np.diff(self._code_starts)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        first_tap, count, _, rows, _, _ = self._pieces.T
        # To look a weight up costs about as much as two steps of sixteen activations.
        self._bounds = _bounds_of(ends[first_tap + count] - ends[first_tap] + 2 * LANES * count * rows)

    def __call__(self, error: Vector, partner: Single | None = None) -> tuple[Single, Vector]:
        """
        Slope at every weight, float32 [W], and of every row four sums over its taps, float64 [4, R].

        They are those of `kernels/tap_moments.py`: means, variances, variances beside the slopes, and the slopes times
        the partner, float32 [W], 0 where none is given; error float64 [256, 256] by the patterns of w and x.
        """
        activations = self._activations
        slope = np.zeros(len(self._weight), np.float32)
        sums = np.empty((len(self._owners), 4))
        tap_moments(
            self._weight,
            np.zeros_like(slope) if partner is None else partner,
            self._pieces,
            self._bounds,
            np.ascontiguousarray(error[:, activations.order], np.float32),
            activations.values,
            self._code_starts,
            self._codes,
            activations.starts,
            activations.lows,
            activations.probability,
            activations.mean,
            activations.variance,
            slope,
            sums,
        )
        rows = int(self.rows[-1])
        return slope, np.stack([np.bincount(self._owners, weights=column, minlength=rows) for column in sums.T])


class TapMoments:
    """Layers whose operands have the same formats, with the covariances of their taps.

    Raises AxsimError where a layer has neither covariances nor a sample of columns.
    """

    def __init__(self, layers: list[LayerStatistics]) -> None:
        self._slopes = TapSlopes(layers)
        self._exact, with_exact, matrices, blocks = [], [], [], []
        first, first_of_matrix = 0, 0
        for index, layer in enumerate(layers):
            covariance = Covariance(layer)
            rows = layer.channels // layer.groups
            product = covariance.times(layer.weight_values.reshape(layer.groups, rows, -1)).reshape(layer.channels, -1)
            self._exact.append(ExactSums.of(layer, covariance, product, self._slopes.tap_variance[index]))
            with_exact.append(filled_up_rows(product).reshape(-1))
            form = covariance.form()
            matrices.append(form.matrix.reshape(-1))
            blocks += form.blocks(rows, first, first_of_matrix, self._slopes.rows[index])
            first += with_exact[-1].size
            first_of_matrix += form.matrix.size
        self._with_exact, self._matrices = np.concatenate(with_exact), np.concatenate(matrices)
        self._blocks = np.array(blocks, np.int64)
        _, count, width, _, matrix_rows, triangle, _ = self._blocks.T
        self._bounds = _bounds_of(count * width * matrix_rows / (1 + triangle))

    def __call__(self, error: Vector) -> list[ChannelMoments]:
        """Moments of every layer's channels, error float64 [256, 256] by the patterns of w and x."""
        slope, (mean, independent, rest, cross) = self._slopes(error, self._with_exact)
        linear = np.empty(len(mean))
        quadratic_forms(slope, self._matrices, self._blocks, self._bounds, linear)
        found = []
        for exact, (first, last) in zip(self._exact, itertools.pairwise(self._slopes.rows), strict=True):
            own, variance = slice(first, last), exact.variance
            gain = np.divide(cross[own], variance, out=np.zeros_like(variance), where=variance > 1e-9)
            found.append(ChannelMoments(mean[own], independent[own], linear[own], rest[own], gain, exact))
        return found


class _Activations:
    """Distribution of the activation at every tap, kept only from its lowest to its highest.

    Attributes
    ----------
    order : int64 [256]
        Patterns in ascending order of their values.
    values : float32 [256]
        These values.
    starts, lows, probability, mean, variance
        See `tap_moments`.
    sizes : int64 [T]
        Activations kept of each tap.
    """

    def __init__(self, layers: list[LayerStatistics]) -> None:
        values = pattern_values(layers[0].x_format).astype(np.float64)
        self.order = np.argsort(values, kind="stable")
        values = values[self.order]
        self.values = values.astype(np.float32)
        all_sizes, lows, packed, means, variances = [], [], [], [], []
        for layer in layers:
            table = layer.tap_probabilities[:, self.order]
            seen = table > 0
            low = seen.argmax(axis=1)
            size = np.maximum(1, 256 - seen[:, ::-1].argmax(axis=1) - low)
            size = filled_up(size)
            low = np.minimum(low, 256 - size)
            inside = (np.arange(256) >= low[:, None]) & (np.arange(256) < (low + size)[:, None])
            packed.append(table[inside].astype(np.float32))
            lows.append(low)
            all_sizes.append(size)
            means.append(table @ values)
            variances.append(np.maximum(0.0, table @ values**2 - means[-1] ** 2))
        self.sizes, self.lows = np.concatenate(all_sizes), np.concatenate(lows).astype(np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.probability = np.concatenate(packed)
        self.mean, self.variance = np.concatenate(means), np.concatenate(variances)


def _codes_of_taps(layer: LayerStatistics) -> tuple[Index, npt.NDArray[np.uint8]]:
    """Return how many weight codes meet each tap, and these codes, tap after tap."""
    seen = np.zeros((layer.groups, layer.taps, 256), np.bool_)
    group = np.arange(layer.channels)[:, None] // (layer.channels // layer.groups)
    seen[group, np.arange(layer.taps), layer.weight] = True
    return seen.sum(axis=2).reshape(-1), np.nonzero(seen)[2].astype(np.uint8)


def _bounds_of(costs: npt.NDArray[np.generic]) -> Index:
    """Return where to cut a list into PARTS that cost about as much, int64 [PARTS + 1]."""
    ends = np.concatenate([[0.0], np.cumsum(costs, dtype=np.float64)])
    return np.searchsorted(ends, np.linspace(0.0, ends[-1], PARTS + 1)).astype(np.int64)
