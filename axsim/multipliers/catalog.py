"""The catalogue: a name such as "drum:k=4" becomes a Multiplier.

name       = path
           | family [":" parameter "=" integer ("," parameter "=" integer)*]      see members.py
           | circuit
           | derivation "(" name | integer (";" name | integer)* ")"
path       = a file of importers/multipliers or multiplier_file.py: mine.v, folder/mine.c, mine.h5
circuit    = a member of a library in libraries/, such as mul8u_FTA, or of an installed package
derivation = a function of derived.py: swap(mul8u_FTA), narrow(mitchell; 4; 8)
"""

import difflib
import functools
import os
import pathlib
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..errors import AxsimWarning, MultiplierError
from ..formats import Format, pattern_values
from ..importers.multipliers import SUFFIXES
from . import extensions
from .derived import DERIVATIONS
from .members import WIDTH, examples, families, member
from .product_table import Multiplier

if TYPE_CHECKING:
    from .libraries.evoapproxlib import Circuit

DEEPEST = 20  # brackets within brackets
PATH = re.compile(rf"[/{re.escape(os.sep)}]|\.({'|'.join((*SUFFIXES, 'h5', 'hdf5', 'py'))})\b", re.IGNORECASE)


def circuits() -> "dict[str, Circuit]":
    """All circuits of the libraries that ship with axsim, by name."""
    from .libraries import evoapproxlib  # HDF5 takes its time to import

    return evoapproxlib.circuits()


def names() -> list[str]:
    """Every full name that axsim lists: families' examples, libraries' circuits, what installed packages bring."""
    return [*examples(), *circuits(), *_of_packages()]


def multiplier(name: str | os.PathLike[str]) -> Multiplier:
    """
    Return the multiplier of that name, such as "drum:k=4", "broken_array:h=2,v=5,signed=1", "mul8u_FTA" or "mine.v".

    A family is unsigned unless `signed=1` is given, which families that are defined on two's complement operands
    accept. An unsigned core serves signed operands all the same, by sign-magnitude (`Multiplier.serving`).

    "swap(mul8u_FTA)", "narrow(mitchell; 4; 8)" and the like are made of others; see `axsim.multipliers.derived`.

    A path, which contains a "/" or ends like a file that can be read (.c, .v, .npy, ...), is imported each time it is
    named; `axsim.import_multiplier` also takes what the file does not say. Warns (AxsimWarning) if it looks wrong.

    Raises
    ------
    MultiplierError
        If the family or a parameter is unknown, missing, given twice or out of range; names the closest valid ones. If
        a file cannot be read as a multiplier. If a family or multiplier from outside has a name that is taken.
    """
    if isinstance(name, os.PathLike):
        return _of_file(pathlib.Path(name))
    if not isinstance(name, str):
        raise MultiplierError(f"name must be a string such as 'drum:k=4', got {name!r}")
    if PATH.search(name) or os.environ.get(extensions.VARIABLE):
        return _multiplier.__wrapped__(name)  # not cached: the file may change, or that of a family
    return _multiplier(name)


@functools.lru_cache(maxsize=256)
def _multiplier(name: str) -> Multiplier:
    name = name.strip()
    derived = derivation(name)
    if derived is not None:
        made_by, parts, numbers = derived
        return DERIVATIONS[made_by][0](*map(multiplier, parts), *numbers)
    if PATH.search(name):
        return _of_file(pathlib.Path(name))
    if name.partition(":")[0] in families():
        return _family_member(name)
    if name in (brought := _of_packages()):
        return brought[name]
    if name in circuits():
        from .libraries import evoapproxlib

        return evoapproxlib.multiplier(name)
    closest = _closest(name, {*families(), *names()})
    hint = f"; the closest are {', '.join(closest)}" if closest else ""
    raise MultiplierError(
        f"multiplier must be a family or a circuit that `axsim multipliers` lists, such as drum:k=4 or mul8u_FTA, "
        f"got {name!r}{hint}"
    )


def _of_packages() -> dict[str, Multiplier]:
    """Multipliers of installed packages, by name; MultiplierError where one would hide a multiplier of axsim's."""
    brought = extensions.multipliers()
    for name, each in brought.items():
        if name in circuits() or name in families():
            extensions.refuse_name("multiplier", name, each)
    return {name: each.given for name, each in brought.items()}


def _of_file(path: pathlib.Path) -> Multiplier:
    """Read a multiplier file, or import another with what it says itself."""
    if path.suffix.lower() in (".h5", ".hdf5"):
        from .multiplier_file import load

        return load(path)
    from ..importers.multipliers.read import import_multiplier

    imported = import_multiplier(path)
    for suspicion in imported.check.suspicions:
        warnings.warn(f"{path}: {suspicion}", AxsimWarning, stacklevel=5)
    return imported.multiplier


def derivation(name: str) -> tuple[str, list[str], list[int]] | None:
    """
    Take a name such as "narrow(mitchell; 4; 8)" apart: the function of derived.py, names of multipliers, integers.

    None if it is no such name. Raises MultiplierError if what stands in the brackets is not what the function takes.
    """
    made_by, opened, rest = name.strip().partition("(")
    made_by = made_by.strip()
    if not opened or made_by not in DERIVATIONS:
        return None
    _, multipliers, integers = DERIVATIONS[made_by]
    given = _arguments(rest)
    form = "; ".join(["name"] * multipliers + ["integer"] * integers)
    if given is None or len(given) != multipliers + integers:
        raise MultiplierError(f"multiplier must have the form {made_by}({form}), got {name!r}")
    numbers = given[multipliers:]
    if not all(re.fullmatch(r"-?[0-9]{1,9}", number) for number in numbers):
        raise MultiplierError(f"multiplier must have the form {made_by}({form}), got {', '.join(numbers)} in {name!r}")
    return made_by, given[:multipliers], [int(number) for number in numbers]


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
    chosen = member(name)
    if chosen.width != WIDTH:
        raise MultiplierError(
            f"{name!r}: a network multiplies codes of {WIDTH} bits, through a table of all 256 x 256 products, so "
            f"width must be {WIDTH}; `axsim moments` counts the error of other widths"
        )
    fmt: Format = "s8" if chosen.signed else "u8"
    operands = pattern_values(fmt)
    table = np.asarray(chosen.product(operands[:, None], operands[None, :]))
    return Multiplier(chosen.name, table, (fmt, fmt), source=chosen.family.citation)
