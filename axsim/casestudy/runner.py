"""Every configuration of the array's multiplier: through the Verilog tile by tile, and through the whole network."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from ..comparison.compare import check_labels
from ..errors import HardwareError, ImageError
from ..hardware.array import (
    Array,
    Configuration,
    MatrixProduct,
    Outcome,
    closed_form_cycles,
    products_of,
    tiles,
)
from ..hardware.array.placement import Placed, place_array
from ..hardware.array.tiles import runnable
from ..hardware.simulators import SimulatorName
from ..images import ImageSet
from ..inference.accumulator import Accumulator, Overflow
from ..inference.engine import forward, run
from ..inference.prepared import LayerInput, Multiplying, PreparedLayer, Sums, prepare
from ..networks.network import Network
from ..predict import Predictor
from ..statistics import ErrorSums
from ..statistics.measure import gather_statistics

# From no correction to far too much, and from all seven fraction bits to two.
CONFIGURATIONS = tuple(
    Configuration(correction, cut)
    for correction, cut in (
        (0, 0), (10, 0), (20, 0), (40, 0), (64, 0), (10, 1), (10, 2),
        (0, 3), (10, 3), (10, 4), (40, 4), (0, 5), (10, 5), (40, 5),
    )
)  # fmt: skip
LAYERS = 3  # simulated unless told otherwise: those with the fewest products
MEASURED_IMAGES = 64
Phase = Callable[[str], Callable[[int, int], None]]


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """
    A layer's tiles through the Verilog.

    layer; products (M K N); tiles; partial_sums and codes compared, one number each; wrong of both; cycles counted and
    those of the closed form; seconds of the simulation; differences, the first, in the test bench's words.
    """

    layer: str
    products: int
    tiles: int
    partial_sums: int
    codes: int
    wrong: int
    passed: bool
    cycles: int
    closed_form: int
    seconds: float
    differences: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ConfigurationRow:
    """
    One configuration.

    Attributes
    ----------
    configuration : Configuration
    multiplier : str
        Its software face by name.
    layers : tuple of LayerRow
    mean_error, relative_mean_error : float
        Of the unsigned core under uniform operands, LSB; and of its relative error over products other than 0.
    predicted, measured : float
        Distortion: root mean square over the layers of norm(E, F) / norm(C, F), each layer alone on the exact run's
        inputs. Predicted at the covariance level from other images.
    predicted_layers, measured_layers : dict of float
        By layer.
    top1 : float
    top1_interval : pair of float
    """

    configuration: Configuration
    multiplier: str
    layers: tuple[LayerRow, ...]
    mean_error: float
    relative_mean_error: float
    predicted: float
    measured: float
    predicted_layers: dict[str, float]
    measured_layers: dict[str, float]
    top1: float
    top1_interval: tuple[float, float]

    @property
    def equal(self) -> bool:
        """Whether every partial sum and code of the Verilog was the engine's."""
        return all(layer.passed for layer in self.layers)


@dataclasses.dataclass(frozen=True)
class CaseStudy:
    """Everything that was found; `placed` is None with the reason in `not_placed` where no tool placed the design."""

    network: Network
    size: int
    accumulator: Accumulator
    simulator: str
    images: int
    measured_images: int
    statistics_images: int
    tile_images: int
    exact_top1: float
    rows: tuple[ConfigurationRow, ...]
    placed: tuple[Placed, ...]
    not_placed: str


def cheapest_layers(network: Network, count: int = LAYERS) -> list[str]:
    """Names of the layers with the fewest products that the array computes, in the network's order."""
    names = runnable(network)
    products = {
        layer.name: layer.weight.size * math.prod(network.shapes[layer.name][1:])
        for layer in network.weight_layers
        if layer.name in names
    }
    chosen = sorted(products, key=lambda name: products[name])[:count]
    return [name for name in names if name in chosen]


