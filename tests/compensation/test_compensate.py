"""Compensation: what is linear is undone entirely, the folding is exact to a bias's rounding, the binding is kept."""

import dataclasses
import json
import os

import numpy as np
import pytest
import reference
from networks import network_of, random_images
from PIL import Image

import axsim
from axsim.cli import main
from axsim.compensation import Line, compensate, compensate_best, fold
from axsim.errors import AxsimError, MultiplierError
from axsim.images import ImageSet, load_images, save_images
from axsim.multipliers.product_table import Multiplier
from axsim.networks.network_file import load, save
from axsim.statistics.file import save_statistics
from axsim.statistics.measure import gather_statistics


def linear_error(gain=0.25, shift=-900):
    """Products times 1 + gain, plus a shift: what every channel's line can undo."""
    products = reference.product_table(None, "s8", "s8")
    return Multiplier("linear", products + np.rint(gain * products).astype(np.int64) + shift, ("s8", "s8"))


@pytest.fixture
def network():
    return network_of(["conv", "conv"], 4, "symmetric", (3, 7, 6))


@pytest.mark.parametrize("way", ["statistics", "layer", "network"])
def test_a_linear_error_is_undone(network, way):
    images = random_images(network, 8)
    exact = axsim.run(network, images).logits
    multiplier = linear_error()
    before = np.abs(axsim.run(network, images, multiplier).logits - exact).mean()
    given = {"statistics": gather_statistics(network, images)} if way == "statistics" else {"images": images}
    options = {} if way == "statistics" else {"target": way}
    after = np.abs(axsim.run(compensate(network, multiplier, **given, **options), images, multiplier).logits - exact)
    assert before > 3 * network.nodes[-1].output.scale
    assert after.mean() < before / 10 or after.max() <= network.nodes[-1].output.scale


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_folding_a_line_is_undoing_it(scheme):
    """The folded layer on C^ = (1 + g) C + d gives the codes of the plain layer on C, but for a bias's rounding."""
    network = network_of(["conv", "conv"], 5, scheme, (3, 7, 6))
    node = network.layers[0]
    rng = np.random.default_rng(1)
    gain, shift = rng.choice([-0.5, 0.0, 1.0], len(node.weight)), rng.integers(-90, 90, len(node.weight)).astype(float)
    folded = fold(network, {node.name: Line(gain, shift)}).layers[0]
    given = network.quantization(node.inputs[0])
    x = rng.integers(*((0, 256) if given.format == "u8" else (-128, 128)), (2, 3, 7, 6))
    sums = reference.layer_sums(node, x, given, None)
    exact = reference.accumulators(node, sums, x, given)
    centred = exact - node.bias[None, :, None, None]
    constant = given.zero_point * (
        node.weight_rows().astype(np.int64).sum(axis=1)
        - node.weight_rows().shape[1] * np.broadcast_to(node.weight_zero_point, len(gain))
    )
    products = centred + constant[None, :, None, None]  # sums of (w - z_w) x
    damaged = (1 + gain)[None, :, None, None] * products + shift[None, :, None, None]
    total = damaged - constant[None, :, None, None] + folded.bias[None, :, None, None]
    scale = np.float32(given.scale) * folded.weight_scale / np.float32(node.output.scale)
    wanted = exact * (np.float32(given.scale) * node.weight_scale / np.float32(node.output.scale))[None, :, None, None]
    assert np.abs(total * scale[None, :, None, None] - wanted).max() <= 0.51 * scale.max() + 1e-3 * np.abs(wanted).max()


def test_a_channel_that_its_bias_makes_constant_is_left(network):
    """Channels without weights get an enormous bias from conversion: stretched, it would leave int32."""
    node = network.weight_layers[0]
    bias = node.bias.copy()
    bias[0] = -(2**30)
    changed = dataclasses.replace(
        network, nodes=tuple(dataclasses.replace(one, bias=bias) if one is node else one for one in network.nodes)
    )
    gain, shift = np.full(len(bias), 3.0), np.full(len(bias), 50.0)
    folded = fold(changed, {node.name: Line(gain, shift)}).weight_layers[0]
    assert folded.bias[0] == bias[0]
    assert folded.weight_scale[0] == node.weight_scale[0]
    assert np.array_equal(folded.weight_scale[1:], np.broadcast_to(node.weight_scale, len(bias))[1:] / np.float32(4))
    assert (folded.bias[1:] != bias[1:]).all()


