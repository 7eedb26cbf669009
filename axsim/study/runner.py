"""The study: what each multiplier was predicted to do to a network, and what it does."""

import dataclasses
import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..accuracy_model import AccuracyModel, fit, logits_distortion
from ..code_digest import code_digest
from ..compensation import AS_IT_IS, check_count, compensate_best
from ..errors import AxsimError
from ..images import ImageSet, Pixels
from ..inference.accuracy import accuracy
from ..inference.engine import check_images, run
from ..injection import ChannelErrors, inject, lines_layer_by_layer
from ..line_store import LineStore
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import Network, check_network
from ..predict import NetworkPrediction, Predictor, sampled_norms
from ..statistics import NetworkStatistics, check_statistics
from ..statistics.measure import measure
from .rows import CHOSEN, LEVELS, LayerRow, Row, is_judged

Phase = Callable[[str], Callable[[int, int], None]]
LayerByLayer = Literal["all", "judged", "none"]
LAYER_BY_LAYER: tuple[LayerByLayer, ...] = get_args(LayerByLayer)
# What decides the rows, besides the kernels.
CODE = (
    *("accuracy_model", "compensation", "images", "inference", "injection", "multipliers", "networks", "predict"),
    *("statistics", "study/rows.py", "study/runner.py"),
)
SEED = 0
LINE_IMAGES = 32  # from which errors are predicted layer by layer


@dataclasses.dataclass(frozen=True)
class Study:
    """
    All rows, with what they share.

    `images` for accuracy, `measured_images` for error matrices; commonest_class is the share of the images that are of
    the class most of them are of: so many are right at most where the answer is always the same.
    """

    network: Network
    images: int
    measured_images: int
    statistics_images: int
    exact_top1: float
    commonest_class: float
    rows: tuple[Row, ...]
    model: AccuracyModel

    @property
    def compensation_ways(self) -> list[str]:
        """Ways of compensating that were tried on any multiplier, and "chosen" last; empty where not asked for."""
        tried = dict.fromkeys(way for row in self.rows for way in row.compensated)
        return sorted(tried, key=lambda way: way == CHOSEN)


