"""The engine equals the oracle bit for bit: every operator, any table, both schemes, any batch size or thread count."""

import dataclasses

import numba
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import NOT_FIXED, OPERATORS, network_of, networks, random_images

import axsim
from axsim.errors import AxsimError, ImageError, MultiplierError, NetworkError
from axsim.formats import DTYPES, code_range
from axsim.inference.engine import input_codes
from axsim.multipliers.product_table import Multiplier
from axsim.networks.rounding import FIXED, ROUNDINGS

SLOW_ENOUGH = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
# Codes that no multiplier makes: tables at the edges of their range, and one whose zero row is not zero.
RNG = np.random.default_rng(7)
TABLES = [
    Multiplier("random u8", RNG.integers(-40000, 40000, (256, 256)), ("u8", "u8")),
    Multiplier("extreme u8", RNG.choice([-(2**20), 2**20 - 1, 0], (256, 256)), ("u8", "u8")),
]
SIGNED = Multiplier("random s8", RNG.integers(-32768, 32768, (256, 256)), ("s8", "s8"))
FLOAT = ("gelu", "softmax", "layer_norm")
NAMES = ["exact", "drum:k=3", "mitchell", "mbm", "truncated:t=1,v=5", "broken_array:h=1,v=4"]
EVERY = [None, *map(axsim.multiplier, NAMES), *TABLES]


def serves(multiplier, network):
    return multiplier is None or multiplier.operands == ("u8", "u8") or network.scheme == "symmetric"


def assert_equal_to_oracle(network, images, multiplier):
    wanted, _, sums = reference.run(network, images, multiplier)
    result = axsim.run(network, images, multiplier, statistics=True)
    assert np.array_equal(result.logits, wanted)
    assert np.array_equal(axsim.run(network, images, multiplier).logits, wanted)  # codes without sums between
    _, _, exact_sums = exact_sums_on_inputs(network, images, multiplier)
    for name, statistics in result.statistics.items():
        error = sums[name] - exact_sums[name]
        assert statistics.errors.norm == pytest.approx(
            float(np.sqrt(float((error.astype(object) ** 2).sum()))), rel=1e-14
        )
        assert statistics.errors.sums.tolist() == error.sum(axis=(0, 2, 3)).tolist()


def exact_sums_on_inputs(network, images, multiplier):
    """Exact sums of every layer on the inputs that the run through the multiplier gave it."""
    logits, codes, _ = reference.run(network, images, multiplier)
    sums = {
        node.name: reference.sums_of(
            node, [codes[name] for name in node.inputs], [network.quantization(name) for name in node.inputs], None
        )
        for node in network.layers
    }
    return logits, codes, sums


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("seed", range(4))
def test_each_operator(op, scheme, seed, rounding):
    if rounding in FIXED and op in NOT_FIXED:
        with pytest.raises(NetworkError, match="no such rule"):
            network_of([op], seed, scheme, rounding=rounding)
        return
    network = network_of([op], seed, scheme, rounding=rounding)
    assert_equal_to_oracle(network, random_images(network, 3, seed), EVERY[seed])


@pytest.mark.parametrize("multiplier", [*EVERY, SIGNED], ids=lambda m: "none" if m is None else m.name)
@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_each_multiplier(multiplier, scheme):
    network = network_of(["conv", "depthwise", "add", "max_pool"], 5, scheme)
    if multiplier is SIGNED and scheme == "affine":
        with pytest.raises(MultiplierError, match="cannot serve"):
            axsim.run(network, random_images(network, 2), multiplier)
    else:
        assert_equal_to_oracle(network, random_images(network, 2), multiplier)


@pytest.mark.parametrize("w_format", ["u8", "s8"])
@pytest.mark.parametrize("x_format", ["u8", "s8"])
@pytest.mark.parametrize("op", ["conv", "depthwise", "grouped"])
@pytest.mark.parametrize("zero_points", ["one", "one a channel"])
def test_operand_formats_and_zero_points_of_weights(w_format, x_format, op, zero_points):
    network = network_of([op], 13, "affine", (4, 7, 6))
    low, high = code_range(w_format)
    rng = np.random.default_rng(1)
    layers = []
    for layer in network.layers:
        weight = rng.integers(low, high + 1, layer.weight.shape).astype(DTYPES[w_format])
        each = rng.integers(low, high + 1, 1 if zero_points == "one" else len(weight)).astype(np.int32)
        each[0] = high  # the furthest from what it is taken off
        layers.append(dataclasses.replace(layer, weight=weight, weight_zero_point=each))
    nodes = tuple(next((new for new in layers if new.name == node.name), node) for node in network.nodes)
    given = dataclasses.replace(network.input, format=x_format, zero_point=code_range(x_format)[1] - 1)
    network = dataclasses.replace(network, nodes=nodes, input=given)
    for multiplier in (
        None,
        axsim.multiplier("mitchell"),
        TABLES[0],
        *((SIGNED,) if w_format == x_format == "s8" else ()),
    ):
        try:
            assert_equal_to_oracle(network, random_images(network, 2), multiplier)
        except MultiplierError:  # the signed one, where the linear layer's input is u8
            assert multiplier is SIGNED and network.quantization(network.layers[-1].inputs[0]).format == "u8"


