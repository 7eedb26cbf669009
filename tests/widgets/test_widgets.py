"""The widgets without a browser: what they show is what the package computes, and wrong values are said in place."""

import threading

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
import axsim.widgets as aw
from axsim.comparison.experiment import DISTRIBUTIONS, codes, experiment
from axsim.images import ImageSet
from axsim.multipliers import multiplier_file
from axsim.presentation.display import experiment_html, multiplier_html
from axsim.statistics.measure import measure
from axsim.widgets.background import KERNELS, Background, Stopped
from axsim.widgets.multiplier import operand_outline
from axsim.widgets.parts import BY_NAME, CIRCUITS, MultiplierPicker


def picture_of(panel):
    return panel._surface.value


@pytest.mark.parametrize(
    "name", ["exact", "drum:k=3", "broken_array:h=1,v=4,signed=1", "mul8s_1KVL", "swap(mul8u_FTA)", "mbm"]
)
def test_the_picker_shows_the_name_it_is_given(name):
    picker = MultiplierPicker(name)
    assert picker.name == name
    assert picker.chosen.digest == axsim.multiplier(name).digest
    assert picker._kind.value == (BY_NAME if "(" in name else CIRCUITS if "_1KVL" in name else name.partition(":")[0])


@pytest.mark.parametrize("name", ["drum:k=99", "drum:k=x", "nothing", "", "broken_array:h=2,h=3"])
def test_a_wrong_name_stands_with_its_complaint(name):
    picker = MultiplierPicker(name)
    if not name:
        assert picker.name == "exact"
        return
    assert picker.chosen is None
    assert picker._inputs[BY_NAME].value == name
    assert "role='alert'" in picker._complaint.value
    picker._inputs[BY_NAME].value = "mitchell"
    assert picker.name == "mitchell"
    assert picker._complaint.value == ""


def test_every_family_can_be_picked_and_moved():
    picker = MultiplierPicker("exact")
    for family in axsim.multipliers.catalog.families():
        picker._kind.value = family
        assert picker.chosen is not None, picker._complaint.value
        for slider in picker._inputs.values():
            slider.value = getattr(slider, "max", True)
            assert picker.chosen is not None or "role='alert'" in picker._complaint.value


def test_a_panel_redraws_when_a_parameter_moves():
    panel = aw.MultiplierWidget("drum:k=4").panels[0]
    before = picture_of(panel)
    panel.picker._inputs["k"].value = 6
    assert picture_of(panel) != before
    assert "drum:k=6" in panel._figures.value
    panel.operands = "s8,s8"
    assert "s8 x s8" in panel._figures.value


def test_operands_that_cannot_be_served_are_said_in_place():
    panel = aw.MultiplierWidget("mul8s_1KVL").panels[0]
    panel.operands = "u8,u8"
    assert "cannot serve u8 by u8" in panel._complaint.value
    panel.operands = "s8,s8"
    assert panel._complaint.value == ""


def test_a_layers_operands_are_outlined_and_weigh_the_moments():
    network = network_of(["conv", "flatten", "linear"], 0)
    layers = measure(network, random_images(network, 2), []).layers
    panel = aw.MultiplierWidget("mitchell", layers=layers).panels[0]
    name, statistics = next(iter(layers.items()))
    panel.layer = name
    served = axsim.multiplier("mitchell").serving(statistics.w_format, statistics.x_format)
    own = served.moments(statistics.weight_histogram, statistics.activation_histogram)
    assert f"{own.mean_error:.5g}" in panel._figures.value


def test_the_canvas_holds_the_error():
    pytest.importorskip("anywidget", reason="needs anywidget: pip install 'axsim[widgets]'")
    panel = aw.MultiplierWidget("mul8s_1KVL", canvas=True).panels[0]
    error = np.frombuffer(panel._canvas.error, "<i4").reshape(256, 256)
    served = axsim.multiplier("mul8s_1KVL")
    assert panel._canvas.lowest == [-128, -128]
    assert error[128 - 5, 128 + 7] == served.error()[-5 & 255, 7]
    assert len(panel._canvas.pixels) == 4 * 256 * 256


