"""The hardware face of a multiplier: its name, as the catalogue has it, to its circuit."""

import importlib
import importlib.util
import inspect
import pathlib
from collections.abc import Callable
from dataclasses import replace

from ..errors import HardwareError
from ..importers.multipliers import VERILOG
from ..kernels.multipliers.family import Family
from ..multipliers.catalog import derivation, multiplier
from ..multipliers.libraries.evoapproxlib import CLOSED_FORMS
from ..multipliers.members import Member, families, member
from ..multipliers.wide import served_formats
from .design import Design
from .verilog import __name__ as _VERILOG
from .verilog.blocks.sign_magnitude import sign_magnitude
from .verilog.derivations import derived_design


def design(
    name: str, operands: tuple[str, str] | None = None, width: int | None = None, from_table: bool = False
) -> Design:
    """
    Return the circuit of a multiplier, as it serves operands of the given formats.

    Parameters
    ----------
    name : str
        As `axsim.multiplier` takes it: a family's member, also of other widths than 8, a circuit of a library, a
        derivation, a file.
    operands : pair of str, optional
        Formats of w and x, such as ("s8", "s8") or ("s12", "s12"): an unsigned core serves signed operands by
        sign-magnitude. The multiplier's own when not given.
    width : int, optional
        Bits of each operand, 4 to 16, of a family's member. The name's own `width=`, else 8, when not given.
    from_table : bool
        Describe the product table as minimised logic, whatever else is known of the multiplier; 8 bits only.

    Raises
    ------
    MultiplierError
        If the name is unknown, or the multiplier cannot serve the operands.
    HardwareError
        If the family has no hardware face; says what to do.
    """
    if from_table:
        return _at_8_bits(name, operands, width, _of_table)
    if name.partition(":")[0].strip() in families():
        return member_design(member(name, width), operands)
    return _at_8_bits(name, operands, width, _own_circuit)


def _at_8_bits(
    name: str, operands: tuple[str, str] | None, width: int | None, circuit: Callable[[str], Design]
) -> Design:
    """Circuit of a multiplier that is known at 8 bits only, as it serves the operands."""
    if width not in (None, 8):
        raise HardwareError(f"{name} is known by its table of 8-bit operands only: leave out the width, got {width}")
    chosen = multiplier(name)
    served = chosen if operands is None else chosen.serving(*operands)  # type: ignore[arg-type]
    made = circuit(name)
    if served.operands != made.operands:
        made = sign_magnitude(made, *(fmt == "s8" for fmt in served.operands))
    return replace(made, name=chosen.name, citation=chosen.source)


def _of_table(name: str) -> Design:
    from .verilog.decision_diagram import table_design

    return table_design(multiplier(name))


def _own_circuit(name: str) -> Design:
    """Circuit of what is no family's member: of its parts, its closed form or its netlist, else of its table."""
    derived = derivation(name)
    if derived is not None:
        made_by, parts, numbers = derived
        return derived_design(made_by, name, [design(part) for part in parts], numbers)
    if name in CLOSED_FORMS:
        return design(CLOSED_FORMS[name])
    if pathlib.Path(name).suffix.lower().removeprefix(".") in VERILOG:
        from .verilog.netlist import netlist_design

        return netlist_design(pathlib.Path(name), multiplier(name))
    return _of_table(name)


def member_design(chosen: Member, operands: tuple[str, str] | None = None) -> Design:
    """Return the circuit of a family's member; see `design`."""
    formats, by_sign_magnitude = served_formats(chosen, operands)
    face = hardware_face(chosen.family)
    given = {"width": chosen.width, "signed": chosen.signed, **chosen.parameters}
    made = face(**{key: given[key] for key in inspect.signature(face).parameters})
    if by_sign_magnitude:
        made = sign_magnitude(made, *(fmt[0] == "s" for fmt in formats))
    return replace(made, name=chosen.name, citation=chosen.family.citation)


def hardware_face(family: Family) -> Callable[..., Design]:
    """
    Return the function that makes the circuits of a family: its own `hardware`, else that of a module in verilog/.

    Raises HardwareError where a family from outside of axsim brings none.
    """
    if family.hardware is not None:
        return family.hardware
    module = f"{_VERILOG}.{family.name}"
    if importlib.util.find_spec(module) is None:
        raise HardwareError(
            f"family {family.name} has no hardware face: give its Family a function hardware(width, ...) -> "
            "axsim.hardware.design.Design, or describe its table as minimised logic with --from-table"
        )
    face: Callable[..., Design] = importlib.import_module(module).design
    return face
