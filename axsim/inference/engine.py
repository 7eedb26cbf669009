"""Quantized inference in which every product of a layer goes through a multiplier, bit for bit.

Activations are bit patterns, uint8 [C, B, H, W]: the N = B H W pixels of a batch are contiguous, and what a GEMM gives,
[M, N], is the next layer's input as it is.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from .. import errors
from ..formats import Images, Patterns
from ..images import Pixels
from ..images.image_set import check_pixels
from ..kernels.elementwise import look_up_pixels
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import INPUT, Network, check_network
from ..networks.nodes import Node, Quantization, Shape
from ..networks.rounding import FIXED
from ..statistics import Statistics
from .accumulator import EXACT_SUMS, Accumulator, Overflow
from .accuracy import Accuracy, accuracy
from .fixed_operators import compute_fixed
from .operators import compute, reals, to_codes
from .prepared import LayerInput, Multiplying, Prepared, PreparedMatMul, Sums, prepare, reads_in_place

BATCH_BYTES = 16 * 2**20  # what the arrays of one layer may take together; more leaves the caches and gains nothing
Progress = Callable[[int, int], None]
Multipliers = Multiplier | Mapping[str, Multiplier] | None


@dataclasses.dataclass(frozen=True)
class Step:
    """How one node was computed: `multiplier` is a name, "exact", "float" or "no products".

    "float" is a function of real numbers (softmax, gelu, layer_norm), which no multiplier of integers computes.
    """

    node: str
    op: str
    multiplier: str


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run gave.

    Attributes
    ----------
    logits : float32 [N, classes]
        Dequantized output of the last node.
    steps : tuple of Step
        Every node of the network and what served it: nothing falls back silently.
    statistics : dict of str to LayerStatistics or MatMulStatistics
        For each layer, if asked for: error matrix sums and operand histograms on the inputs *of this run*.
    accumulator : Accumulator
        In which the products of each sum were added.
    """

    logits: npt.NDArray[np.float32]
    steps: tuple[Step, ...]
    statistics: dict[str, Statistics]
    accumulator: Accumulator = EXACT_SUMS

    def __repr__(self) -> str:
        images, classes = self.logits.shape
        through = dict.fromkeys(step.multiplier for step in self.steps)
        used = ", ".join(name for name in through if name not in ("no products", "float"))
        return f"<Run of {images} images: logits of {classes} classes, products: {used}>"

    def _repr_html_(self) -> str:
        from ..presentation.display import run_html  # which knows this class, not the other way round

        return run_html(self)

    def top1(self, labels: npt.NDArray[np.int64]) -> float:
        """
        Share of images, 0 to 1, whose largest logit (the first, where several are equal) is that of their label.

        Raises AxsimError unless `labels`, integers [N], has one for each image.
        """
        return self.accuracy(labels).top1

    def accuracy(self, labels: npt.NDArray[np.int64]) -> Accuracy:
        """Top-1 and top-5 accuracy with their 95 % intervals; raises AxsimError as `top1`."""
        return accuracy(self.logits, labels)


# Given a layer and its input, returns the sums with which the network goes on, int32 [M, N]; of a matmul [C, B M N].
Accumulate = Callable[[Multiplying, LayerInput], Sums]
# Given a node's name (or "input") and its patterns uint8 [C, B, H, W], which must not be changed.
Observe = Callable[[str, Patterns], None]


