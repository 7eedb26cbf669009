"""The catalogue: a name such as "drum:k=4" becomes a Multiplier.

name       = family [":" parameter "=" integer ("," parameter "=" integer)*]
           | circuit
           | derivation "(" name | integer (";" name | integer)* ")"
family     = a module of kernels/multipliers
circuit    = a member of a library in libraries/, such as mul8u_FTA
derivation = a function of derived.py: swap(mul8u_FTA), narrow(mitchell; 4; 8)
"""

import difflib
import functools
import importlib
import pkgutil
import re
from typing import TYPE_CHECKING

import numpy as np

from .derived import DERIVATIONS
from .errors import MultiplierError
from .formats import Format, pattern_values
from .kernels import multipliers as _families
from .kernels.multipliers.family import Family, Parameter
from .product_table import Multiplier

if TYPE_CHECKING:
    from .libraries.evoapproxlib import Circuit

WIDTH = 8
DEEPEST = 20  # brackets within brackets


def families() -> dict[str, Family]:
    """All families by name, in alphabetical order."""
    found = {}
    for module in pkgutil.iter_modules(_families.__path__):
        family = getattr(importlib.import_module(f"{_families.__name__}.{module.name}"), "FAMILY", None)
        if family is not None:
            found[family.name] = family
    return found


def examples() -> list[str]:
    """Full names of the members that the families list as examples."""
    return [_full_name(name, values) for name, family in families().items() for values in family.examples]


def circuits() -> "dict[str, Circuit]":
    """All circuits of the libraries that ship with axsim, by name."""
    from .libraries import evoapproxlib  # HDF5 takes its time to import

    return evoapproxlib.circuits()


def names() -> list[str]:
    """Every full name that axsim lists: the families' examples, then the libraries' circuits."""
    return [*examples(), *circuits()]


def multiplier(name: str) -> Multiplier:
    """
    Return the multiplier of that name, such as "drum:k=4", "broken_array:h=2,v=5,signed=1" or "mul8u_FTA".

    A family is unsigned unless `signed=1` is given, which families that are defined on two's complement operands
    accept. An unsigned core serves signed operands all the same, by sign-magnitude (`Multiplier.serving`).

    Raises
    ------
    MultiplierError
        If the family or a parameter is unknown, missing, given twice or out of range; names the closest valid ones.
    """
    if not isinstance(name, str):
        raise MultiplierError(f"name must be a string such as 'drum:k=4', got {name!r}")
    return _multiplier(name)


@functools.lru_cache(maxsize=256)
def _multiplier(name: str) -> Multiplier:
    name = name.strip()
    made_by, opened, rest = name.partition("(")
    if opened and made_by.strip() in DERIVATIONS:
        return _derived(made_by.strip(), rest, name)
    if name.partition(":")[0] in families():
        return _family_member(name)
    if name in circuits():
        from .libraries import evoapproxlib

        return evoapproxlib.multiplier(name)
    closest = _closest(name, {*families(), *names()})
    hint = f"; the closest are {', '.join(closest)}" if closest else ""
    raise MultiplierError(
        f"multiplier must be a family or a circuit that `axsim multipliers` lists, such as drum:k=4 or mul8u_FTA, "
        f"got {name!r}{hint}"
    )


def _derived(made_by: str, rest: str, name: str) -> Multiplier:
    """Multiplier of a name such as "narrow(mitchell; 4; 8)", `rest` being what stands behind its first bracket."""
    function, multipliers, integers = DERIVATIONS[made_by]
    given = _arguments(rest)
    form = "; ".join(["name"] * multipliers + ["integer"] * integers)
    if given is None or len(given) != multipliers + integers:
        raise MultiplierError(f"multiplier must have the form {made_by}({form}), got {name!r}")
    numbers = given[multipliers:]
    if not all(re.fullmatch(r"-?[0-9]{1,9}", number) for number in numbers):
        raise MultiplierError(f"multiplier must have the form {made_by}({form}), got {', '.join(numbers)} in {name!r}")
    return function(*map(multiplier, given[:multipliers]), *map(int, numbers))


