"""axsim with exact products against ONNX Runtime: every node's integers on the same images. Extra `validate`."""

import dataclasses
import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conversion.calibrate import preprocess
from ..errors import ImageError, NetworkError
from ..formats import Patterns
from ..images import Pixels
from ..inference.engine import Progress, check_images, forward
from ..inference.prepared import prepare
from ..networks.network import INPUT, Network
from ..networks.nodes import Quantization
from ..networks.rounding import FIXED
from .node_comparison import RuntimeComparison, Tally
from .onnx_session import S8_KERNELS, U8_WEIGHTS, Session, require_onnxruntime, saturates

BATCH_CODES = 2**25  # codes of all nodes together that are held at a time


@dataclasses.dataclass(frozen=True)
class Validation(RuntimeComparison):
    """What a comparison with ONNX Runtime gave; the first node is the input.

    Attributes
    ----------
    logits, logits_equal : int
        Numbers of the model's own output, run without the extra outputs, and how many equal axsim's; 0 where the model
        ends in a Softmax.
    settings : dict of str to str
        Session settings beyond the defaults.
    saturates : bool
        Whether this CPU's kernels saturate sums of two products at 16 bits; see `onnx_session.saturates`.
    kernels, in_float : dict of str to int
        Operators that ONNX Runtime was left with for the model as it is, and those among them that sum in float32.
    default_in_float : dict of str to int, default_logits_equal : int
        The same without the settings; equal to the above where there are none.
    """

    logits: int
    logits_equal: int
    settings: dict[str, str]
    saturates: bool
    kernels: dict[str, int]
    in_float: dict[str, int]
    default_in_float: dict[str, int]
    default_logits_equal: int

    @property
    def equal(self) -> bool:
        """Whether every integer and every logit is equal."""
        return self.differing == 0 and self.logits == self.logits_equal

    @property
    def remarks(self) -> list[str]:
        """What a report says beside the figures: what was run, and what of it no rule of integers gives."""
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        lines = []
        if self.logits:
            lines.append(f"{self.logits_equal} of {self.logits} logits of the model as it is equal")
        lines.append(f"its operators after optimisation{f' ({settings})' * bool(settings)}: {_counted(self.kernels)}")
        if self.in_float:
            lines.append(f"in float32, whose sums no rule of integers gives for certain: {_counted(self.in_float)}")
        if self.default_in_float != self.in_float:
            lines.append(
                f"without {settings} it sums in float32: {_counted(self.default_in_float)}; "
                f"{self.default_logits_equal} of {self.logits} logits equal"
            )
        if self.saturates:
            lines.append("this CPU has no VNNI: its kernels saturate sums of two products u8 x s8 at 16 bits")
        if not self.equal and self.network.rounding != "onnxruntime":
            lines.append("ONNX Runtime's own rule is onnxruntime: `axsim convert --rounding onnxruntime`")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return super().as_dict() | {
            "logits": self.logits,
            "logits_equal": self.logits_equal,
            "settings": self.settings,
            "saturates": self.saturates,
            "kernels": self.kernels,
            "in_float": self.in_float,
            "default_in_float": self.default_in_float,
            "default_logits_equal": self.default_logits_equal,
        }


def _counted(operators: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(operators.items())) or "none"


