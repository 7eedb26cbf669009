"""What a family says about itself is so: its docstring, its citation, its examples, zeros, exchange of operands."""

import importlib
import itertools
import pkgutil
import re
import sys

import numpy as np
import pytest

from axsim import wide_moments
from axsim.formats import pattern_values
from axsim.kernels import multipliers
from axsim.multipliers.catalog import examples, families, multiplier

MODULES = [module.name for module in pkgutil.iter_modules(multipliers.__path__)]


def module(name):
    return importlib.import_module(f"axsim.kernels.multipliers.{name}")


def members(name):
    """Its examples and the combinations of its parameters' extreme values that go together, as tables and formats."""
    family = families()[name]
    values = [dict(row) for row in family.examples]
    ranges = {p.name: sorted({p.low, p.high(8), p.default} - {None}) for p in family.parameters}
    values += [dict(zip(ranges, row, strict=True)) for row in itertools.product(*ranges.values())]
    for row in values:
        parameters = {p.name: p.default for p in family.parameters} | row
        signed = parameters.pop("signed", family.default_signed)
        if not family.broken_rules(8, parameters):
            operands = pattern_values("s8" if signed else "u8")
            yield operands, family(operands[:, None], operands[None, :], width=8, signed=signed, **parameters)


def test_one_module_one_family_of_its_name():
    assert sorted(families()) == [name for name in MODULES if hasattr(module(name), "FAMILY")]
    assert sorted(set(MODULES) - set(families())) == ["bits", "dadda", "family"]


OWN_FAMILY = '''
"""The t low bits of w set."""

from axsim.kernels.compilation import elementwise
from axsim.kernels.multipliers.family import Family, Parameter


@elementwise
def own_family(w, x, t):
    return (w | ((1 << t) - 1)) * x


FAMILY = Family(
    product=own_family,
    parameters=(Parameter("t", "low bits of w set", 0, lambda width: width),),
    signed=False,
    citation="nobody",
    summary="low bits of w set",
    examples=({"t": 1},),
)
'''


def test_adding_a_family_means_adding_one_file(tmp_path, monkeypatch):
    """It is listed, tabulated and counted at other widths; nothing else names it."""
    (tmp_path / "own_family.py").write_text(OWN_FAMILY)
    monkeypatch.setattr(multipliers, "__path__", [*multipliers.__path__, str(tmp_path)])
    try:
        assert "own_family:t=1" in examples()
        assert multiplier("own_family:t=1").table[4, 7] == 35
        assert wide_moments("own_family:t=2", 10).moments.mean_error == 1.5 * 511.5
    finally:
        sys.modules.pop("axsim.kernels.multipliers.own_family", None)


@pytest.mark.parametrize("name", sorted(set(families()) - {"exact"}))
def test_module_has_a_picture_and_its_source(name):
    text = module(name).__doc__
    assert re.search(r"^    \S.*\S", text, re.MULTILINE), "no picture or formula, indented by four"
    assert re.search(r"doi:10\.\d{4,}/\S+", text)
    assert re.search(r"doi:10\.\d{4,}/\S+", families()[name].citation)
    assert re.search(r"doi:\S+", families()[name].citation)[0].rstrip(".,") in text.replace("\n", " ")


@pytest.mark.parametrize("name", families())
def test_parameters_are_those_of_the_function(name):
    """Every argument of the scalar function is a parameter, or width or signed; every parameter an argument."""
    family = families()[name]
    taken = set(family.product.__wrapped__.__code__.co_varnames[: family.product.__wrapped__.__code__.co_argcount][2:])
    assert taken - {"width", "signed"} == {parameter.name for parameter in family.parameters}
    assert all(set(row) <= taken | {"signed"} for row in family.examples)
    assert "signed" not in taken or family.signed


@pytest.mark.parametrize("name", families())
def test_operands_may_be_exchanged_where_the_family_says_so(name):
    commute = [np.array_equal(table, table.T) for _, table in members(name)]
    assert all(commute) if families()[name].commutes else not all(commute)


@pytest.mark.parametrize("name", families())
def test_zero_stays_zero_where_the_family_says_so(name):
    kept = [not table[operands == 0].any() and not table[:, operands == 0].any() for operands, table in members(name)]
    assert all(kept) if families()[name].keeps_zero else not all(kept)


@pytest.mark.parametrize("name", families())
def test_products_fit_twice_the_width_and_some(name):
    """No product is far outside what 16 bits hold: a shift by too much would show here."""
    for _, table in members(name):
        assert np.abs(table).max() < 2**18


@pytest.mark.parametrize("name", examples())
def test_example_is_told_from_the_exact_product(name):
    found = multiplier(name)
    assert found.is_exact == (name == "exact")
    assert found.source == families()[name.partition(":")[0]].citation
