"""What a multiplier does to the network in one layer, in a measure that adds up over the layers.

The damage of a run is the mean over its images of the Kullback-Leibler divergence between the classes' probabilities of
the exact network and its own, p = softmax(exact logits), q = softmax(logits):

    KL(p || q) = sum_c p_c log(p_c / q_c)                                                               nats

It needs no labels, does not see what moves no probability (a shift of all logits), and is to second order a quadratic
form of the logits' change: where the layers' errors do not correlate, their damages add. A layer's own is

    D[l, m] = sum over kinds of s[l, kind] a[l, m, kind]^2

with the amplitudes a of the error that the moment model predicts of multiplier m in layer l
(`accuracy_model/sensitivity.py`) and the sensitivities s of the layer, measured by injecting each kind alone. No
multiplier is run.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..accuracy_model import KINDS, LayerScales, amplitudes
from ..compensation import Line
from ..images import Pixels
from ..inference.engine import run
from ..injection import inject
from ..networks.network import Network
from ..predict import LayerPrediction, NetworkPrediction
from .problem import Matrix

PROBE = 0.1  # amplitude at which sensitivities are measured: far above rounding, far below clamping
Logits = npt.NDArray[np.floating]


def divergence(logits: Logits, exact: Logits) -> float:
    """Mean over the images of KL(softmax(exact) || softmax(logits)), nats; both real [N, classes]."""
    p, q = (_log_softmax(values.astype(np.float64)) for values in (exact, logits))
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


def _log_softmax(logits: Logits) -> npt.NDArray[np.float64]:
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def scales_of(network: Network, prediction: NetworkPrediction) -> dict[str, LayerScales]:
    """Return what the errors of each layer are shares of; any multiplier's prediction says what the exact sums are."""
    return {name: LayerScales.of(network, name, layer) for name, layer in prediction.layers.items()}


def sensitivities(
    network: Network,
    images: Pixels,
    scales: Mapping[str, LayerScales],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Matrix:
    """
    Measure s[l, kind], float64 [layers, 4], nats: an injected run of the images for each layer and kind alone.

    Labels are not used; the same seed gives the same bits.
    """
    rng = np.random.default_rng(seed)
    exact = run(network, images).logits
    found = np.zeros((len(scales), len(KINDS)))
    for row, (name, scale) in enumerate(scales.items()):
        for column, kind in enumerate(KINDS):
            errors = {name: scale.errors({kind: PROBE}, rng)}
            logits = inject(network, images, errors, seed=int(rng.integers(2**32))).logits
            found[row, column] = max(0.0, divergence(logits, exact)) / PROBE**2
            if progress is not None:
                progress(row * len(KINDS) + column + 1, found.size)
    return found


def damages(
    sensitivity: Matrix,
    scales: Mapping[str, LayerScales],
    predictions: Sequence[NetworkPrediction],
    *,
    compensated: bool = False,
) -> Matrix:
    """
    Predict the damage of each multiplier in each layer alone.

    Parameters
    ----------
    sensitivity : float64 [layers, 4]
    scales : dict of str to LayerScales
        Of each layer, in the same order.
    predictions : sequence of NetworkPrediction
        Of each multiplier.
    compensated : bool
        Whether each layer's predicted line is taken back (`axsim.compensate`): what is left is mostly noise.

    Returns
    -------
    float64 [layers, multipliers], nats
    """
    found = np.zeros((len(scales), len(predictions)))
    for column, prediction in enumerate(predictions):
        for row, (name, scale) in enumerate(scales.items()):
            layer = prediction.layers[name]
            shares = amplitudes(scale, left_over(layer) if compensated else layer)
            found[row, column] = sum(sensitivity[row, k] * shares[kind] ** 2 for k, kind in enumerate(KINDS))
    return found


def left_over(layer: LayerPrediction) -> LayerPrediction:
    """Return the errors that remain of a layer's once its predicted line is undone: the exact sums' are the same."""
    line = Line.predicted(layer)
    slope = 1 + line.gain
    # approximate = centre + mean + (1 + g) (C - centre) + noise, less the shift and over the slope
    mean = (layer.centre + layer.mean - line.shift) / slope - layer.centre
    gain = (1 + layer.gain) / slope - 1
    return LayerPrediction(
        layer.norms, layer.exact_norm, mean, gain, layer.noise / slope, layer.centre, layer.exact_std
    )
