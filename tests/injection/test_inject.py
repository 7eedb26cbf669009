"""Injected errors: the generator against its published vectors, the moments against what was asked, bits by place."""

import dataclasses
import json
from fractions import Fraction

import numba
import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.errors import AxsimError
from axsim.inference.engine import forward
from axsim.inference.prepared import LayerInput, prepare
from axsim.injection import DISTRIBUTIONS, ChannelErrors, ErrorModel, inject, standard_values
from axsim.injection.run import Injector
from axsim.kernels.random import add_accumulator_errors, philox
from axsim.networks.network import Network
from axsim.networks.nodes import Conv, Flatten, Linear, Quantization
from axsim.networks.preprocessing import Preprocessing
from axsim.predict import TapLines

# Published with the generator (Random123, kat_vectors): counter, key, result.
VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "wanted"), VECTORS)
def test_generator_gives_its_published_vectors(counter, key, wanted):
    assert tuple(int(word) for word in philox(*(np.uint64(value) for value in (*counter, *key)))) == wanted


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("size", [1, 17, 64, 150])
def test_each_error_is_drawn_from_its_place_alone(size, wide):
    """Against the plain rule, one element after the other: words by place, a value and a rounding by word."""
    rng = np.random.default_rng(size)
    rows, images, first_image, layer, key = 2, 2, 5, 3, (np.uint64(7), np.uint64(2**32 - 1))
    base = rng.normal(0, 100, (rows, images * size)).astype(np.float32)
    before = rng.integers(-500, 500, base.shape, dtype=np.int32)
    mean, gain = rng.normal(0, 9, rows), rng.normal(0, 1, rows)
    spread = rng.uniform(0, 200, (rows, images * size if wide else 1)).astype(np.float32)
    values, limit = standard_values("normal"), np.array([2**30, 400])
    wanted = np.empty_like(before)
    for m, n in np.ndindex(before.shape):
        image, pixel = divmod(n, size)
        tile, word, lane = pixel // 64, pixel % 64 // 16, pixel % 16
        counter = (np.uint64(each) for each in (16 * tile + lane, m, first_image + image, layer << 20))
        upper, lower = divmod(int(philox(*counter, *key)[word]), 2**16)
        error = mean[m] + gain[m] * float(base[m, n]) + float(spread[m, n if wide else 0]) * float(values[upper])
        total = int(np.floor(error + (lower + 0.5) / 2**16)) + int(before[m, n])
        wanted[m, n] = min(max(total, -limit[m]), limit[m])
    found = before.copy()
    add_accumulator_errors(found, base, first_image, size, layer, *key, mean, gain, spread, values, limit)
    assert np.array_equal(found, wanted)


def layer_of(channels=6, depth=9, size=24, x_zero=0, w_zero=0):
    """A 1x1 convolution of `depth` input channels, prepared, and its network."""
    rng = np.random.default_rng(channels)
    q = Quantization(1.0, x_zero, "s8")
    conv = Conv(
        "conv", ("input",), Quantization(100.0, 0, "s8"), (-128, 127),
        weight=rng.integers(-128, 128, (channels, depth, 1, 1), dtype=np.int8),
        weight_scale=np.ones(channels, np.float32), bias=np.zeros(channels, np.int32),
        weight_zero_point=np.full(1, w_zero, np.int32), strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), groups=1,
    )  # fmt: skip
    flat = Flatten("flat", ("conv",), conv.output)
    features = channels * size * size
    logits = Linear(
        "logits", ("flat",), Quantization(1.0, 0, "s8"), (-128, 127), np.ones((2, features), np.int8),
        np.ones(2, np.float32), np.zeros(2, np.int32),
    )  # fmt: skip
    recipe = Preprocessing(1.0, (0.0,) * depth, (1.0,) * depth)
    scheme = "affine" if x_zero or w_zero else "symmetric"
    network = Network("one layer", (depth, size, size), q, recipe, (conv, flat, logits), scheme)
    return network, prepare(network, {"conv": None, "logits": None})["conv"]