def test_gains_are_kept_in_bounds():
    line = Line.through(np.array([-3.0, 0.0, 50.0]), np.full(3, 10.0), np.full(3, 7.0))
    assert line.gain.tolist() == [-0.75, 0.0, 3.0]
    assert ((1 + line.gain) * 10 + line.shift).tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize(
    ("gain", "shift", "match"),
    [
        ([0.0, 0.0], [0.0], "one each a channel"),
        ([[0.0]], [[0.0]], "one each a channel"),
        ([0.0], [np.nan], "shift must be finite, got nan"),
        ([np.inf], [0.0], "gain must be finite, got inf"),
        ([1j], [0.0], "gain must be an array of numbers, such as float64, got complex128"),
        ([None], [0.0], "gain must be an array of numbers, such as float64, got object"),
        ([0.0], ["a"], "shift must be an array of numbers"),
        ([-1.0], [0.0], "-0.75 to 3.0, got -1.0"),
        ([3.5], [0.0], "-0.75 to 3.0"),
    ],
)
def test_lines_that_cannot_be_undone_are_refused(gain, shift, match):
    with pytest.raises(AxsimError, match=match):
        Line(np.array(gain), np.array(shift))


def test_lines_must_fit_their_layer(network):
    name, channels = network.weight_layers[0].name, len(network.weight_layers[0].weight)
    with pytest.raises(AxsimError, match=f"must be {channels}, one a channel, got 1"):
        fold(network, {name: Line(np.zeros(1), np.zeros(1))})
    with pytest.raises(AxsimError, match="nowhere"):
        fold(network, {"nowhere": Line(np.zeros(channels), np.zeros(channels))})
    with pytest.raises(AxsimError, match="lines must be of type Line, got tuple"):
        fold(network, {name: (np.zeros(channels), np.zeros(channels))})
    with pytest.raises(AxsimError, match="lines must be a dict"):
        fold(network, None)


def test_the_exact_multiplier_needs_no_compensation(network):
    images = random_images(network, 4)
    exact = axsim.multiplier("exact")
    for given in ({"images": images}, {"statistics": gather_statistics(network, images)}):
        found = compensate(network, exact, **given)
        for one, other in zip(found.layers, network.layers, strict=True):
            assert np.array_equal(one.bias, other.bias)
            assert np.abs(one.weight_scale / other.weight_scale - 1).max() < 1e-6


def test_bound_to_its_multiplier(network, tmp_path):
    images = random_images(network, 4)
    mitchell, drum = axsim.multiplier("mitchell"), axsim.multiplier("drum:k=4")
    save(compensate(network, mitchell, images=images), tmp_path / "c.h5")
    found = load(tmp_path / "c.h5")
    assert found.bound_to == ("mitchell", mitchell.digest)
    assert found.about["compensated_from_sha256"] == network.digest != found.digest
    wanted = axsim.run(compensate(network, mitchell, images=images), images, mitchell).logits
    assert np.array_equal(axsim.run(found, images, mitchell).logits, wanted)
    renamed = Multiplier("other name, same table", mitchell.table)
    assert np.array_equal(axsim.run(found, images, renamed).logits, wanted)
    for other in (drum, None, {network.layers[0].name: mitchell}):
        with pytest.raises(MultiplierError, match="compensated for mitchell"):
            axsim.run(found, images, other)
    with pytest.raises(AxsimError, match="already"):
        compensate(found, mitchell, images=images)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "either"), ({"images": 1, "statistics": 1}, "either"), ({"images": 1, "target": "labels"}, "'network'")],
)
def test_wrong_arguments(network, arguments, words):
    with pytest.raises(AxsimError, match=words):
        compensate(network, axsim.multiplier("mitchell"), **arguments)


@pytest.fixture
def classifier():
    """Logits that are neither equal nor far apart: probabilities that a multiplier moves."""
    return network_of(["conv", "conv"], 11, "symmetric", (3, 7, 6))


@pytest.fixture
def files(classifier, tmp_path):
    network = classifier
    images = ImageSet(random_images(network, 64), np.zeros(64, np.int64))
    save(network, tmp_path / "n.h5")
    save_images(tmp_path / "i.h5", images, {})
    save_statistics(gather_statistics(network, images.images), tmp_path / "s.h5")
    return {name: str(tmp_path / f"{name}.h5") for name in "nisc"}


