"""MBM with its configuration fixed: the circuit of mbm.py. With registers for it: hardware/array/verilog."""

from dataclasses import replace

from ...kernels.multipliers.mbm_configurable import CORRECTION_BITS
from ..design import Design
from . import mbm
from .blocks.text import module_name


def design(width: int, t: int, c: int) -> Design:
    """Circuit with the correction c / 2^7 and t fraction bits cut."""
    made = mbm.design(width, t, c, CORRECTION_BITS)
    name = module_name("mbm_configurable", width, t=t, c=c)
    return replace(made, module=replace(made.module, name=name))