def case_study(
    network: Network,
    images: ImageSet,
    configurations: Sequence[Configuration] = CONFIGURATIONS,
    layers: Sequence[str] | None = None,
    *,
    size: int = 8,
    accumulator_bits: int = 20,
    overflow: Overflow = "wrap",
    simulator: SimulatorName = "icarus",
    tile_images: int = 1,
    measured_images: int = MEASURED_IMAGES,
    place: bool = True,
    phase: Phase | None = None,
) -> CaseStudy:
    """
    Run the case study.

    Parameters
    ----------
    network : Network
        Layers to be simulated are s8 by s8; see `axsim.hardware.array.products_of`.
    images : ImageSet
        Labelled. All are classified; error matrices are measured on the first `measured_images`, operand statistics are
        gathered on as many others where there are so many, else on the same.
    configurations : sequence of Configuration
    layers : sequence of str, optional
        Whose tiles go through the Verilog, all of them; the three with the fewest products when not given.
    size, accumulator_bits, overflow, simulator
        Of the array, see `axsim.hardware.array.Array`. The engine's accumulators are the same: partial sums of `size`
        taps in `accumulator_bits` bits, added in 32.
    tile_images : int
        First images whose tiles are simulated.
    place : bool
        Whether to map and place the design, where the tools are found.
    phase : function of a name, optional
        Called as a piece of work begins; returns its progress function (done, total).

    Raises
    ------
    HardwareError
        If the simulator is missing (says what to install), or the array cannot compute a layer.
    ImageError
        If the images have no labels or do not fit the network.
    MultiplierError, AxsimError
        If a configuration or the accumulator is not allowed.
    """
    begin = phase or (lambda name: lambda done, total: None)
    if not configurations:
        raise HardwareError("configurations must be one or more, got none")
    multipliers = [each.multiplier() for each in configurations]
    if images.labels is None:
        raise ImageError("images must have labels: a case study measures accuracy")
    check_labels(network, images)
    labels = images.labels
    accumulator = Accumulator(accumulator_bits, overflow, size)
    products = products_of(network, images.images[:tile_images], _checked_layers(network, layers))
    kept = {"accumulator_bits": accumulator_bits, "overflow": overflow, "accumulator_taps": size}

    begin(f"compiling the array for {simulator}")
    with Array(size, accumulator_bits, overflow, simulator) as array:
        update = begin("tiles through the Verilog")
        simulated: list[list[LayerRow]] = []
        whole, done = len(multipliers) * sum(each.products for each in products), 0
        for configuration in configurations:
            simulated.append([])
            for product in products:
                simulated[-1].append(_simulate(array, product, configuration))
                done += product.products
                update(done, whole)
        version = array.version

    few = images.images[:measured_images]
    others = images.images[len(images) - measured_images :] if len(images) >= 2 * measured_images else few
    predictor = Predictor(gather_statistics(network, others, progress=begin("operand statistics")))
    measured = _measured(network, few, multipliers, accumulator, begin("error matrices"))
    exact = run(network, images.images, progress=begin("exact"))
    rows = []
    for configuration, used, layer_rows, errors in zip(configurations, multipliers, simulated, measured, strict=True):
        result = run(network, images.images, used, progress=begin(used.name), **kept).accuracy(labels)  # type: ignore[arg-type]
        predicted = {name: layer.distortion() for name, layer in predictor(used).layers.items()}
        found = {name: sums.distortion for name, sums in errors.items()}
        moments = used.moments()
        rows.append(
            ConfigurationRow(
                configuration,
                used.name,
                tuple(layer_rows),
                moments.mean_error,
                moments.relative_mean,
                _rms(predicted),
                _rms(found),
                predicted,
                found,
                result.top1,
                result.top1_interval,
            )
        )
    placed, reason = place_array(size, accumulator_bits, overflow, begin) if place else ((), "not asked for")
    return CaseStudy(
        network, size, accumulator, version, len(images), len(few), len(others), tile_images,
        exact.top1(labels), tuple(rows), placed, reason,
    )  # fmt: skip


def _checked_layers(network: Network, layers: Sequence[str] | None) -> Sequence[str]:
    """Layers to simulate; raises HardwareError where the network is none for a case study."""
    chosen = cheapest_layers(network) if layers is None else layers
    if not chosen:
        raise HardwareError(
            f"{network.name} has no layer that the array computes: convolutions and linear layers of one group, s8 by "
            "s8 (axsim convert --scheme symmetric), rescaled in float32"
        )
    others = [layer.name for layer in network.layers if layer not in network.weight_layers]
    if others:
        raise HardwareError(
            f"{network.name} multiplies two activations ({others[0]}), which neither the array nor the covariance "
            "level of the moment model takes; study a network of convolutions and linear layers"
        )
    return chosen


def _simulate(array: Array, product: MatrixProduct, configuration: Configuration) -> LayerRow:
    given = list(tiles(product, configuration.multiplier(), array.size, array.bits, array.overflow))
    rescale = product.rescale
    outcome: Outcome = array.run(given, configuration, (rescale.zero_point, *rescale.clamp))
    return LayerRow(
        layer=product.name,
        products=product.products,
        tiles=len(given),
        partial_sums=outcome.sums * array.size,
        codes=outcome.codes * array.size,
        wrong=outcome.wrong_sums + outcome.wrong_codes,
        passed=outcome.passed,
        cycles=outcome.cycles,
        closed_form=closed_form_cycles(outcome.pixels, array.size),
        seconds=outcome.seconds,
        differences=outcome.differences,
    )


def _measured(
    network: Network, images: np.ndarray, multipliers: Sequence, accumulator: Accumulator, progress: Callable
) -> list[dict[str, ErrorSums]]:
    """Error sums of each multiplier's layers alone, in the array's accumulators, on the exact run's inputs."""
    exact = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    through = [prepare(network, dict.fromkeys(exact, each), accumulator) for each in multipliers]
    found = [{name: layer.error_sums() for name, layer in exact.items()} for _ in multipliers]

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        sums = layer.sums(given, None)
        for layers, errors in zip(through, found, strict=True):
            other = layers[layer.node.name]
            assert isinstance(other, PreparedLayer)
            errors[layer.node.name].add(sums, other.accumulated(given))
        return sums

    for _ in forward(network, exact, images, accumulate, progress=progress):
        pass
    return found


def _rms(values: dict[str, float]) -> float:
    return math.sqrt(sum(value**2 for value in values.values()) / len(values))
