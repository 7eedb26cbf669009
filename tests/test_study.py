"""A study: resumable without losing or repeating a row, its findings on rows made by hand, and its report."""

import argparse
import copy
import dataclasses
import html.parser
import json
import math

import numpy as np
import pytest
from networks import network_of, random_images
from PIL import Image

import axsim
from axsim.accuracy_model.model import falling
from axsim.cli import main
from axsim.commands.study import configure, serving
from axsim.compensation import compensate, compensate_best
from axsim.errors import AxsimError
from axsim.images import ImageSet, save_images
from axsim.injection import inject, lines_layer_by_layer
from axsim.multipliers.catalog import names
from axsim.networks.network_file import save
from axsim.predict import Predictor
from axsim.statistics.file import save_statistics
from axsim.statistics.measure import gather_statistics, measure
from axsim.study import CANDIDATES, LayerRow, Row, Study, findings, runner, study, write_study_report
from axsim.study.figures import accuracy as accuracy_figure
from axsim.study.figures import bias_regime
from axsim.study.findings import ceiling, pearson, spearman
from axsim.study.rows import JUDGED_WORDS, is_judged
from axsim.study.runner import LAYER_BY_LAYER, predicted_errors
from axsim.study.text import study_data, study_text

NAMES = ["mitchell", "drum:k=3", "mul8s_1KVL"]


@pytest.fixture(scope="module")
def given():
    network = network_of(["conv", "conv"], 107, "symmetric", (4, 8, 8))
    labels = axsim.run(network, random_images(network, 12)).logits.argmax(axis=1)
    images = ImageSet(random_images(network, 12), labels.astype(np.int64))
    return network, gather_statistics(network, random_images(network, 20, seed=1)), images


def run_study(given, path, names=NAMES, **options):
    network, statistics, images = given
    return study(network, statistics, images, [axsim.multiplier(n) for n in names], path, measured_images=5, **options)


def test_rows_are_what_the_parts_give(given, tmp_path):
    network, statistics, images = given
    calibration = random_images(network, 8, seed=2)
    found = run_study(given, tmp_path / "s.jsonl", calibration=calibration, layer_by_layer="all")
    assert [row.multiplier for row in found.rows] == NAMES
    assert found.exact_top1 == 1.0
    for row in found.rows:
        multiplier = axsim.multiplier(row.multiplier)
        assert row.top1 == axsim.run(network, images.images, multiplier).top1(images.labels)
        measured = measure(network, images.images[:5], [multiplier]).errors[0]
        prediction = Predictor(statistics)(multiplier)
        for layer in row.layers:
            errors, norms = measured[layer.layer], prediction.layers[layer.layer].norms
            size = math.sqrt(errors.sums.size * errors.pixels)
            assert layer.measured == pytest.approx(errors.norm / size)
            assert layer.distortion == pytest.approx(errors.distortion)
            seen = statistics.layers[layer.layer]
            assert layer.predicted["covariance"] == pytest.approx(
                norms.covariance / math.sqrt(len(seen.weight) * seen.pixels)
            )
        injected = inject(network, images.images, predicted_errors(prediction))
        assert row.injected_top1 == injected.top1(images.labels)
        lines = lines_layer_by_layer(network, multiplier, calibration)
        assert row.layer_by_layer_top1 == inject(network, images.images, lines).top1(images.labels)
        chosen = compensate_best(network, multiplier, calibration, statistics)
        assert set(row.compensated) == {*chosen.candidates, "chosen"} - {"as it is"}
        assert row.compensated["chosen"] == axsim.run(chosen.network, images.images, multiplier).top1(images.labels)
        assert sum(row.halves) / 2 == pytest.approx(row.top1)
        assert row.predicted_interval[0] <= row.predicted_top1 <= row.predicted_interval[1]
        assert all(math.isfinite(row.candidate(name)) for name in CANDIDATES)
        assert Row.from_json(json.loads(json.dumps(dataclasses.asdict(row)))) == row


