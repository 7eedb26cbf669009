"""A genetic baseline on the same problem: NSGA-II, which knows nothing of the network but what its runs give.

K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, IEEE Transactions on Evolutionary Computation 6(2), 2002,
doi:10.1109/4235.996017, as pymoo implements it; it was used for the choice of a multiplier for every layer by
V. Mrazek, Z. Vasicek, L. Sekanina, M. A. Hanif, M. Shafique, "ALWANN", ICCAD 2019,
doi:10.1109/ICCAD45719.2019.8942068.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import AxsimError
from .runs import Measured, Runs


def nsga2(
    runs: Runs,
    population: int,
    generations: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Measured]:
    """
    Minimize energy and top-1 lost together, by bit-exact runs alone.

    The first population holds every uniform assignment (as many as there is room for, spread evenly over their costs)
    beside random ones, which is more than a plain NSGA-II is given.

    Parameters
    ----------
    runs : Runs
    population, generations : int
        Their product is the number of runs, less those of choices that were run before.
    seed : int

    Returns
    -------
    list of Measured
        Every distinct choice that was run, in order.

    Raises
    ------
    AxsimError
        If pymoo is not installed.
    """
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import ElementwiseProblem
        from pymoo.operators.crossover.ux import UniformCrossover
        from pymoo.operators.mutation.pm import PolynomialMutation
        from pymoo.operators.repair.rounding import RoundingRepair
        from pymoo.optimize import minimize
    except ImportError:
        raise AxsimError("the genetic baseline needs pymoo: pip install 'axsim[genetic]'") from None

    problem = runs.problem
    layers, multipliers = problem.cost.shape
    # By cost, so that neighbouring numbers are neighbours: what mutation by small steps relies on.
    order = np.argsort(problem.cost[0], kind="stable")
    history: dict[Any, Measured] = {}
    total = population * generations

    class Assignments(ElementwiseProblem):
        """Whose variables are the multipliers' places by cost, one a layer."""

        def __init__(self) -> None:
            super().__init__(n_var=layers, n_obj=2, xl=0, xu=multipliers - 1, vtype=int)
            self.done = 0

        def _evaluate(self, x: Any, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            choice = tuple(int(order[place]) for place in x)
            measured = runs(choice)
            history.setdefault(choice, measured)
            out["F"] = [measured.energy, measured.lost]
            self.done += 1
            if progress is not None:
                progress(min(self.done, total), total)

    rng = np.random.default_rng(seed)
    first = rng.integers(0, multipliers, (population, layers))
    places = np.unique(np.linspace(0, multipliers - 1, min(multipliers, population)).round().astype(int))
    first[: len(places)] = places[:, None]
    algorithm = NSGA2(
        pop_size=population,
        sampling=first,
        crossover=UniformCrossover(),
        mutation=PolynomialMutation(prob_var=1 / layers, eta=3, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    minimize(Assignments(), algorithm, ("n_gen", generations), seed=seed, verbose=False)
    return list(history.values())


def hypervolume(measured: Sequence[Measured], largest_loss: float) -> float:
    """
    Area of energy and top-1 lost that these assignments beat, within energy 1 and `largest_loss`, as a share of it.

    A loss below 0, which chance may give, counts as 0.
    """
    area, lowest = 0.0, largest_loss
    for one in sorted(measured, key=lambda one: one.energy):
        lost = max(one.lost, 0.0)
        if lost < lowest and one.energy < 1:
            area += (1 - one.energy) * (lowest - lost)
            lowest = lost
    return area / largest_loss
