"""What is printed of the logarithmic families beside tables of figures: single pairs, ranges, bounds, closed forms."""

import numpy as np
import pytest

from axsim.multipliers.catalog import families
from families.measured import (
    LATTICE_ERROR,
    agrees,
    exhaustive_8_bit,
    lattice,
    sampled_16_bit,
    statistics,
)


@pytest.mark.parametrize(
    ("figure", "printed"),
    [("bias", "0.0556"), ("MRED", "2.7167"), ("min", "-7.64"), ("max", "7.81")],
)
def test_8_bit_mbm_figures_without_rounding_down(figure, printed):
    """Operands times 2^8 have the same fractions and room for all bits of the correction: nothing is rounded down."""
    w, x = np.arange(256)[:, None], np.arange(256)[None, :]
    products = families()["mbm"](w << 8, x << 8, width=16, t=0) / 2**16
    assert agrees(statistics(products, w * x, 8)[figure], printed)


@pytest.mark.parametrize(
    ("w", "x", "product"),
    [(3, 3, 8), (3, 6, 16), (3, 12, 33), (3, 24, 66), (6, 6, 33), (6, 12, 66)],
)
def test_mbm_pairs_that_lose_the_correction(w, x, product):
    assert families()["mbm"](w, x, width=8, t=0) == product
    assert families()["mbm"](x, w, width=8, t=0) == product


def test_mbm_errs_below_its_peak_in_ten_8_bit_pairs_only():
    w, x = np.arange(1, 256)[:, None], np.arange(1, 256)[None, :]
    error = families()["mbm"](w, x, width=8, t=0) - w * x
    pairs = {(3, 3), (3, 6), (3, 12), (3, 24), (6, 6), (6, 12)}
    below = np.argwhere(64 * error < -5 * w * x) + 1  # below -5/64 = -7.8125 %
    assert set(map(tuple, below.tolist())) == pairs | {(x, w) for w, x in pairs}


@pytest.mark.parametrize("m", [4, 8, 16])
def test_16_bit_realm_ranges_published(m):
    """Published for all of the paper's designs: bias mostly at most 0.05 %, mean 0.4 to 1.6 %, peak 2.08 to 7.4 %."""
    sampled = sampled_16_bit("realm", m=m)
    assert abs(sampled["bias"]) <= 0.0505
    assert 0.4 <= sampled["MRED"] <= 1.6
    assert 2.075 <= max(-sampled["min"], sampled["max"]) <= 7.4


@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize(("ecc", "printed"), [(0, "25"), (1, "6.25"), (2, "1.56"), (3, "0.39")])
def test_ilm_largest_error_published(ecc, printed, width):
    """The bounds 1 / 4^(ecc + 1), approached as the width grows."""
    worst = -(exhaustive_8_bit("ilm", ecc=ecc) if width == 8 else sampled_16_bit("ilm", ecc=ecc))["min"]
    assert agrees(100 / 4 ** (ecc + 1), printed)
    assert (0.8 if width == 8 else 0.99) * float(printed) < worst <= 100 / 4 ** (ecc + 1)


@pytest.mark.parametrize("t", range(1, 9))
def test_16_bit_mbm_ranges_published(t):
    """Published for t = 0..8: bias -0.09 to -0.08, mean error 2.58 to 2.60, at two digits. (t = 0: printed/.)"""
    sampled = sampled_16_bit("mbm", t=t)
    assert -0.095 <= sampled["bias"] < -0.075
    assert 2.575 <= sampled["MRED"] < 2.605


def test_mitchell_mean_error_is_a_twelfth():
    """Analytically, the mean error is -1/12 of 2^(k1+k2) where the fractions are uniform: in the top binade."""
    w, x = (operand[np.minimum(*lattice()) >= 2**15] for operand in lattice())
    error = (families()["mitchell"](w, x) - w * x) / 2**30
    # A quarter of the lattice: twice its error.
    assert abs(error.mean() + 1 / 12) < 2 * LATTICE_ERROR * error.std()