def errors_of(model, images=40, seed=1, **shape):
    """Injected minus exact sums [M, N] of one layer, and its exact sums and columns."""
    _, layer = layer_of(**shape)
    depth, size = layer.weight.shape[1], shape.get("size", 24)
    columns = np.random.default_rng(0).integers(0, 256, (depth, images * size * size), dtype=np.uint8)
    given = LayerInput(layer.node, columns.reshape(depth, images, size, size), 0, (size, size))
    exact = layer.sums(given, None)
    sums = exact.copy()
    Injector(layer, model, 3, seed).add(sums, given)
    return sums.astype(float) - exact, exact, columns, layer


def within(found, wanted, spread, count, sigmas=4.5):
    return abs(found - wanted) <= sigmas * spread / np.sqrt(count) + 1e-9


@pytest.mark.parametrize("per", ["accumulator", "product"])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(("mean", "std"), [(0.0, 30.0), (-7.5, 4.0), (100.0, 0.0), (0.04, 0.0)])
def test_absolute_errors_have_the_moments_asked(per, distribution, mean, std):
    error, *_ = errors_of(ErrorModel(mean, std, distribution=distribution, per=per))
    depth = 9
    sigma = np.sqrt(depth * std**2 + 1 / 4)
    assert within(error.mean(), depth * mean, sigma, error.size)
    # Variance of a sample variance: below 2 sigma^4 / n for these distributions, none of which has a heavy tail.
    assert abs(error.var() - depth * std**2) <= 4.5 * sigma**2 * np.sqrt(2 / error.size) + 0.25
    for row in error:
        assert within(row.mean(), depth * mean, sigma, row.size)


@pytest.mark.parametrize("per", ["accumulator", "product"])
def test_relative_errors_have_the_moments_asked(per):
    mean, std = -0.02, 0.05
    error, exact, columns, layer = errors_of(ErrorModel(mean, std, relative=True, per=per))
    w, x = layer.weight.view(np.int8).astype(float), columns.view(np.int8).astype(float)
    spread = std * np.sqrt(w**2 @ x**2)
    standard = (error - mean * exact) / np.maximum(spread, 1)
    assert within(standard.mean(), 0, 1, standard.size)
    assert standard.var() == pytest.approx(1, abs=0.02)


def test_per_accumulator_is_the_limit_of_per_product():
    """The same shape, too: excess kurtosis of a sum of K uniform errors is -1.2 / K."""
    for per, wanted in (("product", -1.2 / 9), ("accumulator", 0.0)):
        model = ErrorModel(0, 1000, distribution="uniform" if per == "product" else "normal", per=per)
        error, *_ = errors_of(model)
        kurtosis = ((error - error.mean()) ** 4).mean() / error.var() ** 2 - 3
        assert kurtosis == pytest.approx(wanted, abs=0.05)


def test_an_empirical_error_is_the_multipliers_own():
    mitchell = axsim.multiplier("mitchell").serving("s8", "s8")
    model = ErrorModel.empirical(mitchell)
    own = mitchell.moments()
    assert (model.mean, model.std) == pytest.approx((own.mean_error, own.standard_deviation))
    values = model.mean + model.std * model.standard
    assert np.unique(np.rint(values)).tolist() == np.unique(mitchell.error()).tolist()
    error, *_ = errors_of(model)
    assert within(error.mean(), 9 * model.mean, 3 * model.std, error.size)
    assert error.std() == pytest.approx(3 * model.std, rel=0.02)
    relative = ErrorModel.empirical(mitchell, relative=True)
    assert (relative.mean, relative.std) == pytest.approx((own.relative_mean, own.relative_std))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_distributions_are_standard(distribution):
    values = standard_values(distribution).astype(float)
    assert values.mean() == pytest.approx(0, abs=1e-6)
    assert values.var() == pytest.approx(1, rel=1e-6)
    if distribution == "normal":
        assert (np.abs(values) < 1).mean() == pytest.approx(0.6827, abs=1e-3)
        assert (np.abs(values) < 2).mean() == pytest.approx(0.9545, abs=1e-3)


