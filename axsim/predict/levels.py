"""The moment model: the error matrix of a layer, from statistics alone.

Derived here from first principles; nothing below is quoted from arXiv 2512.06537, of which the subject and the claim
that the mean error dominates are taken. `E[m, n] = sum_k e(W[m, k], X[k, n])`, e = approximate - exact product,
W [M, K], X [K, N]; all norms Frobenius; the layer alone, its input being the exact run's.

    iid, operand    E norm(E)^2 = M N (K sigma2 + K^2 mu^2)                                                   (1)
    relative        E norm(E)^2 = mu_r^2 norm(C)^2 + sigma_r2 sum_k norm(W[:,k])^2 norm(X[k,:])^2             (2)
    conditional     E norm(E)^2 = N sum_m (b_m^2 + sum_k (q_k(W[m,k]) - m_k(W[m,k])^2))                       (3)
    covariance      E norm(E)^2 = N sum_m (b_m^2 + s_m S s_m' + sum_k (q_k - m_k^2 - s_k^2 S_kk))             (4)
    gain            g_m = s_m S W_m' / (W_m S W_m')                                                           (5)

(1) takes all products as independent draws with the error's mean mu and variance sigma2: under uniform operands ("iid")
or under the layer's own histograms of weights and activations ("operand"). From K >> (sigma / mu)^2 on, the mean error
is all that counts: norm(E) -> K |mu| sqrt(M N). (2) takes e = w x r, the relative error r independent of the product,
with mean mu_r and variance sigma_r2 under uniform operands; there the mean dominates only where products do not cancel.
(3) knows each weight, and each tap's own distribution p_k of activations: m_k(w) and q_k(w) are the mean of e(w, x) and
of e(w, x)^2 for x ~ p_k, and the mean error of output channel m is b_m = sum_k m_k(W[m,k]); it takes the taps of a
pixel as independent. (4) lets them correlate as far as the error is linear in the activation:
s_k(w) = Cov(e(w, x), x) / Var(x) under p_k, S the covariance matrix of the taps, s_m the row (s_k(W[m,k]))_k. (5) is
the slope of the least-squares line of E[m, :] over C[m, :]: the part of the error that grows with the exact sum, W_m
being the weight codes less their zero point. What all of this needs of the network is measured once; none of it runs
the multiplier.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from ..formats import Format, exact_products
from ..kernels.tap_moments import operand_moments
from ..multipliers.product_table import Multiplier, check_multiplier
from ..statistics import MatMulStatistics, NetworkStatistics, Statistics, check_statistics
from .taps import TapMoments

Vector = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class PredictedNorms:
    """
    Predicted Frobenius norm of a layer's error matrix at each level of the model, LSB of the sums.

    None where a level does not apply: a product of two activations has no weights to be known.

    Attributes
    ----------
    iid, operand : float
        Equation (1), under uniform operands and under the layer's own histograms.
    relative, conditional, covariance : float or None
        Equations (2), (3) and (4).
    """

    iid: float
    relative: float | None
    operand: float
    conditional: float | None
    covariance: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class LayerPrediction:
    """What a multiplier is predicted to do to one layer.

    Attributes
    ----------
    norms : PredictedNorms
        For as many pixels as the statistics have seen.
    exact_norm : float
        norm(C, F) of the exact sums of the stored codes, from the same statistics, LSB of the sums.
    mean : float64 [M]
        b_m, mean error of each output channel, LSB of the sums.
    gain : float64 [M]
        g_m, equation (5).
    noise : float64 [M]
        Standard deviation of what is left of each channel's error behind mean and gain, LSB of the sums.
    centre : float64 [M]
        Mean of the exact sums less the weights' zero points, about which the gain turns: E = b + g (C - centre) + rest.
    exact_std : float64 [M]
        Standard deviation of the same sums.
    """

    norms: PredictedNorms
    exact_norm: float
    mean: Vector
    gain: Vector
    noise: Vector
    centre: Vector
    exact_std: Vector

    def distortion(self, level: str = "covariance") -> float:
        """norm(E, F) / norm(C, F) at that level; 0 where both are 0."""
        norm = float(getattr(self.norms, level))
        return norm / self.exact_norm if norm else 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkPrediction:
    """Predictions of all layers of a network, by name."""

    multiplier: str
    layers: dict[str, LayerPrediction]

    def __repr__(self) -> str:
        return (
            f"<NetworkPrediction of {self.multiplier}: {len(self.layers)} layers, distortion {self.distortion():.4g} "
            "at the covariance level>"
        )

    def norm(self, level: str = "covariance") -> float:
        """Norm of all layers' error matrices together, LSB of the sums."""
        return math.sqrt(sum(float(getattr(layer.norms, level)) ** 2 for layer in self.layers.values()))

    def distortion(self, level: str = "covariance") -> float:
        """Root mean square of the layers' distortions."""
        return math.sqrt(sum(layer.distortion(level) ** 2 for layer in self.layers.values()) / len(self.layers))