def test_errors_are_predicted_layer_by_layer_where_asked_for(given, tmp_path):
    """By default for the multipliers by which predictions are judged; the rest of a row does not depend on it."""
    found = {
        choice: run_study(given, tmp_path / f"{choice}.jsonl", layer_by_layer=choice) for choice in ("all", "none")
    }
    found["judged"] = run_study(given, tmp_path / "judged.jsonl")
    judged = [is_judged(found["all"].exact_top1 - row.top1) for row in found["all"].rows]
    assert True in judged and False in judged
    taken = {"all": [True] * len(NAMES), "judged": judged, "none": [False] * len(NAMES)}
    lacking = {"layer_by_layer_top1": None, "layer_by_layer_distortion": None, "seconds": {}}
    for choice, rows in ((choice, each.rows) for choice, each in found.items()):
        assert ["layer_by_layer" in row.seconds for row in rows] == taken[choice]
        for row, whole, has in zip(rows, found["all"].rows, taken[choice], strict=True):
            wanted = dataclasses.replace(whole, seconds={}) if has else dataclasses.replace(whole, **lacking)
            assert dataclasses.replace(row, seconds={}) == wanted
            assert Row.from_json(json.loads(json.dumps(dataclasses.asdict(row)))) == row
        summary = findings(found[choice])
        statistics = {each.statistic for each in summary.correlations}
        assert statistics == (set(CANDIDATES) if choice == "all" else set(CANDIDATES) - {"layer_by_layer"})
        text = study_text(found[choice], summary)
        table = text.split("norm(E)")[0]
        assert table.split().count("-") == 2 * taken[choice].count(False)
        drawn = accuracy_figure(found[choice])
        if choice == "none":
            assert summary.errors["layer_by_layer"] is summary.layer_by_layer_cost is None
            assert "over time to run" not in text and "layer by layer" not in drawn
        else:
            assert summary.errors["layer_by_layer"] == findings(found["all"]).errors["layer_by_layer"]
            assert summary.layer_by_layer_cost > 0
            assert f"over time to run: {summary.layer_by_layer_cost:.1f} (median of {sum(taken[choice])}" in text
            assert "layer by layer" in drawn
        tops = [row["layer_by_layer_top1"] for row in study_data(found[choice], summary)["rows"]]
        assert [top1 is not None for top1 in tops] == taken[choice]
        write_study_report(found[choice], summary, tmp_path / f"{choice}.html")
    for choice, other in (("all", "judged"), ("judged", "none")):
        with pytest.raises(AxsimError, match="differs in layer_by_layer; choose another name"):
            run_study(given, tmp_path / f"{choice}.jsonl", layer_by_layer=other)


def test_a_stopped_study_goes_on(given, tmp_path, monkeypatch):
    path = tmp_path / "s.jsonl"
    wanted = run_study(given, tmp_path / "whole.jsonl")
    run_study(given, path, NAMES[:2])
    before = path.read_bytes()
    path.write_bytes(before[:-30])  # killed while it wrote the second row
    seen = []
    found = run_study(given, path, phase=lambda name: seen.append(name) or (lambda done, total: None))
    assert seen == ["exact", "2/3 drum:k=3", "3/3 mul8s_1KVL"]
    for one, other in zip(found.rows, wanted.rows, strict=True):
        assert dataclasses.replace(one, seconds={}) == dataclasses.replace(other, seconds={})
    assert found.model.as_json() == wanted.model.as_json()
    again = path.read_bytes()
    run_study(given, path)
    assert path.read_bytes() == again


def test_the_store_of_another_study_is_refused(given, tmp_path):
    network, statistics, images = given
    run_study(given, tmp_path / "s.jsonl", NAMES[:1])
    with pytest.raises(AxsimError, match="differs in images"):
        run_study((network, statistics, images.first(6)), tmp_path / "s.jsonl")
    layers = {name: copy.copy(layer) for name, layer in statistics.layers.items()}
    first = next(iter(layers.values()))
    first.tap_counts = first.tap_counts[:, ::-1]
    with pytest.raises(AxsimError, match="differs in statistics"):
        run_study((network, dataclasses.replace(statistics, layers=layers), images), tmp_path / "s.jsonl", NAMES[:1])