@pytest.mark.parametrize("size", [1, 3, 11, 24])
def test_draws_are_independent_of_each_other(size):
    error, *_ = errors_of(ErrorModel(0, 1000), images=max(40, 40000 // size**2), size=size)
    images = error.reshape(6, -1, size * size)
    limit = 5 / np.sqrt(error.shape[1])
    assert np.abs(np.corrcoef(error) - np.eye(6)).max() < limit  # channels
    pairs = [(images[:, :-1], images[:, 1:])]  # images
    if size > 1:
        pairs += [(images[..., :-1], images[..., 1:])]  # pixels
    if size > 11:
        pairs += [(images[..., :-16], images[..., 16:]), (images[..., :-64], images[..., 64:])]  # lanes and tiles
    for first, second in pairs:
        assert abs(np.corrcoef(first.reshape(-1), second.reshape(-1))[0, 1]) < 5 / np.sqrt(first.size)
    other, *_ = errors_of(ErrorModel(0, 1000), images=images.shape[1], size=size, seed=2)
    assert abs(np.corrcoef(error.reshape(-1), other.reshape(-1))[0, 1]) < 5 / np.sqrt(error.size)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize(
    "model",
    [ErrorModel(-3, 50), ErrorModel(0.1, 0.3, relative=True), ErrorModel(1, 5, distribution="uniform", per="product")],
)
def test_a_seed_gives_the_same_bits_for_any_batches_and_threads(scheme, model):
    network = network_of(["conv", "depthwise", "add", "conv"], 3, scheme, (3, 7, 6))
    images = random_images(network, 7)
    wanted = inject(network, images, model, seed=5).logits
    for batch_size in (1, 3, 7):
        assert np.array_equal(inject(network, images, model, seed=5, batch_size=batch_size).logits, wanted)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert np.array_equal(inject(network, images, model, seed=5).logits, wanted)
    finally:
        numba.set_num_threads(threads)
    assert not np.array_equal(inject(network, images, model, seed=6).logits, wanted)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_no_error_changes_nothing_and_layers_may_be_chosen(scheme):
    network = network_of(["conv", "conv"], 2, scheme)
    images = random_images(network, 3)
    exact = axsim.run(network, images).logits
    assert np.array_equal(inject(network, images, ErrorModel()).logits, exact)
    run = inject(network, images, {"0_conv": ErrorModel(200, 50)})
    assert [step.multiplier for step in run.steps] == ["injected errors", "exact", "no products", "exact"]


@pytest.mark.parametrize("w_zero", [0, 9])
def test_channel_errors_follow_mean_gain_and_noise(w_zero):
    rng = np.random.default_rng(3)
    wanted = ChannelErrors(rng.normal(0, 500, 6), rng.normal(0, 0.2, 6), rng.uniform(0, 300, 6), rng.normal(0, 900, 6))
    error, exact, columns, _ = errors_of(wanted, w_zero=w_zero)
    base = exact - w_zero * columns.view(np.int8).astype(float).sum(axis=0)
    for m in range(6):
        rest = error[m] - wanted.mean[m] - wanted.gain[m] * (base[m] - wanted.centre[m])
        assert within(rest.mean(), 0, wanted.noise[m], rest.size)
        assert rest.std() == pytest.approx(wanted.noise[m], rel=0.03, abs=0.5)


def test_sums_are_kept_within_int32():
    network, layer = layer_of()
    error, exact, *_ = errors_of(ErrorModel(1e6, 1e6, relative=True), images=2)
    assert np.abs(error + exact).max() <= np.abs(layer.room).max() < 2**31
    assert np.isfinite(inject(network, random_images(network, 2), ErrorModel(1e6, 1e6)).logits).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda n, i: inject(n, i, ErrorModel(std=-1)), "std must be"),
        (lambda n, i: inject(n, i, ErrorModel(mean=float("nan"))), "mean must be"),
        (lambda n, i: inject(n, i, ErrorModel(distribution="cauchy")), "normal, uniform, two_point"),  # type: ignore[arg-type]
        (lambda n, i: inject(n, i, ErrorModel(per="layer")), "'accumulator' or 'product'"),  # type: ignore[arg-type]
        (lambda n, i: inject(n, i, {"nowhere": ErrorModel()}), "nowhere"),
        (lambda n, i: inject(n, i, 5.0), "ErrorModel"),  # type: ignore[arg-type]
        (lambda n, i: inject(n, i, ErrorModel(), seed=-1), "seed"),
        (lambda n, i: inject(n, i, {"0_conv": ChannelErrors(*[np.zeros(99)] * 4)}), "99"),
    ],
)
def test_wrong_input(call, words):
    network = network_of(["conv"], 0)
    with pytest.raises(AxsimError, match=words):
        call(network, random_images(network, 2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["mean", "gain", "noise", "centre"])
def test_channel_errors_that_are_no_numbers_are_refused(field, value):
    network = network_of(["conv"], 0)
    channels = len(network.weight_layers[0].weight)
    errors = ChannelErrors(*np.zeros((4, channels)))
    getattr(errors, field)[-1] = value
    with pytest.raises(AxsimError, match=f"layer 0_conv: {field} must be finite"):
        inject(network, random_images(network, 1), {"0_conv": errors})


def fitting_errors(network, kind, **changes):
    """Errors of the first layer that are all 0, but for the changes: (value, dtype) for a whole field, or anything."""
    shape = network.weight_layers[0].weight_rows().shape
    values = {field.name: np.zeros(shape if field.name == "slope" else shape[:1]) for field in dataclasses.fields(kind)}
    for name, change in changes.items():
        values[name] = np.full(values[name].shape, *change) if isinstance(change, tuple) else change
    return kind(**values)


FIELDS = [(kind, field.name) for kind in (ChannelErrors, TapLines) for field in dataclasses.fields(kind)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ([0.0] * 3, "must be an array of numbers, such as float64, got list"),
        (None, "must be an array of numbers, such as float64, got NoneType"),
        ((0, complex), "must be an array of numbers, such as float64, got complex128"),
        ((0, object), "must be an array of numbers, such as float64, got object"),
        ((1e300, float), r"must be finite, of at most 1e\+30, got 1e\+300"),
    ],
)
@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_errors_of_channels_that_are_no_arrays_of_numbers_are_refused(kind, field, change, said):
    network = network_of(["conv"], 0)
    with pytest.raises(AxsimError, match=f"layer 0_conv: {field} {said}"):
        inject(network, random_images(network, 1), {"0_conv": fitting_errors(network, kind, **{field: change})})


