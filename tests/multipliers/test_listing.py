"""Lists of multipliers: conditions, order, Pareto front against the definition, and the plots."""

import json

import numpy as np
import pytest
from command_line import fails
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import axsim
from axsim.cli import main
from axsim.multipliers import listing
from axsim.multipliers.catalog import circuits, names
from axsim.multipliers.plots import error_plot, pareto_plot

EXACT = axsim.multiplier("exact")


def rows_of(figures):
    return [listing.Row(EXACT, each) for each in figures]


def test_figures_are_the_moments_and_the_costs():
    row = listing.rows([axsim.multiplier("mul8u_FTA")])[0]
    moments = axsim.multiplier("mul8u_FTA").moments()
    assert set(row.figures) == {*listing.ERROR_COLUMNS, *listing.COST_COLUMNS}
    assert row.figures["mred"] == moments.mred
    assert row.figures["standard_deviation"] == moments.standard_deviation
    assert row.figures["power_mw"] == 0.084


def test_costs_that_are_not_known_are_missing():
    assert set(listing.rows([EXACT])[0].figures) == set(listing.ERROR_COLUMNS)


def test_operands_leave_out_what_cannot_serve_them():
    both = [axsim.multiplier("mul8u_FTA"), axsim.multiplier("mul8s_1KVL")]
    assert len(listing.rows(both)) == 2
    assert [row.multiplier.operands for row in listing.rows(both, ("s8", "s8"))] == [("s8", "s8")] * 2
    assert [row.multiplier.name for row in listing.rows(both, ("u8", "u8"))] == ["mul8u_FTA"]


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("mred<0.05", 0.05, False),
        ("mred <= 5%", 0.05, True),
        ("mred>=5 %", 0.05, True),
        ("mred>5%", 0.06, True),
        ("mred = 5e-2", 0.05, True),
        ("mred<-1", 0.05, False),
    ],
)
def test_conditions(text, value, holds):
    assert listing.condition(text).holds(rows_of([{"mred": value}])[0]) is holds


def test_a_condition_does_not_hold_for_what_is_not_known():
    assert not listing.condition("power_mw<1").holds(listing.rows([EXACT])[0])


@pytest.mark.parametrize("text", ["", "mred", "mred<", "mred<<5", "mred<5x", "mred<1e", "mred<--1", "<5", "mred<5%%"])
def test_malformed_conditions(text):
    with pytest.raises(axsim.AxsimError, match="a condition must be"):
        listing.condition(text)


def test_an_unknown_column_is_told_the_known_ones():
    with pytest.raises(axsim.AxsimError, match=r"must be one of mean_error, .*power_mw.*, got 'watts'"):
        listing.condition("watts<5")


def test_rows_without_the_figure_come_last():
    rows = rows_of([{"wce": 3.0}, {}, {"wce": 1.0}])
    assert [row.figures.get("wce") for row in listing.sorted_by(rows, "wce")] == [1.0, 3.0, None]
    assert [row.figures.get("wce") for row in listing.sorted_by(rows, "wce", True)] == [3.0, 1.0, None]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=12))
@settings(deadline=None)
def test_pareto_front_is_what_no_other_beats(points):
    rows = rows_of([{"mean_error": float(a), "wce": float(b)} for a, b in points])
    front = listing.pareto_front(rows, "mean_error", "wce")
    found = {(abs(row.figures["mean_error"]), abs(row.figures["wce"])) for row in front}
    all_points = {(abs(a), abs(b)) for a, b in points}
    wanted = {p for p in all_points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in all_points)}
    assert found == wanted
    assert len(front) == len(wanted)


def colours(path):
    return np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)


def test_error_plot_shows_both_signs(tmp_path):
    error_plot(axsim.multiplier("mul8u_FTA"), tmp_path / "error.png")
    red, green, blue = colours(tmp_path / "error.png").astype(int).T
    assert ((red > 180) & (blue < 120)).sum() > 100
    assert ((blue > 180) & (red < 120)).sum() > 100
    assert np.ptp(green) > 200


def test_error_plot_of_an_exact_multiplier_is_white_where_the_error_is(tmp_path):
    error_plot(EXACT, tmp_path / "exact.png")
    assert min(Image.open(tmp_path / "exact.png").convert("RGB").getpixel((300, 250))) > 240


def test_pareto_plot(tmp_path):
    pareto_plot(listing.rows([axsim.multiplier(name) for name in circuits()]), "power_mw", "mred", tmp_path / "p.png")
    assert (np.abs(colours(tmp_path / "p.png").astype(int) - (0xC2, 0x4E, 0)).sum(axis=1) < 8).sum() > 500


def test_nothing_to_plot(tmp_path):
    with pytest.raises(axsim.AxsimError, match="both power_mw and mred"):
        pareto_plot(listing.rows([EXACT]), "power_mw", "mred", tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def printed(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_lists_every_name(capsys):
    assert [row["name"] for row in printed(capsys, "multipliers")["multipliers"]] == names()


def test_the_command_filters_sorts_and_reduces(capsys):
    given = ("multipliers", "--operands", "s8,s8", "--where", "power_mw<0.3", "--where", "mred<10%")
    listed = printed(capsys, *given, "--sort", "mred", "--descending")["multipliers"]
    assert 0 < len(listed) < len(names())
    assert all(row["power_mw"] < 0.3 and row["mred"] < 0.1 and row["operands"] == ["s8", "s8"] for row in listed)
    assert [row["mred"] for row in listed] == sorted((row["mred"] for row in listed), reverse=True)
    front = printed(capsys, *given, "--pareto", "power_mw,mred")["multipliers"]
    assert 0 < len(front) < len(listed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--where", "mred!5"], "a condition must be"),
        (["--sort", "watts"], "column must be one of"),
        (["--pareto", "power_mw"], "--pareto must be two columns"),
        (["--operands", "s8"], "must be two of u8 and s8"),
        (["mul8u_nothing"], "multiplier must be"),
        (["exact", "--plot", "p.png"], "both power_mw and mred"),
        (["--plot", "."], "it is a folder"),
    ],
)
def test_misuse(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in fails(capsys, "multipliers", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_plot_is_not_replaced_unasked(capsys, tmp_path):
    path = str(tmp_path / "m.png")
    assert main(["moments", "mitchell", "--plot", path]) == 0
    assert main(["moments", "mitchell", "--plot", path]) == 2
    assert f"cannot write {path}: it exists" in capsys.readouterr().err.replace("axsim: error: ", "", 1)[:200]
    assert main(["moments", "mitchell", "--plot", path, "--overwrite"]) == 0


def test_the_reason_why_a_path_cannot_be_written_is_said_once(tmp_path):
    with pytest.raises(axsim.AxsimError) as raised:
        axsim.files.check_writable(tmp_path)
    assert str(raised.value).count("cannot write") == 1
