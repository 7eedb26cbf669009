"""Assigning: what comes out is what bit-exact runs of it give, on images that took no part; and as a file."""

import dataclasses
import json
import pathlib
import sys

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.assignment.assign import assign
from axsim.assignment.assignment_file import load_assignment, save_assignment
from axsim.assignment.damage import divergence
from axsim.assignment.figures import agreement, pareto
from axsim.assignment.problem import Problem, power_costs, read_costs
from axsim.assignment.runs import Measured, Runs, front
from axsim.assignment.search import Budget, allowed_damage, choose
from axsim.assignment.text import assigned_data, assigned_text
from axsim.cli import main
from axsim.errors import AxsimError, FileFormatError, MultiplierError, NetworkError
from axsim.images import ImageSet, save_images
from axsim.line_store import LineStore
from axsim.networks.network_file import load, save

NAMES = ("mul8u_1JFF", "mul8u_2AC", "mul8u_NGR", "mul8u_FTA", "mul8s_1KVL")


def labelled(network, count, seed):
    pixels = random_images(network, count, seed=seed)
    return ImageSet(pixels, axsim.run(network, pixels).logits.argmax(axis=1).astype(np.int64))


@pytest.fixture(scope="module")
def given():
    network = network_of(["conv", "depthwise", "conv"], 107, "symmetric", (4, 8, 8))
    return network, labelled(network, 30, 1), labelled(network, 24, 2)


@pytest.fixture(scope="module")
def multipliers():
    return {name: axsim.multiplier(name) for name in NAMES}


def assigned(given, multipliers, budget="accuracy=10", **options):
    network, images, calibration = given
    return assign(network, images, calibration, budget, multipliers=multipliers, sensitivity_images=8, **options)


@pytest.fixture(scope="module")
def found(given, multipliers):
    return assigned(given, multipliers)


@pytest.fixture(scope="module")
def compensated(given, multipliers):
    return assigned(given, multipliers, compensated=True)


@pytest.mark.parametrize("way", ["found", "compensated"])
def test_every_figure_is_that_of_a_run(way, given, request):
    found, (network, images, calibration) = request.getfixturevalue(way), given
    assert (found.network is network) == (way == "found")
    result = axsim.run(found.network, images.images, found.layers)
    exact = axsim.run(network, images.images)
    assert found.chosen.top1 == result.top1(images.labels)
    assert found.exact_top1 == exact.top1(images.labels)
    assert found.chosen.lost == pytest.approx(found.exact_top1 - found.chosen.top1)
    assert found.chosen.damage == divergence(result.logits, exact.logits)
    again = axsim.run(found.network, calibration.images, found.layers)
    assert found.found.chosen.top1 == again.top1(calibration.labels)
    assert found.found.chosen.choice == found.chosen.choice


def test_energy_is_multiplications_times_power(found, multipliers):
    network = found.problem.network
    shapes = network.shapes
    work = {node.name: node.weight_rows().size * int(np.prod(shapes[node.name][1:])) for node in network.layers}
    paid = sum(work[name] * each.costs.power_mw for name, each in found.layers.items())
    everything = sum(work.values()) * multipliers["mul8u_1JFF"].costs.power_mw
    assert found.chosen.energy == pytest.approx(paid / everything)
    assert [one.energy for one in found.uniform] == pytest.approx(
        [each.costs.power_mw / multipliers["mul8u_1JFF"].costs.power_mw for each in multipliers.values()]
    )


def test_a_front_falls_in_damage_as_energy_rises(found):
    ordered = front(found.found.measured)
    assert [one.energy for one in ordered] == sorted(one.energy for one in ordered)
    assert [one.damage for one in ordered] == sorted((one.damage for one in ordered), reverse=True)
    for one in found.found.measured:
        assert any(best.energy <= one.energy and best.damage <= one.damage for best in ordered)


def test_energy_budget_is_kept(given, multipliers):
    found = assigned(given, multipliers, "energy=0.6", uniform=False)
    assert found.chosen.energy <= 0.6 + 1e-9
    assert found.uniform == ()
    within = [one for one in found.found.measured if one.energy <= 0.6]
    assert found.found.chosen.damage == min(one.damage for one in within)
    with pytest.raises(AxsimError, match=r"budget of energy must be 0\.2"):
        assigned(given, multipliers, "energy=0.01")