def test_rows_of_other_code_are_refused(given, tmp_path, monkeypatch):
    """Rows of another version, or of sources edited since, do not pass for those of today's."""
    path = tmp_path / "s.jsonl"
    run_study(given, path, NAMES[:1])
    before = path.read_bytes()
    for name, value in (("__version__", "0.0.1"), ("code_digest", lambda *parts: "0" * 64)):
        with monkeypatch.context() as changed:
            changed.setattr(runner, name, value)
            with pytest.raises(AxsimError, match="differs in axsim; choose another name, or remove it"):
                run_study(given, path, NAMES[:1])
    assert path.read_bytes() == before
    run_study(given, path, NAMES[:1])
    assert path.read_bytes() == before


def test_a_changed_figure_does_not_pass_for_a_measured_one(given, tmp_path):
    path = tmp_path / "s.jsonl"
    run_study(given, path, NAMES[:1])
    lines = path.read_text().splitlines()
    row = json.loads(lines[2])
    row["value"]["top1"] = 0.123
    path.write_text("\n".join([*lines[:2], json.dumps(row)]) + "\n")
    with pytest.raises(AxsimError, match="line 3 is damaged"):
        run_study(given, path, NAMES[:1])


def test_a_compensated_network_is_not_studied(given, tmp_path):
    network, statistics, images = given
    changed = compensate(network, axsim.multiplier("mitchell"), statistics)
    with pytest.raises(AxsimError, match="before compensation"):
        run_study((changed, statistics, images), tmp_path / "s.jsonl")


def test_error_matrices_are_of_no_more_images_than_there_are(given, tmp_path):
    network, statistics, images = given
    found = run_study((network, statistics, images.first(3)), tmp_path / "s.jsonl", NAMES[:1])
    assert found.measured_images == 3


def test_wrong_input(given, tmp_path):
    network, statistics, images = given
    with pytest.raises(AxsimError, match="labels"):
        run_study((network, statistics, ImageSet(images.images)), tmp_path / "a")
    with pytest.raises(AxsimError, match="named once each, got mitchell"):
        run_study(given, tmp_path / "a", ["mitchell", "mitchell"])
    with pytest.raises(AxsimError, match="layer_by_layer must be one of all, judged, none, got 'some'"):
        run_study(given, tmp_path / "a", layer_by_layer="some")
    with pytest.raises(AxsimError, match="8 or more to hold some out, got 7"):
        run_study(given, tmp_path / "a", calibration=random_images(network, 7))
    with pytest.raises(AxsimError, match="resize them first"):
        run_study(given, tmp_path / "a", calibration=random_images(network, 8)[:, 1:])
    assert not (tmp_path / "a").exists()


def row_of(name, top1, mean, sigma, ratio=1.0, predicted=None, compensated=None):
    levels = ("iid", "relative", "operand", "conditional", "covariance", "sampled")
    layers = tuple(LayerRow(f"l{index}", 2.0, 10.0, dict.fromkeys(levels, 2.0 * ratio)) for index in range(4))
    moments = {"mean": mean, "abs_mean": abs(mean), "rms": math.hypot(mean, sigma), "sigma": sigma}
    moments |= {"nmed": sigma, "mred": sigma, "wce": sigma}
    predicted = top1 if predicted is None else predicted
    return Row(
        name, name, moments, layers, top1, (top1, top1), 1 - top1, 1 - top1, predicted,
        (predicted - 0.01, predicted + 0.01), 1 - top1, top1, 1 - top1, top1 + 0.01, compensated or {},
        {"predict": 0.01, "run": 2.0, "images": 500.0, "sampled": 0.1, "layer_by_layer": 9.0},
    )  # fmt: skip


