"""Names of the catalogue: every member resolves, names are canonical, and a bad name names the closest good ones."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axsim.errors import MultiplierError
from axsim.formats import pattern_values
from axsim.multipliers.catalog import examples, families, multiplier
from axsim.multipliers.product_table import Multiplier


def signed_values(family):
    return ([0] if family.unsigned else []) + ([1] if family.signed else [])


def go_together(family, values):
    return not family.broken_rules(8, {key: value for key, value in values.items() if key != "signed"})


def members():
    """
    Every family at every combination of its parameters' least, greatest and default values that go together, signed
    where defined.
    """
    for name, family in families().items():
        ranges = {p.name: {p.low, p.high(8), p.default} - {None} for p in family.parameters}
        if family.signed:
            ranges["signed"] = set(signed_values(family))
        for combination in itertools.product(*map(sorted, ranges.values())):
            values = dict(zip(ranges, combination, strict=True))
            if go_together(family, values):
                yield pytest.param(name, values, id=f"{name}-{combination}")


def spelled(name, values):
    return name + ":" + ",".join(f"{key}={value}" for key, value in values.items())


@pytest.mark.parametrize("name", examples())
def test_examples_resolve_under_their_own_name(name):
    found = multiplier(name)
    assert found.name == name
    assert found.table.shape == (256, 256)


def test_examples_are_told_apart():
    assert len({multiplier(name).digest for name in examples()}) == len(examples())


@pytest.mark.parametrize("name", families())
def test_family_has_a_citation_a_summary_and_an_example(name):
    family = families()[name]
    assert family.name == name
    assert family.citation
    assert family.summary
    assert family.examples


@pytest.mark.parametrize(("name", "values"), list(members()))
def test_default_and_extreme_parameters(name, values):
    found = multiplier(spelled(name, values))
    parameters = dict(values)
    signed = parameters.pop("signed", 0)
    fmt = "s8" if signed else "u8"
    operands = pattern_values(fmt)
    expected = families()[name](operands[:, None], operands[None, :], width=8, signed=signed, **parameters)
    assert found.operands == (fmt, fmt)
    assert np.array_equal(found.table, expected)


@pytest.mark.parametrize(("name", "values"), list(members()))
def test_names_canonicalise(name, values):
    """Whatever the order and the blanks, one name, which resolves to itself and omits defaults."""
    found = multiplier(spelled(name, values))
    reordered = multiplier(f"  {name}: " + " , ".join(f"{k} = {v} " for k, v in reversed(values.items())))
    again = multiplier(found.name)
    assert found.name == reordered.name == again.name
    assert found.digest == reordered.digest == again.digest
    family = families()[name]
    defaults = {p.name: p.default for p in family.parameters} | {"signed": signed_values(family)[0]}
    kept = {key: value for key, value in values.items() if value != defaults[key]}
    assert found.name == (spelled(name, kept) if kept else name)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("exact", "exact"),
        ("exact:", "exact"),
        ("exact:signed=0", "exact"),
        ("exact:signed=1", "exact:signed=1"),
        ("drum: k = 4", "drum:k=4"),
        ("drum:k=04", "drum:k=4"),
        ("mbm:t=0", "mbm"),
        ("mbm:q=7,c=10", "mbm"),
        ("mbm:q=7,c=5", "mbm:c=5"),
        ("drum:k=4,width=8", "drum:k=4"),
        ("r4abm:signed=1,p=6,encoder=2", "r4abm:encoder=2,p=6"),
        ("truncated", "truncated"),
        ("truncated:v=6,t=0", "truncated:v=6"),
        ("truncated:signed=1,v=2,t=1", "truncated:t=1,v=2,signed=1"),
        ("broken_array:v=5,h=2", "broken_array:h=2,v=5"),
        ("broken_array:signed=1,h=0", "broken_array:signed=1"),
    ],
)
def test_canonical_name(name, canonical):
    assert multiplier(name).name == canonical


@pytest.mark.parametrize("name", ["exact", "truncated", "broken_array", "drum:k=8"])
def test_nothing_omitted_is_exact(name):
    assert multiplier(name).is_exact


@pytest.mark.parametrize("name", ["exact:signed=1", "truncated:signed=1", "broken_array:signed=1"])
def test_nothing_omitted_is_exact_signed(name):
    found = multiplier(name)
    assert found.operands == ("s8", "s8")
    assert found.is_exact


@pytest.mark.parametrize("name", ["truncated:v=15", "truncated:t=8", "broken_array:h=8", "broken_array:v=15"])
def test_everything_omitted_is_zero(name):
    assert not multiplier(name).table.any()


@pytest.mark.parametrize(
    "name",
    [
        "truncated:v=15,signed=1",
        "truncated:t=8,signed=1",
        "broken_array:h=8,signed=1",
        "broken_array:v=15,signed=1",
    ],
)
def test_everything_omitted_is_zero_signed(name):
    assert not multiplier(name).table.any()


@pytest.mark.parametrize(
    ("name", "closest"),
    [
        ("drumm:k=4", "drum:k=4"),
        ("Drum:k=4", "drum:k=4"),
        ("drum k=4", "drum:k=4"),
        ("drum4", "drum"),
        ("DRUM", "drum"),
        ("mitchel", "mitchell"),
        ("Mitchell", "mitchell"),
        ("mbn", "mbm"),
        ("broken-array:h=2,v=5", "broken_array:h=2,v=5"),
        ("brokenarray", "broken_array"),
        ("trunc:t=2", "truncated:t=2"),
        ("exakt", "exact"),
        ("mul8s_1kvl", "mul8s_1KVL"),
        ("mul8u_FTB", "mul8u_FTA"),
        ("", None),
        (":", None),
        ("kernels", None),
        ("family", None),
        ("bits", None),
    ],
)
def test_unknown_name_names_the_closest(name, closest):
    with pytest.raises(MultiplierError) as raised:
        multiplier(name)
    message = str(raised.value)
    assert "multiplier must be a family or a circuit that `axsim multipliers` lists" in message
    assert f", got {name!r}" in message
    if closest is not None:
        assert closest in message.partition("the closest are ")[2].split(", ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        # unknown parameters: what the family takes, and the closest of them
        ("drum:q=4", ["drum takes k=2..8", "got 'q=4'"]),
        ("drum:kk=4", ["drum takes k=2..8", "did you mean 'k'?"]),
        ("drum:4", ["drum takes k=2..8", "got '4'"]),
        ("drum:k=4;t=3", ["k must be 2..8", "got '4;t=3'"]),
        ("truncated:sign=1", ["t=0..8", "v=0..15", "signed=0..1", "did you mean 'signed'?"]),
        ("broken_array:hh=1", ["h=0..8", "v=0..15", "did you mean 'h'?"]),
        ("mitchell:t=1", ["mitchell takes no parameters", "got 't=1'"]),
        # an unsigned core has no signed form of its own
        ("drum:k=4,signed=1", ["drum takes k=2..8", "got 'signed=1'"]),
        ("mitchell:signed=1", ["mitchell takes no parameters", "got 'signed=1'"]),
        # out of range, or no integer
        ("drum:k=1", ["k must be 2..8", "got '1'"]),
        ("drum:k=9", ["k must be 2..8", "got '9'"]),
        ("drum:k=-4", ["k must be 2..8", "got '-4'"]),
        ("drum:k=4.0", ["k must be 2..8", "got '4.0'"]),
        ("drum:k=four", ["k must be 2..8", "got 'four'"]),
        ("drum:k=4=4", ["k must be 2..8", "got '4=4'"]),
        ("drum:k=", ["k must be 2..8", "got 'nothing'"]),
        ("drum:k", ["k must be 2..8", "got 'nothing'"]),
        ("drum:k=" + "9" * 6000, ["k must be 2..8"]),
        ("mbm:t=1", ["t must be 0", "got '1'"]),
        # what single bounds do not say
        ("ssm:m=3", ["ssm needs m of at least half the width"]),
        ("tosam:h=3,t=3", ["tosam needs t above h"]),
        ("mbm:c=5,q=2", ["mbm needs c of at most 2^q"]),
        ("realm:m=6", ["realm needs m that is a power of two"]),
        ("perforation:j=5,k=4", ["j + k of at most the width"]),
        ("sdlc:width=9", ["sdlc needs a width of 8"]),
        ("kulkarni:width=7", ["kulkarni needs an even width"]),
        ("essm:m=4,width=12", ["m of half the width"]),
        # defined on two's complement operands only
        ("r4abm:encoder=1,p=4,signed=0", ["signed must be 1", "got '0'"]),
        # other widths
        ("drum:k=4,width=12", ["width must be 8", "a network multiplies codes of 8 bits", "axsim moments"]),
        ("drum:k=4,width=17", ["width must be 4..16", "got '17'"]),
        ("drum:k=4,width=3", ["width must be 4..16"]),
        ("drum:k=4,width=", ["width must be 4..16"]),
        ("drum:k=9,width=9", ["width must be 8"]),
        ("drum:k=10,width=9", ["k must be 2..9"]),
        ("drum:k=4,width=8,width=8", ["parameter width must be given once"]),
        ("truncated:t=9", ["t must be 0..8", "got '9'"]),
        ("truncated:t=1,v=16", ["v must be 0..15", "got '16'"]),
        ("broken_array:h=9", ["h must be 0..8", "got '9'"]),
        ("exact:signed=2", ["signed must be 0..1", "got '2'"]),
        # missing
        ("drum", ["drum needs k=2..8", "for example 'drum:k=3'"]),
        ("drum:", ["drum needs k=2..8", "for example 'drum:k=3'"]),
        # twice
        ("drum:k=4,k=4", ["parameter k must be given once"]),
        ("truncated:t=1,v=2,t=1", ["parameter t must be given once"]),
        ("exact:signed=1,signed=0", ["parameter signed must be given once"]),
    ],
)
def test_bad_parameters(name, said):
    with pytest.raises(MultiplierError) as raised:
        multiplier(name)
    message = str(raised.value)
    assert message.startswith(repr(name))
    assert [part for part in said if part not in message] == []


@pytest.mark.parametrize(
    "name",
    [4, None, 3.5, b"exact", ("exact",), ["exact"]],
    ids=repr,
)
def test_names_are_strings(name):
    with pytest.raises(MultiplierError, match="name must be a string such as 'drum:k=4', got"):
        multiplier(name)


def assert_multiplier_or_error(name):
    try:
        found = multiplier(name)
    except MultiplierError as error:
        assert str(error)
    else:
        assert isinstance(found, Multiplier)
        assert multiplier(found.name).digest == found.digest


@settings(deadline=None, max_examples=200)
@given(st.text())
@example("\ud800")
@example("\0")
@example("exact\n")
@example("drum:k=\u0664")
def test_any_text(name):
    assert_multiplier_or_error(name)


items = st.tuples(
    st.sampled_from(["h", "v", "t", "k", "signed", "", "K", " k"]) | st.text(max_size=3),
    st.sampled_from(["=", "==", "", " = ", ":"]),
    st.integers(-3, 20).map(str) | st.integers().map(str) | st.floats().map(str) | st.text(max_size=4),
).map("".join)


@settings(deadline=None, max_examples=400)
@given(
    family=st.sampled_from(sorted(families())) | st.text(max_size=6),
    colon=st.sampled_from([":", ":", ":", "", " : ", "::"]),
    parameters=st.lists(items, max_size=4),
    comma=st.sampled_from([",", ",", ", ", ";", ",,"]),
)
def test_text_that_looks_like_a_name(family, colon, parameters, comma):
    assert_multiplier_or_error(family + colon + comma.join(parameters))


def valid_values(family):
    """Parameter values that go together; of ESSM and REALM too few do to be found by chance."""
    ranges = {p.name: st.integers(p.low, p.high(8)) for p in family.parameters}
    if family.signed:
        ranges["signed"] = st.sampled_from(signed_values(family))
    return st.fixed_dictionaries(ranges).filter(lambda values: go_together(family, values))


valid = st.sampled_from([name for name in sorted(families()) if name not in ("essm", "realm")]).flatmap(
    lambda name: valid_values(families()[name]).map(lambda values: (name, values))
)


@settings(deadline=None, max_examples=60)
@given(valid)
def test_any_valid_name_resolves(member):
    name, values = member
    found = multiplier(spelled(name, values))
    assert multiplier(found.name).digest == found.digest
