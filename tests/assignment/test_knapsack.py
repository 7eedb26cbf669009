"""The knapsack against all choices tried one by one."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axsim.assignment.knapsack import solve


def best(objective, weight, limit):
    """Least objective of all choices within the limit, None if there is none."""
    rows = range(len(objective))
    sums = [
        math.fsum(objective[row, column] for row, column in enumerate(choice))
        for choice in itertools.product(range(objective.shape[1]), repeat=len(objective))
        if math.fsum(weight[row, choice[row]] for row in rows) <= limit
    ]
    return min(sums, default=None)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.floats(0.05, 1.2))
@settings(deadline=None, max_examples=60)
def test_no_other_choice_is_better(rows, columns, seed, tightness):
    rng = np.random.default_rng(seed)
    objective, weight = rng.random((rows, columns)), np.exp(rng.normal(-5, 3, (rows, columns)))
    limit = tightness * float(weight.mean(axis=1).sum())
    found, wanted = solve(objective, weight, limit), best(objective, weight, limit)
    if wanted is None:
        assert found is None
        return
    assert found is not None
    assert math.fsum(weight[row, column] for row, column in enumerate(found)) <= limit * (1 + 1e-6)
    assert math.fsum(objective[row, column] for row, column in enumerate(found)) <= wanted * (1 + 1e-5)


def test_entries_many_magnitudes_apart():
    """Damages go from 1e-6 to 1e3 nats: what is small must still be told apart, and what is huge never be taken."""
    damage = np.array([[0.0, 2e-6, 1e-6, 1e3], [0.0, 5e-5, 700.0, 1e3]])
    cost = np.array([[1.0, 0.5, 0.5, 0.1], [1.0, 0.5, 0.4, 0.1]])
    assert solve(cost, damage, 1e-4) == (2, 1)
    assert solve(damage, cost, 1.0) == (2, 1)
    assert solve(cost, damage, 1e-7) == (0, 0)


def test_a_damage_of_zero_everywhere_is_no_division_by_zero():
    assert solve(np.zeros((3, 2)), np.ones((3, 2)), 3.0) is not None


def test_the_solver_prints_nothing(capfd):
    """HiGHS prints past its own settings at times; on the command line that would break JSON."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        cost = np.sort(rng.random(49)) * rng.random(53)[:, None]
        damage = np.exp(rng.normal(-6, 3, cost.shape)) * (1 - cost / cost.max())
        assert solve(cost, damage, 0.05) is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("limit", [1e-9, 0.5])
def test_nothing_fits(limit):
    assert solve(np.ones((2, 2)), np.ones((2, 2)), limit) is None
