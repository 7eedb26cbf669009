"""Runs in which exact sums take drawn errors: the same bits for a seed, whatever the threads and the batch size."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..checks import check_numbers
from ..errors import AxsimError
from ..formats import DTYPES, Patterns, pattern_values
from ..images import Pixels
from ..inference.engine import Progress, Run, exact_steps, forward
from ..inference.prepared import LayerInput, Multiplying, PreparedLayer, Sums, prepare
from ..kernels.random import TAP_BITS, add_accumulator_errors, add_product_errors
from ..multipliers.product_table import Multiplier
from ..networks.network import Network, check_network
from ..predict import TapLines
from .distributions import standard_values
from .errors import ChannelErrors, ErrorModel
from .slopes import SlopeProduct

Errors = ErrorModel | ChannelErrors | TapLines
LARGEST_SEED = 2**64 - 1
LARGEST = 1e30  # of given errors: far beyond any sum, and products of two are finite still


def inject(
    network: Network,
    images: Pixels,
    errors: Errors | Mapping[str, Errors | Multiplier],
    *,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """
    Run images through the network with exact products, and add drawn errors to each layer's sums.

    The error of a sum is rounded to one of its two neighbouring integers, at random and so that the mean is kept: an
    error of 0.3 LSB is 1 in three of ten draws. The exact sum plus the error is kept within int32.

    Parameters
    ----------
    network : Network
    images : uint8 [N, H, W, C]
    errors : ErrorModel, ChannelErrors, TapLines, or dict of str to one of these or to Multiplier
        For all layers with weights, or for each layer named; the others run exactly. A layer for which the dict has a
        Multiplier runs through it, bit for bit: so one finds the layers whose errors a prediction does not describe.
    seed : int
        From 0 to 2^64 - 1. The bits drawn depend on it, on the layer, the channel, the image's number and the pixel.
    batch_size, progress
        As in `axsim.run`; the result does not depend on them.

    Raises
    ------
    ImageError
        If the images do not fit the network.
    MultiplierError
        If a multiplier cannot serve its layer.
    AxsimError
        If a dict names a layer that does not exist, errors do not fit their layer or are not finite, slopes of TapLines
        are no multiples of 2^-16, or the seed is out of range.
    """
    check_network(network)
    check_seed(seed)
    names = [layer.name for layer in network.weight_layers]
    chosen: dict[str, Errors] = {}
    simulated: dict[str, Multiplier] = {}
    for name, each in (errors if isinstance(errors, Mapping) else dict.fromkeys(names, errors)).items():
        if name not in names:
            raise AxsimError(f"errors must name layers with weights ({', '.join(names)}), got {name!r}")
        if isinstance(each, Multiplier) and isinstance(errors, Mapping):
            simulated[name] = each
        elif isinstance(each, Errors):
            chosen[name] = each
        else:
            raise AxsimError(
                "errors must be ErrorModel, ChannelErrors or TapLines, or a dict of such and of Multiplier, "
                f"got {each!r}"
            )
    layers = prepare(network, {layer.name: simulated.get(layer.name) for layer in network.layers})
    injectors = {
        name: Injector(layer, chosen[name], names.index(name), seed)
        for name, layer in layers.items()
        if name in chosen and isinstance(layer, PreparedLayer)
    }

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        sums = layer.sums(given, layer.served)
        if layer.node.name in injectors:
            injectors[layer.node.name].add(sums, given)
        return sums

    logits = np.concatenate(list(forward(network, layers, images, accumulate, batch_size, progress)))
    through = dict.fromkeys(chosen, "injected errors") | {name: each.name for name, each in simulated.items()}
    steps = tuple(
        dataclasses.replace(step, multiplier=through[step.node]) if step.node in through else step
        for step in exact_steps(network)
    )
    return Run(logits, steps, {})


def check_seed(seed: int) -> None:
    """Raise AxsimError unless the seed is a whole number from 0 to 2^64 - 1."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed <= LARGEST_SEED:
        raise AxsimError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed!r}")


