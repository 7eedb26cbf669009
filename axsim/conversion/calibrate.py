"""Ranges of a float model's activations on real images, by ONNX Runtime (extra `convert`).

Three rules choose the range of a tensor from what is seen: `minmax` takes it all; `percentile` leaves out the same
share of values at either end; `mse` takes the clipping that minimises the mean squared quantization error. The last two
work on a histogram of 2,048 bins over the whole range.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, ConversionError, first_line
from ..formats import Images
from ..images import Pixels
from ..networks.preprocessing import Preprocessing
from .equalization import ChannelBounds, Factors, divided

Method = Literal["minmax", "percentile", "mse"]
METHODS: tuple[Method, ...] = ("minmax", "percentile", "mse")
# The best of the three on training images that nothing was calibrated on: ratio of the logits of SqueezeNet 1.1 to
# their quantization noise, symmetric, 750 images: minmax 19.9, percentile 22.9, mse 23.4 dB.
DEFAULT_METHOD: Method = "mse"
BINS = 2048
PERCENTILE = 99.99  # share of the values, in percent, that "percentile" keeps within the range
BATCH = 50  # images at a time
BATCH_PIXELS = 2**18  # fewer of large ones: all tensors of a batch are in memory at once, hundreds of numbers a pixel
Range = tuple[float, float]


def preprocess(images: Images, recipe: Preprocessing) -> npt.NDArray[np.float32]:
    """Float input of the model, float32 [N, C, H, W], of images uint8 [N, H, W, C]."""
    mean, std = (np.array(values, np.float32) for values in (recipe.mean, recipe.std))
    real = (images.astype(np.float32) / np.float32(recipe.pixel_scale) - mean) / std
    return np.ascontiguousarray(real.transpose(0, 3, 1, 2))


class FloatModel:
    """The original float model in ONNX Runtime, with any of its tensors as outputs.

    Raises AxsimError if onnxruntime is missing, ConversionError if it refuses the model.
    """

    def __init__(self, model: Any, input_name: str, tensors: Sequence[str]) -> None:
        try:
            import onnx
            import onnxruntime
        except ImportError:
            raise AxsimError("calibration needs the package onnxruntime: pip install 'axsim[convert]'") from None
        extended = onnx.ModelProto()
        extended.CopyFrom(model)
        present = {output.name for output in extended.graph.output}
        extended.graph.output.extend(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            for name in tensors
            if name not in present and name != input_name
        )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # an error is raised, and is one line there
        try:
            self._session = onnxruntime.InferenceSession(
                extended.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no public base class
            raise _refused(error) from None
        self._input, self._tensors = input_name, list(tensors)
        batch = self._session.get_inputs()[0].shape[0]
        self._batch = batch if isinstance(batch, int) else None

    def run(
        self, images: Pixels, recipe: Preprocessing, progress: Callable[[int, int], None] | None = None
    ) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
        """Yield the tensors by name, batch by batch; a fixed batch is filled up with copies, cut off again."""
        size = self._batch or max(1, min(BATCH, BATCH_PIXELS // (images.shape[1] * images.shape[2])))
        wanted = [name for name in self._tensors if name != self._input]
        for start in range(0, len(images), size):
            count = min(size, len(images) - start)
            batch = preprocess(images[start : start + count], recipe)
            if self._batch is not None and count < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - count, axis=0)])
            try:
                values = dict(zip(wanted, self._session.run(wanted, {self._input: batch}), strict=True))
            except Exception as error:  # as above
                raise _refused(error) from None
            yield {name: value[:count] for name, value in {**values, self._input: batch}.items()}
            if progress is not None:
                progress(start + count, len(images))


def _refused(error: Exception) -> ConversionError:
    reason = first_line(error)
    return ConversionError(f"ONNX Runtime cannot run the model: {reason}")


def calibrate(
    model: FloatModel,
    images: Pixels,
    recipe: Preprocessing,
    method: Method,
    quantize_range: Callable[[str, Range], tuple[float, int, int, int]],
    progress: Callable[[int, int], None] | None = None,
    observe: Callable[[dict[str, npt.NDArray[np.float32]]], None] = lambda values: None,
    equalize: Callable[[ChannelBounds], dict[str, Factors]] = lambda channels: {},
) -> dict[str, Range]:
    """
    Range (low, high) of every tensor of the model on these images.

    Parameters
    ----------
    model : FloatModel
    images : uint8 [N, H, W, C]
    method : {"minmax", "percentile", "mse"}
    quantize_range : function
        tensor, (low, high) -> (scale, zero_point, lowest code, highest code): what `mse` minimises the error of.
    observe : function
        Called once with the tensors of every batch, by name.
    equalize : function
        Called once with the bounds of every channel; returns by what the channels of tensors, by name, are
        divided: the ranges are of what that leaves.

    Raises
    ------
    AxsimError
        If the method is unknown.
    ConversionError
        If the model gives a number that is not finite.
    """
    if method not in METHODS:
        raise AxsimError(f"calibration must be one of {', '.join(METHODS)}, got {method!r}")
    ranges: dict[str, Range] = {}
    channels = ChannelBounds()
    for values in model.run(images, recipe, progress):
        observe(values)
        channels.add(values)
        for name, value in values.items():
            low, high = float(value.min()), float(value.max())
            if not np.isfinite((low, high)).all():
                raise ConversionError(
                    f"tensor {name!r} must be finite on the calibration images; are the model's "
                    "weights and the preprocessing right?"
                )
            before = ranges.get(name, (low, high))
            ranges[name] = (min(before[0], low), max(before[1], high))
    if not ranges:
        raise AxsimError("calibration needs at least one image")
    factors = equalize(channels)
    ranges |= {name: channels.range_of(name, factor) for name, factor in factors.items() if name in ranges}
    if method == "minmax":
        return ranges
    counts = {name: np.zeros(BINS, np.int64) for name in ranges}
    for values in model.run(images, recipe, progress):
        for name, value in values.items():
            counts[name] += np.histogram(divided(value, factors.get(name)), BINS, _wide(ranges[name]))[0]
    if method == "percentile":
        return {name: _percentile(counts[name], _wide(ranges[name])) for name in ranges}
    return {
        name: _least_squares(counts[name], _wide(ranges[name]), functools.partial(quantize_range, name))
        for name in ranges
    }


def _wide(bounds: Range) -> Range:
    """Widen a range to 1e-3 of its ends, so that its bins are not empty: np.histogram puts their edges in float32."""
    return bounds[0], max(bounds[1], bounds[0] + max(1e-30, 1e-3 * max(map(abs, bounds))))


def _percentile(counts: npt.NDArray[np.int64], bounds: Range) -> Range:
    edges = np.linspace(*bounds, BINS + 1)
    share = np.cumsum(counts) / counts.sum()
    cut = (1 - PERCENTILE / 100) / 2
    first = int(np.searchsorted(share, cut, side="right"))
    last = int(np.searchsorted(share, 1 - cut))
    return float(edges[first]), float(edges[min(last + 1, BINS)])


def _least_squares(
    counts: npt.NDArray[np.int64],
    bounds: Range,
    quantize_range: Callable[[Range], tuple[float, int, int, int]],
) -> Range:
    edges = np.linspace(*bounds, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    best, least = bounds, np.inf
    for share in np.linspace(0.3, 1.0, 71):
        candidate = (bounds[0] * share, bounds[1] * share)
        scale, zero_point, lowest, highest = quantize_range(candidate)
        codes = np.clip(np.rint(centres / scale) + zero_point, lowest, highest)
        error = float((counts * (scale * (codes - zero_point) - centres) ** 2).sum())
        if error < least:
            best, least = candidate, error
    return best