def study(
    network: Network,
    statistics: NetworkStatistics,
    images: ImageSet,
    multipliers: Sequence[Multiplier],
    store: str | os.PathLike[str],
    *,
    measured_images: int = 100,
    calibration: Pixels | None = None,
    layer_by_layer: LayerByLayer = "judged",
    phase: Phase = lambda name: lambda done, total: None,
) -> Study:
    """
    Predict and measure every multiplier; what an earlier, stopped study has finished is taken from `store`.

    Parameters
    ----------
    network : Network
    statistics : NetworkStatistics
        Of this network, best gathered on images that are not among `images`.
    images : ImageSet
        With labels: accuracy and logits are measured on all, error matrices on the first `measured_images`.
    multipliers : sequence of Multiplier
    store : path
        File of the finished rows; made if it does not exist, refused if it is of another study or of other code: of
        another version of axsim, or of sources that were edited since.
    calibration : uint8 [N, H, W, C], optional
        Compensate each multiplier too, in the ways of `axsim.compensate_best` and as it chooses on these images. Errors
        are predicted layer by layer on the first 32 of them; without them on the first 32 of `images`, whose labels
        that does not use.
    layer_by_layer : {"judged", "all", "none"}
        For which multipliers errors are also predicted layer by layer and injected, as long as two to five runs:
        those that lose so much that predictions are judged by them (`rows.JUDGED`), all, or none. A store holds rows
        of one choice.
    phase : function
        Given the name of a piece of work, returns the function (done, total) that shows its progress.

    Raises
    ------
    AxsimError
        If the images have no labels, a multiplier is given twice, the network is compensated already, `layer_by_layer`
        is none of the three, the calibration images are fewer than 8, the store is another study's, or what
        `axsim.run` raises.
    """
    check_network(network)
    if not isinstance(images, ImageSet) or images.labels is None:
        came = "an ImageSet without" if isinstance(images, ImageSet) else type(images).__name__
        raise AxsimError(f"images must be an ImageSet with labels for a study of accuracy, got {came}")
    if not isinstance(multipliers, Sequence):
        raise AxsimError(f"multipliers must be a list of Multiplier, got {type(multipliers).__name__}")
    for each in multipliers:
        check_multiplier(each)
    if not isinstance(measured_images, int | np.integer) or measured_images < 1:
        raise AxsimError(f"measured_images must be a whole number of 1 or more, got {measured_images!r}")
    names = [each.name for each in multipliers]
    if not names:
        raise AxsimError("multipliers must be one or more, got none")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AxsimError(f"multipliers must be named once each, got {twice[0]} more often")
    if layer_by_layer not in LAYER_BY_LAYER:
        raise AxsimError(f"layer_by_layer must be one of {', '.join(LAYER_BY_LAYER)}, got {layer_by_layer!r}")
    if calibration is not None:  # before the hours that come first
        check_images(network, calibration)
        check_count(calibration)
    check_statistics(statistics, network)
    measured_images = min(measured_images, len(images))
    about = {
        "axsim": f"{__version__}, sources {code_digest(*CODE)[:16]}",
        "network": network.digest,
        "images": images.digest[:16],
        "statistics_images": statistics.images,
        "statistics": digest_of_statistics(statistics),
        "measured_images": measured_images,
        "calibration": None if calibration is None else ImageSet(calibration).digest[:16],
        "layer_by_layer": layer_by_layer,
    }
    rows = LineStore(store, "study", about)
    predictor = Predictor(statistics)
    exact = run(network, images.images, progress=phase("exact"))
    known = predictor(_exact_of(network))
    model = _model(rows, network, images, predictor, known, phase)
    exact_top1 = exact.top1(images.labels)
    for number, multiplier in enumerate(multipliers, 1):
        if multiplier.digest not in rows.pieces:
            show = phase(f"{number}/{len(multipliers)} {multiplier.name}")
            row = _row(network, statistics, predictor, model, images, exact.logits, multiplier, measured_images,
                       calibration, layer_by_layer, show)  # fmt: skip
            rows.add(multiplier.digest, dataclasses.asdict(row))
    found = tuple(
        dataclasses.replace(Row.from_json(rows.pieces[each.digest]), multiplier=each.name) for each in multipliers
    )
    commonest = float(np.unique(images.labels, return_counts=True)[1].max() / len(images))
    return Study(network, len(images), measured_images, statistics.images, exact_top1, commonest, found, model)


