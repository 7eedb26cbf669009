"""Quantized ONNX models, as ONNX Runtime's quantizer writes them: imported code by code, and equal to its kernels."""

import dataclasses
import json

import numpy as np
import onnx
import pytest
from networks import network_of, random_images
from onnx import TensorProto, helper, numpy_helper
from quantized_models import FORMS, VARIANTS, quantize, small_batches, small_model

import axsim
from axsim.cli import main
from axsim.errors import ConversionError
from axsim.images import ImageSet, save_images
from axsim.importers.float_graph import FloatGraph
from axsim.importers.quantized_onnx import holds_integers, is_quantized, passes
from axsim.importers.quantized_onnx.integer_operators import as_qdq
from axsim.importers.quantized_onnx.reader import QuantizedNode
from axsim.networks.nodes import Quantization
from axsim.networks.preprocessing import Preprocessing

RECIPE = Preprocessing(255.0, (0.5,) * 3, (0.125,) * 3)
IMAGES = np.random.default_rng(2).integers(0, 256, (24, 9, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Makes each quantized model once: (form, variant, options of small_model) -> path."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def make(form, variant, **options):
        key = (form, variant, *sorted(options.items()))
        if key not in made:
            source, made[key] = folder / "float.onnx", folder / f"{len(made)}.onnx"
            small_model(source, **options)
            quantize(source, made[key], form, variant, small_batches())
        return made[key]

    return make


def assert_equal(path, minimum=10):
    network = axsim.import_quantized(path, RECIPE)
    found = axsim.validate(network, IMAGES, path)
    assert [node for node in found.nodes if node.differing] == []
    assert found.logits_equal == found.logits
    assert len(found.nodes) >= minimum
    return network, found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_integer_is_onnx_runtimes(models, form, variant):
    network, found = assert_equal(models(form, variant))
    assert network.rounding == "onnxruntime"
    assert network.scheme == ("symmetric" if variant == "symmetric" else "affine")
    assert found.logits == len(IMAGES) * 5
    if variant != "symmetric":  # there, a QOperator model keeps its last average in float
        assert found.in_float == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("opset", [11, 13, 19, 21])
def test_opsets(models, form, opset):
    # Before opset 13 DequantizeLinear knew one scale only: a QDQ model with one a channel is not valid, also to others.
    assert_equal(models(form, "u8 s8 per channel" if opset >= 13 else "u8 s8 per tensor", opset=opset))


@pytest.mark.parametrize("form", FORMS)
def test_a_fixed_batch_and_a_final_softmax(models, form):
    assert_equal(models(form, "u8 s8 per channel", batch=1))
    _, found = assert_equal(models(form, "u8 s8 per channel", softmax=True))
    assert found.logits == 0  # the model ends in probabilities


def test_an_import_of_the_imported_networks_export(models, tmp_path):
    network = axsim.import_quantized(models("QOperator", "u8 s8 per channel"), RECIPE)
    axsim.export(network, tmp_path / "again.onnx")
    assert axsim.validate(network, IMAGES, tmp_path / "again.onnx").equal
    assert axsim.validate(network, IMAGES).equal


def test_codes_are_taken_as_they_are(models):
    path = models("QDQ", "u8 u8 per tensor")
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    network = axsim.import_quantized(path, RECIPE, name="mine", about={"licence": "MIT"})
    stem = network.layers[0]
    assert np.array_equal(stem.weight, stored["w0_quantized"])
    assert np.array_equal(stem.bias, stored["b0_quantized"])
    assert stem.weight_scale == stored["w0_scale"]
    assert stem.weight_zero_point == stored["w0_zero_point"]
    assert network.name == "mine"
    assert network.about["licence"] == "MIT"
    assert len(network.about["source_sha256"]) == 64


def test_a_multiplier_serves_it(models):
    network = axsim.import_quantized(models("QDQ", "s8 s8 per channel"), RECIPE)
    exact = axsim.run(network, IMAGES)
    assert not np.array_equal(axsim.run(network, IMAGES, axsim.multiplier("mitchell")).logits, exact.logits)


# The passes.


Q = Quantization(0.5, 3, "u8")
OTHER = Quantization(0.25, 0, "u8")


def node(op, name, *inputs, output=None, **more):
    return QuantizedNode(op, name, list(inputs), name, output=output, **more)


def graph(*nodes):
    return FloatGraph("g", "x", nodes[-1].name, (3, 2, 2), list(nodes))


def names(given):
    return [(each.op, each.name, each.inputs) for each in given.nodes]


def test_take_input_quantization():
    given = graph(node("quantize", "q", "x", output=Q), node("conv", "c", "q"), node("add", "a", "q", "c"))
    assert passes.take_input_quantization(given) == (Q, "q")
    assert names(given) == [("conv", "c", ["x"]), ("add", "a", ["x", "c"])]


def test_take_output_quantization_from_the_sole_user():
    given = graph(node("conv", "c", "x"), node("quantize", "q", "c", output=Q), node("conv", "d", "q"))
    passes.take_output_quantization(given)
    assert names(given) == [("conv", "q", ["x"]), ("conv", "d", ["q"])]
    assert given.nodes[0].output == Q


def test_a_second_quantization_computes_new_codes_and_an_equal_one_none():
    first = node("conv", "c", "x", output=Q)
    given = graph(first, node("quantize", "q", "c", output=OTHER), node("quantize", "p", "c", output=Q))
    passes.take_output_quantization(given)
    assert names(given) == [("conv", "c", ["x"]), ("requantize", "q", ["c"])]
    assert given.output == "c"


def test_quantize_before_flatten():
    given = graph(node("global_average_pool", "g", "x"), node("flatten", "f", "g", output=Q))
    passes.quantize_before_flatten(given)
    assert given.nodes[0].output == Q
    assert given.nodes[0].hidden


def test_inherit_quantization():
    given = graph(
        node("conv", "c", "x", output=Q),
        node("max_pool", "m", "c"),
        node("clip", "r", "m", clamp=(0.0, np.inf)),
        node("clip", "s", "r", clamp=(0.0, 0.3)),
    )
    passes.inherit_quantization(given, OTHER)
    assert [each.output for each in given.nodes] == [Q, Q, Q, None]  # 0.3 is between two codes


def test_fold_clips_before_codes_and_clamps_of_codes():
    before = graph(
        node("conv", "c", "x"), node("clip", "r", "c", clamp=(0.0, 6.0)), node("quantize", "q", "r", output=Q)
    )
    passes.fold_clips_before_codes(before)
    passes.take_output_quantization(before)
    behind = graph(node("conv", "c", "x", output=Q), node("clip", "q", "c", clamp=(0.0, 6.0), output=Q))
    passes.fold_clamps_of_codes(behind, OTHER)
    assert names(before) == names(behind) == [("conv", "q", ["x"])]
    assert before.nodes[0].clamp == behind.nodes[0].clamp == (0.0, 6.0)
    assert passes.clamp_codes((0.0, 6.0), Q) == (3, 15)
    assert passes.clamp_codes((-np.inf, np.inf), Q) == (0, 255)


def test_a_clip_that_changes_the_scale_stays():
    given = graph(node("conv", "c", "x", output=Q), node("clip", "r", "c", clamp=(0.0, 6.0), output=OTHER))
    passes.fold_clamps_of_codes(given, Q)
    assert names(given) == [("conv", "c", ["x"]), ("requantize", "r", ["c"])]


def test_unwrap_single_concats():
    given = graph(node("concat", "j", "x"), node("quantize", "q", "j", output=Q))
    passes.unwrap_single_concats(given)
    assert names(given) == [("quantize", "q", ["x"])]
    assert given.nodes[0].label == "j"


def test_integer_operators_become_qdq(models):
    model = onnx.load(models("QOperator", "u8 s8 per channel"))
    assert is_quantized(model)
    as_qdq(model)
    kinds = {each.op_type for each in model.graph.node}
    assert not [kind for kind in kinds if kind.startswith(("QLinear", "QGemm"))]
    assert {"Conv", "Add", "Concat", "AveragePool", "GlobalAveragePool", "Gemm", "MaxPool"} <= kinds
    assert all(each.domain in ("", "ai.onnx") for each in model.graph.node)


# What goes wrong: one line, exit code 2, nothing written.


def edited(models, tmp_path, edit, form="QDQ", variant="u8 s8 per channel"):
    model = onnx.load(models(form, variant))
    edit(model)
    onnx.save(model, tmp_path / "edited.onnx")
    return tmp_path / "edited.onnx"


def find(model, op):
    return next(each for each in model.graph.node if each.op_type == op)


def drop_last_quantization(model):
    """The classifier's sums as real numbers."""
    last = next(each for each in model.graph.node if each.op_type == "Gemm")
    quantizer = next(each for each in model.graph.node if last.output[0] in each.input)
    behind = next(each for each in model.graph.node if quantizer.output[0] in each.input)
    last.output[0] = behind.output[0]
    model.graph.node.remove(quantizer)
    model.graph.node.remove(behind)


def rename(op, other, domain=""):
    def edit(model):
        find(model, op).op_type = other
        find(model, other).domain = domain

    return edit


def set_weight(dtype):
    def edit(model):
        for tensor in model.graph.initializer:
            if tensor.name == "w0_quantized":
                value = numpy_helper.to_array(tensor).astype(dtype)
                tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
            if tensor.name == "w0_zero_point":
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))

    return edit


