"""The case study: the Verilog against the engine, what it finds, and what is said of it."""

import dataclasses
import json
import re

import numpy as np
import pytest
from networks import network_of

import axsim
from axsim.casestudy import (
    CONFIGURATIONS,
    CaseStudy,
    ConfigurationRow,
    case_study,
    cheapest_layers,
    findings,
    write_case_report,
)
from axsim.casestudy.findings import rank_interval
from axsim.casestudy.text import case_data, case_text
from axsim.cli import main
from axsim.errors import AxsimError, HardwareError, ImageError
from axsim.hardware.array import Configuration, sources
from axsim.hardware.array.placement import place_array
from axsim.hardware.tools import ICARUS, NEXTPNR_ICE40, YOSYS
from axsim.inference.accumulator import Accumulator
from axsim.statistics.measure import gather_statistics, measure

needs_icarus = pytest.mark.skipif(not ICARUS.is_installed(), reason="Icarus Verilog is not installed")
IMAGES = "weights/cifar10_test1000.h5"
SOME = [Configuration(10, 0), Configuration(0, 3), Configuration(40, 5), Configuration(64, 0)]


@pytest.fixture(scope="module")
def network():
    return axsim.load("resnet20-cifar10")


@pytest.fixture(scope="module")
def images():
    return axsim.load_images(IMAGES).first(60)


@pytest.fixture(scope="module")
def study(network, images):
    return case_study(network, images, SOME, ["body.6.sc.0", "fc"], measured_images=20, place=False)


@needs_icarus
def test_every_partial_sum_and_code_is_the_engines(study):
    assert [row.configuration for row in study.rows] == SOME
    for row in study.rows:
        assert row.equal
        assert [layer.layer for layer in row.layers] == ["body.6.sc.0", "fc"]
        shortcut = row.layers[0]  # 32 taps, 64 channels, 8 x 8 pixels on a mesh of 8
        assert (shortcut.tiles, shortcut.partial_sums, shortcut.codes) == (32, 32 * 64 * 8, 64 * 64)
        assert all(layer.cycles == layer.closed_form for layer in row.layers)


@needs_icarus
def test_figures_are_those_of_the_engine_and_of_the_moment_model(study, network, images):
    multipliers = [each.multiplier() for each in SOME]
    measured = measure(network, images.images[:20], multipliers, statistics=False).errors
    predictor = axsim.Predictor(gather_statistics(network, images.images[40:]))
    for row, used, errors in zip(study.rows, multipliers, measured, strict=True):
        assert row.top1 == axsim.run(network, images.images, used).top1(
            images.labels
        )  # 20 bits hold all sums of 8 taps
        assert row.measured_layers == {name: sums.distortion for name, sums in errors.items()}
        assert row.measured == pytest.approx(np.sqrt(np.mean([sums.distortion**2 for sums in errors.values()])))
        assert row.predicted == pytest.approx(predictor(used).distortion())
        assert row.mean_error == used.moments().mean_error


