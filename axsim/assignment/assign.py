"""A multiplier for every layer, for the least energy within a loss of accuracy, or the reverse."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from ..errors import AxsimError
from ..images import ImageSet
from ..multipliers.catalog import circuits, multiplier
from ..multipliers.product_table import Multiplier
from ..networks.network import Network, check_network
from ..predict import Predictor
from ..statistics import NetworkStatistics, check_statistics
from ..statistics.measure import gather_statistics
from .damage import damages, scales_of, sensitivities
from .knapsack import scipy_optimize
from .problem import POWER, Matrix, Problem, power_costs
from .runs import Measured, Memory, Runs, front, remembered
from .search import Budget, Found, search

STATISTICS_IMAGES, SENSITIVITY_IMAGES = 256, 64
MOST_RUNS = 60
Phase = Callable[[str], Callable[[int, int], None]]


@dataclasses.dataclass(frozen=True, eq=False)
class Assigned:
    """
    An assignment, how it was found on the calibration images, and what it does to images that took no part in that.

    Attributes
    ----------
    problem : Problem
    budget : Budget
    predicted : float64 [layers, multipliers]
        Damage of each multiplier in each layer before anything was run, nats.
    found : Found
        The search, on the calibration images.
    chosen : Measured
        The assignment, on the held-out images.
    front : tuple of Measured
        Choices of the search that no other beat in energy and damage, on the held-out images.
    uniform : tuple of Measured
        Each multiplier in all layers, on the held-out images; empty if they were not asked for.
    calibration_top1, exact_top1 : float
        Of the exact int8 network, on the calibration and on the held-out images.
    injected_images : int
        Images run with injected errors to measure sensitivities.
    network : Network
        What the assignment is for: the network given, or the one compensated for it.
    """

    problem: Problem
    budget: Budget
    predicted: Matrix
    found: Found
    chosen: Measured
    front: tuple[Measured, ...]
    uniform: tuple[Measured, ...]
    calibration_images: int
    calibration_top1: float
    exact_top1: float
    injected_images: int
    network: Network

    @property
    def layers(self) -> dict[str, Multiplier]:
        """The multiplier of each layer, as `axsim.run` takes them."""
        return self.problem.serving(self.chosen.choice)

    def cheapest_uniform(self, lost: float) -> Measured | None:
        """Return the cheapest multiplier for all layers that loses no more on the held-out images, if any."""
        allowed = [one for one in self.uniform if one.lost <= lost]
        return min(allowed, key=lambda one: one.energy, default=None)


def candidates(network: Network) -> dict[str, Multiplier]:
    """All circuits of the libraries that serve every layer with weights, by name."""
    formats = {network.operands(node) for node in network.weight_layers}
    found = {name: multiplier(name) for name in circuits()}
    return {name: each for name, each in found.items() if all(each.serves(*pair) for pair in formats)}


def assign(
    network: Network,
    images: ImageSet,
    calibration: ImageSet,
    budget: Budget | str,
    *,
    multipliers: Mapping[str, Multiplier] | None = None,
    costs: Mapping[str, float] | None = None,
    compensated: bool = False,
    statistics: NetworkStatistics | None = None,
    sensitivity_images: int = SENSITIVITY_IMAGES,
    most_runs: int = MOST_RUNS,
    uniform: bool = True,
    memory: Memory | None = None,
    phase: Phase = lambda name: lambda done, total: None,
) -> Assigned:
    """
    Choose a multiplier for every layer with weights.

    Predicted damages (`damage.py`) and costs make a multiple-choice knapsack, solved exactly for a row of limits; what
    comes out is run bit for bit on the calibration images, the damages are corrected by it, and the knapsack solved
    again until runs and predictions agree (`search.py`). The result is then run on the held-out images.

    Parameters
    ----------
    network : Network
    images : ImageSet
        Held out, with labels: they judge and decide nothing.
    calibration : ImageSet
        Other images, with labels: by which the assignment is chosen.
    budget : Budget or str
        "accuracy=1.0", points of top-1 lost against the exact network, or "energy=0.6" of the all-exact network.
    multipliers : dict of str to Multiplier, optional
        To choose from, by name, an exact one among them; all circuits of EvoApproxLib that serve the network when not
        given.
    costs : dict of str to float, optional
        Of one multiplication by each of them, in any unit; the published power when not given.
    compensated : bool
        Take back each layer's predicted mean and gain (`axsim.compensate`), of uniform assignments too.
    statistics : NetworkStatistics, optional
        Of this network; gathered on the first 256 calibration images when not given.
    sensitivity_images : int
        Calibration images of each injected run; there are four a layer.
    most_runs : int
        Bit-exact runs of the calibration images after which the search ends, agreed or not.
    uniform : bool
        Also run every multiplier in all layers, on the held-out images, for comparison.
    memory : Memory, optional
        Where finished runs are remembered.
    phase : function
        Given the name of a piece of work, returns the function (done, total) that shows its progress.

    Raises
    ------
    AxsimError
        If images have no labels, the two sets share an image, the budget cannot be met, or scipy is not installed.
    MultiplierError
        If a multiplier cannot serve a layer, or its power is not known.
    """
    check_network(network)
    scipy_optimize()  # before hours of work
    budget = Budget.parse(budget) if isinstance(budget, str) else budget
    if images.labels is None or calibration.labels is None:
        raise AxsimError("images and calibration must have labels for a budget of accuracy and for a judgement")
    _check_apart(images, calibration)
    if network.bound_to is not None:
        raise AxsimError(f"network must not be compensated already, {network.name} is, for {network.bound_to[0]}")
    chosen_from = candidates(network) if multipliers is None else multipliers
    prices, what = (power_costs(chosen_from), POWER) if costs is None else (costs, "given costs")
    problem = Problem(network, chosen_from, prices, what)
    if statistics is None:
        show = phase("operand statistics")
        statistics = gather_statistics(network, calibration.first(STATISTICS_IMAGES).images, progress=show)
    check_statistics(statistics, network)
    predictor = Predictor(statistics)
    show = phase("moment model")
    predictions = []
    for number, each in enumerate(chosen_from.values(), 1):
        predictions.append(predictor(each))
        show(number, len(chosen_from))
    few = calibration.first(sensitivity_images)
    scales = scales_of(network, predictions[0])
    content = f"sensitivities {network.digest} {few.digest} {[scale.amplitude for scale in scales.values()]}"
    show = phase("sensitivities")
    sensitivity = remembered(
        memory,
        hashlib.sha256(content.encode()).hexdigest(),
        lambda: sensitivities(network, few.images, scales, progress=show).tolist(),
    )
    predicted = damages(np.array(sensitivity), scales, predictions, compensated=compensated)
    undoing = predictions if compensated else None
    runs = Runs(problem, calibration, undoing, memory)
    found = search(predicted, runs, budget, most_runs=most_runs, progress=phase("search"))
    judge = Runs(problem, images, undoing, memory)
    best = [one.choice for one in front(found.measured)]
    others = [problem.uniform(index) for index in range(len(problem.names))] if uniform else []
    show = phase("held-out images")
    judged = []
    for number, choice in enumerate([found.chosen.choice, *best, *others], 1):
        judged.append(judge(choice))
        show(number, 1 + len(best) + len(others))
    return Assigned(
        problem=problem,
        budget=budget,
        predicted=predicted,
        found=found,
        chosen=judged[0],
        front=tuple(judged[1 : 1 + len(best)]),
        uniform=tuple(judged[1 + len(best) :]),
        calibration_images=len(calibration),
        calibration_top1=runs.exact_top1,
        exact_top1=judge.exact_top1,
        injected_images=4 * len(problem.layers) * len(few),
        network=judge.network(found.chosen.choice),
    )


def _check_apart(images: ImageSet, calibration: ImageSet) -> None:
    """Raise AxsimError if an image is in both sets: what has chosen cannot judge."""
    seen = {np.ascontiguousarray(image).tobytes() for start in range(0, len(calibration), 64)
            for image in calibration.images[start : start + 64]}  # fmt: skip
    for start in range(0, len(images), 64):
        for number, image in enumerate(images.images[start : start + 64], start):
            if np.ascontiguousarray(image).tobytes() in seen:
                raise AxsimError(
                    f"images and calibration must be apart, image {number} is in both: what has chosen cannot judge"
                )
