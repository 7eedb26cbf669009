"""Every family's circuit against its software face, through Icarus Verilog."""

import importlib.util

import pytest

from axsim.hardware.cosimulation import cosimulate
from hardware.chosen_members import all_members, needs_icarus

pytestmark = needs_icarus
HAVING_A_FACE = [
    name for name in all_members() if importlib.util.find_spec("axsim.hardware.verilog." + name.partition(":")[0])
]


@pytest.mark.parametrize("name", HAVING_A_FACE)
def test_all_products_of_8_bits(name):
    found = cosimulate(name)
    assert (found.pairs, found.seed, found.differing, found.first) == (65536, None, 0, ())
