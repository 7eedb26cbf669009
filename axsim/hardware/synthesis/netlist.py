"""A mapped netlist as Yosys writes it (JSON): its cells counted, and the longest way through them."""

import collections
from collections.abc import Mapping
from typing import Any

from ...errors import HardwareError
from .targets import Target

FOLLOWED = object()  # marks a cell whose depth is being found


def top_module(netlist: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module marked as top; raises HardwareError if there is not exactly one."""
    tops = [m for m in netlist.get("modules", {}).values() if int(str(m["attributes"].get("top", "0")), 2)]
    if len(tops) != 1:
        raise HardwareError(f"netlist must have one top module, got {len(tops)}")
    top: dict[str, Any] = tops[0]
    return top


def cell_counts(module: Mapping[str, Any]) -> dict[str, int]:
    """Return how many cells there are of each type, in alphabetical order."""
    return dict(sorted(collections.Counter(cell["type"] for cell in module["cells"].values()).items()))


def logic_depth(module: Mapping[str, Any], target: Target) -> int:
    """
    Return the number of cells on the longest way between registers, or from and to ports: LUTs, carry cells, muxes.

    A carry cell counts as one, although it is many times faster than a LUT: the depth tells netlists of one kind apart
    and says little of their speed. A way that comes back to a cell (a carry cell of several bits, one feeding the
    other) is cut there.
    """
    inputs: dict[str, list[Any]] = {}
    driver: dict[Any, str] = {}
    for name, cell in module["cells"].items():
        if target.is_flip_flop(cell["type"]):
            continue
        directions = cell["port_directions"]
        inputs[name] = [
            bit for port, bits in cell["connections"].items() if directions[port] == "input" for bit in bits
        ]
        for port, bits in cell["connections"].items():
            if directions[port] == "output":
                driver.update((bit, name) for bit in bits)
    depths: dict[str, Any] = {}
    for root in inputs:
        stack = [root]
        while stack:
            name = stack[-1]
            if name not in depths:
                depths[name] = FOLLOWED
                before = (driver[bit] for bit in inputs[name] if bit in driver)
                stack += [each for each in before if each not in depths]
                continue
            stack.pop()
            if depths[name] is FOLLOWED:
                found = (depths[driver[bit]] for bit in inputs[name] if bit in driver)
                depths[name] = 1 + max((each for each in found if each is not FOLLOWED), default=0)
    return max(depths.values(), default=0)
