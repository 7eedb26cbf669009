"""How much a layer's error of one kind moves the logits: measured by injecting it, in units that layers share.

The error that the moment model predicts of channel m, `mean[m] + gain[m] (C - centre) + noise[m] z`, is measured in
units of the output's codes: LSB of the sums times the requantization multiplier r_m. With A = root mean square over the
channels of r_m times the standard deviation of the exact sums, a layer's error has four amplitudes, shares of A:

    common    |mean over the channels of r_m mean[m]| / A        every channel is moved the same way
    scattered root of its variance over the channels / A         each channel is moved its own way
    gain      root mean square of r_m gain[m] std(C[m]) / A      the signal grows or shrinks
    noise     root mean square of r_m noise[m] / A               what changes from pixel to pixel

The sensitivity of a kind in a layer is the distortion of the logits that a small injected amplitude of it causes, over
that amplitude. Errors of different layers and kinds are taken as independent, so that their effects add in squares.
"""

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..injection import ChannelErrors
from ..networks.network import Network
from ..predict import LayerPrediction

Kind = Literal["common", "scattered", "gain", "noise"]
KINDS: tuple[Kind, ...] = ("common", "scattered", "gain", "noise")
Vector = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class LayerScales:
    """What turns a layer's sums into shares of its amplitude: r_m float64 [M], std(C[m]) float64 [M], and A."""

    multiplier: Vector
    exact_std: Vector
    centre: Vector
    amplitude: float

    @classmethod
    def of(cls, network: Network, name: str, layer: LayerPrediction) -> "LayerScales":
        """Return those of a layer; any multiplier's prediction says what its exact sums are."""
        node = next(each for each in network.weight_layers if each.name == name)
        multiplier = node.requantization_multiplier(network.quantization(node.inputs[0])).astype(np.float64)
        multiplier = np.broadcast_to(multiplier, layer.exact_std.shape)
        amplitude = float(np.sqrt(((multiplier * layer.exact_std) ** 2).mean()))
        return cls(multiplier, layer.exact_std, layer.centre, max(amplitude, 1e-12))

    def errors(self, shares: dict[Kind, float], rng: np.random.Generator) -> ChannelErrors:
        """Return errors of these amplitudes; their signs and their pattern over the channels are random."""
        unit = self.amplitude / self.multiplier
        channels = len(unit)
        pattern = rng.normal(size=channels)
        pattern = (pattern - pattern.mean()) / max(pattern.std(), 1e-12)
        sign = rng.choice([-1.0, 1.0], 2)
        mean = unit * (sign[0] * shares.get("common", 0.0) + pattern * shares.get("scattered", 0.0))
        gain = np.full(channels, sign[1] * shares.get("gain", 0.0))
        return ChannelErrors(mean, gain, unit * shares.get("noise", 0.0), self.centre)


def amplitudes(scales: LayerScales, layer: LayerPrediction) -> dict[Kind, float]:
    """Amplitudes of the error that is predicted for a layer, as shares of A."""
    mean = scales.multiplier * layer.mean
    gain, noise = scales.multiplier * layer.gain * layer.exact_std, scales.multiplier * layer.noise
    return {
        "common": float(abs(mean.mean())) / scales.amplitude,
        "scattered": float(mean.std()) / scales.amplitude,
        "gain": float(np.sqrt((gain**2).mean())) / scales.amplitude,
        "noise": float(np.sqrt((noise**2).mean())) / scales.amplitude,
    }


def logits_distortion(logits: npt.NDArray[np.floating], exact: npt.NDArray[np.floating]) -> float:
    """norm(change of the logits) over norm(exact logits), each image's mean over the classes taken off first."""
    change, reference = (
        values - values.mean(axis=1, keepdims=True) for values in (logits.astype(np.float64) - exact, exact)
    )
    norm = float(np.linalg.norm(reference))
    return float(np.linalg.norm(change)) / norm if norm else 0.0
