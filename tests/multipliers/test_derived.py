"""Multipliers made of multipliers, against the obvious loop over operand values, and their names read back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import axsim
from axsim.errors import MultiplierError
from axsim.multipliers import derived

CORE, SIGNED = axsim.multiplier("broken_array:h=2,v=5"), axsim.multiplier("broken_array:h=2,v=5,signed=1")
CODES = st.integers(-128, 127)
BYTES = st.integers(0, 255)


def product(multiplier, w, x):
    """Table entry for operand values."""
    return int(multiplier.table[w & 0xFF, x & 0xFF])


@given(w=BYTES, x=BYTES)
@settings(deadline=None)
def test_swap_exchanges_the_operands(w, x):
    assert product(derived.swap(CORE), w, x) == product(CORE, x, w)


def test_swap_exchanges_the_formats():
    mixed = axsim.Multiplier("mixed", CORE.table, ("s8", "u8"))
    assert derived.swap(mixed).operands == ("u8", "s8")
    assert np.array_equal(derived.swap(derived.swap(mixed)).table, mixed.table)


@given(w=CODES, x=CODES)
@settings(deadline=None)
def test_sign_magnitude_takes_absolute_values(w, x):
    sign = -1 if (w < 0) != (x < 0) else 1
    assert product(derived.sign_magnitude(CORE), w, x) == sign * product(CORE, abs(w), abs(x))


@given(w=CODES, x=CODES)
@settings(deadline=None)
def test_ones_complement_inverts_bits(w, x):
    inside = product(CORE, -w - 1 if w < 0 else w, -x - 1 if x < 0 else x)
    wanted = -inside - 1 if (w < 0) != (x < 0) else inside
    assert product(derived.ones_complement(CORE), w, x) == wanted


@given(w=CODES, x=CODES, w_bits=st.integers(1, 8), x_bits=st.integers(1, 8))
@settings(deadline=None)
def test_narrow_saturates_signed_codes(w, x, w_bits, x_bits):
    kept = [max(-(1 << (n - 1)), min((1 << (n - 1)) - 1, value)) for value, n in ((w, w_bits), (x, x_bits))]
    assert product(derived.narrow(SIGNED, w_bits, x_bits), w, x) == product(SIGNED, *kept)


@given(w=BYTES, x=BYTES, w_bits=st.integers(1, 8), x_bits=st.integers(1, 8))
@settings(deadline=None)
def test_narrow_saturates_unsigned_codes(w, x, w_bits, x_bits):
    kept = min(w, 2**w_bits - 1), min(x, 2**x_bits - 1)
    assert product(derived.narrow(CORE, w_bits, x_bits), w, x) == product(CORE, *kept)


@given(w=BYTES, x=BYTES, constant=st.integers(-1000, 1000))
@settings(deadline=None)
def test_a_constant_is_added_to_every_product(w, x, constant):
    assert product(derived.add_constant(CORE, constant), w, x) == product(CORE, w, x) + constant


def test_a_constant_takes_the_mean_error_away():
    mean = CORE.moments().mean_error
    assert abs(derived.add_constant(CORE, -round(mean)).moments().mean_error) <= 0.5


@given(w=BYTES, x=BYTES)
@settings(deadline=None)
def test_compose_of_four_parts(w, x):
    parts = [axsim.multiplier(name) for name in ("exact", "mitchell", "truncated:v=2", "broken_array:h=1,v=3")]
    wanted = (
        256 * product(parts[0], w // 16, x // 16)
        + 16 * product(parts[1], w // 16, x % 16)
        + 16 * product(parts[2], w % 16, x // 16)
        + product(parts[3], w % 16, x % 16)
    )
    assert product(derived.compose(*parts), w, x) == wanted


def test_compose_of_exact_parts_is_exact():
    assert derived.compose(*[axsim.multiplier("exact")] * 4).is_exact


@pytest.mark.parametrize(
    "name",
    [
        "swap(mul8u_FTA)",
        "swap(broken_array:h=2,v=5)",
        "sign_magnitude(mitchell)",
        "ones_complement(drum:k=4)",
        "narrow(mul8s_1KVL; 4; 8)",
        "add_constant(truncated:v=6; -80)",
        "compose(exact; exact; exact; truncated:v=3)",
        "add_constant(swap(narrow(mul8u_FTA; 7; 8)); 12)",
    ],
)
def test_names_are_read_back(name):
    multiplier = axsim.multiplier(name)
    assert multiplier.name == name
    assert axsim.multiplier(f" {name.replace('; ', ';')} ").digest == multiplier.digest


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("swap()", "must be a family or a circuit"),
        ("swap(mitchell", r"must have the form swap\(name\)"),
        ("swap(mitchell)x", r"must have the form swap\(name\)"),
        ("swap(mitchell; exact)", r"must have the form swap\(name\)"),
        ("narrow(mitchell; 4)", r"must have the form narrow\(name; integer; integer\)"),
        ("narrow(mitchell; 4; nine)", "got 4, nine"),
        ("narrow(mitchell; 0; 8)", "w_bits must be a whole number from 1 to 8, got 0"),
        ("add_constant(mitchell; 99999999999)", "got 99999999999"),
        ("compose(exact; exact; exact)", "compose"),
        ("compose(exact; exact; exact; mul8s_1KVL)", "takes unsigned multipliers"),
        ("sign_magnitude(mul8s_1KVL)", "takes unsigned multipliers"),
        ("turn(mitchell)", "must be a family or a circuit"),
        ("swap(" * 300 + "exact" + ")" * 300, r"must have the form swap\(name\)"),
    ],
)
def test_malformed_names(name, said):
    with pytest.raises(MultiplierError, match=said):
        axsim.multiplier(name)


@pytest.mark.parametrize(
    "call",
    [
        lambda: derived.swap("mitchell"),  # type: ignore[arg-type]
        lambda: derived.narrow(CORE, 4.0, 8),  # type: ignore[arg-type]
        lambda: derived.add_constant(CORE, 1.5),  # type: ignore[arg-type]
        lambda: derived.add_constant(CORE, 2**31),
        lambda: derived.compose(CORE, CORE, CORE, SIGNED),
    ],
)
def test_wrong_arguments(call):
    with pytest.raises(MultiplierError):
        call()


def test_a_derived_multiplier_serves_a_product():
    w, x = np.array([[-7, 90]], np.int8), np.array([[5], [-128]], np.int8)
    multiplier = axsim.multiplier("ones_complement(drum:k=4)")
    assert axsim.matmul(w, x, multiplier)[0, 0] == product(multiplier, -7, 5) + product(multiplier, 90, -128)