def test_the_canvas_without_its_package(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(axsim.AxsimError, match=r"axsim\[widgets\]"):
        aw.MultiplierWidget("mitchell", canvas=True)


def test_the_outline_encloses_what_it_says():
    histogram = np.zeros(256, np.int64)
    histogram[100:150] = 1
    pixels = np.asarray(operand_outline(axsim.multiplier("mitchell"), histogram, histogram))[..., 3]
    rows, columns = np.nonzero(pixels)
    assert 90 < rows.min() < 110 < 140 < rows.max() < 160
    assert 90 < columns.min() < 110 < 140 < columns.max() < 160


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_an_experiment_is_a_product(distribution):
    w, x = codes((5, 33), distribution, 1), codes((33, 7), distribution, 2)
    multiplier = axsim.multiplier("broken_array:h=2,v=5,signed=1")
    found = experiment(w, x, multiplier)
    error = axsim.matmul(w, x, multiplier).astype(np.int64) - axsim.matmul(w, x)
    assert np.array_equal(found.error, error)
    assert found.norm == pytest.approx(np.linalg.norm(error.astype(float)))
    assert found.taps[-1] == 33
    assert found.measured_curve[-1] == pytest.approx(found.norm)
    assert np.hypot(found.bias_curve[-1], found.noise_curve[-1]) == pytest.approx(found.predicted.operand, rel=1e-6)
    assert f"{found.norm:.5g}" in experiment_html(found)


@pytest.mark.parametrize("dtypes", [(np.uint8, np.uint8), (np.int8, np.uint8)])
def test_an_experiment_predicts_the_formats_that_it_measures(dtypes):
    """Unsigned codes above 127 are no negative ones, in the prediction as in the product."""
    rng = np.random.default_rng(3)
    w, x = (
        rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape, dtype=dtype)
        for dtype, shape in zip(dtypes, ((40, 16), (16, 400)), strict=True)
    )
    found = experiment(w, x, axsim.multiplier("mitchell"))
    assert found.predicted.covariance == pytest.approx(found.norm, rel=0.05)
    assert np.hypot(found.bias_curve[-1], found.noise_curve[-1]) == pytest.approx(found.predicted.operand, rel=1e-6)


def test_an_experiment_takes_codes():
    with pytest.raises(axsim.AxsimError, match="int8 or uint8, got float64"):
        experiment(np.zeros((2, 2)), np.zeros((2, 2)), axsim.multiplier("mitchell"))


@pytest.mark.parametrize(
    ("w", "x"), [(np.zeros((2, 3), np.int8), np.zeros((4, 5), np.int8)), (np.zeros((0, 3), np.int8),) * 2]
)
def test_shapes_that_are_no_product(w, x):
    with pytest.raises(axsim.AxsimError, match="must have shapes"):
        experiment(w, x, axsim.multiplier("mitchell"))


def test_the_gemm_widget_refuses_what_is_too_large():
    widget = aw.GemmWidget("mitchell", m=1024, k=2, n=4096)
    assert "covariance" in widget._norms.value
    widget.k.value = 4096
    assert "make one smaller" in widget._complaint.value
    widget.k.value = 4
    assert widget._complaint.value == ""


def test_the_network_widget_runs_in_the_background(small):
    network, images = small
    widget = aw.NetworkWidget(network, images, "mitchell", measured_images=2)
    widget.run()
    widget.wait(300)
    assert widget.state == "done", widget._complaint.value
    wanted = axsim.run(network, images.images, axsim.multiplier("mitchell"))
    assert np.array_equal(widget.result.logits, wanted.logits)
    assert all(layer.name in widget._layers.value for layer in network.layers)
    assert (widget.run_button.disabled, widget.stop_button.disabled) == (False, True)


def test_single_layers_have_multipliers_of_their_own(small):
    network, images = small
    widget = aw.NetworkWidget(network, images, "mitchell")
    first, *others = (layer.name for layer in network.layers)
    widget.layer_inputs[first].value = "drum:k=4"
    widget.run()
    widget.wait(300)
    served = {step.node: step.multiplier for step in widget.result.steps}
    assert served[first] == "drum:k=4"
    assert {served[name] for name in others} == {"mitchell"}


def test_multipliers_of_one_name_are_told_apart(small, tmp_path):
    """Two files may hold functions of one name: each layer's error is that of its own."""
    network, images = small
    paths = {each: str(tmp_path / f"{each.partition(':')[0]}.h5") for each in ("drum:k=3", "mitchell")}
    for each, path in paths.items():
        multiplier_file.save(axsim.Multiplier("mine", axsim.multiplier(each).table), path)
    widget = aw.NetworkWidget(network, images, "exact", measured_images=2)
    wanted = {}
    for layer, each in zip(network.layers, paths, strict=False):
        widget.layer_inputs[layer.name].value = paths[each]
        wanted[layer.name] = measure(network, images.images[:2], [axsim.multiplier(each)]).errors[0][layer.name].norm
    widget.run()
    widget.wait(300)
    assert widget.state == "done", widget._complaint.value
    assert len(wanted) == 2
    assert all(f"{norm:.4g}" in widget._layers.value for norm in wanted.values())


