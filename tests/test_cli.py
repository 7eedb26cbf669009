"""The command line as a user meets it: results, JSON, and for what is wrong one line, exit code 2, nothing written."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import onnx
import pytest
from command_line import call, fails
from networks import network_of, random_images
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import axsim
from axsim.demo import IMAGES, MULTIPLIERS, NETWORK, shipped
from axsim.images import ImageSet, save_images
from axsim.networks.network_file import sign

ON_IMAGES = ("--images", "images.h5")
RUN = ("run", "network.h5", *ON_IMAGES)
COMPARE = ("compare", "network.h5", *ON_IMAGES)
CONVERT = ("convert", "model.onnx", *ON_IMAGES)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a network, images that fit it and a float model, as the working directory."""
    monkeypatch.chdir(tmp_path)
    network = network_of(["conv", "max_pool", "add"], 1)
    network.save("network.h5")
    save_images("images.h5", ImageSet(random_images(network, 12), np.zeros(12, np.int64)), {})
    write_model("model.onnx")
    return tmp_path


def write_model(path, op="Relu"):
    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(4, 3, 3, 3)), "v": rng.normal(size=(2, 4))}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "/stem/Conv", pads=[1, 1, 1, 1]),
        helper.make_node(op, ["c"], ["r"], "act"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "v"], ["y"], "/fc/Gemm", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 7, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_run(folder, capsys):
    code, out, err = call(capsys, *RUN, "--multiplier", "drum:k=4")
    assert code == 0
    assert "12 images" in out
    assert "drum:k=4: 2 nodes (0_conv, logits)" in out
    assert "no products" in out
    assert "axsim: drum:k=4" in err


def test_run_with_accumulators_of_its_own(folder, capsys):
    code, out, _ = call(capsys, *RUN, "--accumulator-bits", 8, "--overflow", "saturate", "--accumulator-taps", 4)
    assert code == 0
    assert "accumulators of 8 bits, saturate, handed on after every 4 taps" in out
    _, out, _ = call(capsys, *RUN, "--accumulator-bits", 8, "--json")
    assert json.loads(out)["accumulator"] == {"bits": 8, "overflow": "wrap", "taps": None}


def test_run_json_with_statistics_and_a_layer_of_its_own(folder, capsys):
    code, out, _ = call(capsys, *RUN, "--layer", "0_conv=mitchell", "--statistics", "--limit", 5, "--json")
    data = json.loads(out)
    assert code == 0
    assert data["images"] == len(data["predictions"]) == 5
    assert {step["node"]: step["multiplier"] for step in data["steps"]}["0_conv"] == "mitchell"
    norms = {row["layer"]: row["error_norm"] for row in data["statistics"]}
    assert norms["0_conv"] > 0
    assert norms["logits"] == 0


def test_compare_writes_a_report(folder, capsys):
    code, out, _ = call(
        capsys, *COMPARE, "--multipliers", "mbm", "mitchell", "--report", "r.html", "--measured-images", 3
    )
    assert code == 0
    assert "mitchell" in out
    assert (folder / "r.html").stat().st_size > 10000
    assert "exists" in fails(capsys, *COMPARE, "--multipliers", "mbm", "--report", "r.html")
    assert call(capsys, *COMPARE, "--multipliers", "mbm", "--report", "r.html", "--overwrite", "--json")[0] == 0


def test_multipliers(capsys):
    code, out, _ = call(capsys, "multipliers")
    assert code == 0
    assert "broken_array" in out
    data = json.loads(call(capsys, "multipliers", "--json")[1])
    assert all(row["mae"] >= 0 for row in data["multipliers"])
    data = json.loads(call(capsys, "multipliers", "--families", "--json")[1])
    assert {family["name"] for family in data["families"]} >= {"drum", "exact", "mbm", "mitchell", "truncated"}


def test_moments(capsys):
    assert "mean_error" in call(capsys, "moments", "mitchell")[1]
    data = json.loads(call(capsys, "moments", "broken_array:v=4,signed=1", "--json")[1])
    assert (data["mean_error"], data["mae"], data["wce"]) == (-12.25, 12.25, 49)
    served = json.loads(call(capsys, "moments", "mitchell", "--operands", "s8,s8", "--json")[1])
    assert abs(served["mean_error"]) < 1e-9


