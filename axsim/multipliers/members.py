"""Members of the families by name: "drum:k=4", or at another operand width "drum:k=4,width=12".

name   = family [":" key "=" integer ("," key "=" integer)*]
family = a module of kernels/multipliers, or one of extensions.py
key    = a parameter of the family, `signed` where it is defined on two's complement operands, or `width`
"""

import dataclasses
import difflib
import importlib
import pkgutil
from typing import Any

from ..errors import MultiplierError
from ..kernels import multipliers as _families
from ..kernels.multipliers.family import Family, Parameter
from . import extensions

WIDTH = 8
WIDTHS = (4, 16)  # least and greatest


class BrokenRule(MultiplierError):
    """Values of parameters that do not go together, though each is in range."""


@dataclasses.dataclass(frozen=True)
class Member:
    """One multiplier of a family: all its parameters, checked.

    Attributes
    ----------
    name : str
        Canonical: parameters in the family's order, those at their default left out.
    family : Family
    parameters : dict of int
        Every parameter of the family.
    signed : int
        1 for two's complement operands, 0 for unsigned ones.
    width : int
        Bits of each operand.
    """

    name: str
    family: Family
    parameters: dict[str, int]
    signed: int
    width: int

    def product(self, w: Any, x: Any) -> Any:
        """Products of operand values w and x, integers or int64 arrays that broadcast, in range; unchecked."""
        return self.family(w, x, width=self.width, signed=self.signed, **self.parameters)


def families() -> dict[str, Family]:
    """
    All families by name, in alphabetical order: modules of kernels/multipliers with a `FAMILY`, and extensions.

    Raises MultiplierError if an extension has the name of one of axsim's, or as `extensions.families` does.
    """
    from_outside = extensions.families()
    found = {name: each.given for name, each in from_outside.items()}
    for module in pkgutil.iter_modules(_families.__path__):
        family = getattr(importlib.import_module(f"{_families.__name__}.{module.name}"), "FAMILY", None)
        if family is not None and family.name in from_outside:
            extensions.refuse_name("family", family.name, from_outside[family.name])
        if family is not None:
            found[family.name] = family
    return dict(sorted(found.items()))


def examples() -> list[str]:
    """Full names of the members that the families list as examples."""
    return [_full_name(family, values) for family in families().values() for values in family.examples]


def member(name: str, width: int | None = None) -> Member:
    """
    Return the member of a family that a name stands for.

    Parameters
    ----------
    name : str
        Begins with the name of a family.
    width : int, optional
        Bits of each operand, 4 to 16; the name's own `width`, else 8, when not given.

    Raises
    ------
    MultiplierError
        If the family or a parameter is unknown, missing, given twice or out of range, or values do not go together.
    """
    family_name, _, text = name.strip().partition(":")
    if family_name not in families():
        raise MultiplierError(
            f"multiplier must be a member of a family to have other widths than {WIDTH} or a sample, one of "
            f"{', '.join(families())}, got {name!r}"
        )
    family = families()[family_name]
    given = _items(family, text, name)
    width = _width(given, width, name)
    for key, number in given.items():
        parameter = _allowed(family)[key]
        value = _integer(number)
        if value is None or not parameter.low <= value <= parameter.high(width):
            raise MultiplierError(
                f"{name!r}: {key} must be {_range_text(parameter, width)}, got {number or 'nothing'!r}"
            )
        given[key] = value
    values = _with_defaults(family, given, width, name)
    signed = values.pop("signed", 0)
    broken = family.broken_rules(width, values)
    if broken:
        raise BrokenRule(f"{name!r}: {family.name} needs {' and '.join(broken)}")
    return Member(_full_name(family, {**values, "signed": signed, "width": width}), family, values, signed, width)


def _allowed(family: Family) -> dict[str, Parameter]:
    """Return the parameters that a name may give besides `width`, by name."""
    allowed = {parameter.name: parameter for parameter in family.parameters}
    if family.signed:
        default = family.default_signed
        allowed["signed"] = Parameter("signed", "1 for two's complement operands", default, lambda width: 1, default)
    return allowed


def _items(family: Family, text: str, name: str) -> dict[str, Any]:
    """Split what a name gives behind its colon, by key, as text."""
    allowed = _allowed(family)
    given: dict[str, Any] = {}
    for item in text.split(",") if text.strip() else ():
        key, _, number = (part.strip() for part in item.partition("="))
        if key not in allowed and key != "width":
            closest = difflib.get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {closest[0]!r}?" if closest else ""
            takes = ", ".join(f"{each.name}={_range_text(each, WIDTH)}" for each in allowed.values())
            raise MultiplierError(
                f"{name!r}: {family.name} takes {takes or 'no parameters'}, got {item.strip()!r}{hint}"
            )
        if key in given:
            raise MultiplierError(f"{name!r}: parameter {key} must be given once")
        given[key] = number
    return given


def _width(given: dict[str, Any], width: int | None, name: str) -> int:
    """Take the width out of what a name gives; it must not contradict the one given beside the name."""
    low, high = WIDTHS
    if "width" in given:
        number = given.pop("width")
        named = _integer(number)
        if named is None or not low <= named <= high:
            raise MultiplierError(f"{name!r}: width must be {low}..{high} (bits of each operand), got {number!r}")
        if width not in (None, named):
            raise MultiplierError(f"width must be given once, got {width} and {name!r}")
        width = named
    if width is None:
        return WIDTH
    if not low <= width <= high:
        raise MultiplierError(f"width must be {low}..{high} (bits of each operand), got {width}")
    return width


def _integer(text: str) -> int | None:
    """Read a decimal integer, None if it is none."""
    try:
        return int(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _with_defaults(family: Family, given: dict[str, int], width: int, name: str) -> dict[str, int]:
    """Values of all parameters, `signed` included where the family takes it."""
    values = {}
    for parameter in _allowed(family).values():
        value = given.get(parameter.name, parameter.default)
        if value is None:
            raise MultiplierError(
                f"{name!r}: {family.name} needs {parameter.name}={_range_text(parameter, width)}, for example "
                f"{_full_name(family, family.examples[0])!r}"
            )
        values[parameter.name] = value
    return values


def _range_text(parameter: Parameter, width: int) -> str:
    low, high = parameter.low, parameter.high(width)
    return f"{low}" if low == high else f"{low}..{high} ({parameter.meaning})"


def _full_name(family: Family, values: dict[str, int]) -> str:
    """Canonical name: parameters in the family's order, then `signed` and `width`; those at their default left out."""
    defaults = {parameter.name: parameter.default for parameter in family.parameters}
    defaults |= {"signed": family.default_signed, "width": WIDTH}
    shown = [f"{key}={values[key]}" for key in defaults if key in values and values[key] != defaults[key]]
    return family.name + (":" + ",".join(shown) if shown else "")
