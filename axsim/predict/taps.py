"""Moments of the error at every tap, and what follows for every output channel: equations (3) to (5) of levels.py."""

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt

from ..formats import pattern_values
from ..kernels.tap_moments import quadratic_forms, tap_moments
from ..statistics import LayerStatistics
from .covariance import LANES, Index, LayerCovariance, Single, Vector, filled_up

PARTS = 64  # into which the work is dealt out to threads
PIECE_TAPS = 64  # of a layer, whose rows one thread adds up


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
    """Layers whose operands have the same formats, their rows in one list and their taps in another.

    Needs their histograms only. Rows of weights and slopes are filled up with zeros to a multiple of 16 taps.

    Attributes
    ----------
    rows, taps : int64 [layers + 1]
        Where the rows and the taps of each layer begin, and end.
    tap_variance : float64 [T]
        Of the activation at each tap.
    """

    def __init__(self, layers: list[LayerStatistics]) -> None:
        self._activations = _Activations(layers)
        self.tap_variance = self._activations.variance
        self.taps = np.cumsum([0] + [len(layer.tap_counts) for layer in layers])
        self.rows = np.cumsum([0] + [layer.channels for layer in layers])
        self._weight = np.concatenate([_filled_up_weight(layer).reshape(-1) for layer in layers])
        codes = [_codes_of_taps(layer) for layer in layers]
        self._code_starts = np.concatenate([[0], np.cumsum(np.concatenate([counts for counts, _ in codes]))])
        self._codes = np.concatenate([each for _, each in codes])
        self._deal_out(layers)

    def _deal_out(self, layers: list[LayerStatistics]) -> None:
        """Cut the rows by taps, and remember which row each sum of a piece belongs to."""
        pieces, owners, sums, first = [], [], 0, 0
        for layer, tap, row in zip(layers, self.taps, self.rows, strict=False):
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
        first_tap, taps, rows = (self._pieces[:, column] for column in (0, 1, 3))
        # To look a weight up costs about as much as two steps of sixteen activations.
        self._bounds = bounds_of(ends[first_tap + taps] - ends[first_tap] + 2 * LANES * taps * rows)

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
        self._covariances = [
            LayerCovariance(layer, self._slopes.tap_variance[first:last])
            for layer, (first, last) in zip(layers, itertools.pairwise(self._slopes.taps), strict=True)
        ]
        self._with_exact = np.concatenate([each.with_exact.reshape(-1) for each in self._covariances])
        blocks, costs, first, line = [], [], 0, 0
        for layer, row, each in zip(layers, self._slopes.rows, self._covariances, strict=False):
            own, own_costs = each.lines.blocks(layer.channels // layer.groups, first, line, int(row))
            blocks += own
            costs += own_costs
            first += each.with_exact.size
            line += each.lines.values.size
        self._lines = np.concatenate([each.lines.values.reshape(-1) for each in self._covariances])
        for each in self._covariances:
            del each.lines, each.with_exact  # which lie in the arrays of all layers from now on
        self._blocks, self._bounds = np.array(blocks, np.int64), bounds_of(np.array(costs))

    def __call__(self, error: Vector) -> list[ChannelMoments]:
        """Moments of every layer's channels, error float64 [256, 256] by the patterns of w and x."""
        slope, (mean, independent, rest, cross) = self._slopes(error, self._with_exact)
        linear = np.empty(len(mean))
        quadratic_forms(slope, self._lines, self._blocks, self._bounds, linear)
        found = []
        for each, (first, last) in zip(self._covariances, itertools.pairwise(self._slopes.rows), strict=True):
            own, variance = slice(first, last), each.exact_variance
            gain = np.divide(cross[own], variance, out=np.zeros_like(variance), where=variance > 1e-9)
            found.append(
                ChannelMoments(
                    mean[own], independent[own], linear[own], rest[own], gain, variance, each.centre,
                    each.exact_square, each.product_square,
                )
            )  # fmt: skip
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
            size = -(-size // LANES) * LANES
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


def _filled_up_weight(layer: LayerStatistics) -> npt.NDArray[np.uint8]:
    weight = np.zeros((layer.channels, filled_up(layer.taps)), np.uint8)
    weight[:, : layer.taps] = layer.weight
    return weight


def _codes_of_taps(layer: LayerStatistics) -> tuple[Index, npt.NDArray[np.uint8]]:
    """Return how many weight codes meet each tap, and these codes, tap after tap."""
    seen = np.zeros((layer.groups, layer.taps, 256), np.bool_)
    group = np.arange(layer.channels)[:, None] // (layer.channels // layer.groups)
    seen[group, np.arange(layer.taps), layer.weight] = True
    return seen.sum(axis=2).reshape(-1), np.nonzero(seen)[2].astype(np.uint8)


def bounds_of(costs: npt.NDArray[np.generic]) -> Index:
    """Return where to cut a list into PARTS that cost about as much, int64 [PARTS + 1]."""
    ends = np.concatenate([[0.0], np.cumsum(costs, dtype=np.float64)])
    return np.searchsorted(ends, np.linspace(0.0, ends[-1], PARTS + 1)).astype(np.int64)