@SLOW_ENOUGH
@given(networks(), st.sampled_from(EVERY), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_random_networks(network, multiplier, count, seed):
    assert_equal_to_oracle(network, random_images(network, count, seed), multiplier)


@SLOW_ENOUGH
@given(networks(), st.data())
def test_a_multiplier_for_each_layer(network, data):
    chosen = {layer.name: data.draw(st.sampled_from([m for m in EVERY if m is not None])) for layer in network.layers}
    for name in data.draw(st.sets(st.sampled_from(sorted(chosen)))):
        del chosen[name]
    images = random_images(network, 2)
    result = axsim.run(network, images, chosen)
    assert np.array_equal(result.logits, reference.run(network, images, chosen)[0])
    served = {step.node: step.multiplier for step in result.steps}
    assert list(served) == [node.name for node in network.nodes]
    for node in network.nodes:
        products = "exact" if node in network.layers else "float" if node.op in FLOAT else "no products"
        assert served[node.name] == (chosen[node.name].name if node.name in chosen else products)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_size_and_threads_change_nothing(batch_size, threads):
    network = network_of(["conv", "max_pool", "depthwise", "average_pool"], 11, "affine", (3, 9, 8))
    images = random_images(network, 7)
    multiplier = axsim.multiplier("mitchell")
    wanted = axsim.run(network, images, multiplier, statistics=True)
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        result = axsim.run(network, images, multiplier, statistics=True, batch_size=batch_size)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(result.logits, wanted.logits)
    for name, statistics in result.statistics.items():
        other = wanted.statistics[name]
        assert statistics.errors.norm == other.errors.norm
        assert np.array_equal(statistics.tap_counts, other.tap_counts)


def test_statistics_count_the_operands():
    network = network_of(["conv", "grouped"], 3, "affine", (4, 6, 5))
    images = random_images(network, 3)
    _, codes, _ = reference.run(network, images)
    result = axsim.run(network, images, statistics=True)
    last = network.layers[-1]
    wanted = np.bincount((codes[last.inputs[0]] % 256).reshape(-1), minlength=256)
    assert result.statistics[last.name].activation_histogram.tolist() == wanted.tolist()
    for layer in network.layers:
        counted = result.statistics[layer.name]
        assert (
            counted.weight_histogram.tolist()
            == np.bincount(layer.weight.view(np.uint8).ravel(), minlength=256).tolist()
        )
        assert (counted.tap_counts.sum(axis=1) == counted.pixels).all()
        assert counted.errors.norm == 0


def test_an_exact_multiplier_gives_the_bits_of_no_multiplier():
    network = network_of(["conv", "depthwise", "grouped"], 2, "affine")
    images = random_images(network, 4)
    assert np.array_equal(
        axsim.run(network, images, axsim.multiplier("exact")).logits, axsim.run(network, images).logits
    )


def test_every_pixel_value_is_encoded_by_the_rule():
    network = network_of(["conv"], 9, "affine", (2, 16, 16))
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(2, axis=3)
    codes = reference.input_codes(network, pixels)[0].reshape(2, 256)
    assert np.array_equal(input_codes(network).astype(np.int64), codes % 256)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 7, 6, 3), np.float32), "uint8"),
        (np.zeros((2, 3, 7, 6), np.uint8), "7 x 6 with 3 channels"),
        (np.zeros((2, 8, 6, 3), np.uint8), "resize"),
        (np.zeros((0, 7, 6, 3), np.uint8), "at least one"),
        (np.zeros((7, 6, 3), np.uint8), r"\[N, H, W, C\]"),
        ([[1]], "list"),
    ],
)
def test_wrong_images(images, words):
    with pytest.raises(ImageError, match=words):
        axsim.run(network_of(["conv"]), images)


def test_an_unknown_layer_is_named():
    network = network_of(["conv"])
    with pytest.raises(AxsimError, match="'nowhere'"):
        axsim.run(network, random_images(network, 1), {"nowhere": axsim.multiplier("mitchell")})


@pytest.mark.parametrize("wrong", ["drum:k=4", 3])
def test_what_is_no_multiplier(wrong):
    network = network_of(["conv"])
    with pytest.raises(MultiplierError, match=r"axsim\.multiplier"):
        axsim.run(network, random_images(network, 1), wrong)


def test_batch_size_below_one():
    network = network_of(["conv"])
    with pytest.raises(AxsimError, match="batch_size"):
        axsim.run(network, random_images(network, 1), batch_size=0)


def test_sums_that_could_leave_int32_are_refused():
    network = network_of(["conv"], 1)
    huge = Multiplier("huge", np.full((256, 256), 2**31 - 1), ("u8", "u8"))
    with pytest.raises(AxsimError, match="int32"):
        axsim.run(network, random_images(network, 1), huge)
