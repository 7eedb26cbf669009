"""The assignments in a picture: energy against top-1 lost, every point measured on the held-out images."""

import math
from collections.abc import Sequence

from ..presentation import charts
from ..presentation.charts import Series, axis, chart
from .assign import Assigned
from .runs import Measured

SHOWN = 20.0  # points of top-1 lost up to which the front is drawn, beyond it is ruin


def pareto(of: Assigned) -> str:
    """SVG of the front, of every uniform assignment and of the chosen one, each with its 95 % interval."""
    shown = min(SHOWN, max([5.0, *(100 * one.lost for one in (*of.front, *of.uniform))]))
    series = [
        _series(name, [one for one in points if 100 * one.lost <= shown], of, colour, mark)
        for name, points, colour, mark in (
            ("one for all layers", of.uniform, charts.ORANGE, "square"),
            ("assigned", of.front, charts.BLUE, "circle"),
            (f"chosen: {of.budget}", [of.chosen], charts.VERMILION, "triangle"),
        )
    ]
    kept = [each for each in series if len(each.x)]
    energies = [value for each in kept for value in each.x]
    lost = [value for each in kept for value in (*each.low, *each.high)]
    x = axis("energy of the multiplications, share of all-exact", [*energies, 1.0], include=[0.0])
    y = axis(f"top-1 lost on {of.chosen.images} held-out images, points", [value for value in lost if value <= shown])
    return chart(x, y, kept, size=(520, 340), label="energy against top-1 lost")


def agreement(of: Assigned) -> str:
    """SVG of the damage that the last correction predicts against the measured one, of every run of the search."""
    runs = [one for one in of.found.measured if one.damage > 0]
    layers = range(len(of.problem.layers))
    corrected = [math.fsum(of.found.damages[layer, one.choice[layer]] for layer in layers) for one in runs]
    first = [math.fsum(of.predicted[layer, one.choice[layer]] for layer in layers) for one in runs]
    measured = [one.damage for one in runs]
    series = [
        Series("moment model alone", measured, first, charts.SKY, "triangle"),
        Series("corrected by the runs", measured, corrected, charts.BLUE, "circle"),
    ]
    x, y = (
        axis("measured damage, nats", measured, log=True),
        axis("predicted damage, nats", first + corrected, log=True),
    )
    return chart(x, y, series, size=(340, 340), diagonal_band=1.2)


def _series(name: str, points: Sequence[Measured], of: Assigned, colour: str, mark: str) -> Series:
    ordered = sorted(points, key=lambda one: one.energy)
    return Series(
        name,
        [one.energy for one in ordered],
        [100 * one.lost for one in ordered],
        colour,
        mark,
        titles=[_title(of, one) for one in ordered],
        low=[100 * one.lost_interval[0] for one in ordered],
        high=[100 * one.lost_interval[1] for one in ordered],
    )


def _title(of: Assigned, one: Measured) -> str:
    names = set(of.problem.named(one.choice).values())
    words = next(iter(names)) if len(names) == 1 else f"{len(names)} multipliers"
    return f"{words}: energy {one.energy:.3f}, {100 * one.lost:.2f} points lost"
