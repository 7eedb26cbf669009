"""MBM with an error that is configured at run time: the correction constant, and how many fraction bits are kept.

The product is MBM's (mbm.py), with a register for each of two things that the paper chooses at design time:

    c   the correction constant in units of 2^-7, in 7 bits: 0 is Mitchell's multiplier, 10 the paper's constant
    t   fraction bits cut: of width - 1, the t lowest are cleared and the lowest kept one is set to 1 (t > 0)

    fraction, width 8, t = 4      f f 1 0 0 0 0

The paper keeps seven fraction bits or more, which at 8 bits leaves none to cut; keeping fewer is an extension of ours,
as is changing either while the circuit runs. The circuit is axsim/hardware/array/verilog/configurable_mbm.v.

H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer and Floating-Point
Multiplication", IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262.
"""

from ..compilation import elementwise
from .family import Family, Parameter
from .mbm import mbm

CORRECTION_BITS = 7


@elementwise
def mbm_configurable(w, x, width, t, c):
    """MBM product of unsigned operands of `width` bits, correction c / 2^7, t fraction bits cut."""
    return mbm(w, x, width, t, c, CORRECTION_BITS)


FAMILY = Family(
    product=mbm_configurable,
    parameters=(
        Parameter("t", "fraction bits cut", 0, lambda width: width - 3, default=0),
        Parameter("c", "correction constant in units of 2^-7", 0, lambda width: (1 << CORRECTION_BITS) - 1, default=10),
    ),
    signed=False,
    citation="Saadat, Bokhari, Parameswaran, IEEE TCAD 37(11), 2018, doi:10.1109/TCAD.2018.2857262 (registers "
    "and fewer than seven fraction bits: axsim)",
    summary="MBM whose correction constant and fraction bits are registers",
    examples=({"t": 3}, {"t": 5}, {"t": 3, "c": 5}),
)