def validate(
    network: Network,
    images: Pixels,
    model: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Validation:
    """
    Run images through axsim, every product exact, and through ONNX Runtime, and compare every node's codes.

    ONNX Runtime runs the network's QDQ export, or the ONNX model that the network was imported from: once with
    every tensor of codes as an output, and once as it is, for the logits.

    Parameters
    ----------
    network : Network
    images : uint8 [N, H, W, C]
    model : path of the quantized ONNX model that the network was imported from, optional
    progress : function of (images done, images in all), optional

    Raises
    ------
    ImageError
        If the images do not fit the network.
    NetworkError
        If the network was not imported from `model`, or has a rounding rule of TFLite.
    AxsimError
        If the extra `validate` is not installed, or a node has no ONNX form.
    """
    onnxruntime = require_onnxruntime()
    if network.rounding in FIXED:
        raise NetworkError(
            f"{network.name} has rounding {network.rounding}, which is not ONNX Runtime's: compare it with LiteRT by "
            "naming the .tflite model that it was imported from (--model)"
        )
    check_images(network, images)
    if images.dtype != np.uint8:
        raise ImageError(f"images must be pixels, uint8, to be given to ONNX Runtime, got {images.dtype}")
    proto, codes, softmax = _model_of(network, model)
    saturating = saturates()
    if any(node.output.format == "s8" for node in network.nodes):
        settings = dict(S8_KERNELS)
    else:  # under s8 activations there are no kernels for u8 weights
        settings = dict(U8_WEIGHTS) if saturating else {}
    names = list(dict.fromkeys(codes.values()))
    observed, whole = Session(proto, names, settings), Session(proto, (), settings)
    default = Session(proto) if settings else whole

    tallies = {name: Tally() for name in codes}
    logits = equal = default_equal = start = 0
    codes_of_axsim: dict[str, Patterns] = {}
    size = max(1, BATCH_CODES // sum(math.prod(shape) for shape in network.shapes.values()))
    layers = prepare(network, {layer.name: None for layer in network.layers})
    batches = forward(
        network,
        layers,
        images,
        lambda layer, given: layer.sums(given, None),
        size,
        progress,
        codes_of_axsim.__setitem__,
    )
    for wanted in batches:
        real = preprocess(images[start : start + len(wanted)], network.preprocessing)
        found = dict(zip(names, observed.run(real)[1:], strict=True))
        for name, tensor in codes.items():
            quantization = network.quantization(name)
            ours = np.moveaxis(codes_of_axsim[name], 1, 0)
            theirs = _patterns(found[tensor], quantization, ours.shape)
            for index in range(len(wanted)):
                tallies[name].add(start + index, ours[index], theirs[index], quantization.format)
        if not softmax:
            logits += wanted.size
            equal += int((whole.run(real)[0].reshape(wanted.shape) == wanted).sum())
            default_equal += int((default.run(real)[0].reshape(wanted.shape) == wanted).sum()) if settings else 0
        start += len(wanted)

    ops = {node.name: node.op for node in network.nodes}
    inputs = {node.name: node.inputs for node in network.nodes}
    clean = {INPUT: True} | {name: name not in tallies or not tallies[name].differing for name in ops}
    clean[INPUT] = not tallies[INPUT].differing
    compared = tuple(
        tally.result(name, ops.get(name, INPUT), all(clean[each] for each in inputs.get(name, ())))
        for name, tally in tallies.items()
    )
    return Validation(
        network=network,
        images=len(images),
        nodes=compared,
        not_compared=tuple(name for name in ops if name not in codes),
        logits=logits,
        logits_equal=equal,
        runtime=f"ONNX Runtime {onnxruntime.__version__}",
        settings=settings,
        saturates=saturating,
        kernels=whole.kernels,
        in_float=whole.in_float,
        default_in_float=default.in_float,
        default_logits_equal=default_equal if settings else equal,
    )


def _model_of(network: Network, path: str | os.PathLike[str] | None) -> tuple[Any, dict[str, str], bool]:
    """Model for ONNX Runtime, the tensor of each node's codes in it, and whether it ends in a Softmax."""
    if path is None:
        from ..exporters.onnx import exported

        export = exported(network)
        return export.proto, export.codes, False
    from ..importers.quantized_onnx import read_quantized

    given = read_quantized(path, lambda channels, known: network.preprocessing)
    if not same_nodes(given.network, network):
        raise NetworkError(f"{network.name} must be the network that {path} gives when it is imported; import it again")
    order = [INPUT, *(node.name for node in network.nodes)]
    return given.proto, {name: given.codes[name] for name in order if name in given.codes}, given.softmax


def same_nodes(one: Network, other: Network) -> bool:
    """Whether two networks have equal nodes."""
    if one.input != other.input or len(one.nodes) != len(other.nodes):
        return False
    for a, b in zip(one.nodes, other.nodes, strict=True):
        if type(a) is not type(b):
            return False
        for field in dataclasses.fields(a):
            x, y = getattr(a, field.name), getattr(b, field.name)
            equal = np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y
            # One scale or zero point may stand for those of all channels.
            if not equal and not (field.name in ("weight_scale", "weight_zero_point") and (x == y).all()):
                return False
    return True


def _patterns(found: npt.NDArray[Any], quantization: Quantization, shape: tuple[int, ...]) -> Patterns:
    """Patterns uint8 [B, C, H, W] of a tensor [B, C, H, W] or [B, F] of codes or of the numbers they stand for."""
    if found.dtype == np.float32:
        found = np.rint(found / np.float32(quantization.scale)) + quantization.zero_point
    codes: Patterns = found.astype(np.int64).astype(np.uint8).reshape(shape)
    return codes