def run(
    network: Network,
    images: Pixels,
    multiplier: Multipliers = None,
    *,
    statistics: bool = False,
    batch_size: int | None = None,
    progress: Progress | None = None,
    accumulator_bits: int = EXACT_SUMS.bits,
    overflow: Overflow = EXACT_SUMS.overflow,
    accumulator_taps: int | None = None,
) -> Run:
    """
    Run images through the network, every product through the multiplier.

    Parameters
    ----------
    network : Network
    images : uint8 [N, H, W, C], in memory or streamed (`ImageSet.images`), or int8 [N, H, W, C]
        uint8: pixels as they come from a file; the network's own normalisation is applied. int8: codes of the network's
        input, which must be s8, as they are.
    multiplier : Multiplier or dict of str to Multiplier, optional
        One for all layers, or one for each layer named (the others run exactly). Exact when not given.
    statistics : bool
        Also multiply and add exactly, and return error norms and operand histograms of each layer for the inputs of
        this run. What an accumulator loses counts as error, beside what the multiplier does. For the multiplier's error
        of each layer alone, on the exact run's inputs, see `axsim.statistics.measure.measure`.
    batch_size : int, optional
        Images computed at a time. The result does not depend on it; by default it is bounded by memory.
    progress : function of (images done, images in all), optional
    accumulator_bits, overflow, accumulator_taps
        In what the products of each sum are added, as for `axsim.matmul`: exactly in int32 by default. Bias and zero
        points are added to the sums afterwards, in int32.

    Raises
    ------
    ImageError
        If the images' dtype, number or size does not fit the network.
    AxsimError
        If a dict names a layer that does not exist, the accumulator is not allowed, or an exact sum could leave int32.
    MultiplierError
        If a multiplier cannot serve the operands of a layer.
    """
    check_network(network)
    accumulator = Accumulator(accumulator_bits, overflow, accumulator_taps)
    chosen = _for_each_layer(network, multiplier)
    layers = prepare(network, chosen, accumulator)
    gathered = {name: layer.statistics() for name, layer in layers.items()} if statistics else {}

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        approximate = layer.accumulated(given)
        ideal = layer.served is None and accumulator == EXACT_SUMS
        exact = approximate if ideal else layer.sums(given, None)
        gathered[layer.node.name].add(given.columns, layer.weight)
        gathered[layer.node.name].errors.add(exact, approximate)
        return approximate

    watch = accumulate if statistics else None
    logits = np.concatenate(list(forward(network, layers, images, watch, batch_size, progress)))
    return Run(logits, tuple(_step(node, chosen) for node in network.nodes), gathered, accumulator)


def exact_steps(network: Network) -> tuple[Step, ...]:
    """Return how each node is computed where all products are exact."""
    layers: dict[str, Multiplier | None] = dict.fromkeys((layer.name for layer in network.layers), None)
    return tuple(_step(node, layers) for node in network.nodes)


def _step(node: Node, chosen: Mapping[str, Multiplier | None]) -> Step:
    if node.name in chosen:
        used = chosen[node.name]
        return Step(node.name, node.op, "exact" if used is None else used.name)
    return Step(node.name, node.op, "float" if node.computes_reals else "no products")


def _for_each_layer(network: Network, multiplier: Multipliers) -> dict[str, Multiplier | None]:
    names = [layer.name for layer in network.layers]
    given = multiplier.values() if isinstance(multiplier, Mapping) else [] if multiplier is None else [multiplier]
    for each in given:
        check_multiplier(each)
    if not isinstance(multiplier, Mapping):
        return dict.fromkeys(names, multiplier)
    unknown = [name for name in multiplier if name not in names]
    if unknown:
        raise errors.AxsimError(f"multiplier must name layers of the network ({', '.join(names)}), got {unknown[0]!r}")
    return {name: multiplier.get(name) for name in names}


def forward(
    network: Network,
    layers: Mapping[str, Prepared],
    images: Pixels,
    accumulate: Accumulate | None,
    batch_size: int | None = None,
    progress: Progress | None = None,
    observe: Observe | None = None,
) -> Iterator[npt.NDArray[np.float32]]:
    """
    Yield the logits, float32 [B, classes], batch by batch; `accumulate`, if any, multiplies each layer.

    `observe` is given the codes of the input and of every node as they are made.
    """
    check_images(network, images)
    if batch_size is not None and (not isinstance(batch_size, int | np.integer) or batch_size < 1):
        raise errors.AxsimError(f"batch_size must be a whole number of 1 or more, got {batch_size!r}")
    size = batch_size or default_batch_size(network, sums=accumulate is not None)
    codes_of_pixels = input_codes(network)
    last_use = {name: index for index, node in enumerate(network.nodes) for name in node.inputs}
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        values = {INPUT: encode(batch, codes_of_pixels)}
        if observe is not None:
            observe(INPUT, values[INPUT])
        for index, node in enumerate(network.nodes):
            inputs = [values[name] for name in node.inputs]
            if node.name in layers:
                result = _layer(layers[node.name], inputs, network.shapes[node.name], accumulate)
            else:
                formats = [network.quantization(name) for name in node.inputs]
                result = _without_products(node, inputs, formats, network.shapes[node.name], network.rounding)
            values[node.name] = result if node.inputs else np.repeat(result, len(batch), axis=1)
            if observe is not None:
                observe(node.name, values[node.name])
            for name in node.inputs:
                if last_use[name] == index:
                    values.pop(name, None)
        last = network.nodes[-1]
        yield reals(last.output)[values[last.name].reshape(-1, len(batch)).T]
        if progress is not None:
            progress(start + len(batch), len(images))


