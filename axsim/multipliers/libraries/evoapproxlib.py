"""EvoApproxLib LITE: 36 unsigned and 13 signed 8x8 multipliers evolved for low power, with their published figures.

The tables are those of the library's own C circuits at commit d321f7f6 (26 July 2022). A later release uses some of the
names for other circuits: whoever names one of these cites the commit. First operand of the circuit, A, is the weight.

V. Mrazek, R. Hrbacek, Z. Vasicek, L. Sekanina, "EvoApprox8b: Library of Approximate Adders and Multipliers for Circuit
Design and Benchmarking of Approximation Methods", DATE 2017, doi:10.23919/DATE.2017.7926993; V. Mrazek, Z. Vasicek,
L. Sekanina, H. Jiang, J. Han, "Scalable Construction of Approximate Multipliers With Formally Guaranteed Worst Case
Error", IEEE TVLSI 26(11), 2018, doi:10.1109/TVLSI.2018.2856362. MIT licence, beside this file.
"""

import dataclasses
import functools
import importlib.resources

import h5py
import numpy as np

from ...formats import Format, exact_products
from ..costs import Costs
from ..product_table import Multiplier

NAME = "EvoApproxLib"
VERSION = "LITE, commit d321f7f6 (26 July 2022)"
CITATION = "Mrazek et al., DATE 2017, doi:10.23919/DATE.2017.7926993, and IEEE TVLSI 26(11), 2018"
_FILE = "evoapproxlib_8x8.h5"
_COSTS = f"{NAME} {VERSION}: PDK45, as published there"


# Circuits that are members of a family, found by equality of all 65,536 products.
CLOSED_FORMS = {
    "mul8s_1KR3": "broken_array:h=6,signed=1",
    "mul8s_1KR6": "broken_array:h=1,v=3,signed=1",
    "mul8s_1KR8": "broken_array:h=1,signed=1",
    "mul8s_1KRC": "broken_array:h=1,v=4,signed=1",
    "mul8s_1KTY": "broken_array:h=3,signed=1",
    "mul8s_1KV8": "exact:signed=1",
    "mul8s_1KVA": "broken_array:v=2,signed=1",
    "mul8s_1KVB": "broken_array:v=3,signed=1",
    "mul8s_1KVL": "broken_array:h=2,v=5,signed=1",
    "mul8s_1KX2": "broken_array:v=4,signed=1",
    "mul8s_1L1G": "truncated:t=3,signed=1",
    "mul8s_1L2D": "truncated:t=2,signed=1",
    "mul8s_1L2H": "truncated:t=1,signed=1",
    "mul8u_1JFF": "exact",
    "mul8u_E9R": "broken_array:h=8",
}


@dataclasses.dataclass(frozen=True)
class Circuit:
    """One circuit and what the library's file of it prints, all errors in percent.

    mae, wce : over 2^16, also for signed circuits
    ep : error probability
    mre : mean relative error, over the pairs whose exact product is not 0
    wcre : largest relative error, over the same
    """

    name: str
    operands: tuple[Format, Format]
    costs: Costs
    mae: float
    wce: float
    ep: float
    mre: float
    wcre: float


@functools.cache
def circuits() -> dict[str, Circuit]:
    """All circuits by name, in alphabetical order."""
    found = {}
    with _open() as file:
        for name, dataset in file.items():
            figures = dataset.attrs
            fmt: Format = "s8" if figures["operands"] == "s8" else "u8"
            power, area, delay = (float(figures[f"pdk45_{key}"]) for key in ("power_mw", "area_um2", "delay_ns"))
            published = [float(figures[f"published_{key}_percent"]) for key in ("mae", "wce", "ep", "mre", "wcre")]
            found[name] = Circuit(name, (fmt, fmt), Costs(power, area, delay, _COSTS), *published)
    return found


def multiplier(name: str) -> Multiplier:
    """Return the circuit of that name, one of `circuits()`."""
    circuit = circuits()[name]
    with _open() as file:
        error = file[name][()]
    table = exact_products(*circuit.operands) + error.astype(np.int32)
    return Multiplier(name, table, circuit.operands, costs=circuit.costs, source=f"{NAME} {VERSION}; {CITATION}")


def _open() -> h5py.File:
    return h5py.File(str(importlib.resources.files(__package__) / _FILE), "r")
