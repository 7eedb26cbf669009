"""A Multiplier refuses what is no product table, wraps unsigned cores by sign-magnitude, and stays as it was built."""

import hashlib
import itertools
import struct

import numpy as np
import pytest

from axsim.errors import MultiplierError
from axsim.formats import FORMATS, exact_products, pattern_values
from axsim.multipliers.catalog import multiplier
from axsim.multipliers.moments import moments
from axsim.multipliers.product_table import Multiplier

PAIRS = list(itertools.product(FORMATS, FORMATS))
WRAPPED = [pair for pair in PAIRS if pair != ("u8", "u8")]
ANY = np.random.default_rng(7).integers(1 - 2**31, 2**31, (256, 256))
SMALL = ANY >> 12
CORES = ["exact", "drum:k=3", "mitchell", "mbm", "truncated:v=6", "broken_array:h=2,v=5"]


def with_entry(value, dtype):
    table = np.zeros((256, 256), dtype)
    table[3, 5] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((256, 255), np.int32), r"shape \(256, 256\), got \(256, 255\)"),
        (np.zeros(65536, np.int32), r"shape \(256, 256\), got \(65536,\)"),
        (np.zeros((1, 256, 256), np.int32), r"shape \(256, 256\), got \(1, 256, 256\)"),
        ([], r"shape \(256, 256\), got \(0,\)"),
        (7, r"shape \(256, 256\), got \(\)"),
        (np.zeros((256, 256)), "of integers, got dtype float64"),
        (np.zeros((256, 256), bool), "of integers, got dtype bool"),
        (np.zeros((256, 256), complex), "of integers, got dtype complex128"),
        (np.zeros((256, 256), object), "of integers, got dtype object"),
        (np.full((256, 256), "1"), "of integers, got dtype <U1"),
        (with_entry(2**31, np.int64), "from -2147483647 to 2147483647, got values from 0 to 2147483648"),
        (with_entry(-(2**31), np.int64), "from -2147483647 to 2147483647, got values from -2147483648 to 0"),
        (with_entry(2**31, np.uint32), "from -2147483647 to 2147483647, got values from 0 to 2147483648"),
        (with_entry(2**64 - 1, np.uint64), "from -2147483647 to 2147483647, got values from 0 to 18446744073709551615"),
    ],
)
def test_bad_table(table, message):
    with pytest.raises(MultiplierError, match=f"^table must .*{message}"):
        Multiplier("bad", table)


@pytest.mark.parametrize(
    "operands",
    [(), ("u8",), ("u8", "u8", "u8"), ("u8", "s9"), ("int8", "int8"), ("U8", "u8"), "u8", (None, "u8"), (8, 8)],
    ids=str,
)
def test_bad_operands(operands):
    with pytest.raises(MultiplierError, match=r"^operands must be a pair of 'u8' or 's8', got"):
        Multiplier("bad", SMALL, operands)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, ">i4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_int32_range_is_kept(dtype, order):
    table = ANY.copy()
    table[0, :2] = 1 - 2**31, 2**31 - 1
    kept = Multiplier("any", np.array(table, dtype=dtype, order=order)).table
    assert (kept.dtype, kept.flags.c_contiguous) == (np.dtype(np.int32), True)
    assert (kept == table).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.uint64])
def test_narrow_and_unsigned_tables_keep_their_values(dtype):
    table = (np.arange(65536) % 128).reshape(256, 256)
    assert (Multiplier("narrow", table.astype(dtype)).table == table).all()


def test_nested_lists_are_a_table():
    assert (Multiplier("lists", SMALL.tolist()).table == SMALL).all()