class Injector:
    """Errors of one layer; counts the images that have gone by, for each image has its own random numbers."""

    def __init__(self, layer: PreparedLayer, errors: Errors, index: int, seed: int) -> None:
        self._layer, self._errors, self._index = layer, errors, index
        self._key = np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)
        self._images = 0
        depth = layer.weight.shape[1]
        if depth >= 2**TAP_BITS or index >= 2 ** (32 - TAP_BITS):
            raise AxsimError(f"layer {layer.node.name}: errors are drawn for less than 2^20 taps and 2^12 layers")
        self._codes = pattern_values(layer.w_format)[layer.weight].astype(np.float32)
        if not isinstance(errors, ErrorModel):
            self._errors = errors = _checked(errors, layer)
        if isinstance(errors, TapLines):
            self._along_taps = SlopeProduct(layer, errors.slope)

    def add(self, sums: Sums, given: LayerInput) -> None:
        """Add the errors to exact sums, int32 [M, N], of a batch."""
        errors = self._errors
        images = given.x.shape[1]
        place = self._images, sums.shape[1] // images, self._index, *self._key
        self._images += images
        channels, depth = self._layer.weight.shape
        if not isinstance(errors, ErrorModel):
            base: npt.NDArray[np.integer] | npt.NDArray[np.float32]
            if isinstance(errors, ChannelErrors):
                base = self._layer.less_zero_points(sums, given)
                mean, gain = errors.mean - errors.gain * errors.centre, errors.gain
            else:
                base = self._along_taps(given)
                mean, gain = errors.shift, np.ones(channels)
            spread = errors.noise.astype(np.float32)[:, None]
            add_accumulator_errors(sums, base, *place, mean, gain, spread, standard_values("normal"), self._layer.room)
            return
        if errors.per == "product":
            x = self._values(given.columns)
            add_product_errors(
                sums, self._codes, x, self._layer.groups, *place, errors.mean, errors.std, errors.relative,
                errors.standard, self._layer.room,
            )  # fmt: skip
            return
        if errors.relative:
            mean, gain = np.zeros(channels), np.full(channels, errors.mean)
            spread = self._root_of_squares(given.columns) * np.float32(errors.std)
        else:
            mean, gain = np.full(channels, depth * errors.mean), np.zeros(channels)
            spread = np.full((channels, 1), np.sqrt(depth) * errors.std, np.float32)
        add_accumulator_errors(sums, sums, *place, mean, gain, spread, errors.standard, self._layer.room)

    def _values(self, columns: Patterns) -> npt.NDArray[np.float32]:
        return columns.view(DTYPES[self._layer.x.format]).astype(np.float32)

    def _root_of_squares(self, columns: Patterns) -> npt.NDArray[np.float32]:
        """sqrt(sum_k (w x)^2) of every sum, float32 [M, N]."""
        groups = self._layer.groups
        w, x = self._codes**2, self._values(columns) ** 2
        squares = w.reshape(groups, -1, w.shape[1]) @ x.reshape(groups, w.shape[1], -1)
        return np.ascontiguousarray(np.sqrt(squares).reshape(len(w), -1), np.float32)


def _checked(errors: ChannelErrors | TapLines, layer: PreparedLayer) -> ChannelErrors | TapLines:
    """Return the errors as arrays of float64 that fit the layer; raise AxsimError where they are none."""
    channels, depth = layer.weight.shape
    arrays = {}
    for name in (field.name for field in dataclasses.fields(errors)):
        values, place = getattr(errors, name), f"layer {layer.node.name}: {name}"
        check_numbers(place, values)
        wanted, entries = ((channels, depth), "weights") if name == "slope" else ((channels,), "output channels")
        if values.shape != wanted:
            amount = " x ".join(map(str, wanted))
            raise AxsimError(
                f"{place} must have one entry for each of the {amount} {entries}, got shape {values.shape}"
            )
        values = values.astype(np.float64)
        allowed = np.abs(values) <= LARGEST  # a sum plus what is no number would be any number
        if not allowed.all():
            raise AxsimError(f"{place} must be finite, of at most {LARGEST:g}, got {values[~allowed][0]}")
        if name == "noise" and (values < 0).any():
            raise AxsimError(f"{place} must be 0 or more, got {values.min()}")
        arrays[name] = values
    return type(errors)(**arrays)
