"""What is printed of the families that shorten or round operands beside tables of figures."""

import numpy as np
import pytest

from axsim.multipliers.catalog import families
from families.measured import (
    LATTICE_ERROR,
    agrees,
    deviates,
    exhaustive_8_bit,
    sampled_16_bit,
)


@pytest.mark.parametrize("k", range(3, 9))
def test_lattice_is_as_good_as_all_pairs(k):
    """DRUM maps each operand on its own: its bias and std over all 2^32 pairs follow from 2^16 products by 1."""
    w = np.arange(1, 2**16)
    ratio = families()["drum"](w, 1, k=k) / w
    bias, std = 100 * (ratio.mean() ** 2 - 1), 100 * np.sqrt((ratio**2).mean() ** 2 - ratio.mean() ** 4)
    sampled = sampled_16_bit("drum", k=k)
    assert abs(sampled["bias"] - bias) < LATTICE_ERROR * std
    assert abs(sampled["std"] - std) < LATTICE_ERROR * std


@pytest.mark.parametrize(("k", "printed"), [(3, "2.08"), (4, "0.53"), (5, "-0.14"), (6, "-0.04"), (8, "0.01")])
def test_16_bit_drum_bias_published(k, printed):
    """
    The magnitude of the published bias is compared. For k = 5 and 6 the paper prints a minus sign that no model of its
    definition gives: the reference holds it for unreliable, and the computed figures above are positive.
    """
    assert agrees(abs(sampled_16_bit("drum", k=k)["bias"]), printed.removeprefix("-"))


def test_tosam_worked_example_published():
    """16 bits, TOSAM(3, 7), 11761 x 2482: absolute relative error 0.99 %."""
    exact = 11761 * 2482
    assert exact == 29_190_802
    product = int(families()["tosam"](11761, 2482, h=3, t=7, width=16))
    assert agrees(100 * abs(product - exact) / exact, "0.99")


@pytest.mark.parametrize(
    ("figure", "published", "obtained"), [("MRED", 2.75, "2.86"), ("NMED", 0.0068, "0.0070"), ("WCE", 3844, "4096")]
)
def test_roba_is_near_the_improved_logarithmic_multiplier(figure, published, obtained):
    """Ansari's ILM-0, 8 bits: the same formula by the reference's reading, not the same figures; a loose check."""
    found = exhaustive_8_bit("roba")[figure]
    assert agrees(found, obtained)
    assert abs(found / published - 1) < 0.07


def test_ou_mean_absolute_error_deviates_from_print():
    """Computed by the reference as 63.16; all pairs give 63.1548, a slip of the last digit: its other figures agree."""
    assert deviates(exhaustive_8_bit("ou", l=3), "MAE", "63.16", "63.1548", within=0.01)