@needs_icarus
def test_findings_and_what_is_written(study, tmp_path):
    found = findings(study)
    by_name = {each.statistic: each for each in found.correlations}
    assert by_name["predicted"].coefficient < 0
    assert by_name["predicted"].interval[0] <= by_name["predicted"].coefficient <= by_name["predicted"].interval[1]
    assert found.within == pytest.approx(1 - len(found.off) / (4 * 22))
    assert all(abs(ratio - 1) > 0.1 for _, _, ratio in found.off)
    text = case_text(study, found)
    assert "all equal" in text
    assert "all 48 tiles of body.6.sc.0, fc on 1 image" in text
    json.dumps(case_data(study, found))
    write_case_report(study, found, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4
    assert not re.search(r"(src|href)\s*=\s*['\"]?https?:", page)
    with pytest.raises(AxsimError, match="exists"):
        write_case_report(study, found, tmp_path / "report.html")


def made_up(name, predicted, top1):
    return ConfigurationRow(
        Configuration(),
        name,
        (),
        0.0,
        0.0,
        predicted,
        predicted,
        {"a": predicted},
        {"a": 1.0},
        top1,
        (top1 - 0.04, top1 + 0.04),
    )


def test_where_the_order_is_wrong_and_where_distortion_does_not_say_all(network):
    rows = (
        made_up("small", 0.1, 0.5),
        made_up("large", 0.3, 0.9),
        made_up("same", 0.31, 0.7),
        made_up("near", 0.4, 0.68),
    )
    found = findings(CaseStudy(network, 8, Accumulator(), "", 1, 1, 1, 1, 0.9, rows, (), ""))
    assert set(found.inverted) == {("small", "large"), ("small", "same"), ("small", "near")}
    assert found.alike == (("same", "large"),)  # "near" is 1.33 times "large", and near "same" in accuracy
    assert found.off[0] == ("small", "a", 0.1)
    assert found.within == 0


@needs_icarus
def test_narrow_accumulators_count(network, images):
    used, kept = Configuration(10, 0), {"accumulator_bits": 14, "overflow": "saturate"}
    study = case_study(network, images, [used], ["fc"], size=8, measured_images=20, place=False, **kept)
    assert study.rows[0].equal
    assert study.accumulator == Accumulator(14, "saturate", 8)
    wanted = axsim.run(network, images.images, used.multiplier(), **kept, accumulator_taps=8)
    assert study.rows[0].top1 == wanted.top1(images.labels)
    wide = measure(network, images.images[:20], [used.multiplier()], statistics=False).errors[0]
    assert study.rows[0].measured_layers["stem"] > wide["stem"].distortion
    assert findings(study).correlations[0].coefficient is None  # one configuration ranks nothing


@needs_icarus
def test_a_wrong_gate_is_reported(network, images, monkeypatch):
    def changed(name):
        return sources.source(name).replace("corrected[9] ? mitchell", "corrected[8] ? mitchell")

    monkeypatch.setattr("axsim.hardware.array.simulation.source", changed)
    study = case_study(network, images, [Configuration(64, 0)], ["fc"], measured_images=5, place=False)
    text = case_text(study, findings(study))
    assert not study.rows[0].equal
    assert "DIFFERENT in 1 of 1 simulations" in text
    assert "instead of" in text


@needs_icarus
@pytest.mark.slow
def test_all_tiles_of_three_layers_in_four_configurations(network, images):
    layers = ["stem", "body.3.sc.0", "body.6.sc.0", "fc"]
    assert cheapest_layers(network, 4) == layers
    assert cheapest_layers(network) == layers[1:]
    study = case_study(network, images, SOME, layers, size=16, measured_images=5, tile_images=1, place=False)
    assert all(row.equal for row in study.rows)
    assert [sum(layer.tiles for layer in row.layers) for row in study.rows] == [2 + 2 + 8 + 4] * 4


def test_the_default_configurations_are_distinct_multipliers():
    assert len({each.multiplier().digest for each in CONFIGURATIONS}) == len(CONFIGURATIONS)


def test_intervals_of_rank_correlations():
    low, high = rank_interval(0.9, 14)
    assert (round(low, 3), round(high, 3)) == (0.648, 0.974)  # tanh(1.4722 -+ 1.96 sqrt(1.405 / 11))
    assert rank_interval(0.9, 3) is None
    assert rank_interval(-1.0, 10)[1] < -0.99


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--configurations", "10"], "such as 10,0, got '10'"),
        (["--configurations", "200,0"], "c must be 0..127"),
        (["--layers", "nowhere"], "got 'nowhere'"),
        (["--size", "3"], "from 4 to 16"),
        (["--accumulator-bits", "40"], "from 8 to 32"),
        (["--simulator", "modelsim"], "'icarus' or 'verilator'"),
        (["--network", "weights/cifar10_resnet20.h5"], "--images must be given"),
        (["--report", "no/r.html"], "create it"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, words):
    assert main(["casestudy", "--limit", "10", "--layers", "fc", *arguments]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert words in lines[0]


def test_without_labels(network):
    unlabelled = dataclasses.replace(axsim.load_images(IMAGES).first(5), labels=None)
    with pytest.raises(ImageError, match="must have labels"):
        case_study(network, unlabelled, SOME, ["fc"])


def test_without_icarus_the_error_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["casestudy", "--limit", "10", "--layers", "fc"]) == 2
    assert "apt-get install iverilog" in capsys.readouterr().err


def test_the_verilog_is_written_without_a_simulator(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["casestudy", "--rtl", str(tmp_path / "rtl")]) == 0
    assert "gemm_engine" in capsys.readouterr().out
    assert len(list((tmp_path / "rtl").glob("*.v"))) == 11
    assert main(["casestudy", "--rtl", str(tmp_path / "rtl")]) == 2


def test_what_is_not_placed_says_why(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    placed, reason = place_array(4, 20, "wrap")
    assert placed == ()
    assert "iCE40 HX8K" in reason
    assert "install" in reason


@pytest.mark.slow
@pytest.mark.skipif(not (YOSYS.is_installed() and NEXTPNR_ICE40.is_installed()), reason="needs Yosys and nextpnr-ice40")
def test_a_processing_element_and_a_mesh_are_placed():
    (element, mesh), reason = place_array(8, 20, "wrap")
    assert reason == ""
    assert element.part == "processing_element (SUM_BITS 20, SATURATE 0)"
    assert mesh.part == "systolic_array (SIZE 4, SUM_BITS 20, SATURATE 0)"
    assert element.flip_flops == 8 + 8 + 8 + 1 + 20  # active, waiting, x, start, sum
    assert 16 * element.luts * 0.7 < mesh.luts < 16 * element.luts * 1.5
    assert all(each.frequency_mhz > 10 for each in (element, mesh))
    assert mesh.logic_cells > mesh.luts


def test_networks_that_the_array_does_not_compute(images):
    affine = network_of(["conv"], 1, "affine", (3, 32, 32))
    some = dataclasses.replace(images.first(5), labels=np.zeros(5, np.int64))
    with pytest.raises(HardwareError, match="no layer that the array computes"):
        case_study(affine, some, SOME)
    with pytest.raises(HardwareError, match="two activations"):
        case_study(network_of(["conv", "matmul"], 1, "symmetric", (3, 32, 32)), some, SOME)


def test_nothing_to_configure(network, images):
    with pytest.raises(HardwareError, match="one or more"):
        case_study(network, images, [])
