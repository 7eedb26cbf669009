"""Predicted distortion of the logits, and the curve from it to accuracy; both fitted on injected errors only."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..formats import Format
from ..images import ImageSet
from ..inference.engine import run
from ..injection import ChannelErrors, inject
from ..networks.network import Network
from ..predict import LayerPrediction, NetworkPrediction, Predictor
from .sensitivity import KINDS, Kind, LayerScales, amplitudes, logits_distortion
from .synthetic import random_multiplier

PROBE = 0.1  # amplitude at which sensitivities are measured
SENSITIVITY_IMAGES = 64
CURVE_RUNS = 24
LOWEST, HIGHEST = 0.05, 3.0  # predicted distortion of the logits between which the curve is measured
Z = 1.959964


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A predicted distortion of the logits; the predicted accuracy and its 95 % interval, shares."""

    distortion: float
    top1: float
    interval: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class AccuracyModel:
    """
    What `fit` found of a network.

    sensitivities: of each layer and kind; distortions and accuracies: the curve, both ascending in distortion, the
    accuracy falling; spread: standard deviation of the injected runs about it; images: number behind each accuracy.
    """

    sensitivities: dict[str, dict[Kind, float]]
    scales: dict[str, LayerScales]
    distortions: tuple[float, ...]
    accuracies: tuple[float, ...]
    spread: float
    images: int
    points: tuple[tuple[float, float, float], ...] = ()

    def distortion(self, prediction: NetworkPrediction) -> float:
        """Predicted distortion of the logits: root of the sum over layers and kinds of (sensitivity amplitude)^2."""
        total = 0.0
        for name, sensitivity in self.sensitivities.items():
            found = amplitudes(self.scales[name], prediction.layers[name])
            total += sum((sensitivity[kind] * found[kind]) ** 2 for kind in KINDS)
        return math.sqrt(total)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, from which `from_json` makes the same model for the same network."""
        names = ("sensitivities", "distortions", "accuracies", "spread", "images", "points")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, data: dict[str, Any], network: Network, prediction: NetworkPrediction) -> "AccuracyModel":
        """Return the model that `as_json` described; `prediction` as in `fit`."""
        scales = {name: LayerScales.of(network, name, prediction.layers[name]) for name in data["sensitivities"]}
        lists = {name: tuple(data[name]) for name in ("distortions", "accuracies")}
        points = tuple((x, y, z) for x, y, z in data["points"])
        return cls(data["sensitivities"], scales, **lists, spread=data["spread"], images=data["images"], points=points)

    def estimate(self, distortion: float) -> Estimate:
        """Read the accuracy off the curve; the interval joins the runs' spread and that of so many images."""
        place = math.log(max(distortion, 1e-9))
        top1 = float(np.interp(place, np.log(self.distortions), self.accuracies))
        half = Z * math.sqrt(self.spread**2 + top1 * (1 - top1) / self.images)
        return Estimate(distortion, top1, (max(0.0, top1 - half), min(1.0, top1 + half)))


def fit(
    network: Network,
    images: ImageSet,
    predictor: Predictor,
    *,
    seed: int = 0,
    curve_runs: int = CURVE_RUNS,
    sensitivity_images: int = SENSITIVITY_IMAGES,
    progress: Callable[[int, int], None] | None = None,
) -> AccuracyModel:
    """
    Measure sensitivities and curve by injection; no multiplier is run.

    For each layer and kind one run of a few images with that kind alone; then `curve_runs` runs of all images, each
    with the errors predicted for an error table made at random (`synthetic.py`), scaled to a predicted distortion from
    0.05 to 3.

    Parameters
    ----------
    network : Network
    images : ImageSet
        With labels: accuracy is predicted for them.
    predictor : Predictor
        Of this network.
    """
    assert images.labels is not None
    rng = np.random.default_rng(seed)
    prediction = predictor(random_multiplier(("u8", "u8"), rng))  # any: it says what each layer's exact sums are
    names = [layer.name for layer in network.weight_layers]
    scales = {name: LayerScales.of(network, name, prediction.layers[name]) for name in names}
    few = images.first(sensitivity_images)
    exact_few, exact = run(network, few.images).logits, run(network, images.images)
    done, total = 0, len(names) * len(KINDS) * sensitivity_images + curve_runs * len(images)
    sensitivities: dict[str, dict[Kind, float]] = {name: {} for name in names}
    for name in names:
        for kind in KINDS:
            errors = {name: scales[name].errors({kind: PROBE}, rng)}
            logits = inject(network, few.images, errors, seed=int(rng.integers(2**32))).logits
            sensitivities[name][kind] = logits_distortion(logits, exact_few) / PROBE
            done += len(few)
            if progress is not None:
                progress(done, total)
    known = [(1e-4, 0.0, exact.top1(images.labels))]
    model = AccuracyModel(sensitivities, scales, (), (), 0.0, len(images))
    for wanted in np.geomspace(LOWEST, HIGHEST, curve_runs):
        drawn = predictor(random_multiplier(_operands(network), rng))
        factor = wanted / max(model.distortion(drawn), 1e-12)
        errors = {name: _scaled(drawn.layers[name], factor) for name in names}
        result = inject(network, images.images, errors, seed=int(rng.integers(2**32)))
        known.append((float(wanted), logits_distortion(result.logits, exact.logits), result.top1(images.labels)))
        done += len(images)
        if progress is not None:
            progress(done, total)
    accuracies = falling(np.array([point[2] for point in known]))
    spread = float(np.std([point[2] for point in known[1:]] - accuracies[1:]))
    return dataclasses.replace(
        model,
        distortions=tuple(point[0] for point in known),
        accuracies=tuple(float(share) for share in accuracies),
        spread=spread,
        points=tuple(known),
    )


def _operands(network: Network) -> tuple[Format, Format]:
    """Return the formats of all layers with weights, or u8, which serve any by sign and magnitude, if they differ."""
    pairs = {(node.weight_format, network.quantization(node.inputs[0]).format) for node in network.weight_layers}
    return next(iter(pairs)) if len(pairs) == 1 else ("u8", "u8")


def _scaled(layer: LayerPrediction, factor: float) -> ChannelErrors:
    """Errors `factor` times those predicted: mean, gain and noise are all linear in a table's errors."""
    return ChannelErrors(factor * layer.mean, factor * layer.gain, factor * layer.noise, layer.centre)


def falling(values: npt.NDArray[np.float64]) -> Any:
    """Return the falling sequence nearest in least squares (isotonic regression by pooling adjacent violators)."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            mean, count = blocks.pop()
            before, many = blocks.pop()
            blocks.append([(mean * count + before * many) / (count + many), count + many])
    return np.repeat([block[0] for block in blocks], [int(block[1]) for block in blocks])