def test_runs_are_remembered(given, multipliers, found, tmp_path, monkeypatch):
    path = tmp_path / "runs.jsonl"
    first = assigned(given, multipliers, memory=LineStore(path, "assignment", {}))
    lines = path.read_text().splitlines()
    assert len(lines) == len(set(lines))
    monkeypatch.setattr(Runs, "_figures", lambda *given: pytest.fail("was run again"))
    again = assigned(given, multipliers, memory=LineStore(path, "assignment", {}))
    assert again.chosen == first.chosen == found.chosen
    assert again.found.measured == first.found.measured
    assert path.read_text().splitlines() == lines


def test_text_data_and_figures(found):
    text = assigned_text(found)
    for layer, name in found.problem.named(found.chosen.choice).items():
        assert layer in text and name in text
    assert "held-out" in text and "less energy" in text
    data = json.loads(json.dumps(assigned_data(found)))
    assert data["held_out"]["chosen"]["energy"] == found.chosen.energy
    assert len(data["held_out"]["uniform"]) == len(NAMES)
    assert pareto(found).count("<circle") >= len(found.front)
    assert agreement(found).startswith("<svg")


def one(energy, damage, lost, images=1000):
    spoiled = round(lost * images)
    return Measured((), energy, damage, images, 0.9 - lost, max(0, spoiled), max(0, -spoiled))


def test_allowed_damage_is_read_off_the_curve_of_all_runs():
    runs = [one(0.9, 0.1, 0.0), one(0.8, 0.2, 0.02), one(0.7, 0.3, 0.01), one(0.6, 0.5, 0.045)]
    # 0.2 and 0.3 share a loss of 0.015, being in the wrong order
    assert allowed_damage(runs, 0.0075) == pytest.approx(0.15)
    assert allowed_damage(runs, 0.03) == pytest.approx(0.4)
    assert allowed_damage(runs, 0.2) == 0.5
    assert choose([*runs, one(1.0, 0.0, 0.0)], Budget("accuracy", 0.0075)).energy == 0.9
    assert choose(runs, Budget("energy", 0.75)).energy == 0.7


def test_interval_of_matched_pairs():
    """Agresti and Min's adjusted interval, computed by hand for 20 spoiled and 5 mended of 100."""
    measured = Measured((), 1.0, 0.0, 100, 0.5, 20, 5)
    centre, half = 15 / 102, 1.959964 * np.sqrt(26 - 15**2 / 102) / 102
    assert measured.lost == 0.15
    assert measured.lost_interval == pytest.approx((centre - half, centre + half))


@pytest.mark.parametrize("text", ["", "accuracy", "accuracy=", "accuracy=-1", "accuracy=100", "energy=0", "energy=1.1",
                                  "energy=nan", "power=1", "accuracy=inf"])  # fmt: skip
def test_a_budget_of_another_form_is_refused(text):
    with pytest.raises(AxsimError, match="budget"):
        Budget.parse(text)


def test_problems_are_checked(given, multipliers):
    network = given[0]
    costs = power_costs(multipliers)
    with pytest.raises(AxsimError, match="exact one"):
        Problem(network, {"mul8u_FTA": multipliers["mul8u_FTA"]}, costs)
    with pytest.raises(AxsimError, match="costs must have"):
        Problem(network, multipliers, {**costs, "mul8u_FTA": -1.0})
    with pytest.raises(MultiplierError, match="power is not known"):
        power_costs({"drum:k=4": axsim.multiplier("drum:k=4")})
    affine = network_of(["conv"], 3, "affine", (3, 6, 6))
    if affine.operands(affine.weight_layers[0]) != ("s8", "s8"):
        with pytest.raises(MultiplierError):
            Problem(affine, multipliers, costs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns name and cost"),
        ("name,price\nexact,1\n", "cost is missing"),
        ("name,cost\nexact,one\n", "line 2"),
        ("name,cost\nexact,-1\n", "line 2"),
        ("name,cost\nexact,nan\n", "line 2"),
        ("name,cost\nexact,1\nexact,2\n", "line 3"),
        ("name,cost\nexact\n", "line 2"),
        ("name,cost\n", "at least one"),
        ("name,cost\n\x00", "CSV|number"),
    ],
)
def test_costs_of_another_form_are_refused(text, words, tmp_path):
    path = tmp_path / "costs.csv"
    path.write_text(text)
    with pytest.raises(AxsimError, match=words):
        read_costs(path)


def test_images_that_chose_do_not_judge(given, multipliers):
    network, images, _ = given
    with pytest.raises(AxsimError, match="must be apart, image 3"):
        assign(network, images, ImageSet(images.images[3:9], images.labels[3:9]), "accuracy=1", multipliers=multipliers)


