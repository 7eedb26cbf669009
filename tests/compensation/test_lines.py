"""Kernels of lines against NumPy: moments of pairs of sums, and sums with the line undone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim.kernels.lines import line_moments, undo_lines


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 300), st.sampled_from([3, 1000, 2**30]), st.integers(0, 2**32 - 1))
def test_moments(rows, count, size, seed):
    rng = np.random.default_rng(seed)
    wanted, approximate = rng.integers(-size, size + 1, (2, rows, count)).astype(np.int32)
    moments = np.empty((rows, 4))
    line_moments(wanted, approximate, moments)
    for m in range(rows):
        x, y = wanted[m].astype(float), approximate[m].astype(float)
        means = [sum(values.tolist()) / count for values in (wanted[m], approximate[m])]
        second = np.mean((x - means[0]) ** 2), np.mean((x - means[0]) * (y - means[1]))
        assert moments[m].tolist() == pytest.approx([*means, *second], rel=1e-9, abs=1e-9 * size**2)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_undone_is_rounded_and_kept_within_room(rows, count, seed):
    rng = np.random.default_rng(seed)
    approximate = rng.integers(-(10**6), 10**6, (rows, count)).astype(np.int32)
    offset = rng.integers(-1000, 1000, (rows, count)).astype(np.int32)
    gain, shift = rng.choice([-0.75, -0.5, 0.0, 1.0, 3.0], rows), rng.integers(-99, 99, rows).astype(float)
    room = rng.integers(10**5, 10**6, rows)
    out = np.empty_like(approximate)
    undo_lines(approximate, gain, shift, offset, room, out)
    undone = np.rint((approximate - shift[:, None]) / (1 + gain[:, None])) - offset
    assert (out == np.clip(undone, -room[:, None], room[:, None])).all()
