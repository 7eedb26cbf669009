"""ONNX files that are damaged or absent, and images and arguments that do not suit the model: refused in one line."""

import sys

import numpy as np
import onnx
import pytest
from onnx_models import RECIPE, SHAPE, Model, pixels, refused_by_both, save

import axsim
from axsim.errors import AxsimError, ConversionError
from axsim.images import ImageSet
from axsim.importers.onnx import read_graph, read_model
from axsim.networks.preprocessing import Preprocessing


@pytest.fixture
def path(tmp_path):
    """File of a model that converts."""
    model = Model()
    return save(model, tmp_path / "model.onnx", model.node("Flatten", model.node("Relu", model.conv())))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_truncated_files(share, path, tmp_path, capsys):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused_by_both(path, tmp_path, r"model\.onnx: not a valid ONNX model, truncated or damaged", capsys)


def test_no_truncation_goes_unnoticed(path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ConversionError, match="truncated or damaged"):
            read_model(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"not a model\n" * 100, bytes(range(256)), b"\x89HDF\r\n\x1a\n"]
)
def test_files_that_are_no_model(content, path, tmp_path, capsys):
    path.write_bytes(content)
    refused_by_both(path, tmp_path, r"model\.onnx: not a valid ONNX model, truncated or damaged", capsys)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.onnx", "no such file"),
        ("no/folder.onnx", "no such file"),
        (".", "is a folder"),
        ("n" * 300, "too long"),
    ],
)
def test_files_that_are_not_there(name, words, tmp_path, capsys):
    refused_by_both(tmp_path / name, tmp_path, words, capsys)


def test_external_data_is_read_and_its_absence_noticed(path, tmp_path, capsys):
    images = pixels(8, SHAPE)
    whole = axsim.convert(path, ImageSet(images), RECIPE)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    parted = axsim.convert(path, ImageSet(images), RECIPE)
    assert np.array_equal(parted.layers[0].weight, whole.layers[0].weight)
    (tmp_path / "weights.bin").unlink()
    refused_by_both(path, tmp_path, r"model\.onnx: .*weights\.bin", capsys)


@pytest.mark.parametrize("shape", [(3, 7, 9), (3, 9, 8), (1, 9, 7), (4, 9, 7)])
def test_images_of_another_size(shape, path, tmp_path, capsys):
    recipe = Preprocessing(255.0, (0.5,) * shape[0], (0.5,) * shape[0])
    words = f"images must be 9 x 7 with 3 channels for this model, got {shape[1]} x {shape[2]} x {shape[0]}"
    refused_by_both(path, tmp_path, words, capsys, pixels(8, shape), recipe)


@pytest.mark.parametrize(("means", "stds"), [(1, 3), (3, 1), (4, 4), (2, 3)])
def test_a_mean_or_std_too_many_or_too_few(means, stds, path, tmp_path, capsys):
    recipe = Preprocessing(255.0, (0.5,) * means, (0.5,) * stds)
    refused_by_both(path, tmp_path, "mean and std must have 3 numbers", capsys, recipe=recipe)


def test_a_scheme_that_does_not_exist(path):
    with pytest.raises(AxsimError, match="scheme must be one of symmetric, affine, got 'float'"):
        axsim.convert(path, ImageSet(pixels(2, SHAPE)), RECIPE, scheme="float")


def test_without_onnx_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(AxsimError, match=r"pip install 'axsim\[convert\]'"):
        axsim.convert(path, ImageSet(pixels(2, SHAPE)), RECIPE)


def test_names_shape_and_output_of_the_graph(path):
    graph = read_graph(read_model(path), "name")
    assert (graph.name, graph.input, graph.output, graph.shape) == ("name", "x", "Flatten_2", SHAPE)
    assert [(node.op, node.name, node.label) for node in graph.nodes] == [
        ("conv", "Relu_1", "/Conv_0"),
        ("flatten", "Flatten_2", "/Flatten_2"),
    ]
