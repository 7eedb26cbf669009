"""matmul equals the oracle for every shape, format and table, and refuses what does not fit."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from products import fast_oracle, operand

import axsim
from axsim.errors import AxsimError, MultiplierError
from axsim.inference.gemm import Product, accumulator_bound
from axsim.multipliers.product_table import Multiplier

AWKWARD = [0, 1, 2, 7, 23, 115]
RANDOM = Multiplier("random", np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), ("u8", "u8"))
WIDE = Multiplier("wide", np.random.default_rng(2).integers(-(2**16), 2**16, (256, 256)), ("u8", "u8"))


@pytest.mark.parametrize("m", AWKWARD)
@pytest.mark.parametrize("k", AWKWARD)
@pytest.mark.parametrize("n", AWKWARD)
@pytest.mark.parametrize(
    "multiplier", [None, axsim.multiplier("mitchell"), RANDOM], ids=["exact", "mitchell", "random"]
)
def test_awkward_shapes(m, k, n, multiplier):
    rng = np.random.default_rng(m * 10007 + k * 101 + n)
    w, x = operand(rng, "s8", (m, k)), operand(rng, "u8", (k, n))
    got = axsim.matmul(w, x, multiplier)
    assert got.dtype == np.int32
    assert got.shape == (m, n)
    assert np.array_equal(got, fast_oracle(w, x, multiplier))


@pytest.mark.parametrize("n", [2047, 2048, 2049, 5000])
@pytest.mark.parametrize("multiplier", [None, WIDE], ids=["exact", "wide"])
def test_more_pixels_than_a_tile(n, multiplier):
    rng = np.random.default_rng(n)
    w, x = operand(rng, "s8", (3, 257)), operand(rng, "s8", (257, n))
    assert np.array_equal(axsim.matmul(w, x, multiplier), fast_oracle(w, x, multiplier))


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(["s8", "u8"]),
    st.sampled_from(["s8", "u8"]),
    st.sampled_from([None, RANDOM, WIDE, axsim.multiplier("drum:k=3"), axsim.multiplier("exact")]),
    st.integers(0, 2**32 - 1),
)
def test_any_formats_and_tables(m, k, n, w_format, x_format, multiplier, seed):
    rng = np.random.default_rng(seed)
    w, x = operand(rng, w_format, (m, k)), operand(rng, x_format, (k, n))
    assert np.array_equal(axsim.matmul(w, x, multiplier), reference.matmul(w, x, multiplier))


@pytest.mark.parametrize("w_value", [-128, 127])
@pytest.mark.parametrize("x_value", [0, 128, 255])
@pytest.mark.parametrize("multiplier", [None, axsim.multiplier("mbm"), WIDE], ids=["exact", "mbm", "wide"])
def test_extremes(w_value, x_value, multiplier):
    w, x = np.full((2, 300), w_value, np.int8), np.full((300, 5), x_value, np.uint8)
    assert np.array_equal(axsim.matmul(w, x, multiplier), fast_oracle(w, x, multiplier))


def test_operands_need_not_be_contiguous_nor_writable():
    rng = np.random.default_rng(3)
    w, x = operand(rng, "s8", (8, 14))[::2, ::2], operand(rng, "s8", (5, 7)).T
    x.flags.writeable = False
    assert np.array_equal(axsim.matmul(w, x, RANDOM), reference.matmul(w, x, RANDOM))


def test_weights_come_first():
    table = np.zeros((256, 256), np.int64)
    table[3, 5] = 1
    one_way = Multiplier("one way", table, ("u8", "u8"))
    three, five = np.array([[3]], np.uint8), np.array([[5]], np.uint8)
    assert axsim.matmul(three, five, one_way).tolist() == [[1]]
    assert axsim.matmul(five, three, one_way).tolist() == [[0]]


@pytest.mark.parametrize("multiplier", [None, RANDOM], ids=["exact", "random"])
def test_groups_multiply_their_own_taps(multiplier):
    rng = np.random.default_rng(4)
    w, x = operand(rng, "s8", (6, 5)), operand(rng, "u8", (15, 40))
    served = None if multiplier is None else multiplier.serving("s8", "u8")
    got = Product(w.view(np.uint8), 3, "s8", "u8", served)(x)
    wanted = np.concatenate(
        [reference.matmul(w[2 * g : 2 * g + 2], x[5 * g : 5 * g + 5], multiplier) for g in range(3)]
    )
    assert np.array_equal(got, wanted)


def test_the_bound_is_that_of_the_worst_activations():
    rng = np.random.default_rng(5)
    w = operand(rng, "s8", (4, 9))
    table = reference.product_table(RANDOM, "s8", "u8")
    wanted = max(sum(int(abs(table[int(value) % 256]).max()) for value in row) for row in w)
    assert accumulator_bound(w.view(np.uint8), "s8", "u8", RANDOM.serving("s8", "u8")) == wanted


@pytest.mark.parametrize("depth", [2**31 // 2**14 - 1, 2**31 // 2**14])
def test_a_sum_that_could_overflow_is_refused(depth):
    w, x = np.full((1, depth), -128, np.int8), np.full((depth, 1), -128, np.int8)
    if depth * 2**14 < 2**31:
        assert axsim.matmul(w, x).tolist() == [[depth * 2**14]]
    else:
        with pytest.raises(AxsimError, match=r"int32.*split"):
            axsim.matmul(w, x)


@pytest.mark.parametrize(
    ("w", "x", "words"),
    [
        (np.zeros((2, 3), np.int16), np.zeros((3, 2), np.int8), "int8 or uint8"),
        (np.zeros((2, 3), np.int8), np.zeros((3, 2)), "int8 or uint8"),
        (np.zeros((2, 3), np.int8), np.zeros((2, 3), np.int8), r"\[M, K\] and \[K, N\]"),
        (np.zeros(3, np.int8), np.zeros((3, 2), np.int8), "shapes"),
        (np.zeros((1, 2, 3), np.int8), np.zeros((3, 2), np.int8), "shapes"),
    ],
)
def test_wrong_operands(w, x, words):
    with pytest.raises(AxsimError, match=words):
        axsim.matmul(w, x)


def test_a_signed_multiplier_serves_signed_operands_only():
    signed = axsim.multiplier("broken_array:v=4,signed=1")
    with pytest.raises(MultiplierError, match="cannot serve"):
        axsim.matmul(np.zeros((1, 1), np.int8), np.zeros((1, 1), np.uint8), signed)