def check_images(network: Network, images: Pixels) -> None:
    """Raise ImageError unless images are uint8, or int8 codes, [N, H, W, C] of the network's size, at least one."""
    channels, height, width = network.input_shape
    wanted = (height, width, channels)
    check_pixels(images)
    if images.dtype == np.int8 and network.input.format != "s8":
        raise errors.ImageError(f"images must be uint8 for {network.name}, whose input is u8, got int8 codes")
    if images.shape[1:] != wanted:
        raise errors.ImageError(
            f"images must be {height} x {width} with {channels} channels for {network.name}, "
            f"got {' x '.join(map(str, images.shape[1:]))}; resize them first; "
            "pictures in a folder are fitted to the network"
        )
    if len(images) == 0:
        raise errors.ImageError("images must be at least one, got none")


def default_batch_size(network: Network, sums: bool = True) -> int:
    """Images a batch, such that the arrays of the largest layer, with or without `sums`, stay within BATCH_BYTES."""
    largest = 1
    for node in network.layers:
        shapes = tuple(network.shapes[name] for name in node.inputs)
        operands = sum(map(math.prod, shapes))
        if sums or not reads_in_place(node):
            operands += node.operand_codes(shapes)
        # One byte a code; exact and approximate sums of four bytes each.
        largest = max(largest, operands + (9 if sums else 1) * math.prod(network.shapes[node.name]))
    return max(1, BATCH_BYTES // largest)


def input_codes(network: Network) -> Patterns:
    """Bit pattern of the input code for each pixel value, uint8 [C, 256]: preprocessing and quantization in float32."""
    recipe, target = network.preprocessing, network.input
    pixels = np.arange(256, dtype=np.float32) / np.float32(recipe.pixel_scale)
    mean, std = (np.array(values, np.float32)[:, None] for values in (recipe.mean, recipe.std))
    return to_codes((pixels - mean) / std, target, None)


def encode(images: Images, codes: Patterns) -> Patterns:
    """
    Input patterns uint8 [C, B, H, W] of images [B, H, W, C].

    Pixels uint8 go through the codes [C, 256] of `input_codes`; int8 are codes already.
    """
    if images.dtype == np.int8:
        return np.ascontiguousarray(images.transpose(3, 0, 1, 2)).view(np.uint8)
    # Kernels are compiled apart for arrays that cannot be written, or are not contiguous.
    plain = images if images.flags.c_contiguous and images.flags.writeable else images.copy(order="C")
    out = np.empty((len(codes), *images.shape[:3]), np.uint8)
    look_up_pixels(plain, codes, out)
    return out


def _without_products(
    node: Node, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    if rounding in FIXED:
        return compute_fixed(node, inputs, formats, shape)
    return compute(node, inputs, formats, shape, rounding)


def _layer(layer: Prepared, inputs: list[Patterns], shape: Shape, accumulate: Accumulate | None) -> Patterns:
    channels, height, width = shape
    if isinstance(layer, PreparedMatMul):
        product: Multiplying = layer.with_left(inputs[0])
        given = LayerInput(layer.node, inputs[1], layer.b.zero_pattern, (height, width))
    else:
        product = layer
        given = LayerInput(layer.node, inputs[0], layer.x.zero_pattern, (height, width))
    codes = product.compute(given) if accumulate is None else product.codes(accumulate(product, given), given)
    return codes.reshape(channels, -1, height, width)