@pytest.mark.parametrize("kind", [ChannelErrors, TapLines])
def test_noise_below_zero_is_refused(kind):
    network = network_of(["conv"], 0)
    with pytest.raises(AxsimError, match=r"noise must be 0 or more, got -1\.0"):
        inject(network, random_images(network, 1), {"0_conv": fitting_errors(network, kind, noise=(-1.0, float))})


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_errors_of_channels_in_other_numbers_are_the_same_errors(dtype):
    """Two values whose product the dtype could not hold."""
    network = network_of(["conv"], 0)
    images = random_images(network, 2)
    logits = []
    for each in (dtype, np.float64):
        errors = fitting_errors(network, ChannelErrors, gain=(100, each), centre=(100, each))
        logits.append(inject(network, images, {"0_conv": errors}).logits)
    assert np.array_equal(*logits)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mean": "3"}, "mean must be a number"),
        ({"mean": None}, "mean must be a number"),
        ({"mean": 1j}, "mean must be a number"),
        ({"mean": Fraction(1, 2)}, "mean must be a number"),
        ({"mean": True}, "mean must be a number"),
        ({"mean": np.zeros(2)}, "mean must be a number"),
        ({"std": "3"}, "std must be a number"),
        ({"relative": "no"}, "relative must be True or False"),
        ({"distribution": ["normal"]}, "normal, uniform, two_point"),
    ],
)
def test_error_models_of_other_types_are_refused(given, said):
    with pytest.raises(AxsimError, match=said):
        ErrorModel(**given)