class Predictor:
    """A network's statistics, arranged once so that each multiplier takes milliseconds.

    >>> prediction = Predictor(statistics)(multiplier)
    >>> prediction.layers["stem"].norms.covariance

    Parameters
    ----------
    statistics : NetworkStatistics
        From `axsim.gather_statistics` or `axsim.statistics.file.load_statistics`.

    Raises
    ------
    AxsimError
        If it is something else, or a layer has neither covariances nor a sample of columns.
    """

    def __init__(self, statistics: NetworkStatistics) -> None:
        check_statistics(statistics)
        self.statistics = statistics
        self._parts: dict[tuple[Format, Format], list[str]] = {}
        for name, layer in statistics.layers.items():
            self._parts.setdefault((layer.w_format, layer.x_format), []).append(name)
        self._taps = {
            formats: TapMoments([statistics.layers[name] for name in names]) for formats, names in self._parts.items()
        }
        self._weights = {name: layer.weight_histogram for name, layer in statistics.layers.items()}
        self._activations = {name: layer.activation_histogram for name, layer in statistics.layers.items()}

    def __call__(self, multiplier: Multiplier) -> NetworkPrediction:
        """
        Predict every layer.

        Returns
        -------
        NetworkPrediction
            By layer: norm(E, F) at each level for the pixels that the statistics have seen, LSB of the sums, and each
            channel's mean error, gain and noise.

        Raises
        ------
        MultiplierError
            If the multiplier cannot serve a layer's operands.
        """
        check_multiplier(multiplier)
        found: dict[str, LayerPrediction] = {}
        for formats, names in self._parts.items():
            error = multiplier.serving(*formats).error().astype(np.float64)
            mean, variance = float(error.mean()), float(error.var())
            relative_mean, relative_variance = _relative_moments(error, formats)
            own = self._own_moments(names, error)
            for name, taps, (own_mean, own_variance) in zip(names, self._taps[formats](error), own, strict=True):
                layer = self.statistics.layers[name]
                channels, pixels = len(layer.weight), layer.pixels
                relative = relative_mean**2 * taps.exact.square + relative_variance * taps.exact.product_square
                # A variance below 0 is what rounding, or the rests taken as independent, leave of nothing.
                variances = np.maximum(0.0, taps.linear + taps.rest)
                noise = np.maximum(0.0, variances - taps.gain**2 * taps.exact.variance)
                norms = PredictedNorms(
                    iid=_independent_norm(layer, mean, variance),
                    relative=math.sqrt(channels * pixels * relative),
                    operand=_independent_norm(layer, own_mean, own_variance),
                    conditional=math.sqrt(pixels * float((taps.mean**2 + np.maximum(0.0, taps.independent)).sum())),
                    covariance=math.sqrt(pixels * float((taps.mean**2 + variances).sum())),
                )
                exact_norm = math.sqrt(channels * pixels * taps.exact.square)
                found[name] = LayerPrediction(
                    norms,
                    exact_norm,
                    taps.mean,
                    taps.gain,
                    np.sqrt(noise),
                    taps.exact.centre,
                    np.sqrt(taps.exact.variance),
                )
        return NetworkPrediction(multiplier.name, {name: found[name] for name in self.statistics.layers})

    def _own_moments(self, names: list[str], error: Vector) -> list[tuple[float, float]]:
        """Mean and variance of the error under each layer's own operand histograms."""
        weights, activations = (
            np.array([histograms[name] / max(1, histograms[name].sum()) for name in names])
            for histograms in (self._weights, self._activations)
        )
        found = np.empty((len(names), 2))
        operand_moments(weights, error, activations, found)
        return [(float(m), max(0.0, float(q - m**2))) for m, q in found]


def predict(multiplier: Multiplier, layer: Statistics) -> PredictedNorms:
    """
    Predict norm(E, F) of one layer from the multiplier's error table and the layer's operand statistics.

    Parameters
    ----------
    multiplier : Multiplier
        It is served to the layer's operands, in their formats.
    layer : LayerStatistics or MatMulStatistics
        With covariances, from `axsim.statistics.measure.measure`; the prediction is for as many pixels as it has seen.
        Of a product of two activations both histograms are known: the levels iid and operand.

    Raises
    ------
    MultiplierError
        If the multiplier cannot serve the layer's operands.
    AxsimError
        If covariances were not gathered.
    """
    if isinstance(layer, MatMulStatistics):
        served = multiplier.serving(layer.w_format, layer.x_format)
        iid, operand = (
            _independent_norm(layer, moments.mean_error, moments.variance)
            for moments in (served.moments(), served.moments(layer.weight_histogram, layer.activation_histogram))
        )
        return PredictedNorms(iid, None, operand, None, None)
    return Predictor(NetworkStatistics("", "", 0, {"layer": layer}))(multiplier).layers["layer"].norms


def _independent_norm(layer: Statistics, mean: float, variance: float) -> float:
    """Equation (1)."""
    channels, depth = layer.channels, layer.taps
    return math.sqrt(channels * layer.pixels * (depth * variance + depth**2 * mean**2))


def _relative_moments(error: Vector, formats: tuple[Format, Format]) -> tuple[float, float]:
    """Mean and variance of error / product under uniform operands, products of 0 left out."""
    exact = exact_products(*formats).astype(np.float64)
    ratio = error[exact != 0] / exact[exact != 0]
    return float(ratio.mean()), float(ratio.var())
