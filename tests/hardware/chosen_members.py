"""Members of the families to make circuits of: defaults, examples and extremes, unsigned and signed."""

import itertools
import shutil

import pytest

from axsim.multipliers.members import families

needs_icarus = pytest.mark.skipif(
    not (shutil.which("iverilog") and shutil.which("vvp")), reason="needs Icarus Verilog (iverilog, vvp) on PATH"
)
needs_verilator = pytest.mark.skipif(not shutil.which("verilator"), reason="needs verilator on PATH")


def members(family, width=8):
    """Names of a family's examples and of its extremes at a width: every parameter at its least and its greatest."""
    found = {}
    ranges = [
        {parameter.low, parameter.high(width)} | ({parameter.default} - {None}) for parameter in family.parameters
    ]
    extremes = [
        dict(zip((parameter.name for parameter in family.parameters), values, strict=True))
        for values in itertools.product(*map(sorted, ranges))
    ]
    for values in [*family.examples, *extremes] if width == 8 else extremes:
        given = {key: value for key, value in values.items() if key != "signed"}
        full = {parameter.name: parameter.default for parameter in family.parameters} | given
        if family.broken_rules(width, full):
            continue
        for signed in sorted({values.get("signed", family.default_signed), family.default_signed, int(family.signed)}):
            text = [f"{key}={value}" for key, value in given.items()]
            text += ["signed=1"] * signed + [f"width={width}"] * (width != 8)
            found[family.name + (":" + ",".join(text) if text else "")] = None
    return list(found)


def all_members(width=8):
    """Names of the members of all families."""
    return [name for family in families().values() for name in members(family, width)]
