"""Ranges of activations against plain NumPy on all numbers of a tensor at once, and what cannot be calibrated."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from axsim.conversion import calibrate as module
from axsim.conversion.calibrate import BINS, METHODS, PERCENTILE, FloatModel, calibrate, preprocess
from axsim.errors import AxsimError, ConversionError
from axsim.networks.preprocessing import Preprocessing

RECIPE = Preprocessing(255.0, (0.5, 0.4, 0.3), (0.25, 0.3, 0.5))
TENSORS = ["x", "conv", "relu", "y"]


def model_of(batch="N", bias=(0.1, -0.2, 0.0, 3.0), gain=1.0, reshape=None):
    """The model conv (4 channels, 3 x 3), relu, flatten (or a reshape)."""
    weight = (gain * np.random.default_rng(0).normal(size=(4, 3, 3, 3)) / 5).astype(np.float32)
    constants = {"w": weight, "b": np.array(bias, np.float32)}
    last = helper.make_node("Flatten", ["relu"], ["y"])
    if reshape is not None:
        constants["s"] = np.array(reshape)
        last = helper.make_node("Reshape", ["relu", "s"], ["y"])
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["conv"]), helper.make_node("Relu", ["conv"], ["relu"]), last]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pixels(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def dark_pixels(count):
    """Mostly dark images in which one number in 20,000 is bright: a long tail."""
    rng = np.random.default_rng(2)
    dark = rng.integers(0, 20, (count, 8, 8, 3))
    return np.where(rng.random(dark.shape) < 5e-5, 255, dark).astype(np.uint8)


def symmetric(bounds):
    return max(-bounds[0], bounds[1], 1e-30) / 127, 0, -127, 127


def affine(bounds):
    low, high = min(0.0, bounds[0]), max(0.0, bounds[1])
    scale = max(high - low, 1e-30) / 255
    return scale, round(-low / scale), 0, 255


RULES = {"symmetric": symmetric, "affine": affine}


def ranges_of(images, method, rule=symmetric, **options):
    return calibrate(
        FloatModel(model_of(**options), "x", TENSORS), images, RECIPE, method, lambda name, bounds: rule(bounds)
    )


def numbers_of(images, **options):
    """All numbers of every tensor, float64, from one session of ONNX Runtime that knows nothing of axsim."""
    model = model_of(**options)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("conv", "relu"))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    real = ((images / 255 - RECIPE.mean) / RECIPE.std).astype(np.float32).transpose(0, 3, 1, 2)
    values = session.run(["conv", "relu", "y"], {"x": np.ascontiguousarray(real)})
    return {name: value.astype(np.float64) for name, value in zip(TENSORS, [real, *values], strict=True)}


def squared_error(values, bounds, rule):
    """Mean squared quantization error of the values themselves, no histogram."""
    scale, zero_point, low, high = rule(bounds)
    codes = np.clip(np.rint(values / scale) + zero_point, low, high)
    return ((scale * (codes - zero_point) - values) ** 2).mean()


def test_preprocessing_is_that_of_the_recipe():
    images = pixels(3)
    real = preprocess(images, RECIPE)
    assert (real.shape, real.dtype) == ((3, 3, 8, 8), np.float32)
    assert real.flags.c_contiguous
    for channel in range(3):
        wanted = (images[..., channel] / 255 - RECIPE.mean[channel]) / RECIPE.std[channel]
        assert real[:, channel] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("count", [1, 7, 60, 130])
def test_minmax(count):
    images = pixels(count)
    ranges, numbers = ranges_of(images, "minmax"), numbers_of(images)
    assert set(ranges) == set(TENSORS)
    for name, (low, high) in ranges.items():
        assert (low, high) == pytest.approx((numbers[name].min(), numbers[name].max()), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("images", [pixels(130), pixels(900), dark_pixels(900)], ids=["few", "uniform", "dark"])
def test_percentile(images):
    ranges, numbers = ranges_of(images, "percentile"), numbers_of(images)
    cut = (1 - PERCENTILE / 100) / 2
    for name, (low, high) in ranges.items():
        values = np.sort(numbers[name], axis=None)
        bin_width = (values.max() - values.min()) / BINS
        left_out = int(cut * values.size)  # at either end
        wanted = values[left_out], values[values.size - 1 - left_out]
        assert (low, high) == pytest.approx(wanted, abs=1.01 * bin_width + 1e-6)
        outside = ((values < low - 1e-6).mean(), (values > high + 1e-6).mean())
        assert max(outside) <= cut + 1e-9


def test_percentile_cuts_a_long_tail():
    whole, cut = (ranges_of(dark_pixels(900), method)["conv"] for method in ("minmax", "percentile"))
    assert cut[0] > whole[0]
    assert cut[1] < whole[1]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("images", [pixels(60), dark_pixels(60)], ids=["uniform", "dark"])
def test_mse_is_the_best_of_all_clippings(rule, images):
    ranges, whole = ranges_of(images, "mse", RULES[rule]), ranges_of(images, "minmax")
    numbers = numbers_of(images)
    for name, chosen in ranges.items():
        low, high = whole[name]
        shares = np.linspace(0.3, 1.0, 71)
        errors = [squared_error(numbers[name], (low * share, high * share), RULES[rule]) for share in shares]
        # What is chosen on the histogram's centres is as good on the values, but for the width of its bins.
        slack = ((high - low) / BINS) ** 2
        assert squared_error(numbers[name], chosen, RULES[rule]) <= 1.02 * min(errors) + slack
        assert min(abs(chosen[1] / high - shares)) < 1e-3


def test_mse_clips_a_long_tail():
    images = dark_pixels(900)
    numbers, whole = numbers_of(images)["conv"], ranges_of(images, "minmax")["conv"]
    chosen = ranges_of(images, "mse")["conv"]
    assert chosen[1] < 0.9 * whole[1]
    assert squared_error(numbers, chosen, symmetric) < 0.9 * squared_error(numbers, whole, symmetric)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [1, 3, 30])
def test_ranges_do_not_depend_on_a_fixed_batch(method, batch):
    images = pixels(30)
    free, fixed = ranges_of(images, method), ranges_of(images, method, batch=batch)
    for name in TENSORS:
        assert fixed[name] == pytest.approx(free[name], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_ranges_do_not_depend_on_the_batch(method, size, monkeypatch):
    images = pixels(30)
    wanted = ranges_of(images, method)
    monkeypatch.setattr(module, "BATCH", size)
    for name, bounds in ranges_of(images, method).items():
        assert bounds == pytest.approx(wanted[name], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("pixel_count", "largest"), [(2**18, 50), (64, 1), (64 * 7, 7), (10, 1)])
def test_large_images_make_small_batches(pixel_count, largest, monkeypatch):
    monkeypatch.setattr(module, "BATCH_PIXELS", pixel_count)
    sizes = [len(values["x"]) for values in FloatModel(model_of(), "x", TENSORS).run(pixels(60), RECIPE)]
    assert max(sizes) == largest
    assert sum(sizes) == 60


@pytest.mark.parametrize(("count", "sizes"), [(2, [2]), (8, [4, 4]), (9, [4, 4, 1]), (11, [4, 4, 3])])
def test_what_does_not_fill_a_fixed_batch_is_filled_up(count, sizes):
    batches = list(FloatModel(model_of(batch=4), "x", TENSORS).run(pixels(count), RECIPE))
    assert [len(values["conv"]) for values in batches] == sizes
    assert np.array_equal(np.concatenate([values["x"] for values in batches]), preprocess(pixels(count), RECIPE))
    free = next(FloatModel(model_of(), "x", TENSORS).run(pixels(count), RECIPE))
    assert np.concatenate([values["conv"] for values in batches]) == pytest.approx(free["conv"], rel=1e-5, abs=1e-6)


def test_progress_reaches_the_end():
    calls = []
    model = FloatModel(model_of(batch=4), "x", TENSORS)
    calibrate(model, pixels(11), RECIPE, "minmax", None, lambda done, whole: calls.append((done, whole)))
    assert calls == [(4, 11), (8, 11), (11, 11)]


# Tensors that hardly vary.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 5.0, -5.0, 1e-20, 1e20])
def test_constant_tensors(method, value):
    bounds = ranges_of(pixels(5), method, gain=0.0, bias=(value,) * 4)["conv"]
    assert bounds == pytest.approx((value, value), rel=2e-3, abs=1e-30)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gain", [1e-2, 1e-4, 1e-6, 1e-8])
def test_tensors_that_hardly_vary(method, gain):
    """np.histogram has no 2,048 different float32 edges between numbers this close together."""
    low, high = ranges_of(pixels(5), method, gain=gain, bias=(5.0,) * 4)["conv"]
    assert low <= high
    assert (low, high) == pytest.approx((5.0, 5.0), abs=5 * gain + 0.01)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4),
    st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
    st.sampled_from(METHODS),
)
def test_ranges_lie_within_the_numbers(bias, gain, method):
    images = pixels(3)
    wanted = ranges_of(images, "minmax", gain=gain, bias=bias)
    for name, (low, high) in ranges_of(images, method, gain=gain, bias=bias).items():
        slack = 2e-3 * max(map(abs, wanted[name])) + 1e-9
        assert np.isfinite((low, high)).all()
        assert low <= high
        assert min(0, wanted[name][0]) - slack <= low
        assert high <= max(0, wanted[name][1]) + slack


# What cannot be calibrated.


@pytest.mark.parametrize("method", ["max", "MSE", "", None])
def test_unknown_methods(method):
    with pytest.raises(AxsimError, match=f"calibration must be one of minmax, percentile, mse, got {method!r}"):
        ranges_of(pixels(2), method)


def test_no_images():
    with pytest.raises(AxsimError, match="at least one image"):
        ranges_of(pixels(4)[:0], "minmax")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", METHODS)
def test_numbers_that_are_not_finite(value, method):
    with pytest.raises(ConversionError, match="tensor 'conv' must be finite on the calibration images"):
        ranges_of(pixels(2), method, bias=(0.0, value, 0.0, 0.0))


def test_what_onnx_runtime_does_not_load():
    model = model_of()
    model.graph.node[1].op_type = "Unheard"
    with pytest.raises(ConversionError, match=r"ONNX Runtime cannot run the model: .*Unheard"):
        FloatModel(model, "x", TENSORS)


def test_what_onnx_runtime_cannot_run(capfd):
    with pytest.raises(ConversionError, match=r"ONNX Runtime cannot run the model: .*Reshape") as caught:
        ranges_of(pixels(2), "minmax", reshape=[1, 144])
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_without_onnxruntime_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(AxsimError, match=r"pip install 'axsim\[convert\]'"):
        FloatModel(model_of(), "x", TENSORS)


def test_the_model_itself_is_left_as_it_was():
    model = model_of()
    before = onnx.ModelProto()
    before.CopyFrom(model)
    FloatModel(model, "x", TENSORS)
    assert model == before
