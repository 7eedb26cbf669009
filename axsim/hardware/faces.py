"""The hardware face of a multiplier: its name, as the catalogue has it, to its circuit."""

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import replace

from ..errors import HardwareError
from ..kernels.multipliers.family import Family
from ..multipliers.catalog import multiplier
from ..multipliers.members import Member, families, member
from ..multipliers.wide import served_formats
from .design import Design
from .verilog import __name__ as _VERILOG
from .verilog.blocks.sign_magnitude import sign_magnitude


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
    if name.partition(":")[0].strip() in families() and not from_table:
        return member_design(member(name, width), operands)
    if width not in (None, 8):
        raise HardwareError(f"{name} is known by its table of 8-bit operands only: leave out the width, got {width}")
    from .verilog.decision_diagram import table_design

    chosen = multiplier(name)
    return table_design(chosen if operands is None else chosen.serving(*operands))  # type: ignore[arg-type]


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