def scale_bias(model):
    for tensor in model.graph.initializer:
        if tensor.name == "b0_quantized_scale":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(2), tensor.name))


def dynamic_shape(model):
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_param = "size"


def two_outputs(model):
    model.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 12, 4, 7]))


def drop_input_quantization(model):
    first = find(model, "QuantizeLinear")
    behind = next(each for each in model.graph.node if first.output[0] in each.input)
    for each in model.graph.node:
        each.input[:] = ["x" if name == behind.output[0] else name for name in each.input]
    model.graph.node.remove(first)
    model.graph.node.remove(behind)


WRONG = {
    "half-quantized at the end": ("QDQ", drop_last_quantization, "quantized in part"),
    "half-quantized at the start": ("QDQ", drop_input_quantization, "quantized in part"),
    "unsupported operator": ("QDQ", rename("Add", "Sub"), "operator Sub is not supported"),
    "unsupported integer operator": (
        "QOperator",
        rename("QLinearAdd", "QLinearMul", "com.microsoft"),
        "operator QLinearMul is not supported",
    ),
    "weights of 16 bits": ("QDQ", set_weight(np.int16), "int8 or uint8"),
    "another bias scale": ("QDQ", scale_bias, "scale of its bias"),
    "dynamic shape": ("QDQ", dynamic_shape, "fixed shape"),
    "two outputs": ("QDQ", two_outputs, "one output"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_models(models, tmp_path, capsys, wrong):
    form, edit, words = WRONG[wrong]
    path = edited(models, tmp_path, edit, form)
    with pytest.raises(ConversionError, match=words):
        axsim.import_quantized(path, RECIPE)
    assert main(["convert", str(path), "-o", str(tmp_path / "network.h5")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert words in captured.err
    assert {each.name for each in tmp_path.iterdir()} == {"edited.onnx"}


def test_a_truncated_model(models, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(models("QDQ", "u8 s8 per channel").read_bytes()[:2000])
    assert main(["convert", str(path), "-o", str(tmp_path / "network.h5")]) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_missing_external_data(models, tmp_path, capsys):
    model = onnx.load(models("QDQ", "u8 s8 per channel"))
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="model.data", size_threshold=0)
    assert holds_integers(path)
    axsim.import_quantized(path, RECIPE)
    (tmp_path / "model.data").unlink()
    assert main(["convert", str(path), "-o", str(tmp_path / "network.h5")]) == 2
    assert "model.data" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_an_old_opset(models, tmp_path):
    def old(model):
        next(entry for entry in model.opset_import if entry.domain == "").version = 10

    path = edited(models, tmp_path, old, "QOperator")
    with pytest.raises(ConversionError, match="opset must be 11 or newer, got 10"):
        axsim.import_quantized(path, RECIPE)


def test_preprocessing_must_be_known(models):
    path = models("QDQ", "u8 s8 per channel")
    with pytest.raises(ConversionError, match="recipe must be given"):
        axsim.import_quantized(path)
    with pytest.raises(ConversionError, match="mean and std must have 3 numbers"):
        axsim.import_quantized(path, Preprocessing(1.0, (0.0,), (1.0,)))


# The command.


def test_convert_export_validate(models, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_images("images.h5", ImageSet(IMAGES, np.zeros(len(IMAGES), np.int64)), {})
    model = str(models("QOperator", "u8 s8 per channel"))
    assert main(["convert", model, "-o", "a.h5", "--mean", ".5,.5,.5", "--std", ".125,.125,.125", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["model"] == "quantized"
    assert data["calibration"] is None
    assert data["rounding"] == "onnxruntime"
    assert main(["validate", "a.h5", "--images", "images.h5", "--model", model]) == 0
    text = capsys.readouterr().out
    assert "rounding rule onnxruntime" in text
    assert "QLinearConv 4" in text
    assert main(["export", "a.h5", "a.onnx"]) == 0
    printed = capsys.readouterr().out
    assert "opset 17" in printed
    assert "will differ" not in printed
    assert main(["convert", "a.onnx", "-o", "b.h5", "--images", "images.h5"]) == 0  # its preprocessing is in the model
    assert axsim.load("b.h5").preprocessing == axsim.load("a.h5").preprocessing
    capsys.readouterr()
    assert main(["validate", "b.h5", "--images", "images.h5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal"]
    assert found["integers"] == sum(each["integers"] for each in found["nodes"])


def test_export_says_where_a_runtime_will_give_other_results(tmp_path, capsys):
    network = dataclasses.replace(network_of(["conv"], 4, "symmetric", (3, 7, 6)), rounding="litert")
    exact = axsim.multiplier("exact")
    axsim.compensate(network, exact, images=random_images(network, 2)).save(tmp_path / "n.h5")
    assert main(["export", str(tmp_path / "n.h5"), str(tmp_path / "n.onnx")]) == 0
    printed = capsys.readouterr().out
    assert "rule, litert: some codes will differ" in printed
    assert "compensated for exact" in printed


def test_a_float_model_needs_images(tmp_path, capsys):
    small_model(tmp_path / "float.onnx")
    assert main(["convert", str(tmp_path / "float.onnx"), "-o", str(tmp_path / "network.h5")]) == 2
    assert "--images must be given" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "missing.onnx"), "-o", str(tmp_path / "network.h5")]) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["float.onnx"]


def test_a_quantized_model_keeps_its_classes(models, tmp_path, capsys):
    model = str(models("QDQ", "u8 s8 per channel"))
    assert main(["convert", model, "-o", str(tmp_path / "network.h5"), "--drop-background"]) == 2
    assert "--drop-background is for float models" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
