"""Every family equals its model: all pairs of 8-bit operands, random ones and extremes at other widths."""

import numpy as np
import pytest

from axsim.formats import pattern_values
from axsim.multipliers.catalog import families
from families.models import MODELS, ON_ARRAYS


def mismatches(name, w, x, width, signed, parameters):
    """The first few (w, x, product, product of the model) that differ."""
    products = families()[name](np.array(w), np.array(x), width=width, signed=signed, **parameters).tolist()
    model = MODELS[name]
    if name in ON_ARRAYS:
        expected = model(np.array(w), np.array(x), width, signed, **parameters).tolist()
    else:
        expected = [model(a, b, width, signed, **parameters) for a, b in zip(w, x, strict=True)]
    return [row for row in zip(w, x, products, expected, strict=True) if row[2] != row[3]][:5]


def case(name, signed, *marks, **parameters):
    text = ",".join(f"{key}={value}" for key, value in parameters.items())
    return pytest.param(name, signed, parameters, id=f"{name}-{'s' if signed else 'u'}-{text}", marks=marks)


def both(name, **parameters):
    return [case(name, 0, **parameters), case(name, 1, **parameters)]


def each(name, *parameters, signed=0):
    return [case(name, signed, **values) for values in parameters]


EIGHT_BIT = [
    *both("exact"),
    *(row for t in (0, 1, 3, 7) for row in both("truncated", t=t, v=0)),
    *(row for v in (1, 6, 8, 14, 15) for row in both("truncated", t=0, v=v)),
    *(row for t, v in ((2, 7), (4, 8), (8, 15)) for row in both("truncated", t=t, v=v)),
    case("truncated", 0, t=8, v=0),
    case("truncated", 1, t=8, v=0),
    *(
        row
        for h, v in ((0, 0), (0, 4), (1, 0), (2, 5), (3, 11), (6, 0), (7, 0), (7, 14), (8, 0), (0, 15), (8, 15))
        for row in both("broken_array", h=h, v=v)
    ),
    *each("perforation", {"k": 1}, {"j": 1, "k": 3}, {"j": 7, "k": 1}, {"k": 8}),
    *(case("constant_correction", 0, k=k) for k in (0, 1, 4, 5, 8)),
    case("kulkarni", 0),
    case("sdlc", 0),
    *(case("r4abm", 1, encoder=e, p=p) for e, p in ((1, 0), (1, 6), (1, 9), (2, 1), (2, 8), (2, 16))),
    *(
        case("momeni", 0, design=d, columns=c)
        for d, c in ((1, 0), (1, 5), (1, 7), (1, 15), (2, 1), (2, 7), (2, 11), (2, 15))
    ),
    *(case("venkatachalam", 0, columns=c) for c in (0, 4, 7, 15)),
    *(case("drum", 0, k=k) for k in range(2, 9)),
    *(case("ssm", 0, m=m) for m in range(4, 9)),
    case("essm", 0, m=4),
    *(case("dsm", 0, m=m) for m in (2, 4, 7, 8)),
    *(case("tosam", 0, h=h, t=t) for h, t in ((0, 1), (0, 2), (1, 5), (3, 7), (6, 7))),
    case("roba", 0),
    case("etm", 0),
    *(case("ou", 0, l=level) for level in (0, 1, 3, 7)),
    case("mitchell", 0),
    *each("mbm", {"t": 0}, {"c": 0}, {"c": 5}, {"c": 341, "q": 12}, {"c": 1, "q": 0}),
    *each("mbm_configurable", {"t": 0}, {"t": 1, "c": 0}, {"t": 3, "c": 5}, {"t": 5}, {"t": 5, "c": 127}),
    case("realm", 0, m=1),
    case("realm", 0, m=16),
    case("realm", 0, m=4, q=10),
    *(case("ilm", 0, ecc=ecc) for ecc in (0, 1, 3, 7)),
    *(case("alm_soa", 0, m=m) for m in (0, 1, 4, 7)),
    *(case("dr_alm", 0, t=t) for t in (3, 6, 8)),
    *(case("mitch_w", 0, bits=bits) for bits in (2, 5, 8)),
]
SIXTEEN_BIT = [
    *both("exact"),
    *(row for t, v in ((0, 0), (1, 0), (8, 0), (15, 0), (0, 1), (0, 16), (0, 31), (3, 20), (16, 31))
      for row in both("truncated", t=t, v=v)),
    *(row for h, v in ((0, 0), (0, 8), (1, 2), (2, 5), (3, 0), (7, 20), (11, 25), (15, 30), (16, 0), (0, 31))
      for row in both("broken_array", h=h, v=v)),
    *each("perforation", {"k": 1}, {"j": 3, "k": 5}, {"j": 15, "k": 1}, {"k": 16}),
    *(case("constant_correction", 0, k=k) for k in (0, 7, 16)),
    case("kulkarni", 0),
    *(case("r4abm", 1, encoder=e, p=p) for e in (1, 2) for p in (0, 12, 17, 32)),
    *(case("momeni", 0, design=d, columns=c) for d in (1, 2) for c in (15, 31)),
    *(case("venkatachalam", 0, columns=c) for c in (15, 31)),
    *(case("drum", 0, k=k) for k in (2, *range(3, 9), 15, 16)),
    *(case("ssm", 0, m=m) for m in (8, 10, 16)),
    case("essm", 0, m=8),
    *(case("dsm", 0, m=m) for m in (2, 6, 8, 16)),
    *(case("tosam", 0, h=h, t=t) for h, t in ((0, 1), (0, 3), (3, 7), (5, 9), (14, 15))),
    case("roba", 0),
    case("etm", 0),
    *(case("ou", 0, l=level) for level in (0, 3, 15)),
    case("mitchell", 0),
    *(case("mbm", 0, t=t) for t in range(9)),
    *each("mbm", {"t": 8, "c": 1365, "q": 14}, {"c": 1 << 14, "q": 14}),
    *each("mbm_configurable", {"t": 9}, {"t": 13, "c": 127}),
    *(case("realm", 0, m=m, t=t, q=q) for m, t, q in ((1, 0, 6), (2, 0, 6), (4, 8, 6), (8, 0, 12), (16, 3, 6))),
    *(case("ilm", 0, ecc=ecc) for ecc in (0, 1, 2, 3, 15)),
    *(case("alm_soa", 0, m=m) for m in (0, 1, 11, 15)),
    *(case("dr_alm", 0, t=t) for t in (3, 6, 16)),
    *(case("mitch_w", 0, bits=bits) for bits in (2, 6, 16)),
]  # fmt: skip
OTHER_WIDTHS = [
    *both("broken_array", h=3, v=9),
    *both("truncated", t=2, v=5),
    *(case("mbm", 0, t=t) for t in range(5)),
    *(case("mbm_configurable", 0, t=t, c=7) for t in (0, 2, 5)),
    case("perforation", 0, j=2, k=3),
    case("constant_correction", 0, k=4),
    case("kulkarni", 0),
    *(case("r4abm", 1, encoder=e, p=9) for e in (1, 2)),
    *(case("momeni", 0, design=d, columns=11) for d in (1, 2)),
    case("venkatachalam", 0, columns=17),
    case("ssm", 0, m=7),
    case("essm", 0, m=6),
    case("dsm", 0, m=5),
    case("tosam", 0, h=2, t=6),
    case("roba", 0),
    case("etm", 0),
    case("ou", 0, l=3),
    case("realm", 0, m=8, t=2),
    case("ilm", 0, ecc=2),
    case("alm_soa", 0, m=6),
    case("dr_alm", 0, t=5),
    case("mitch_w", 0, bits=6),
]