def test_a_wrong_name_of_a_layers_multiplier_is_said_before_anything_runs(small):
    network, images = small
    widget = aw.NetworkWidget(network, images, "mitchell")
    widget.layer_inputs[network.layers[0].name].value = "drumm"
    widget.run()
    assert "drumm" in widget._complaint.value
    assert widget.state == "ready"


@pytest.mark.parametrize("wrong", [("missing.h5", None), (None, "missing.h5"), (None, "empty"), (None, "size")])
def test_wrong_networks_and_images_are_said_in_place(small, wrong):
    network, images = small
    bad = {
        "missing.h5": "missing.h5",
        "empty": ImageSet(images.images[:0]),
        "size": ImageSet(np.zeros((1, 3, 3, 1), np.uint8)),
    }
    widget = aw.NetworkWidget(wrong[0] or network, bad[wrong[1]] if wrong[1] else images)
    assert "role='alert'" in widget.children[0].value


def test_stop_ends_the_run_and_the_widget_can_run_again(small):
    network, images = small
    widget = aw.NetworkWidget(network, images, "mitchell")
    with KERNELS:  # the run cannot begin before it has been stopped
        widget.run()
        assert widget.state == "running"
        widget.stop()
    widget.wait(300)
    assert widget.state == "stopped"
    widget.run()
    widget.wait(300)
    assert widget.state == "done"


def test_work_that_fails_is_reported_and_lets_go_of_the_kernels():
    ended = []
    background = Background(lambda text, share: None, ended.append)

    def work(background):
        raise ValueError("broken")

    background.start(work)
    background.join(60)
    assert str(ended[0]) == "broken"
    taken = []

    def take():
        with KERNELS:
            taken.append(True)

    other = threading.Thread(target=take)
    other.start()
    other.join(60)
    assert taken


def test_progress_is_where_work_stops():
    ended = []
    background = Background(lambda text, share: None, ended.append)

    def work(background):
        update = background.phase("counting")
        background.stop()
        update(1, 2)

    background.start(work)
    background.join(60)
    assert isinstance(ended[0], Stopped)


# What a bare name shows.


@pytest.mark.parametrize("name", ["mitchell", "mul8s_1KVL"])
def test_a_multiplier_shows_itself(name):
    multiplier = axsim.multiplier(name)
    shown = multiplier._repr_html_()
    assert shown == multiplier_html(multiplier)
    assert "<svg" in shown
    assert ("0.289 mW" in shown) == (multiplier.costs is not None)


def test_results_show_themselves(small):
    network, images = small
    multiplier = axsim.multiplier("mitchell")
    assert all(node.name in network._repr_html_() for node in network.nodes)
    assert "mitchell" in axsim.run(network, images.images, multiplier)._repr_html_()
    assert "covariance" in axsim.compare(network, images, [multiplier], measured_images=1)._repr_html_()
    assert "mean_error" in multiplier.moments()._repr_html_()


def test_the_magics(capsys):
    from IPython.core.error import UsageError
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython()
    shell.extension_manager.load_extension("axsim")
    assert shell.run_line_magic("axsim", "drum:k=4").name == "drum:k=4"
    w, x = codes((3, 8), "bell", 0), codes((8, 4), "bell", 1)
    shell.push({"w": w, "x": x})
    found = shell.run_cell_magic("axsim", "mitchell", "c = w @ x\n")
    assert np.array_equal(shell.user_ns["c"], axsim.matmul(w, x, axsim.multiplier("mitchell")))
    assert found.error.shape == (3, 4)
    for line, cell in (("drumm", None), ("mitchell", "w @ nowhere"), ("mitchell", "w + x"), ("mitchell", "f() @ x")):
        with pytest.raises(UsageError):
            shell.run_line_magic("axsim", line) if cell is None else shell.run_cell_magic("axsim", line, cell)


def test_lab_copies_the_notebooks_and_keeps_what_is_there(tmp_path, capsys):
    from axsim.cli import main

    folder = tmp_path / "copies"
    assert main(["lab", "--copy-only", str(folder)]) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert "01_first_steps.ipynb" in names
    (folder / "01_first_steps.ipynb").write_text("mine")
    assert main(["lab", "--copy-only", str(folder)]) == 0
    assert (folder / "01_first_steps.ipynb").read_text() == "mine"
    assert f"0 notebooks copied, {len(names)} already there" in capsys.readouterr().out
    assert main(["lab", "--copy-only", str(folder / names[0] / "below")]) == 2