def test_prepared_layers_room_holds_for_the_engine():
    network = network_of(["conv", "depthwise"], 4, "affine")
    layers = prepare(network, dict.fromkeys([layer.name for layer in network.layers]))
    for layer in layers.values():
        assert (layer.room > 0).all()
    assert len(list(forward(network, layers, random_images(network, 2), lambda one, x: one.sums(x, None)))) == 1


def test_grid_on_the_command_line(tmp_path, capsys):
    from axsim.cli import main
    from axsim.images import ImageSet, save_images
    from axsim.networks.network_file import save

    network = network_of(["conv"], 0, "symmetric", (3, 5, 5))
    images = ImageSet(random_images(network, 4), np.zeros(4, np.int64))
    save(network, tmp_path / "n.h5")
    save_images(tmp_path / "i.h5", images, {})
    call = ["inject", str(tmp_path / "n.h5"), "--images", str(tmp_path / "i.h5")]
    target = tmp_path / "map.svg"
    assert main([*call, "--mean=-4,0,4", "--std", "0,9", "--map", str(target), "--json"]) == 0
    shares = json.loads(capsys.readouterr().out)["top1"]
    assert np.array(shares).shape == (2, 3)
    assert target.read_text().count("<rect") == 6
    assert shares[0][1] == axsim.run(network, images.images).top1(images.labels)
    assert main([*call, "--mean", "1", "--map", str(tmp_path / "other.svg")]) == 2
    assert "grid" in capsys.readouterr().err
    assert main([*call, "--table", "mitchell", "--layers", "0_conv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["std"] > 100
    assert main([*call, "--layers", "nowhere"]) == 2
    assert "0_conv" in capsys.readouterr().err


def test_errors_of_a_multiplier_keep_what_is_not_given(tmp_path, capsys):
    """Of --mean and --std, the one that is not given is the multiplier's own; a 0 that is given counts."""
    from axsim.cli import main
    from axsim.images import ImageSet, save_images
    from axsim.networks.network_file import save

    network = network_of(["conv"], 0, "symmetric", (3, 5, 5))
    save(network, tmp_path / "n.h5")
    save_images(tmp_path / "i.h5", ImageSet(random_images(network, 2), np.zeros(2, np.int64)), {})
    call = ["inject", str(tmp_path / "n.h5"), "--images", str(tmp_path / "i.h5"), "--table", "drum:k=4", "--json"]
    own = axsim.multiplier("drum:k=4").serving("s8", "s8").moments()

    def moments(*arguments):
        assert main([*call, *arguments]) == 0
        found = json.loads(capsys.readouterr().out)
        return [found.get(one, found.get(f"{one}s")) for one in ("mean", "std")]

    assert moments() == pytest.approx([own.mean_error, own.standard_deviation])
    assert moments("--mean", "5") == pytest.approx([5, own.standard_deviation])
    assert moments("--mean", "0", "--std", "0") == [0, 0]
    means, stds = moments("--mean=-8,8")
    assert means == [-8, 8]
    assert stds == pytest.approx([own.standard_deviation])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros(10, np.float32), r"float32 \[65536\], got float32 \(10,\)"),
        (np.zeros(2**16), "got float64"),
        ([0.0], "got list"),
        (np.full(2**16, np.nan, np.float32), "finite"),
    ],
)
def test_values_that_the_kernels_could_not_index(values, said):
    with pytest.raises(AxsimError, match=said):
        ErrorModel(values=values)
