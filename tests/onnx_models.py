"""Small ONNX models made in a test, what ONNX Runtime computes of them, and how a conversion is judged against it."""

import re

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import axsim
from axsim.cli import main
from axsim.errors import AxsimError
from axsim.images import ImageSet, save_images
from axsim.networks.preprocessing import Preprocessing

FAITHFUL = 30.0  # dB, the least that a right conversion reaches
SHAPE = (3, 9, 7)
RECIPE = Preprocessing(255.0, (0.5, 0.45, 0.4), (0.25, 0.3, 0.35))
INFINITE = 2**63 - 1  # exporters' "to the end"


class Model:
    """An ONNX model under construction; weights come from one seeded generator. `x` is its input."""

    def __init__(self, shape=SHAPE, batch="N", opset=17, seed=0):
        self.rng = np.random.default_rng(seed)
        self.shape, self.opset = (batch, *shape), opset
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)]
        self.nodes, self.initializers, self.outputs = [], [], []
        self.kind = TensorProto.FLOAT

    def constant(self, value, dtype=None):
        """Name of a new initializer; integers are int64 and all else float32."""
        array = np.asarray(value)
        array = array.astype(dtype or (np.int64 if array.dtype.kind in "iu" else np.float32))
        self.initializers.append(numpy_helper.from_array(array, f"constant_{len(self.initializers)}"))
        return self.initializers[-1].name

    def floats(self, *shape, scale=0.5):
        """Name of a new initializer of random numbers."""
        return self.constant(scale * self.rng.normal(size=shape))

    def weight(self, *shape):
        """Name of random weights that keep the size of activations."""
        return self.floats(*shape, scale=1 / np.sqrt(np.prod(shape[1:])))

    def node(self, op, *inputs, outputs=1, **attributes):
        """Append a node; the name of its (first) output."""
        names = [f"{op}_{len(self.nodes)}", "spare", "spare_too"][:outputs]
        self.nodes.append(helper.make_node(op, list(inputs), names, f"/{names[0]}", **attributes))
        return names[0]

    def conv(self, x="x", shape=(5, 3, 3, 3), bias=True, **attributes):
        parts = [self.weight(*shape), *([self.floats(shape[0])] if bias else [])]
        return self.node("Conv", x, *parts, **attributes)

    def flat_linear(self, x, size, classes=6):
        return self.node("Gemm", self.node("Flatten", x), self.weight(classes, size), self.floats(classes), transB=1)

    def batch_norm(self, x, channels, least=0.5, **attributes):
        gamma, variance = (self.constant(scale * self.rng.uniform(1, 3, channels)) for scale in (0.5, least))
        shift, mean = self.floats(channels), self.floats(channels)
        return self.node("BatchNormalization", x, gamma, shift, mean, variance, **attributes)

    def proto(self, output):
        """The finished model, the shapes of its tensors inferred."""
        made = [helper.make_tensor_value_info(name, self.kind, None) for name in (output, *self.outputs)]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, made, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        for value in inferred.graph.output:
            if not value.type.tensor_type.HasField("shape"):  # a file must state one
                value.CopyFrom(helper.make_tensor_value_info(value.name, self.kind, [None, None]))
        return inferred


def save(model, path, output):
    """Write the model."""
    onnx.save(model.proto(output), path)
    return path


def pixels(count, shape, seed=1):
    channels, height, width = shape
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def float_logits(path, images, tensor):
    """Logits float32 [N, classes] of the file in ONNX Runtime, of `tensor` instead of its output."""
    model = onnx.load(path)
    if tensor not in [value.name for value in model.graph.output]:
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    real = (images.astype(np.float32) / 255 - np.float32(RECIPE.mean)) / np.float32(RECIPE.std)
    batch = session.get_inputs()[0].shape[0]
    size = batch if isinstance(batch, int) else len(images)
    parts = [
        session.run([tensor], {"x": np.ascontiguousarray(real[start : start + size].transpose(0, 3, 1, 2))})[0]
        for start in range(0, len(images), size)
    ]
    return np.concatenate([part.reshape(size, -1) for part in parts])


def decibels(wanted, logits):
    """Signal-to-noise ratio."""
    assert logits.shape == wanted.shape
    return 10 * np.log10((wanted.astype(np.float64) ** 2).sum() / ((logits - wanted).astype(np.float64) ** 2).sum())


def converted(build, folder, scheme="symmetric", count=12, model=None):
    """Convert what `build` makes, calibrated on random images; the network, the images and the float logits."""
    model = model or Model()
    made = build(model)
    output, tensor = made if isinstance(made, tuple) else (made, made)
    path = save(model, str(folder / "model.onnx"), output)
    shape = model.shape[1:]
    recipe = Preprocessing(255.0, RECIPE.mean[: shape[0]], RECIPE.std[: shape[0]])
    images = pixels(count, shape)
    network = axsim.convert(path, ImageSet(images), recipe, scheme=scheme)
    return network, images, float_logits(path, images, tensor)


def refused_by_both(path, folder, words, capsys, images=None, recipe=RECIPE):
    """`convert` raises one line with the words; `axsim convert` prints it, exits with 2 and writes nothing."""
    images = pixels(8, SHAPE) if images is None else images
    with pytest.raises(AxsimError) as caught:
        axsim.convert(path, ImageSet(images), recipe)
    assert re.search(words, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    save_images(folder / "images.h5", ImageSet(images), {})
    before = sorted(folder.iterdir())
    listed = [",".join(map(str, values)) for values in (recipe.mean, recipe.std)]
    capsys.readouterr()
    code = main(["convert", str(path), "--images", str(folder / "images.h5"), "-o", str(folder / "out.h5"),
                 f"--mean={listed[0]}", f"--std={listed[1]}"])  # fmt: skip
    errors = [line for line in capsys.readouterr().err.splitlines() if line != "axsim: calibration"]
    assert code == 2
    assert len(errors) == 1
    assert re.search(words, errors[0]), errors
    assert sorted(folder.iterdir()) == before
