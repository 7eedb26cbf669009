"""The genetic baseline: its runs are counted, its first population is stated, its hypervolume is an area."""

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.assignment.genetic import hypervolume, nsga2
from axsim.assignment.problem import Problem, power_costs
from axsim.assignment.runs import Measured, Runs
from axsim.images import ImageSet

NAMES = ("mul8u_1JFF", "mul8u_2AC", "mul8u_NGR", "mul8u_FTA", "mul8s_1KVL")


def test_every_run_is_given_once_and_uniform_ones_are_among_them():
    network = network_of(["conv", "conv"], 107, "symmetric", (4, 8, 8))
    pixels = random_images(network, 12)
    images = ImageSet(pixels, axsim.run(network, pixels).logits.argmax(axis=1).astype(np.int64))
    multipliers = {name: axsim.multiplier(name) for name in NAMES}
    runs = Runs(Problem(network, multipliers, power_costs(multipliers)), images)
    history = nsga2(runs, 8, 3, seed=1)
    assert len(history) <= 8 * 3
    assert [one.choice for one in history] == list(runs.found)
    assert {runs.problem.uniform(index) for index in range(len(NAMES))} <= set(runs.found)
    assert nsga2(runs, 8, 3, seed=1) == history
    for one in history:
        assert one.energy == runs.problem.energy(one.choice)


def one(energy, lost):
    return Measured((), energy, 0.0, 100, 0.9, max(0, round(100 * lost)), max(0, -round(100 * lost)))


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([(1.0, 0.0)], 0.0),
        ([(0.5, 0.0)], 0.5),
        ([(0.5, -0.01)], 0.5),
        ([(0.5, 0.3)], 0.0),
        ([(0.5, 0.1)], 0.25),
        ([(0.5, 0.1), (0.6, 0.1)], 0.25),
        ([(0.5, 0.1), (0.75, 0.0)], 0.25 + 0.125),
        ([(0.75, 0.0), (0.5, 0.1), (0.2, 0.15)], 0.8 * 0.25 + 0.5 * 0.25 + 0.25 * 0.5),
    ],
)
def test_hypervolume(points, area):
    assert hypervolume([one(*point) for point in points], 0.2) == pytest.approx(area)
