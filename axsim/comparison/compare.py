"""Measured beside predicted: a network, some images and some multipliers, and everything that is said about them."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, ImageError
from ..images import ImageSet
from ..inference.accuracy import accuracy
from ..inference.engine import Run, run
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import Network
from ..predict import PredictedNorms, predict
from ..statistics.measure import measure

LEVEL_FIELDS = dataclasses.fields(PredictedNorms)
TOLERANCE = 0.10  # a prediction this close to the measured norm counts as right
Phase = Callable[[str], Callable[[int, int], None]]  # name of a piece of work -> its progress function


@dataclasses.dataclass(frozen=True)
class LayerComparison:
    """Error matrix of one layer alone, measured and predicted.

    Attributes
    ----------
    layer : str
    channels, taps, pixels : int
        M, K and N of its product.
    measured : float
        norm(E, F), LSB of the sums, the layer's input being the exact run's.
    mean_error : float
        Mean of E, measured, LSB of the sums.
    exact_norm : float
        norm(C, F) of the exact sums; measured / exact_norm is the distortion.
    predicted : PredictedNorms
        norm(E, F) at each level of the moment model.
    """

    layer: str
    channels: int
    taps: int
    pixels: int
    measured: float
    mean_error: float
    exact_norm: float
    predicted: PredictedNorms

    def ratio(self, level: str) -> float | None:
        """Predicted over measured norm; nan where nothing was measured, 1 where both are 0; None if not predicted."""
        value: float | None = getattr(self.predicted, level)
        if value is None:
            return None
        if self.measured == 0:
            return 1.0 if value == 0 else math.nan
        return value / self.measured

    def holds(self, level: str) -> bool:
        """Whether the prediction is within 10 % of what was measured."""
        ratio = self.ratio(level)
        return ratio is not None and abs(ratio - 1) <= TOLERANCE

    def reason(self) -> str:
        """Say why the operand level is off by more than 10 %, by the first level that is not; empty where it holds."""
        if self.holds("operand"):
            return ""
        if self.predicted.conditional is None:
            return "a product of two activations, which depend on each other; no level beyond (b) predicts it"
        if self.holds("conditional"):
            return "the layer's own weights and the distribution at each tap matter, not the layer-wide histograms"
        if self.holds("covariance"):
            return "activations at the taps of a pixel correlate, so their errors add up instead of averaging out"
        return "errors of neighbouring taps depend on each other in a way that is not linear in the activations"


@dataclasses.dataclass(frozen=True)
class MultiplierComparison:
    """One multiplier on the network.

    Attributes
    ----------
    multiplier, served : Multiplier
        As it was given, and as it serves the network's operands.
    mean_error, sigma : float
        Of `served` under uniform operands, LSB of the product.
    top1, interval : float and pair of float, or None
        Share of images classified as labelled, and its 95 % Wilson interval; None without labels.
    agreement : float
        Share of images that keep the exact run's class.
    images_per_second : float
        Of the run that the accuracy is from, on this machine then.
    layers : tuple of LayerComparison
        Layers with weights and products of two activations, in the network's order.
    """

    multiplier: Multiplier
    served: Multiplier
    mean_error: float
    sigma: float
    top1: float | None
    interval: tuple[float, float] | None
    agreement: float
    images_per_second: float
    layers: tuple[LayerComparison, ...]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All multipliers on one network, measured beside predicted: what `axsim.compare` gives.

    Attributes
    ----------
    network : Network
    images, measured_images : int
        How many images the accuracy, and how many the error matrices are of.
    exact_top1, exact_interval : float and pair of float, or None
        Top-1 of the exact run, a share, and its 95 % Wilson interval; None without labels.
    exact_images_per_second : float
    multipliers : tuple of MultiplierComparison
        In the order in which they were given.
    """

    network: Network
    images: int
    measured_images: int
    exact_top1: float | None
    exact_interval: tuple[float, float] | None
    exact_images_per_second: float
    multipliers: tuple[MultiplierComparison, ...]

    def pairs(self) -> list[tuple[MultiplierComparison, LayerComparison]]:
        """All (multiplier, layer) pairs with an error to predict."""
        return [(row, layer) for row in self.multipliers for layer in row.layers if layer.measured > 0]

    def share_within(self, level: str) -> float | None:
        """
        Share of the pairs that a level ("iid", "operand", "conditional", "covariance") predicts within 10 %.

        It is of those pairs that the level predicts at all; None where there is no such pair. Raises AxsimError if
        there is no such level.
        """
        levels = [field.name for field in LEVEL_FIELDS]
        if level not in levels:
            raise AxsimError(f"level must be one of {', '.join(levels)}, got {level!r}")
        predicted = self.predicted(level)
        return sum(layer.holds(level) for layer in predicted) / len(predicted) if predicted else None

    def predicted(self, level: str) -> list[LayerComparison]:
        """Layers of the pairs that a level predicts; the levels beyond "operand" leave products of activations out."""
        return [layer for _, layer in self.pairs() if layer.ratio(level) is not None]

    def _repr_html_(self) -> str:
        from ..presentation.display import comparison_html  # which knows this class, not the other way round

        return comparison_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and text, for JSON."""
        return {
            "network": self.network.name,
            "scheme": self.network.scheme,
            "rounding": self.network.rounding,
            "images": self.images,
            "measured_images": self.measured_images,
            "exact": {
                "top1": self.exact_top1,
                "top1_interval_95": self.exact_interval,
                "images_per_second": self.exact_images_per_second,
            },
            "share_within_10_percent": {f.name: self.share_within(f.name) for f in LEVEL_FIELDS},
            "predicted_pairs": {f.name: len(self.predicted(f.name)) for f in LEVEL_FIELDS},
            "computed_in_float": [node.name for node in self.network.nodes if node.computes_reals],
            "multipliers": [
                {
                    "multiplier": row.multiplier.name,
                    "table_sha256": row.multiplier.digest,
                    "mean_error": row.mean_error,
                    "sigma": row.sigma,
                    "top1": row.top1,
                    "top1_interval_95": row.interval,
                    "agreement_with_exact": row.agreement,
                    "images_per_second": row.images_per_second,
                    "layers": [
                        {
                            **dataclasses.asdict(layer),
                            "predicted_over_measured": {f.name: layer.ratio(f.name) for f in LEVEL_FIELDS},
                            "reason_operand_level_is_off": layer.reason(),
                        }
                        for layer in row.layers
                    ],
                }
                for row in self.multipliers
            ],
        }


def compare(
    network: Network,
    images: ImageSet,
    multipliers: Sequence[Multiplier],
    *,
    measured_images: int = 16,
    phase: Phase = lambda name: lambda done, total: None,
) -> Comparison:
    """
    Run the network exactly and through each multiplier, and hold each layer's error against its prediction.

    Parameters
    ----------
    network : Network
    images : ImageSet
        All of them are classified through each multiplier; without labels, accuracy is left out.
    multipliers : sequence of Multiplier
    measured_images : int
        How many of the images (the first) the error matrices and operand statistics are gathered on.
    phase : function
        Given the name of a piece of work, returns the function (done, total) that shows its progress.

    Returns
    -------
    Comparison
        For each multiplier the accuracy, and for each layer alone, its input the exact run's, the measured norm of the
        error matrix beside those predicted.

    Raises
    ------
    AxsimError
        If there are no multipliers, or two with one name, or what `axsim.run` raises.
    """
    if not isinstance(images, ImageSet) or isinstance(multipliers, str | Multiplier):
        raise AxsimError("images must be an ImageSet (axsim.load_images) and multipliers a list of Multipliers")
    for each in multipliers:
        check_multiplier(each)
    names = [multiplier.name for multiplier in multipliers]
    if not names or len(set(names)) != len(names):
        raise AxsimError(f"multipliers must be at least one, each named once, got {', '.join(names) or 'none'}")
    if not isinstance(measured_images, int | np.integer) or measured_images < 1:
        raise AxsimError(f"measured_images must be a whole number of 1 or more, got {measured_images!r}")
    check_labels(network, images)
    some = images.images[:measured_images]
    measure(network, some[:1], multipliers, progress=phase("compiling kernels"))
    measurement = measure(network, some, multipliers, progress=phase("error matrices"))

    start = time.perf_counter()
    exact = run(network, images.images, progress=phase("exact"))
    exact_rate = len(images) / (time.perf_counter() - start)
    rows = []
    for multiplier, errors in zip(multipliers, measurement.errors, strict=True):
        start = time.perf_counter()
        result = run(network, images.images, multiplier, progress=phase(multiplier.name))
        seconds = time.perf_counter() - start
        layers = tuple(
            LayerComparison(
                name,
                statistics.channels,
                statistics.taps,
                statistics.pixels,
                errors[name].norm,
                errors[name].mean_error,
                errors[name].exact_norm,
                predict(multiplier, statistics),
            )
            for name, statistics in measurement.layers.items()
        )
        first = next(iter(measurement.layers.values()))
        served = multiplier.serving(first.w_format, first.x_format)
        uniform = served.moments()
        rows.append(
            MultiplierComparison(
                multiplier,
                served,
                uniform.mean_error,
                uniform.standard_deviation,
                *_top1(result, images.labels),
                float((result.logits.argmax(axis=1) == exact.logits.argmax(axis=1)).mean()),
                len(images) / seconds,
                layers,
            )
        )
    return Comparison(network, len(images), len(some), *_top1(exact, images.labels), exact_rate, tuple(rows))


def check_labels(network: Network, images: ImageSet) -> None:
    """Raise ImageError where a label is no class of the network."""
    if images.labels is not None and images.labels.max(initial=0) >= network.classes:
        raise ImageError(
            f"labels must be classes of {network.name}, 0 to {network.classes - 1}, got {images.labels.max()}"
        )


def _top1(result: Run, labels: npt.NDArray[np.int64] | None) -> tuple[float | None, tuple[float, float] | None]:
    if labels is None:
        return None, None
    measured = accuracy(result.logits, labels)
    return measured.top1, measured.top1_interval