def random_operands(width, signed, count):
    """Operands of all magnitudes, half uniform and half with a uniform number of bits, and the extremes in pairs."""
    rng = np.random.default_rng(20180911 + width)
    uniform = rng.integers(0, 2**width, count // 2)
    operands = np.concatenate([uniform, rng.integers(0, 2**width, count // 2) >> rng.integers(0, width, count // 2)])
    extremes = [0, 1, 2, 3, 2 ** (width - 1) - 1, 2 ** (width - 1), 2**width - 2, 2**width - 1]
    w = [*rng.permutation(operands).tolist(), *(value for value in extremes for _ in extremes)]
    x = [*rng.permutation(operands).tolist(), *(extremes * len(extremes))]
    sign = 2 ** (width - 1) if signed else 0
    return ([(value ^ sign) - sign for value in operand] for operand in (w, x))


@pytest.mark.parametrize(("name", "signed", "parameters"), EIGHT_BIT)
def test_all_8_bit_pairs_equal_the_model(name, signed, parameters):
    values = pattern_values("s8" if signed else "u8").tolist()
    w, x = [a for a in values for _ in values], values * 256
    assert mismatches(name, w, x, 8, signed, parameters) == []


@pytest.mark.parametrize(("name", "signed", "parameters"), SIXTEEN_BIT)
def test_random_16_bit_pairs_equal_the_model(name, signed, parameters):
    assert mismatches(name, *random_operands(16, signed, 3000), 16, signed, parameters) == []


@pytest.mark.parametrize(("name", "signed", "parameters"), OTHER_WIDTHS)
def test_random_12_bit_pairs_equal_the_model(name, signed, parameters):
    assert mismatches(name, *random_operands(12, signed, 2000), 12, signed, parameters) == []


def test_every_family_has_a_model():
    assert sorted(families()) == sorted(MODELS)
