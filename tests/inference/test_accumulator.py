"""Accumulators of few bits equal the oracle, which adds one product after the other and fits each sum."""

import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import network_of, random_images

import axsim
from axsim.errors import AxsimError
from axsim.inference.accumulator import Accumulator
from axsim.multipliers.product_table import Multiplier

RANDOM = Multiplier("random", np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), ("u8", "u8"))
MULTIPLIERS = [None, axsim.multiplier("mbm"), axsim.multiplier("drum:k=4"), RANDOM]
BITS = [8, 16, 20, 32]


def operands(seed, m, k, n):
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (m, k)).astype(np.int8), rng.integers(0, 256, (k, n)).astype(np.uint8)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 4),
    st.integers(0, 40),
    st.integers(0, 5),
    st.sampled_from(MULTIPLIERS),
    st.integers(8, 32),
    st.sampled_from(["wrap", "saturate"]),
    st.one_of(st.none(), st.integers(1, 45)),
    st.integers(0, 2**32 - 1),
)
def test_matmul_in_any_accumulator(m, k, n, multiplier, bits, overflow, taps, seed):
    w, x = operands(seed, m, k, n)
    got = axsim.matmul(w, x, multiplier, accumulator_bits=bits, overflow=overflow, accumulator_taps=taps)
    assert got.dtype == np.int32
    assert np.array_equal(got, reference.matmul(w, x, multiplier, (bits, overflow, taps)))


@pytest.mark.parametrize("bits", [8, 16, 20])
@pytest.mark.parametrize("multiplier", MULTIPLIERS, ids=lambda m: "none" if m is None else m.name)
def test_wrapping_each_sum_is_wrapping_the_exact_one(bits, multiplier):
    w, x = operands(3, 5, 600, 70)
    exact = axsim.matmul(w, x, multiplier).astype(np.int64)
    wanted = (exact + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    assert not np.array_equal(wanted, exact)
    assert np.array_equal(axsim.matmul(w, x, multiplier, accumulator_bits=bits, overflow="wrap"), wanted)


def test_saturation_depends_on_the_order_of_the_taps():
    w, x = np.array([[127, 127, 127, -127]], np.int8), np.full((4, 1), 127, np.int8)
    kept = {"accumulator_bits": 16, "overflow": "saturate"}
    assert axsim.matmul(w, x, **kept).tolist() == [[2**15 - 1 - 127**2]]
    assert axsim.matmul(w[:, ::-1].copy(), x, **kept).tolist() == [[2 * 127**2]]
    assert axsim.matmul(w, x, **kept, accumulator_taps=2).tolist() == [[2 * 127**2]]


@pytest.mark.parametrize("n", [2047, 2049])
def test_more_pixels_than_a_tile(n):
    w, x = operands(n, 3, 30, n)
    columns = [0, 1, 2046, n - 1]
    got = axsim.matmul(w, x, RANDOM, accumulator_bits=17, overflow="saturate", accumulator_taps=16)
    assert np.array_equal(got[:, columns], reference.matmul(w, x[:, columns], RANDOM, (17, "saturate", 16)))


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("rounding", ["float", "onnxruntime", "fixed", "litert"])
@pytest.mark.parametrize("accumulator", [(9, "saturate", None), (12, "wrap", None), (10, "saturate", 4)], ids=str)
def test_networks(scheme, rounding, accumulator):
    network = network_of(["conv", "depthwise", "add", "grouped"], 11, scheme, (4, 6, 5), rounding=rounding)
    run_equals_oracle(network, accumulator)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("accumulator", [(8, "saturate", None), (11, "wrap", None), (9, "wrap", 3)], ids=str)
def test_products_of_activations(scheme, accumulator):
    run_equals_oracle(network_of(["conv", "matmul"], 4, scheme), accumulator)


def run_equals_oracle(network, accumulator):
    images = random_images(network, 2)
    bits, overflow, taps = accumulator
    kept = {"accumulator_bits": bits, "overflow": overflow, "accumulator_taps": taps}
    for multiplier in (None, axsim.multiplier("mitchell")):
        wanted, codes, sums = reference.run(network, images, multiplier, accumulator)
        plain = axsim.run(network, images, multiplier, **kept)
        watched = axsim.run(network, images, multiplier, **kept, statistics=True, batch_size=1)
        assert np.array_equal(plain.logits, wanted)
        assert np.array_equal(watched.logits, wanted)
        assert plain.accumulator == Accumulator(bits, overflow, taps)
        in_32_bits = reference.run(network, images, multiplier)[2]
        assert any((sums[name] != in_32_bits[name]).any() for name in sums)  # or else this test shows nothing
        for layer in network.layers:
            formats = [network.quantization(name) for name in layer.inputs]
            exact = reference.sums_of(layer, [codes[name] for name in layer.inputs], formats, None)
            lost = sums[layer.name] - exact
            assert watched.statistics[layer.name].errors.norm == pytest.approx(np.linalg.norm(lost.ravel()), rel=1e-12)


def test_32_bits_change_nothing():
    network = network_of(["conv", "depthwise", "matmul"], 5, "affine")
    images = random_images(network, 3)
    for multiplier in MULTIPLIERS:
        wanted = axsim.run(network, images, multiplier).logits
        for overflow in ("wrap", "saturate"):
            assert np.array_equal(axsim.run(network, images, multiplier, overflow=overflow).logits, wanted)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"accumulator_bits": 7}, "from 8 to 32, got 7"),
        ({"accumulator_bits": 33}, "from 8 to 32, got 33"),
        ({"accumulator_bits": 20.0}, r"got 20\.0"),
        ({"accumulator_bits": True}, "got True"),
        ({"overflow": "clip"}, "wrap or saturate, got 'clip'"),
        ({"accumulator_taps": 0}, "1 or more, got 0"),
    ],
)
def test_wrong_accumulators(values, words):
    network = network_of(["conv"])
    with pytest.raises(AxsimError, match=words):
        axsim.run(network, random_images(network, 1), **values)
    with pytest.raises(AxsimError, match=words):
        axsim.matmul(np.zeros((1, 1), np.int8), np.zeros((1, 1), np.int8), **values)


def test_a_sum_past_int32_is_refused_in_any_accumulator():
    w, x = np.full((1, 2**17), -128, np.int8), np.full((2**17, 1), -128, np.int8)
    for overflow in ("wrap", "saturate"):
        with pytest.raises(AxsimError, match="int32"):
            axsim.matmul(w, x, accumulator_bits=20, overflow=overflow)