def test_moments_of_other_widths(capsys):
    data = json.loads(call(capsys, "moments", "drum:k=4", "--width", "10", "--json")[1])
    assert (data["multiplier"], data["operands"], data["pairs"]) == ("drum:k=4,width=10", ["u10", "u10"], 2**20)
    assert data == json.loads(call(capsys, "moments", "drum:k=4,width=10", "--json")[1])
    arguments = ("moments", "mitchell", "--width", "12", "--operands", "s12,s12", "--sample", "5000", "--seed", "3")
    _, out, err = call(capsys, *arguments)
    assert "mitchell:width=12, s12 x s12, uniform operands, 5000 random pairs, seed 3" in out
    assert "mred_standard_error" in out
    assert "operand pairs" in err


def test_convert_then_run(folder, capsys):
    code, out, _ = call(capsys, *CONVERT, "-o", "made.h5", "--scheme", "affine", "--calibration", "mse", "--limit", 6)
    assert code == 0
    assert "2 layers" in out
    assert call(capsys, "run", "made.h5", "--images", "images.h5", "--multiplier", "mbm")[0] == 0
    assert "exists" in fails(capsys, *CONVERT, "-o", "made.h5")


def test_convert_on_pictures_of_any_size(folder, capsys):
    """The recipe goes into the file; a background class is taken off; no labels are needed to calibrate."""
    for index, image in enumerate(np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3), np.uint8)):
        (folder / "p").mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / "p" / f"{index}.png")
    recipe = ["--fit", "short_side", "--crop", "0.5", "--interpolation", "bicubic"]
    code, out, _ = call(
        capsys, "convert", "model.onnx", "--images", "p", "-o", "made.h5", *recipe, "--drop-background", "--json"
    )
    assert code == 0
    assert json.loads(out)["calibration_images"] == 5
    assert json.loads(out)["calibration"] == "mse on 5 images, biases corrected"  # what no option asks for
    network = axsim.load("made.h5")
    assert (network.preprocessing.fit, network.preprocessing.crop) == ("short_side", 0.5)
    assert network.preprocessing.interpolation == "bicubic"
    assert network.classes == 1
    whole = axsim.convert("model.onnx", "p", network.preprocessing)
    assert np.array_equal(whole.nodes[-1].weight[1:], network.nodes[-1].weight)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["fly"], "invalid choice"),
        (["run", "network.h5"], "--images"),
        ([*RUN, "--limit", "0"], "1 or more"),
        ([*RUN, "--limit", "x"], "whole number"),
        (["run", "nowhere.h5", "--images", "images.h5"], "nowhere.h5: no such file"),
        (["run", "images.h5", "--images", "images.h5"], "is this a network file"),
        (["run", "network.h5", "--images", "network.h5"], "has no images"),
        (["run", "network.h5", "--images", "nowhere.npz"], "no such file"),
        ([*RUN, "--multiplier", "drumm:k=4"], "drum:k=4"),
        ([*RUN, "--multiplier", "drum"], "drum needs k="),
        ([*RUN, "--multiplier", "mbm:t=1"], "t must be 0"),
        ([*RUN, "--layer", "none=exact"], "layer of the network"),
        ([*RUN, "--layer", "0_conv"], "must be LAYER=NAME"),
        (["run", "truncated.h5", "--images", "images.h5"], "truncated.h5: content must match the sha256"),
        (["run", "altered.h5", "--images", "images.h5"], "altered"),
        (["run", "nan.h5", "--images", "images.h5"], "scale must be a positive finite float32"),
        (["run", "version.h5", "--images", "images.h5"], "version must be from 1 to 2, got 99"),
        (["run", "network.h5", "--images", "larger.h5"], "must be 7 x 6 with 3 channels"),
        (["run", "network.h5", "--images", "labels.h5"], "labels must be classes"),
        ([*RUN, "--accumulator-bits", "7"], "from 8 to 32, got 7"),
        ([*RUN, "--overflow", "clip"], "wrap or saturate, got 'clip'"),
        ([*RUN, "--accumulator-taps", "0"], "1 or more"),
        (["moments", "drum:k=99"], "k must be 2..8"),
        (["moments", "drum:k=4", "--width", "17"], "width must be 4..16"),
        (["moments", "mul8u_FTA", "--width", "12"], "must be a member of a family"),
        (["moments", "drum:k=4", "--seed", "1"], "--seed is of a --sample"),
        (["moments", "drum:k=4", "--width", "12", "--plot", "error.png"], "--plot draws a table of 8-bit operands"),
        (["moments", "drum:k=4", "--width", "12", "--operands", "s8,s8"], "two of u12 and s12"),
        ([*RUN, "--multiplier", "drum:k=4,width=12"], "width must be 8"),
        (["moments", "mitchell", "--operands", "s9"], "s8,s8"),
        (["moments", "exact:signed=1", "--operands", "u8,s8"], "cannot serve"),
        ([*COMPARE, "--multipliers", "mbm", "mbm"], "each named once"),
        (
            [*COMPARE, "--multipliers", "mbm", "--report", "no/r.html"],
            "create it",
        ),
        ([*COMPARE, "--multipliers", "mbm", "--report", "."], "it is a folder"),
        ([*CONVERT, "-o", "no/n.h5"], "does not exist"),
        (["convert", "images.h5", "--images", "images.h5", "-o", "n.h5"], "not a valid ONNX model"),
        (["convert", "cut.onnx", "--images", "images.h5", "-o", "n.h5"], "not a valid ONNX model"),
        (["convert", "odd.onnx", "--images", "images.h5", "-o", "n.h5"], "'act': operator Softsign is not supported"),
        (["convert", "model.onnx", "--images", "larger.h5", "-o", "n.h5"], "7 x 6 with 3 channels"),
        ([*CONVERT, "-o", "n.h5", "--mean", "1,2"], "mean and std must have 3"),
        ([*CONVERT, "-o", "n.h5", "--std", "0,1,1"], "std"),
        ([*CONVERT, "-o", "n.h5", "--scheme", "odd"], "invalid choice"),
        (["demo", "--report", "no/r.html"], "does not exist"),
        (["demo", "--report", "network.h5"], "no axsim report"),
    ],
)
def test_misuse(folder, capsys, arguments, words):
    content = (folder / "network.h5").read_bytes()
    (folder / "truncated.h5").write_bytes(content[: len(content) // 2])
    for name, group, key, value in (
        ("altered", "nodes/000_conv", "zero_point", 1),
        ("nan", "nodes/000_conv", "scale", np.nan),
        ("version", "/", "version", 99),
    ):
        (folder / f"{name}.h5").write_bytes(content)
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            file[group].attrs[key] = value
        if name != "altered":
            sign(folder / f"{name}.h5")
    save_images("larger.h5", ImageSet(np.zeros((2, 9, 9, 3), np.uint8)), {})
    save_images("labels.h5", ImageSet(np.zeros((2, 7, 6, 3), np.uint8), np.array([0, 1000])), {})
    (folder / "cut.onnx").write_bytes((folder / "model.onnx").read_bytes()[:200])
    write_model("odd.onnx", "Softsign")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert words in fails(capsys, *arguments)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_unwritable_folder(folder, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert "not writable" in fails(capsys, *CONVERT, "-o", "n.h5")


def axsim_process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "axsim.cli", *arguments], capture_output=True, text=True, timeout=300, **options
    )


def test_help_does_not_import_what_is_slow():
    code = """
import sys, axsim.cli
try:
    axsim.cli.main(["--help"])
except SystemExit:
    pass
print([name for name in ("numba", "numpy", "scipy", "h5py", "PIL", "onnx", "pandas", "IPython") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["demo", "multipliers", "moments", "convert", "run", "compare"])
def test_every_command_explains_itself(command, capsys):
    code, out, _ = call(capsys, command, "--help")
    assert code == 0
    assert "--json" in out


def test_a_reader_that_leaves_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "axsim.cli", "multipliers"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert b"Traceback" not in process.stderr.read()


def test_demo_in_a_process_of_its_own(tmp_path):
    result = axsim_process("demo", "--images", "20", "--measured-images", "4", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    data = json.loads(result.stdout)
    assert [row["multiplier"] for row in data["multipliers"]] == list(MULTIPLIERS)
    assert all(len(row["layers"]) == 22 for row in data["multipliers"])
    assert [path.name for path in tmp_path.iterdir()] == ["axsim-report.html"]
    assert "axsim: compiling kernels" in result.stderr
    again = axsim_process("demo", "--images", "2", "--measured-images", "1", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_what_ships_is_there():
    assert shipped(NETWORK).is_file()
    assert shipped(IMAGES).is_file()