def _arguments(rest: str) -> list[str] | None:
    """Split at the semicolons outside of inner brackets, up to the bracket that ends the text; None if none does."""
    depth, arguments = 1, [""]
    for position, character in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return [argument.strip() for argument in arguments] if position == len(rest) - 1 else None
        if depth > DEEPEST:
            return None
        if character == ";" and depth == 1:
            arguments.append("")
        else:
            arguments[-1] += character
    return None


def _closest(name: str, known: set[str]) -> list[str]:
    """Up to three known names that read like this one, in either case of letters."""
    by_lower_case = {each.lower(): each for each in sorted(known)}
    return [by_lower_case[each] for each in difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.4)]


def _family_member(name: str) -> Multiplier:
    family_name, _, text = name.partition(":")
    family = families()[family_name]
    values, signed = _parameters(family, text, name)

    fmt: Format = "s8" if signed else "u8"
    operands = pattern_values(fmt)
    table = family(operands[:, None], operands[None, :], width=WIDTH, signed=signed, **values)
    full_name = _full_name(family_name, {**values, "signed": signed})
    return Multiplier(full_name, np.asarray(table), (fmt, fmt), source=family.citation)


def _parameters(family: Family, text: str, name: str) -> tuple[dict[str, int], int]:
    """Parameter values and `signed`, checked, from the part of a name behind the colon."""
    allowed = {parameter.name: parameter for parameter in family.parameters}
    if family.signed:
        default = family.default_signed
        allowed["signed"] = Parameter("signed", "1 for two's complement operands", default, lambda width: 1, default)
    given: dict[str, int] = {}
    for item in text.split(",") if text.strip() else ():
        key, _, number = (part.strip() for part in item.partition("="))
        if key not in allowed:
            closest = difflib.get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {closest[0]!r}?" if closest else ""
            takes = ", ".join(f"{each.name}={_range_text(each)}" for each in allowed.values()) or "no parameters"
            raise MultiplierError(f"{name!r}: {family.name} takes {takes}, got {item.strip()!r}{hint}")
        if key in given:
            raise MultiplierError(f"{name!r}: parameter {key} must be given once")
        parameter = allowed[key]
        try:
            value = int(number) if number.isascii() and "_" not in number else parameter.low - 1
        except ValueError:
            value = parameter.low - 1
        if not parameter.low <= value <= parameter.high(WIDTH):
            raise MultiplierError(f"{name!r}: {key} must be {_range_text(parameter)}, got {number or 'nothing'!r}")
        given[key] = value
    for parameter in allowed.values():
        if parameter.name not in given:
            if parameter.default is None:
                raise MultiplierError(
                    f"{name!r}: {family.name} needs {parameter.name}={_range_text(parameter)}, for example "
                    f"{_full_name(family.name, family.examples[0])!r}"
                )
            given[parameter.name] = parameter.default
    signed = given.pop("signed", 0)
    broken = family.broken_rules(WIDTH, given)
    if broken:
        raise MultiplierError(f"{name!r}: {family.name} needs {' and '.join(broken)}")
    return given, signed


def _range_text(parameter: Parameter) -> str:
    low, high = parameter.low, parameter.high(WIDTH)
    return f"{low}" if low == high else f"{low}..{high} ({parameter.meaning})"


def _full_name(family_name: str, values: dict[str, int]) -> str:
    """Canonical name: parameters in the family's order; those at their default are left out."""
    family = families()[family_name]
    defaults = {parameter.name: parameter.default for parameter in family.parameters}
    defaults["signed"] = family.default_signed
    shown = [f"{key}={values[key]}" for key in defaults if key in values and values[key] != defaults[key]]
    return family_name + (":" + ",".join(shown) if shown else "")