def test_findings_of_rows_made_by_hand():
    rows = (
        row_of("a", 0.90, 0.0, 10.0, 1.04, 0.90, {"way": 0.90}),
        row_of("b", 0.80, 1.0, 10.5, 1.06, 0.83, {"way": 0.85}),
        row_of("c", 0.40, 5.0, 11.0, 0.90, 0.39, {"way": 0.20}),
    )
    found = findings(Study(None, 1000, 10, 10, 0.90, 0.10, rows, None))
    assert found.pairs == 12
    assert found.within["covariance"] == pytest.approx(1 / 3)
    assert next(each for each in found.correlations if each.statistic == "abs_mean").spearman == pytest.approx(1)
    assert found.judged == 2
    assert found.errors["sensitivities"] == pytest.approx(0.02)
    assert found.errors["injected"] == 0.0
    assert found.errors["layer_by_layer"] == pytest.approx(0.01)
    assert found.covered == 0.5
    assert found.recovered["way"]["2 to 40 points"] == pytest.approx(0.5)
    assert found.recovered["way"]["more than 40 points"] == pytest.approx(-0.4)
    assert found.worse["way"] == ["c"]
    assert found.speed == pytest.approx(400)
    assert found.layer_by_layer_cost == pytest.approx(4.5)
    assert found.equal_sigma == (("c", "a"), ("c", "b"))


def test_networks_that_are_ruined_lose_the_same():
    """Their distortions say which is disturbed more, their top-1 what chance gave."""
    tops = {"a": 0.9, "b": 0.7, "c": 0.4, "d": 0.07, "e": 0.10, "f": 0.08}
    rows = [row_of(name, top1, 1.0, 1.0) for name, top1 in tops.items()]
    rows[3] = dataclasses.replace(rows[3], predicted_distortion=0.8, halves=(0.02, 0.12))
    found = findings(Study(None, 1000, 10, 10, 0.90, 0.10, tuple(rows), None))
    assert found.ruined == ["d", "e", "f"]
    logits = next(each for each in found.correlations if each.statistic == "logits")
    lost = np.array([0.9 - top1 for top1 in tops.values()])
    predicted = np.array([row.predicted_distortion for row in rows])
    assert logits.spearman == pytest.approx(spearman(predicted, lost))
    assert logits.spearman < logits.spearman_tied
    assert logits.spearman_tied == pytest.approx(spearman(predicted, np.array([0.0, 0.2, 0.5, 0.8, 0.8, 0.8])))
    # Ranks 1, 2, 3, 5, 5, 5 with 1 to 6: what tells the ruined apart cannot do better.
    assert found.ceiling_tied == pytest.approx(math.sqrt(1 - 24 / 210))
    text = study_text(Study(network_of(["conv"], 1), 1000, 10, 10, 0.90, 0.10, tuple(rows), None), found)
    assert "those 3 tied with which no more is right" in text


def test_an_exact_multiplier_has_no_bias_to_draw():
    with np.errstate(all="raise"):
        drawn = bias_regime([row_of("exact", 0.9, 0.0, 0.0), row_of("a", 0.8, -3.0, 2.0)])
    assert "nan" not in drawn
    assert "exact" in drawn


def test_rank_correlation_shares_ranks_between_equal_values():
    x, y = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert spearman(x, y) == pytest.approx(0.9486832980505138)
    assert pearson(x, x**2) < spearman(x, x**2) == pytest.approx(1)
    assert math.isnan(spearman(x, np.ones(4)))


def test_the_ceiling_is_what_a_perfect_predictor_finds():
    """Of losses measured on two times 60 images: the true ones correlate with them as far as the ceiling says."""
    rng = np.random.default_rng(0)
    true = rng.uniform(0.6, 0.9, 400)
    halves = rng.binomial(60, true, (2, 400)) / 60
    rows = [
        dataclasses.replace(row_of(str(i), float(halves[:, i].mean()), 0.0, 1.0), halves=tuple(halves[:, i]))
        for i in range(400)
    ]
    measured = spearman(true, halves.mean(axis=0))
    assert measured < 0.95
    assert ceiling(rows) == pytest.approx(measured, abs=0.02)
    opposed = [dataclasses.replace(row, halves=(row.halves[0], -row.halves[0])) for row in rows]
    assert math.isnan(ceiling(opposed))


