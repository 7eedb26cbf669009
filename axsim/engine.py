"""Quantized inference in which every product of a layer goes through a multiplier, bit for bit.

Activations are bit patterns, uint8 [C, B, H, W]: the N = B H W pixels of a batch are contiguous, and what a GEMM gives,
[M, N], is the next layer's input as it is.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from . import errors
from .accuracy import Accuracy, accuracy
from .fixed_operators import compute_fixed
from .formats import Patterns, pattern_values
from .gemm import INT32_MAX, Product, accumulator_bound
from .images import Pixels
from .images.image_set import check_pixels
from .kernels.fixed_point import requantize_fixed
from .kernels.im2col import im2col
from .kernels.requantize import requantize, subtract_tap_sums
from .network import INPUT, Network
from .nodes import Conv, Layer, Node, Quantization, Shape
from .operators import compute, reals, to_codes
from .product_table import Multiplier, check_multiplier
from .statistics import LayerStatistics

BATCH_BYTES = 16 * 2**20  # what the arrays of one layer may take together; more leaves the caches and gains nothing
Progress = Callable[[int, int], None]
Multipliers = Multiplier | Mapping[str, Multiplier] | None
Sums = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Step:
    """How one node was computed: `multiplier` is a name, "exact", or "no products"."""

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
    statistics : dict of str to LayerStatistics
        For each layer, if asked for: error matrix sums and operand histograms on the inputs *of this run*.
    """

    logits: npt.NDArray[np.float32]
    steps: tuple[Step, ...]
    statistics: dict[str, LayerStatistics]

    def top1(self, labels: npt.NDArray[np.int64]) -> float:
        """
        Share of images whose largest logit (the first, where several are equal) is that of their label.

        Raises AxsimError unless `labels` has one for each image.
        """
        return self.accuracy(labels).top1

    def accuracy(self, labels: npt.NDArray[np.int64]) -> Accuracy:
        """Top-1 and top-5 accuracy with their 95 % intervals; raises AxsimError as `top1`."""
        return accuracy(self.logits, labels)


class PreparedLayer:
    """A layer as the kernels want it: weight patterns [M, K], the multiplier, and what makes codes of its sums.

    The multiplier sees the stored codes; the zero points z_w and z_x are taken off its sums, exactly:

        sum_k (w - z_w) (x - z_x) = sum_k w x - z_x sum_k w + K z_w z_x - z_w sum_k x

    The last term alone depends on the pixel; the others are folded into the bias.

    Raises AxsimError where a sum could leave int32 and MultiplierError where the multiplier cannot serve the layer.
    """

    def __init__(self, node: Layer, x: Quantization, multiplier: Multiplier | None, rounding: str) -> None:
        self.node, self.x, self.rounding = node, x, rounding
        rows = node.weight_rows()
        self.weight: Patterns = rows.view(np.uint8)
        self.groups = node.groups_of_weights
        self.w_format = node.weight_format
        channels, depth = rows.shape
        zero_point = np.broadcast_to(node.weight_zero_point, channels).astype(np.int64)
        bias = node.bias.astype(np.int64) - x.zero_point * (rows.astype(np.int64).sum(axis=1) - depth * zero_point)
        values = pattern_values(x.format)
        self._zero_point = zero_point.astype(np.int32) if zero_point.any() else None
        self._values = values.astype(np.int32)
        self.served = self.serve(multiplier)
        for used in (None, self.served):
            rest = np.abs(bias) + depth * np.abs(zero_point) * np.abs(values).max()
            bound = accumulator_bound(self.weight, self.w_format, x.format, used, rest)
            if bound > INT32_MAX:
                raise errors.AxsimError(
                    f"layer {node.name}: sums must stay within int32, with these weights and bias "
                    f"and {used.name if used else 'exact products'} they may reach {bound}"
                )
        self.bias = bias.astype(np.int32)
        self._products: dict[Multiplier | None, Product] = {}

    def serve(self, multiplier: Multiplier | None) -> Multiplier | None:
        """Return the multiplier as it serves this layer's operands."""
        return None if multiplier is None else multiplier.serving(self.w_format, self.x.format)

    def statistics(self, covariances: bool = False) -> LayerStatistics:
        """Return empty statistics of this layer's operands."""
        zero_point = np.broadcast_to(self.node.weight_zero_point, len(self.weight)).astype(np.int64)
        formats = self.w_format, self.x.format
        return LayerStatistics(self.weight, self.groups, *formats, covariances, weight_zero_point=zero_point)

    def sums(self, columns: Patterns, served: Multiplier | None) -> Sums:
        """Multiply: int32 [M, N] before bias and zero point."""
        if served not in self._products:
            self._products[served] = Product(self.weight, self.groups, self.w_format, self.x.format, served)
        return self._products[served](columns)

    def codes(self, sums: Sums, columns: Patterns) -> Patterns:
        """Patterns of the output, uint8 [M, N], from sums and columns; the sums may be overwritten."""
        if self._zero_point is not None:
            subtract_tap_sums(sums, columns, self.groups, self._values, self._zero_point)
        out = np.empty(sums.shape, np.uint8)
        zero_point, clamp = self.node.output.zero_point, self.node.clamp
        if self.rounding == "fixed":
            requantize_fixed(sums, self.bias, *self.node.fixed_multiplier(self.x), zero_point, *clamp, out)
        else:
            requantize(sums, self.bias, self.node.requantization_multiplier(self.x), zero_point, *clamp, out)
        return out