def _row(
    network: Network,
    statistics: NetworkStatistics,
    predictor: Predictor,
    model: AccuracyModel,
    images: ImageSet,
    exact: npt.NDArray[np.float32],
    multiplier: Multiplier,
    measured_images: int,
    calibration: Pixels | None,
    layer_by_layer: LayerByLayer,
    show: Callable[[int, int], None],
) -> Row:
    assert images.labels is not None
    steps = 5 if calibration is None else 6
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    prediction = predictor(multiplier)
    seconds["predict"] = time.perf_counter() - start
    start = time.perf_counter()
    sampled = sampled_norms(statistics, multiplier)
    seconds["sampled"] = time.perf_counter() - start
    errors = measure(network, images.images[:measured_images], [multiplier], statistics=False).errors[0]
    show(1, steps)
    layers = []
    for name, layer in statistics.layers.items():
        size, seen = math.sqrt(len(layer.weight) * layer.pixels), errors[name]
        norms = prediction.layers[name].norms
        predicted = {level: getattr(norms, level) / size for level in LEVELS if level != "sampled"}
        predicted["sampled"] = sampled[name] / size
        measured_size = math.sqrt(len(layer.weight) * seen.pixels)
        layers.append(LayerRow(name, seen.norm / measured_size, seen.exact_norm / measured_size, predicted))
    start = time.perf_counter()
    result = run(network, images.images, multiplier)
    seconds |= {"run": time.perf_counter() - start, "images": float(len(images))}
    show(2, steps)
    injected = inject(network, images.images, predicted_errors(prediction), seed=SEED)
    show(3, steps)
    top1 = result.top1(images.labels)
    judged = is_judged(accuracy(exact, images.labels).top1 - top1)
    behind = None
    if layer_by_layer == "all" or (layer_by_layer == "judged" and judged):
        start = time.perf_counter()
        inputs = images.images if calibration is None else calibration
        lines = lines_layer_by_layer(network, multiplier, inputs[:LINE_IMAGES], seed=SEED)
        behind = inject(network, images.images, lines, seed=SEED)
        seconds["layer_by_layer"] = time.perf_counter() - start
    show(4, steps)
    estimate = model.estimate(model.distortion(prediction))
    compensated = {}
    if calibration is not None:
        choice = compensate_best(network, multiplier, calibration, statistics)
        for way, one in choice.candidates.items():
            if way != AS_IT_IS:
                compensated[way] = run(one.network, images.images, multiplier).top1(images.labels)
        compensated[CHOSEN] = compensated.get(choice.way, top1)
    show(steps, steps)
    return Row(
        multiplier=multiplier.name,
        digest=multiplier.digest,
        moments=uniform_moments(network, multiplier),
        layers=tuple(layers),
        top1=top1,
        halves=_halves(result.logits, images.labels),
        logits_distortion=logits_distortion(result.logits, exact),
        predicted_distortion=estimate.distortion,
        predicted_top1=estimate.top1,
        predicted_interval=estimate.interval,
        injected_distortion=logits_distortion(injected.logits, exact),
        injected_top1=injected.top1(images.labels),
        layer_by_layer_distortion=None if behind is None else logits_distortion(behind.logits, exact),
        layer_by_layer_top1=None if behind is None else behind.top1(images.labels),
        compensated=compensated,
        seconds=seconds,
    )


def _halves(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, float]:
    right = logits.argmax(axis=1) == labels
    first, second = (float(right[start::2].mean()) if len(right) > start else 0.0 for start in (0, 1))
    return first, second


def predicted_errors(prediction: NetworkPrediction) -> dict[str, ChannelErrors]:
    """Errors to inject that have each channel's predicted mean, gain and noise."""
    return {name: ChannelErrors.predicted(layer) for name, layer in prediction.layers.items()}


def uniform_moments(network: Network, multiplier: Multiplier) -> dict[str, float]:
    """Error statistics under uniform operands, as the multiplier serves the network's first layer with weights."""
    first = network.weight_layers[0]
    served = multiplier.serving(first.weight_format, network.quantization(first.inputs[0]).format)
    found = served.moments()
    return {
        "mean": found.mean_error,
        "abs_mean": abs(found.mean_error),
        "rms": math.sqrt(found.mse),
        "sigma": found.standard_deviation,
        "nmed": found.nmed,
        "mred": found.mred,
        "wce": float(found.wce),
    }


def _model(
    rows: LineStore, network: Network, images: ImageSet, predictor: Predictor, known: NetworkPrediction, phase: Phase
) -> AccuracyModel:
    if "accuracy model" in rows.pieces:
        return AccuracyModel.from_json(rows.pieces["accuracy model"], network, known)
    model = fit(network, images, predictor, seed=SEED, progress=phase("sensitivities"))
    rows.add("accuracy model", model.as_json())
    return model


def _exact_of(network: Network) -> Multiplier:
    """Return an exact multiplier that serves any operands: an unsigned core."""
    from ..formats import exact_products

    return Multiplier("exact", exact_products("u8", "u8"))


def digest_of_statistics(statistics: NetworkStatistics) -> str:
    """Digest of what the predictions are made from, besides the network."""
    content = hashlib.sha256()
    for name, layer in statistics.layers.items():
        content.update(f"{name} {layer.pixels} {layer.sample.shape} {layer.has_covariances}".encode())
        moments = () if layer.second_moments is None else (layer.second_moments,)
        for values in (layer.tap_counts, layer.sample, *moments):
            content.update(np.ascontiguousarray(values).tobytes())
    return content.hexdigest()[:16]