def test_falling_is_the_nearest_falling_sequence():
    assert falling(np.array([3.0, 1.0, 2.0, 0.0])).tolist() == [3.0, 1.5, 1.5, 0.0]
    assert falling(np.array([0.0, 1.0, 2.0])).tolist() == [1.0, 1.0, 1.0]


def test_the_report_is_whole_and_loads_nothing(given, tmp_path):
    found = run_study(given, tmp_path / "s.jsonl", calibration=random_images(given[0], 8, seed=2))
    write_study_report(found, findings(found), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    parser = html.parser.HTMLParser()
    parser.feed(text)
    assert all(name in text for name in NAMES)
    assert text.count("<svg") >= 10
    assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text
    with pytest.raises(AxsimError, match="exists"):
        write_study_report(found, findings(found), tmp_path / "r.html")


def test_on_the_command_line(given, tmp_path, capsys):
    network, statistics, images = given
    save(network, tmp_path / "n.h5")
    save_images(tmp_path / "i.h5", images, {})
    save_statistics(statistics, tmp_path / "s.h5")
    call = ["study", str(tmp_path / "n.h5"), "--images", str(tmp_path / "i.h5"), "--statistics", str(tmp_path / "s.h5")]
    call += ["--store", str(tmp_path / "s.jsonl"), "--multipliers", "mitchell", "drum:k=4", "--measured-images", "4"]
    assert main([*call, "--report", str(tmp_path / "r.html")]) == 0
    out = capsys.readouterr().out
    assert "distortion of the logits:" in out
    for said in (out, (tmp_path / "r.html").read_text()):  # of two multipliers no statistic can be said to rank them
        assert "Spearman" not in said and "nan" not in said
    assert main([*call, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["multiplier"] for row in data["rows"]] == ["mitchell", "drum:k=4"]
    assert main([*call, "--layer-by-layer", "all"]) == 2
    assert "differs in layer_by_layer" in capsys.readouterr().err
    assert main([*call, "--calibration-limit", "8"]) == 2
    assert "--calibration-limit is of --calibration" in capsys.readouterr().err
    assert main([*call, "--layer-by-layer", "none", "--store", str(tmp_path / "other.jsonl"), "--json"]) == 0
    assert [row["layer_by_layer_top1"] for row in json.loads(capsys.readouterr().out)["rows"]] == [None, None]
    assert main([*call, "--statistics", str(tmp_path / "n.h5")]) == 2


def test_pictures_to_calibrate_on_need_no_labels(tmp_path, capsys):
    network = network_of(["conv"], 1)
    images = ImageSet(random_images(network, 7), np.zeros(7, np.int64))
    save(network, tmp_path / "n.h5")
    save_images(tmp_path / "i.h5", images, {})
    save_statistics(gather_statistics(network, images.images), tmp_path / "s.h5")
    (tmp_path / "pictures").mkdir()
    for number, pixels in enumerate(images.images):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    call = ["study", tmp_path / "n.h5", "--images", tmp_path / "i.h5", "--statistics", tmp_path / "s.h5"]
    call += ["--store", tmp_path / "s.jsonl", "--multipliers", "mitchell", "--calibration", tmp_path / "pictures"]
    assert main([str(each) for each in call]) == 2
    assert "8 or more to hold some out, got 7" in capsys.readouterr().err


def test_the_help_says_what_is_judged():
    parser = argparse.ArgumentParser()
    configure(parser)
    action = next(each for each in parser._actions if each.dest == "layer_by_layer")
    assert tuple(action.choices) == LAYER_BY_LAYER
    assert JUDGED_WORDS == "0.5 to 60 points"
    assert JUDGED_WORDS in action.help


def test_all_that_serve_are_at_least_sixty(given):
    found = serving(given[0])
    assert len(found) >= 60
    assert len({each.digest for each in found}) == len(found)
    circuits = {axsim.multiplier(name).digest for name in names() if name.startswith("mul8")}
    exact = {axsim.multiplier(name).digest for name in names() if axsim.multiplier(name).is_exact}
    assert circuits - exact <= {each.digest for each in found}
