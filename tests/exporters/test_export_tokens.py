"""Products of activations, moves and constants as QDQ equal ONNX Runtime bit for bit; functions of reals nearly."""

import numpy as np
import onnxruntime
import pytest
from networks import network_of, random_images

from axsim.exporters.onnx import exported
from axsim.inference.engine import forward
from axsim.inference.prepared import prepare
from axsim.validation.validate import validate

FLOAT = ("gelu", "softmax", "layer_norm")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("op", ["matmul", "rearrange", "constant"])
def test_integers_equal_onnx_runtime(op, seed):
    network = network_of([op], seed, "symmetric", (3, 6, 5), "onnxruntime")
    found = validate(network, random_images(network, 20, seed))
    assert not found.not_compared
    assert [node.node for node in found.nodes if node.differing] == []
    assert found.logits == found.logits_equal > 0


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("op", FLOAT)
@pytest.mark.parametrize("seed", range(3))
def test_functions_of_real_numbers_differ_by_one_code_at_most_in_few_places(op, scheme, seed):
    """Of the model as it stands, in float32: ONNX Runtime's optimiser would put an integer softmax of its own there."""
    network = network_of([op], seed, scheme, (6, 9, 8))
    images = random_images(network, 20, seed)
    model = exported(network)
    name = network.nodes[0].name
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    del model.proto.graph.output[:]
    model.proto.graph.output.add().name = model.codes[name]
    session = onnxruntime.InferenceSession(model.proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    recipe = network.preprocessing
    real = (images.astype(np.float32) / np.float32(recipe.pixel_scale) - np.float32(recipe.mean)) / np.float32(
        recipe.std
    )
    theirs = session.run(None, {"input": np.ascontiguousarray(real.transpose(0, 3, 1, 2))})[0].astype(np.int64)
    codes = {}
    layers = prepare(network, {layer.name: None for layer in network.layers})
    list(forward(network, layers, images, lambda layer, given: layer.sums(given, None), 20, None, codes.__setitem__))
    ours = np.moveaxis(codes[name], 1, 0)
    ours = (ours.view(np.int8) if network.nodes[0].output.format == "s8" else ours).astype(np.int64)
    off = np.abs(ours - theirs)
    assert off.max() <= 1
    assert (off > 0).mean() < 1e-3