def test_table_is_a_read_only_copy():
    source = np.ascontiguousarray(SMALL, dtype=np.int32)
    built = Multiplier("copy", source)
    source[0, 0] += 1
    assert built.table[0, 0] == SMALL[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        built.table[0, 0] = 1


@pytest.mark.parametrize("pair", WRAPPED)
def test_wrapped_table_is_read_only(pair):
    with pytest.raises(ValueError, match="read-only"):
        multiplier("drum:k=3").serving(*pair).table[0, 0] = 1


def sign_magnitude(core, w_format, x_format):
    """Table of sign(w) sign(x) core(|w|, |x|), patterns one by one; the sign of 0 is +."""
    rows, wrapped = core.tolist(), [[0] * 256 for _ in range(256)]
    for w in range(256):
        for x in range(256):
            negative_w, negative_x = w_format == "s8" and w >= 128, x_format == "s8" and x >= 128
            product = rows[256 - w if negative_w else w][256 - x if negative_x else x]
            wrapped[w][x] = -product if negative_w != negative_x else product
    return wrapped


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", [*CORES, "random"])
def test_sign_magnitude(name, pair):
    """The random core does not commute and is not 0 for zero operands."""
    core = Multiplier("random", SMALL) if name == "random" else multiplier(name)
    served = core.serving(*pair)
    assert (served.name, served.operands) == (core.name, pair)
    assert served.table.tolist() == sign_magnitude(core.table, *pair)


@pytest.mark.parametrize(
    ("w_format", "x_format", "w", "x", "row", "column", "sign"),
    [
        ("s8", "s8", -128, -128, 128, 128, 1),
        ("s8", "s8", -128, 127, 128, 127, -1),
        ("s8", "s8", -1, -128, 1, 128, 1),
        ("s8", "s8", -128, 0, 128, 0, -1),
        ("s8", "u8", -128, 255, 128, 255, -1),
        ("s8", "u8", 127, 128, 127, 128, 1),
        ("u8", "s8", 255, -128, 255, 128, -1),
        ("u8", "s8", 0, -128, 0, 128, -1),
    ],
)
def test_magnitude_of_minus_128_is_128(w_format, x_format, w, x, row, column, sign):
    served = Multiplier("random", SMALL).serving(w_format, x_format)
    assert served.table[w % 256, x % 256] == sign * SMALL[row, column]


@pytest.mark.parametrize("pair", PAIRS)
def test_exact_core_serves_every_format_exactly(pair):
    served = multiplier("exact").serving(*pair)
    assert served.is_exact
    assert (served.table == exact_products(*pair)).all()


@pytest.mark.parametrize("own", WRAPPED)
@pytest.mark.parametrize("wanted", PAIRS)
def test_only_unsigned_cores_serve_other_formats(own, wanted):
    built = Multiplier("fixed", SMALL, own)
    if wanted == own:
        assert built.serving(*wanted) is built
    else:
        with pytest.raises(MultiplierError, match=f"^fixed multiplies {own[0]} by {own[1]} and cannot serve"):
            built.serving(*wanted)


def test_signed_circuit_refuses_unsigned_activations_with_the_remedy():
    with pytest.raises(MultiplierError, match="s8 by u8; convert the network under the other scheme"):
        multiplier("truncated:t=1,signed=1").serving("s8", "u8")


@pytest.mark.parametrize("pair", PAIRS)
def test_digest_is_that_of_formats_and_little_endian_table(pair):
    content = "x".join(pair).encode() + struct.pack("<65536i", *SMALL.ravel().tolist())
    assert Multiplier("digest", SMALL, pair).digest == hashlib.sha256(content).hexdigest()


def test_digests_tell_multipliers_apart_and_ignore_names():
    base = Multiplier("a", SMALL)
    assert base.digest == Multiplier("b", SMALL.astype(np.int32)).digest
    assert base.digest != Multiplier("a", SMALL + with_entry(1, np.int64)).digest
    assert len({base.digest, *(base.serving(*pair).digest for pair in WRAPPED)}) == 4


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("entry", [(0, 0), (128, 128), (255, 255), (255, 0)])
def test_one_wrong_product_is_not_exact(pair, entry):
    table = exact_products(*pair).copy()
    assert Multiplier("right", table, pair).is_exact
    table[entry] += 1
    assert not Multiplier("wrong", table, pair).is_exact


@pytest.mark.parametrize("pair", PAIRS)
def test_error_is_approximate_minus_exact(pair):
    expected = [[SMALL[i, j] - w * x for j, x in enumerate(pattern_values(pair[1]).tolist())]
                for i, w in enumerate(pattern_values(pair[0]).tolist())]  # fmt: skip
    assert Multiplier("error", SMALL, pair).error().tolist() == expected


def test_error_of_extreme_tables_does_not_wrap_around():
    built = Multiplier("extreme", np.full((256, 256), 2**31 - 1), ("s8", "s8"))
    assert int(built.error()[128, 127]) == 2**31 - 1 + 128 * 127


@pytest.mark.parametrize("pair", [("s9", "u8"), ("u8", "int8")])
def test_serving_unknown_formats(pair):
    with pytest.raises(MultiplierError):
        multiplier("exact").serving(*pair)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("zero_products", ["exclude", "zero", "one"])
def test_moments_are_those_of_the_table(pair, zero_products):
    served, counts = multiplier("mbm").serving(*pair), np.arange(256)
    assert served.moments(counts, counts[::-1], zero_products) == moments(
        served.table, pair, counts, counts[::-1], zero_products
    )


@pytest.mark.parametrize("name", CORES)
def test_sign_magnitude_cores_have_no_mean_error_among_symmetric_operands(name):
    """The mean error of a sign-magnitude core is zero wherever the operands' distribution is symmetric."""
    values = pattern_values("s8")
    symmetric = np.where(values == -128, 0, 128 - np.abs(values))
    served = multiplier(name).serving("s8", "s8")
    assert abs(served.moments(symmetric, symmetric).mean_error) < 1e-9
