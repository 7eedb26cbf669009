"""Networks as QDQ ONNX: ONNX Runtime's integers are axsim's, and what is read back is the network."""

import dataclasses
import json

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import OPERATORS as ALL_OPERATORS
from networks import network_of, random_images

import axsim
from axsim.errors import AxsimError, ConversionError
from axsim.exporters.onnx import exported
from axsim.importers.quantized_onnx import metadata
from axsim.networks.nodes import Node
from axsim.validation.validate import same_nodes

OF_ATTENTION = ("constant", "gelu", "layer_norm", "matmul", "rearrange", "softmax")  # in test_export_tokens.py
OPERATORS = tuple(op for op in ALL_OPERATORS if op not in OF_ATTENTION)
ANY = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
# Under s8 activations ONNX Runtime has no kernel for u8 weights, which an affine network here may have.
ACTIVATIONS = {"symmetric": "s8", "affine": "u8"}


@st.composite
def networks(draw):
    """Random networks of one format of activations, as a runtime's integer kernels want it."""
    scheme = draw(st.sampled_from(sorted(ACTIVATIONS)))
    return network_of(
        draw(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=5)),
        draw(st.integers(0, 2**32 - 1)),
        scheme,
        (draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 8))),
        "onnxruntime",
        ACTIVATIONS[scheme],
    )


def assert_equal_to_onnx_runtime(network, images):
    found = axsim.validate(network, images)
    different = [node for node in found.nodes if node.differing]
    assert not different
    assert found.logits_equal == found.logits == len(images) * network.classes
    assert [node.node for node in found.nodes] == ["input", *(node.name for node in network.nodes)]
    assert found.in_float == {}  # integer kernels throughout, or equality would be chance


@pytest.mark.parametrize("scheme", sorted(ACTIVATIONS))
@pytest.mark.parametrize("op", OPERATORS)
def test_each_operator(op, scheme):
    network = network_of([op, op], 3, scheme, rounding="onnxruntime", activations=ACTIVATIONS[scheme])
    assert_equal_to_onnx_runtime(network, random_images(network, 5))


@ANY
@given(networks(), st.integers(1, 4))
def test_random_networks(network, count):
    assert_equal_to_onnx_runtime(network, random_images(network, count))


@ANY
@given(network=networks())
def test_what_is_read_back_is_the_network(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    axsim.export(network, path)
    back = axsim.import_quantized(path)
    assert same_nodes(back, network)
    for field in ("name", "scheme", "rounding", "preprocessing", "class_names", "about", "input_shape"):
        assert getattr(back, field) == getattr(network, field)


@pytest.mark.parametrize("scheme", sorted(ACTIVATIONS))
def test_a_linear_behind_an_image_of_one_pixel_and_a_conv_behind_a_linear(scheme):
    """Tensors are [N, F] there and [N, C, H, W] here: the change of shape costs no integer kernel."""
    operators = ["global_average_pool", "linear", "conv", "add"]
    network = network_of(operators, 4, scheme, rounding="onnxruntime", activations=ACTIVATIONS[scheme])
    assert_equal_to_onnx_runtime(network, random_images(network, 3))


def test_the_model_is_valid_and_names_its_tensors():
    network = network_of(["conv", "max_pool"], 1)
    model = exported(network)
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model.proto, strict_mode=True), full_check=True)
    assert [entry.domain for entry in model.proto.opset_import] == [""]  # no operators of one runtime
    assert model.proto.graph.input[0].name == "input"
    assert model.proto.graph.output[0].name == "logits"
    produced = {name for node in model.proto.graph.node if node.op_type == "QuantizeLinear" for name in node.output}
    assert set(model.codes.values()) <= produced


def test_an_existing_file_is_kept(tmp_path):
    network, path = network_of(["conv"]), tmp_path / "model.onnx"
    path.write_text("mine")
    with pytest.raises(AxsimError, match="exists"):
        axsim.export(network, path)
    assert path.read_text() == "mine"
    axsim.export(network, path, overwrite=True)
    assert onnx.load(path).producer_name == "axsim"


def test_a_node_without_onnx_form_is_named(tmp_path):
    @dataclasses.dataclass(frozen=True, eq=False)
    class Unknown(Node):
        op = "unknown"

        def output_shape(self, shapes):
            return shapes[0]

    network = network_of(["conv"])
    strange = Unknown("strange", (network.nodes[0].name,), network.nodes[0].output)
    network = dataclasses.replace(network, nodes=(network.nodes[0], strange, *network.nodes[1:]))
    with pytest.raises(AxsimError, match="'strange' \\(unknown\\) has no ONNX form"):
        axsim.export(network, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "entry", ["", "[]", "{}", '{"name": 1, "rounding": 2, "preprocessing": 3, "class_names": 4, "about": 5}']
)
def test_metadata_that_axsim_did_not_write(entry):
    model = onnx.ModelProto()
    onnx.helper.set_model_props(model, {"axsim": entry})
    with pytest.raises(ConversionError, match="metadata 'axsim' must be as axsim writes it"):
        metadata.read(model)


def test_metadata_is_json_that_any_tool_reads():
    network = network_of(["conv"])
    found = json.loads(metadata.written(network)["axsim"])
    assert found["preprocessing"]["mean"] == list(network.preprocessing.mean)
    assert np.isfinite(found["preprocessing"]["std"]).all()