def test_without_scipy_nothing_is_begun(given, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.setattr(Runs, "_figures", lambda *given: pytest.fail("was run"))
    with pytest.raises(AxsimError, match=r"axsim\[assign\]"):
        assign(*given, "accuracy=1")


def test_assignment_file(found, tmp_path):
    path, network = tmp_path / "a.json", found.problem.network
    save_assignment(found, path)
    loaded = load_assignment(path, network)
    assert {name: each.digest for name, each in loaded.items()} == {
        name: each.digest for name, each in found.layers.items()
    }
    with pytest.raises(AxsimError, match="exists"):
        save_assignment(found, path)
    other = network_of(["conv", "depthwise", "conv"], 108, "symmetric", (4, 8, 8))
    with pytest.raises(NetworkError):
        load_assignment(path, other)
    renamed = dataclasses.replace(network, name="renamed")  # the digest is the same: only content counts
    assert load_assignment(path, renamed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "x"}, "format"),
        ({"version": 2}, "version must be 1"),
        ({"layers": {}}, "at least one"),
        ({"layers": {"nowhere": "exact"}}, "nowhere"),
        ({"layers": ["exact"]}, "layers must be"),
        ({"layers": {"LAYER": 3}}, "layers must be"),
        ({"layers": {"LAYER": "drumm:k=4"}}, "drum"),
        ({"multipliers": {"exact": "0" * 64}}, "another product table"),
        ({"network_sha256": "0" * 64}, "remove network_sha256"),
        ({"network_sha256": 3}, "must be a text"),
        ({"code": "x"}, "only"),
    ],
)
def test_assignment_files_of_another_form_are_refused(change, words, given, tmp_path):
    network = given[0]
    layer = network.layers[0].name
    content = {"format": "axsim-assignment", "version": 1, "layers": {layer: "exact"}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    assert list(load_assignment(path, network)) == [layer]
    path.write_text(json.dumps({**content, **change}).replace("LAYER", layer))
    with pytest.raises(AxsimError, match=words):
        load_assignment(path, network)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100000, "\xff\xfe"])
def test_what_is_no_assignment_is_refused(text, given, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileFormatError):
        load_assignment(path, given[0])


@pytest.fixture
def files(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network, images, calibration = given
    save(network, "network.h5")
    save_images("images.h5", images, {})
    save_images("calibration.h5", calibration, {})
    return ["assign", "network.h5", "--images", "images.h5", "--calibration", "calibration.h5", "-o", "a.json",
            "--sensitivity-images", "4", "--runs", "12"]  # fmt: skip


def test_command_line(files, capsys):
    arguments = [*files, "--compensate", "c.h5", "--plot", "p.svg", "--store", "s.jsonl", "--json",
                 "--budget", "accuracy=20", "--multipliers", *NAMES]  # fmt: skip
    assert main(arguments) == 0
    data = json.loads(capsys.readouterr().out)
    assert main(["run", "c.h5", "--images", "images.h5", "--assignment", "a.json", "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)
    assert ran["top1"] == data["held_out"]["chosen"]["top1"]
    assert {step["node"]: step["multiplier"] for step in ran["steps"] if step["node"] in data["layers"]} == data[
        "layers"
    ]
    with pytest.raises(MultiplierError, match="compensated for"):
        axsim.run(load("c.h5"), random_images(load("c.h5"), 1))
    assert pathlib.Path("p.svg").read_text().startswith("<svg xmlns")
    assert main(files) == 2  # a.json exists
    assert "exists" in capsys.readouterr().err


def test_command_line_with_costs(files, capsys):
    pathlib.Path("costs.csv").write_text("name,cost\nexact,2.0\ndrum:k=4,1.0\nmitchell,0.5\n")
    assert main([*files, "--costs", "costs.csv", "--budget", "energy=0.5", "--no-uniform"]) == 0
    out = capsys.readouterr().out
    assert "given costs" in out and "axsim run network.h5" in out
    assert main([*files[:-6], "-o", "b.json", "--costs", "costs.csv", "--multipliers", "exact", "roba"]) == 2
    assert "roba is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "accuracy"], "budget must be"),
        (["--skip", "30"], "more than the 30"),
        (["--calibration", "images.h5"], "apart"),
        (["--multipliers", "mul8u_FTA"], "exact one"),
        (["-o", "images.h5", "--overwrite"], "another file"),
    ],
)
def test_wrong_input_is_one_line(files, arguments, words, capsys):
    assert main([*files, *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in error
