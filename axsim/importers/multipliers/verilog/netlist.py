"""Evaluate a netlist of gates on all 65,536 operand pairs, 64 of them a machine word.

Each net has two bit planes, uint64 [1024]: its value, and where it is unknown, because it is not driven or was assigned
x or z. An unknown bit is 0 in the value plane. Gates propagate unknown bits as three-valued logic does: 0 AND x is 0. A
product may not depend on one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import MultiplierError

Plane = npt.NDArray[np.uint64]
Net = tuple[Plane, Plane]  # value, unknown

WORDS = 65_536 // 64
MOST_GATES = 200_000
ZERO, ONES = np.zeros(WORDS, np.uint64), np.full(WORDS, 2**64 - 1, np.uint64)
CONSTANTS: dict[str, Net] = {"0": (ZERO, ZERO), "1": (ONES, ZERO), "x": (ZERO, ONES), "z": (ZERO, ONES)}


def _not(a: Net) -> Net:
    return ~a[0] & ~a[1], a[1]


def _and(a: Net, b: Net) -> Net:
    return a[0] & b[0], (a[1] | b[1]) & (a[0] | a[1]) & (b[0] | b[1])


def _or(a: Net, b: Net) -> Net:
    value = a[0] | b[0]
    return value, (a[1] | b[1]) & ~value


def _xor(a: Net, b: Net) -> Net:
    unknown = a[1] | b[1]
    return (a[0] ^ b[0]) & ~unknown, unknown


def _mux(a: Net, b: Net, s: Net) -> Net:
    """Choose b where s is 1; unknown where s is and a and b are not both known and equal."""
    low = ~s[0] & ~s[1]
    value = (low & a[0]) | (s[0] & b[0]) | (s[1] & a[0] & b[0])
    return value, (low & a[1]) | (s[0] & b[1]) | (s[1] & (a[1] | b[1] | (a[0] ^ b[0])))


# What `techmap; simplemap` leaves of combinational logic, by cell type; inputs in this order.
GATES: dict[str, tuple[Callable[..., Net], str]] = {
    "$_BUF_": (lambda a: a, "A"),
    "$_NOT_": (_not, "A"),
    "$_AND_": (_and, "AB"),
    "$_NAND_": (lambda a, b: _not(_and(a, b)), "AB"),
    "$_OR_": (_or, "AB"),
    "$_NOR_": (lambda a, b: _not(_or(a, b)), "AB"),
    "$_XOR_": (_xor, "AB"),
    "$_XNOR_": (lambda a, b: _not(_xor(a, b)), "AB"),
    "$_ANDNOT_": (lambda a, b: _and(a, _not(b)), "AB"),
    "$_ORNOT_": (lambda a, b: _or(a, _not(b)), "AB"),
    "$_MUX_": (_mux, "ABS"),
    "$_NMUX_": (lambda a, b, s: _not(_mux(a, b, s)), "ABS"),
}
IGNORED = ("$scopeinfo",)


def operand_planes(patterns: npt.NDArray[np.integer[Any]]) -> list[Net]:
    """Planes of the 8 bits of an operand whose pattern for each of the 65,536 pairs is given; lowest bit first."""
    bits = [np.packbits((patterns >> bit) & 1, bitorder="little").view("<u8").astype(np.uint64) for bit in range(8)]
    return [(bit, ZERO) for bit in bits]


def evaluate(module: dict[str, Any], inputs: dict[str, list[Net]], output: str, name: str) -> npt.NDArray[np.int64]:
    """
    Return the output port's value for each pair, as an unsigned number, int64 [65536].

    Raises
    ------
    MultiplierError
        If the module stores anything, has a gate that is not known, a loop, or an output bit that is unknown.
    """
    names = _net_names(module)
    nets: dict[Any, Net] = dict(CONSTANTS)
    for port, planes in inputs.items():
        nets.update(zip(module["ports"][port]["bits"], planes, strict=True))
    gates, undriven = _gates(module, set(nets), names, name)
    wanted = module["ports"][output]["bits"]
    uses: dict[Any, int] = dict.fromkeys(wanted, 1)
    for _, _, sources in gates:
        for bit in sources:
            uses[bit] = uses.get(bit, 0) + 1
    for bit in undriven:
        nets[bit] = CONSTANTS["x"]
    for bit, function, sources in gates:
        nets[bit] = function(*(nets[each] for each in sources))
        for each in sources:  # free planes that no gate will read any more
            uses[each] -= 1
            if uses[each] == 0 and each not in CONSTANTS:
                del nets[each]

    result = np.zeros(65_536, np.int64)
    for position, bit in enumerate(wanted):
        value, unknown = nets[bit] if bit in nets else CONSTANTS["x"]
        if unknown.any():
            first = int(np.flatnonzero(_unpacked(unknown))[0])
            reason = ", ".join(sorted(names.get(each, str(each)) for each in undriven)[:5])
            raise MultiplierError(
                f"{name}: bit {position} of {output} is unknown (x) for some operands, such as the patterns "
                f"{first >> 8} and {first & 255}" + (f"; never driven: {reason}" if reason else "")
            )
        result |= _unpacked(value).astype(np.int64) << position
    return result


Gate = tuple[Any, Callable[..., Net], list[Any]]  # net driven, function, nets read


def _gates(module: dict[str, Any], given: set[Any], names: dict[Any, str], name: str) -> tuple[list[Gate], set[Any]]:
    """Gates in an order in which each reads only what was driven before, and the nets that nothing drives."""
    waiting: dict[Any, Gate] = {}
    for cell_name, cell in module["cells"].items():
        kind = cell["type"]
        if kind in IGNORED:
            continue
        if kind not in GATES:
            raise MultiplierError(
                f"{name}: {_refusal(kind)} ({cell_name[:80]}); a multiplier must be combinational logic"
            )
        function, ports = GATES[kind]
        connections = cell["connections"]
        (driven,) = connections["Y"]
        if driven in waiting or driven in given:
            raise MultiplierError(f"{name}: several drivers for {names.get(driven, driven)}")
        waiting[driven] = (driven, function, [connections[port][0] for port in ports])
    if len(waiting) > MOST_GATES:
        raise MultiplierError(f"{name}: must have at most {MOST_GATES:,} gates, got {len(waiting):,}")

    missing = {bit: {each for each in gate[2] if each in waiting} for bit, gate in waiting.items()}
    readers: dict[Any, list[Any]] = {}
    for bit, sources in missing.items():
        for each in sources:
            readers.setdefault(each, []).append(bit)
    ready = [bit for bit, sources in missing.items() if not sources]
    order = []
    while ready:
        bit = ready.pop()
        order.append(waiting[bit])
        for reader in readers.get(bit, ()):
            missing[reader].discard(bit)
            if not missing[reader]:
                ready.append(reader)
    if len(order) < len(waiting):
        loop = sorted(names.get(bit, "") for bit, sources in missing.items() if sources)
        said = ", ".join([each for each in loop if each][:5]) or "nets without names"
        raise MultiplierError(f"{name}: the logic feeds back into itself, through {said}")
    undriven = {each for _, _, sources in order for each in sources if each not in waiting and each not in given}
    return order, undriven


def _refusal(kind: str) -> str:
    if "LATCH" in kind or kind.startswith("$_SR_"):
        return "has a latch: a variable that is not assigned under every condition"
    if "FF" in kind or kind.startswith("$mem"):
        return "has storage (a flip-flop or a memory)"
    if "TBUF" in kind:
        return "has a tri-state driver"
    return f"has a cell of type {kind[:60]} that is not read"


def _net_names(module: dict[str, Any]) -> dict[Any, str]:
    found: dict[Any, str] = {}
    for net, given in module["netnames"].items():
        for position, bit in enumerate(given["bits"]):
            if bit not in found or not given.get("hide_name"):
                found[bit] = net if len(given["bits"]) == 1 else f"{net}[{position}]"
    return found


def _unpacked(plane: Plane) -> npt.NDArray[np.uint8]:
    return np.unpackbits(plane.astype("<u8").view(np.uint8), bitorder="little")
