"""From predicted damages to a front that bit-exact runs agree with, and to the assignment that a budget allows.

Each round solves the knapsack for a row of limits, runs what has not been run, and corrects the damages by all that has
been measured, until nothing new comes out or what was predicted of the newest assignments is what they do.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from ..accuracy_model.model import falling
from ..errors import AxsimError
from .correction import FLOOR, corrected
from .knapsack import solve
from .problem import Choice, Matrix, Problem
from .runs import Measured, Runs

LIMITS = tuple(float(limit) for limit in np.geomspace(0.005, 0.4, 8))  # nats, from hardly seen to ruin
NEAR = (0.8, 1.0, 1.25)  # times the damage that the budget allows
ROUNDS = 8
TYPICAL, LARGEST = 1.2, 1.5  # factors between predicted and measured damages within which they agree


@dataclasses.dataclass(frozen=True)
class Budget:
    """
    What may be spent: top-1 lost against the exact int8 network, a share, or energy, a share of the all-exact one's.

    Raises AxsimError if the amount is out of range.
    """

    of: Literal["accuracy", "energy"]
    amount: float

    def __post_init__(self) -> None:
        if self.of == "accuracy" and not 0 <= self.amount < 1:
            raise AxsimError(f"budget of accuracy must be from 0 to below 100 points, got {100 * self.amount:g}")
        if self.of == "energy" and not 0 < self.amount <= 1:
            raise AxsimError(f"budget of energy must be above 0 and at most 1, got {self.amount:g}")

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read accuracy=1.0, percentage points of top-1, or energy=0.6; raises AxsimError for anything else."""
        of, _, amount = text.partition("=")
        try:
            number = float(amount)
        except ValueError:
            number = math.nan
        if of.strip() == "accuracy" and math.isfinite(number):
            return cls("accuracy", number / 100)
        if of.strip() == "energy" and math.isfinite(number):
            return cls("energy", number)
        raise AxsimError(f"budget must be accuracy=POINTS or energy=SHARE, such as accuracy=1.0, got {text!r}")

    def __str__(self) -> str:
        return f"accuracy={100 * self.amount:g}" if self.of == "accuracy" else f"energy={self.amount:g}"


@dataclasses.dataclass(frozen=True)
class Round:
    """
    One round: how many choices were run, and the factors between their predicted and measured damages.

    typical: the geometric mean of the factors, each above 1; largest: the largest.
    """

    runs: int
    typical: float
    largest: float

    @property
    def agrees(self) -> bool:
        """Whether what was predicted is what was measured, well enough."""
        return self.typical <= TYPICAL and self.largest <= LARGEST


@dataclasses.dataclass(frozen=True)
class Found:
    """
    What the search found: the choice that the budget allows, everything measured, and how the rounds went.

    agreed: whether the last round's predictions were what was measured; damages: the corrected ones.
    """

    chosen: Measured
    measured: tuple[Measured, ...]
    rounds: tuple[Round, ...]
    agreed: bool
    damages: Matrix


def search(
    predicted: Matrix,
    runs: Runs,
    budget: Budget,
    *,
    most_runs: int = 60,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """
    Solve, run, correct, and solve again.

    Parameters
    ----------
    predicted : float64 [layers, multipliers]
        Damage of each multiplier in each layer, nats.
    runs : Runs
        On the images by which the choice is made.
    budget : Budget
    most_runs : int
        After which the search ends, agreed or not.

    Raises
    ------
    AxsimError
        If no assignment has so little energy, or scipy is not installed.
    """
    problem = runs.problem
    least = float(problem.cost.min(axis=1).sum())
    if budget.of == "energy" and budget.amount < least:
        raise AxsimError(f"budget of energy must be {least:.4f} or more with these multipliers, got {budget.amount:g}")
    damages, measured, rounds, agreed = predicted, dict[Choice, Measured](), list[Round](), False
    runs(problem.uniform(problem.exact))  # damage 0: where every curve begins
    while not agreed and len(rounds) < ROUNDS:
        wanted = dict.fromkeys(proposals(problem, damages, budget, list(measured.values())))
        new = [choice for choice in wanted if choice not in measured][: most_runs - len(measured)]
        if not new:
            agreed = all(choice in measured for choice in wanted)
            break
        factors = []
        for choice in new:
            measured[choice] = runs(choice)
            factors.append(_factor(_sum(damages, choice), measured[choice].damage))
            if progress is not None:
                progress(len(measured), most_runs)
        rounds.append(Round(len(new), math.exp(float(np.log(factors).mean())), max(factors)))
        # The first round knows nothing of the budget yet.
        agreed = rounds[-1].agrees and len(rounds) > 1
        damages = corrected(predicted, list(measured), [each.damage for each in measured.values()])
    everything = (*measured.values(), runs(problem.uniform(problem.exact)))
    return Found(choose(everything, budget), everything, tuple(rounds), agreed, damages)


def proposals(problem: Problem, damages: Matrix, budget: Budget, measured: Sequence[Measured]) -> list[Choice]:
    """Solve for the row of limits, and around what the budget allows as far as the measured runs tell."""
    limits = list(LIMITS)
    if budget.of == "accuracy" and measured:
        limits = [near * allowed_damage(measured, budget.amount) for near in NEAR] + limits
    found = [solve(problem.cost, damages, limit) for limit in limits]
    if budget.of == "energy":
        found.insert(0, solve(damages, problem.cost, budget.amount))
    return [choice for choice in found if choice is not None]


def choose(measured: Sequence[Measured], budget: Budget) -> Measured:
    """
    Return the best that the budget allows.

    Of energy: the least damage within it. Of accuracy: the least energy of those whose damage the curve of accuracy
    over damage allows, which all runs share: one run's own accuracy may owe much to chance.
    """
    if budget.of == "energy":
        return min((one for one in measured if one.energy <= budget.amount + 1e-9), key=lambda one: one.damage)
    limit = allowed_damage(measured, budget.amount)
    return min((one for one in measured if one.damage <= limit), key=lambda one: one.energy)


def allowed_damage(measured: Sequence[Measured], lost: float) -> float:
    """Largest damage at which the curve of top-1 over damage, falling and through all runs, has lost no more."""
    ordered = sorted(measured, key=lambda one: one.damage)
    damages = [0.0, *(one.damage for one in ordered)]
    losses = _rising(ordered)
    allowed = [damage for damage, loss in zip(damages, losses, strict=True) if loss <= lost]
    last = len(allowed) - 1
    if last + 1 == len(damages) or losses[last + 1] <= losses[last]:
        return max(allowed[-1], FLOOR)
    share = (lost - losses[last]) / (losses[last + 1] - losses[last])
    return max(float(damages[last] + share * (damages[last + 1] - damages[last])), FLOOR)


def _rising(ordered: Sequence[Measured]) -> list[float]:
    """Losses that rise with damage, nearest to the measured ones, from 0 on."""
    shares = falling(np.array([-one.lost for one in ordered]))
    return [0.0, *(max(0.0, -float(share)) for share in shares)]


def _sum(damages: Matrix, choice: Choice) -> float:
    return float(damages[np.arange(len(choice)), choice].sum())


def _factor(predicted: float, measured: float) -> float:
    ratio = (predicted + FLOOR) / (measured + FLOOR)
    return max(ratio, 1 / ratio)
