"""Every plan gives the sums of the table, on either tier, for all shapes and at the edges of what it covers."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from products import (
    TIERS,
    fast_oracle,
    needs_avx2,
    of_each_kind,
    operand,
    products_spanning,
    sum_of_outer_products,
    table_spanning,
)

import axsim
from axsim.cli import main
from axsim.errors import AxsimError
from axsim.inference.gemm import Product, Rescale
from axsim.inference.low_rank import outer_products
from axsim.inference.plan import byte_planes, operand_maps, plan
from axsim.inference.tier import tier
from axsim.multipliers import catalog
from axsim.multipliers.product_table import Multiplier

FORMATS = [("s8", "s8"), ("s8", "u8"), ("u8", "u8"), ("u8", "s8")]
SHAPES = [(1, 1, 1), (2, 7, 23), (5, 257, 65), (3, 256, 64), (17, 115, 63), (4, 4, 256), (9, 1030, 321), (33, 9, 640)]


@pytest.mark.parametrize("operands", FORMATS, ids="x".join)
@pytest.mark.parametrize("on", TIERS[1:], indirect=True)
def test_the_plan_of_each_kind(operands, on):
    for kind, multiplier in of_each_kind(operands).items():
        assert plan(multiplier).kind == kind
        assert plan(multiplier).reason


@pytest.mark.parametrize("kind", ["exact", "operand maps", "outer products", "error plane", "two planes", "table"])
@pytest.mark.parametrize("operands", FORMATS, ids="x".join)
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_sums_of_each_kind(kind, operands, on):
    multiplier = of_each_kind(operands)[kind]
    for shape in SHAPES:
        rng = np.random.default_rng(sum(shape))
        w, x = operand(rng, operands[0], shape[:2]), operand(rng, operands[1], shape[1:])
        for activations in (x, x & 127):  # half of the table serves the second
            assert np.array_equal(axsim.matmul(w, activations, multiplier), fast_oracle(w, activations, multiplier))


@pytest.mark.parametrize("kind", ["exact", "operand maps", "outer products", "error plane", "two planes", "table"])
@pytest.mark.parametrize(("rows", "groups"), [(6, 6), (12, 6), (15, 3), (8, 2), (32, 2)])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_groups_of_each_kind(kind, rows, groups, on):
    multiplier = of_each_kind(("s8", "u8"))[kind]
    rng = np.random.default_rng(rows)
    for depth, pixels in ((9, 300), (25, 64), (3, 17)):
        w, x = operand(rng, "s8", (rows, depth)), operand(rng, "u8", (groups * depth, pixels))
        got = Product(w.view(np.uint8), groups, "s8", "u8", multiplier)(x)
        each = rows // groups
        wanted = [
            fast_oracle(w[g * each : (g + 1) * each], x[g * depth : (g + 1) * depth], multiplier) for g in range(groups)
        ]
        assert np.array_equal(got, np.concatenate(wanted))


@pytest.mark.parametrize("kind", ["exact", "operand maps", "outer products", "error plane", "two planes", "table"])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_codes_are_the_sums_requantized(kind, on):
    """Whatever shape: where codes are stored without an array of sums between, and where they are not."""
    multiplier = of_each_kind(("s8", "u8"))[kind]
    for m, k, n in [*SHAPES, (100, 40, 5), (65, 0, 3), (3, 4, 0)]:
        rng = np.random.default_rng(m)
        w, x = operand(rng, "s8", (m, k)), operand(rng, "u8", (k, n))
        product = Product(w.view(np.uint8), 1, "s8", "u8", multiplier)
        bias = rng.integers(-1000, 1000, m).astype(np.int32)
        scale = rng.uniform(1e-4, 1e-2, m).astype(np.float32)
        for activations in (x, x & 127):
            real = (product(activations) + bias[:, None]).astype(np.float32) * scale[:, None]
            wanted = np.clip(np.rint(real) + 3, -100, 90).astype(np.int64).astype(np.uint8)
            assert np.array_equal(product.codes(activations, Rescale(bias, scale, 3, (-100, 90))), wanted)


@pytest.mark.parametrize("name", [*catalog.examples(), "drum:k=2", "drum:k=8", "truncated:t=7", "truncated:t=8"])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_every_catalogue_entry(name, on):
    """All 65,536 products at once: w [256, 1] by x [1, 256]."""
    multiplier = axsim.multiplier(name)
    for operands in FORMATS if multiplier.operands == ("u8", "u8") else [("s8", "s8")]:
        dtypes = [np.int8 if fmt == "s8" else np.uint8 for fmt in operands]
        w, x = (np.arange(256, dtype=np.uint8).view(dtype) for dtype in dtypes)
        got = axsim.matmul(w[:, None], x[None, :], multiplier)
        assert np.array_equal(got, multiplier.serving(*operands).table)
        for part in (slice(0, 128), slice(129, 256)):  # what maps without -128, and half tables, serve
            got = axsim.matmul(w[part, None], x[None, part], multiplier)
            assert np.array_equal(got, multiplier.serving(*operands).table[part, part])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([2, 255, 256, 257, 65535, 65536, 65537, 2**20]), st.booleans(), st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_tables_at_the_edges_of_their_spans(on, span, of_error, seed):
    multiplier = (table_spanning if of_error else products_spanning)(span, ("s8", "s8"), seed)
    rng = np.random.default_rng(seed)
    m, k, n = (int(value) for value in rng.integers(1, 70, 3))
    w, x = operand(rng, "s8", (m, k)), operand(rng, "s8", (k, n))
    assert np.array_equal(axsim.matmul(w, x, multiplier), fast_oracle(w, x, multiplier))


@pytest.mark.parametrize("value", [0, 127, 128, 255])
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_the_most_that_a_lane_adds(on, value):
    """1,000 taps that all look up 255 in both bytes."""
    multiplier = Multiplier("full", np.where(np.arange(256)[None, :] == value, 65535, 0).repeat(256, 0), ("u8", "u8"))
    w, x = np.full((2, 1000), 7, np.uint8), np.full((1000, 70), value, np.uint8)
    assert (axsim.matmul(w, x, multiplier) == 1000 * 65535).all()


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("entries", [128, 256])
def test_byte_planes_rebuild_the_values(planes, entries):
    values = np.random.default_rng(planes).integers(-(2**30), 2**30, (256, 1)) + np.arange(256) % 256**planes
    made = byte_planes(values, entries, planes)
    assert made.tables.ctypes.data % 64 == 0
    rebuilt = made.base[:, None] + sum(made.tables[:, p].astype(int) << (8 * p) for p in range(planes))
    assert np.array_equal(rebuilt, values[:, :entries])
    values[3, 5] += 256**planes
    assert byte_planes(values, entries, planes) is None


@pytest.mark.parametrize(
    ("name", "operands", "whole"),
    [
        ("drum:k=4", ("s8", "u8"), False),
        ("truncated:t=2", ("s8", "s8"), True),
        ("truncated:t=3,signed=1", ("s8", "s8"), True),
    ],
)
def test_maps_are_found(name, operands, whole):
    served = axsim.multiplier(name).serving(*operands)
    maps = operand_maps(served.table)
    assert maps.whole == whole
    kept = slice(None) if whole else np.delete(np.arange(256), 128)
    assert np.array_equal(np.outer(maps.f, maps.g)[kept][:, kept], served.table[kept][:, kept])


@pytest.mark.parametrize("name", ["mitchell", "mbm", "truncated:v=6", "broken_array:h=2,v=5"])
def test_maps_are_not_found_where_there_are_none(name):
    assert operand_maps(axsim.multiplier(name).serving("s8", "s8").table) is None


@pytest.mark.parametrize("entries", [128, 256])
@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("roba", 2),
        ("kulkarni", 2),
        ("sdlc", 3),
        ("mul8s_1KR6", 3),
        ("mul8s_1KVA", 3),
        ("mul8u_JQQ", 3),
        ("broken_array:h=2,v=5", 4),
        ("mul8s_1KVL", 4),
    ],
)
def test_outer_products_are_found(name, terms, entries):
    table = axsim.multiplier(name).serving("s8", "s8").table
    found = outer_products(table, entries, 4)
    assert len(found.f) == terms
    assert found.f.min() >= -128
    assert found.f.max() <= 127
    assert found.g.min() >= 0
    assert found.g.max() <= 255
    assert np.array_equal(found.base[:, None] + found.f.T @ found.g, table[:, :entries])
    assert outer_products(table, entries, terms - 1) is None


@pytest.mark.parametrize("name", ["mitchell", "mul8u_FTA", "mul8u_17QU"])
def test_outer_products_are_not_found_where_there_are_none(name):
    """The rank too high, or the factors beyond a byte."""
    assert outer_products(axsim.multiplier(name).serving("s8", "s8").table, 256, 4) is None


def test_one_other_entry_is_no_sum_of_outer_products():
    table = axsim.multiplier("roba").serving("s8", "s8").table.copy()
    table[77, 200] += 1
    assert outer_products(table, 256, 2) is None


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.sampled_from(FORMATS), st.integers(0, 2**32 - 1))
def test_sums_of_outer_products_are_proven_or_not_taken(terms, operands, seed):
    table = sum_of_outer_products(terms, operands, seed).table
    found = outer_products(table, 256, terms)
    assert found is None or np.array_equal(found.base[:, None] + found.f.T @ found.g, table)


@pytest.mark.parametrize("name", sorted(catalog.circuits()))
@pytest.mark.parametrize("on", TIERS, indirect=True)
def test_every_circuit_on_awkward_shapes(name, on):
    multiplier = axsim.multiplier(name)
    for operands in FORMATS if multiplier.operands == ("u8", "u8") else [("s8", "s8")]:
        for shape in ((20, 23, 65), (40, 257, 64), (17, 2, 33)):
            rng = np.random.default_rng(sum(shape))
            w, x = operand(rng, operands[0], shape[:2]), operand(rng, operands[1], shape[1:])
            for activations in (x, x & 127):
                assert np.array_equal(axsim.matmul(w, activations, multiplier), fast_oracle(w, activations, multiplier))


def test_a_table_of_zeros():
    zeros = Multiplier("zeros", np.zeros((256, 256), int), ("s8", "s8"))
    assert (axsim.matmul(np.full((5, 300), -128, np.int8), np.full((300, 70), 127, np.int8), zeros) == 0).all()


def test_tables_by_steps_of_16_bytes():
    """Exclusive-or of the steps up to an index's own, within its half, is the entry."""
    for entries in (128, 256):
        planes = byte_planes(np.random.default_rng(entries).integers(0, 65536, (256, 256)), entries, 2)
        by_step = planes.stepped.reshape(256, 2, -1, 8, 16)
        met = np.bitwise_xor.accumulate(by_step, axis=3)
        assert np.array_equal(met.reshape(planes.tables.shape), planes.tables)
        assert planes.stepped.ctypes.data % 64 == 0


@needs_avx2
def test_the_middle_tier_is_chosen_and_named(monkeypatch, capsys):
    monkeypatch.setenv("AXSIM_TIER", "avx2")
    assert main(["bench", "--explain", "mitchell"]) == 0
    out = capsys.readouterr().out
    assert "tier avx2" in out
    assert "two planes" in out


@pytest.mark.parametrize("asked", ["fast", "", "AVX512"])
def test_an_unknown_tier(monkeypatch, asked):
    monkeypatch.setenv("AXSIM_TIER", asked)
    with pytest.raises(AxsimError, match="AXSIM_TIER must be"):
        tier()