# Given a layer and its columns, uint8 [groups K, N], returns the sums with which the network goes on, int32 [M, N].
Accumulate = Callable[[PreparedLayer, Patterns], Sums]


def run(
    network: Network,
    images: Pixels,
    multiplier: Multipliers = None,
    *,
    statistics: bool = False,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """
    Run images through the network, every product through the multiplier.

    Parameters
    ----------
    network : Network
    images : uint8 [N, H, W, C], in memory or streamed (`ImageSet.images`)
        Pixels as they come from a file; the network's own normalisation is applied.
    multiplier : Multiplier or dict of str to Multiplier, optional
        One for all layers, or one for each layer named (the others run exactly). Exact when not given.
    statistics : bool
        Also multiply exactly, and return error norms and operand histograms of each layer for the inputs of this run.
        For the error of each layer alone, on the exact run's inputs, see `axsim.measure.measure`.
    batch_size : int, optional
        Images computed at a time. The result does not depend on it; by default it is bounded by memory.
    progress : function of (images done, images in all), optional

    Raises
    ------
    ImageError
        If the images' dtype, number or size does not fit the network.
    AxsimError
        If a dict names a layer that does not exist, or a sum could leave int32.
    MultiplierError
        If a multiplier cannot serve the operands of a layer.
    """
    chosen = _for_each_layer(network, multiplier)
    layers = prepare(network, chosen)
    gathered = {name: layer.statistics() for name, layer in layers.items()} if statistics else {}

    def accumulate(layer: PreparedLayer, columns: Patterns) -> Sums:
        approximate = layer.sums(columns, layer.served)
        if statistics:
            exact = approximate if layer.served is None else layer.sums(columns, None)
            gathered[layer.node.name].add(columns)
            gathered[layer.node.name].errors.add(exact, approximate)
        return approximate

    logits = np.concatenate(list(forward(network, layers, images, accumulate, batch_size, progress)))
    names = {name: "exact" if used is None else used.name for name, used in chosen.items()}
    steps = tuple(Step(node.name, node.op, names.get(node.name, "no products")) for node in network.nodes)
    return Run(logits, steps, gathered)


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


def prepare(network: Network, multipliers: Mapping[str, Multiplier | None]) -> dict[str, PreparedLayer]:
    """Prepare every layer of the network for its multiplier (None: exact), by name."""
    prepared = {}
    for node in network.layers:
        x = network.quantization(node.inputs[0])
        prepared[node.name] = PreparedLayer(node, x, multipliers[node.name], network.rounding)
    return prepared


def forward(
    network: Network,
    layers: Mapping[str, PreparedLayer],
    images: Pixels,
    accumulate: Accumulate,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the logits, float32 [B, classes], batch by batch; `accumulate` multiplies each layer."""
    check_images(network, images)
    if batch_size is not None and (not isinstance(batch_size, int | np.integer) or batch_size < 1):
        raise errors.AxsimError(f"batch_size must be a whole number of 1 or more, got {batch_size!r}")
    size = batch_size or default_batch_size(network)
    codes_of_pixels = input_codes(network)
    last_use = {name: index for index, node in enumerate(network.nodes) for name in node.inputs}
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        values = {INPUT: encode(batch, codes_of_pixels)}
        for index, node in enumerate(network.nodes):
            inputs = [values[name] for name in node.inputs]
            if isinstance(node, Layer):
                result = _layer(layers[node.name], inputs[0], network.shapes[node.name], accumulate)
            else:
                formats = [network.quantization(name) for name in node.inputs]
                result = _without_products(node, inputs, formats, network.shapes[node.name], network.rounding)
            values[node.name] = result
            for name in node.inputs:
                if last_use[name] == index:
                    values.pop(name, None)
        last = network.nodes[-1]
        yield reals(last.output)[values[last.name].reshape(-1, len(batch)).T]
        if progress is not None:
            progress(start + len(batch), len(images))


def check_images(network: Network, images: Pixels) -> None:
    """Raise ImageError unless images are uint8 [N, H, W, C] of the network's size, at least one."""
    channels, height, width = network.input_shape
    wanted = (height, width, channels)
    check_pixels(images)
    if images.shape[1:] != wanted:
        raise errors.ImageError(
            f"images must be {height} x {width} with {channels} channels for {network.name}, "
            f"got {' x '.join(map(str, images.shape[1:]))}; resize them first; "
            "pictures in a folder are fitted to the network"
        )
    if len(images) == 0:
        raise errors.ImageError("images must be at least one, got none")


def default_batch_size(network: Network) -> int:
    """Images a batch, such that columns and sums of the largest layer stay within BATCH_BYTES."""
    largest = 1
    for node in network.layers:
        channels, height, width = network.shapes[node.name]
        taps = node.weight_rows().shape[1] * node.groups_of_weights
        # One byte a column entry; exact and approximate sums of four bytes each, and the codes.
        largest = max(largest, height * width * (taps + 9 * channels))
    return max(1, BATCH_BYTES // largest)


def input_codes(network: Network) -> Patterns:
    """Bit pattern of the input code for each pixel value, uint8 [C, 256]: preprocessing and quantization in float32."""
    recipe, target = network.preprocessing, network.input
    pixels = np.arange(256, dtype=np.float32) / np.float32(recipe.pixel_scale)
    mean, std = (np.array(values, np.float32)[:, None] for values in (recipe.mean, recipe.std))
    return to_codes((pixels - mean) / std, target, None)


def encode(images: npt.NDArray[np.uint8], codes: Patterns) -> Patterns:
    """Input patterns uint8 [C, B, H, W] of images uint8 [B, H, W, C], through the codes [C, 256] of `input_codes`."""
    # Indexing keeps the memory order of what it indexes with; kernels want C order.
    return np.stack([channel[np.ascontiguousarray(images[..., index])] for index, channel in enumerate(codes)])


def _without_products(
    node: Node, inputs: list[Patterns], formats: list[Quantization], shape: Shape, rounding: str
) -> Patterns:
    if rounding == "fixed":
        return compute_fixed(node, inputs, formats, shape)
    return compute(node, inputs, formats, shape, rounding)


def _layer(layer: PreparedLayer, x: Patterns, shape: Shape, accumulate: Accumulate) -> Patterns:
    node = layer.node
    batch = x.shape[1]
    channels, height, width = shape
    columns = layer_columns(node, x, layer.x, (height, width))
    codes = layer.codes(accumulate(layer, columns), columns)
    return codes.reshape(channels, batch, height, width)


def layer_columns(node: Layer, x: Patterns, quantization: Quantization, size: tuple[int, int]) -> Patterns:
    """Right matrix of the layer's product, uint8 [groups K, N]; a view of the input where it already is that matrix."""
    if not isinstance(node, Conv):
        return x.reshape(x.shape[0], -1)
    kernel_shape = node.weight.shape[2:]
    if kernel_shape == (1, 1) and node.strides == (1, 1) and not any(node.pads):
        return x.reshape(x.shape[0], -1)
    columns = np.empty((x.shape[0] * kernel_shape[0] * kernel_shape[1], x.shape[1] * size[0] * size[1]), np.uint8)
    im2col(x, kernel_shape, node.strides, node.pads[:2], node.dilations, quantization.zero_pattern, size, columns)
    return columns