def test_on_the_command_line(files, capsys):
    call = ["compensate", files["n"], "--multiplier", "mitchell", "-o", files["c"]]
    assert main([*call, "--statistics", files["s"], "--images", files["i"]]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("before", "after", "exact", "bound to mitchell", "weights tuned"))
    assert main([*call, "--calibration", files["i"]]) == 2
    assert "exists" in capsys.readouterr().err
    assert main([*call, "--overwrite", "--calibration", files["i"], "--way", "layer", "--json"]) == 0
    assert "target layer" in json.loads(capsys.readouterr().out)["compensation"]
    run = ["run", files["c"], "--images", files["i"]]
    assert main([*run, "--multiplier", "mitchell"]) == 0
    assert main([*run, "--multiplier", "drum:k=4"]) == 2
    assert "compensated for mitchell" in capsys.readouterr().err


def test_the_best_way_on_the_command_line(classifier, files, capsys):
    drum = axsim.multiplier("drum:k=3")
    call = ["compensate", files["n"], "--multiplier", drum.name, "-o", files["c"], "--calibration", files["i"]]
    assert main([*call, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    wanted = compensate_best(classifier, drum, load_images(files["i"]).images)
    assert shown["way"] == wanted.way != "as it is"
    assert shown["held_out_images"] == 16
    assert shown["divergence_nats"] == {way: each.divergence for way, each in wanted.candidates.items()}
    assert load(files["c"]).digest == wanted.network.digest
    assert main([*call, "--overwrite", "--statistics", files["s"]]) == 0
    assert f"chosen: {wanted.way}, by 16 images held out" in capsys.readouterr().out


def test_pictures_to_calibrate_on_need_no_labels(classifier, files, tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    for number, pixels in enumerate(random_images(classifier, 8)):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    call = ["compensate", files["n"], "--multiplier", "mitchell", "-o", files["c"], "--way", "layer", "--calibration"]
    assert main([*call, str(tmp_path / "pictures")]) == 0
    (tmp_path / "pictures" / "8.png").write_bytes(b"none")
    assert main([*call, str(tmp_path / "pictures"), "--overwrite"]) == 2
    assert "--skip-corrupt" in capsys.readouterr().err
    assert main([*call, str(tmp_path / "pictures"), "--overwrite", "--skip-corrupt"]) == 0
    assert "on 8 images" in load(files["c"]).about["compensation"]


def test_labels_that_are_no_classes_are_refused(classifier, files, capsys):
    wrong = ImageSet(random_images(classifier, 4), np.full(4, classifier.classes))
    save_images(files["i"].replace("i.h5", "wrong.h5"), wrong, {})
    call = ["compensate", files["n"], "--multiplier", "mitchell", "-o", files["c"], "--statistics", files["s"]]
    assert main([*call, "--images", files["i"].replace("i.h5", "wrong.h5")]) == 2
    assert "labels must be classes of" in capsys.readouterr().err
    assert not os.path.exists(files["c"])


def test_where_no_way_helps_nothing_is_written(files, capsys):
    call = ["compensate", files["n"], "--multiplier", "exact", "-o", files["c"], "--calibration", files["i"]]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "on the 16 images held out" in said and "as it is 0" in said
    assert not os.path.exists(files["c"])
    assert main([*call, "--way", "layer"]) == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "give --calibration, --statistics or both"),
        (["--way", "predicted", "--calibration", "i"], "--way predicted needs --statistics"),
        (["--way", "layer-tuned", "--statistics", "s"], "--way layer-tuned needs --calibration"),
        (["--way", "best", "--statistics", "s"], "--way best needs --calibration"),
        (["--calibration", "i", "--calibration-limit", "7"], "8 or more"),
        (["--calibration", "i", "--images", "nowhere"], "nowhere"),
        (["--calibration", "i", "--limit", "8"], "--limit is of --images"),
        (["--calibration", "i", "--labels", "l.csv"], "--labels is of --images"),
    ],
)
def test_wrong_input_on_the_command_line(files, capsys, given, words):
    call = ["compensate", files["n"], "--multiplier", "mitchell", "-o", files["c"]]
    assert main([*call, *(files.get(each, each) for each in given)]) == 2
    assert words in capsys.readouterr().err
    assert not os.path.exists(files["c"])
