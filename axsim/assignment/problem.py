"""What is to be decided: which multiplier in which layer, and what each choice costs."""

import csv
import dataclasses
import functools
import math
import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, MultiplierError
from ..files import check_readable
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import Network
from ..networks.nodes import Conv

Choice = tuple[int, ...]  # for each layer of a problem, the number of its multiplier
Matrix = npt.NDArray[np.float64]
POWER = "power in mW, of the core alone"


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """
    A network, and the multipliers among which each of its layers with weights chooses.

    Products of two activations stay exact: the moment model predicts nothing of them.

    Attributes
    ----------
    multipliers : dict of str to Multiplier
        By the name under which `axsim.multiplier` gives it. At least one is exact.
    costs : dict of str to float
        Of one multiplication, 0 or more, in any unit: results are shares of the energy of the all-exact network, whose
        layers all have the cheapest exact multiplier.
    cost_of : str
        What the costs are, for people.

    Raises
    ------
    AxsimError
        If there is no exact multiplier that costs anything, or a cost is missing or below 0.
    MultiplierError
        If a multiplier cannot serve every layer.
    """

    network: Network
    multipliers: Mapping[str, Multiplier]
    costs: Mapping[str, float]
    cost_of: str = POWER

    def __post_init__(self) -> None:
        for name, each in self.multipliers.items():
            check_multiplier(each)
            cost = self.costs.get(name)
            if cost is None or not 0 <= cost < math.inf:
                raise AxsimError(f"costs must have a number of 0 or more for each multiplier, got {cost} for {name}")
            for node in self.network.weight_layers:
                each.serving(*self.network.operands(node))
        if not any(each.is_exact and self.costs[name] > 0 for name, each in self.multipliers.items()):
            raise AxsimError(
                "multipliers must have an exact one with a cost above 0 among them, of whose energy the others are a "
                "share; add mul8u_1JFF, or exact with a cost of your own"
            )

    @functools.cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that choose, in order."""
        return tuple(node.name for node in self.network.weight_layers)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the multipliers, in the order that a choice counts them."""
        return tuple(self.multipliers)

    @functools.cached_property
    def exact(self) -> int:
        """Number of the cheapest exact multiplier."""
        exact = [i for i, name in enumerate(self.names) if self.multipliers[name].is_exact and self.costs[name] > 0]
        return min(exact, key=lambda index: self.costs[self.names[index]])

    @functools.cached_property
    def multiplications(self) -> npt.NDArray[np.int64]:
        """Multiplications of each layer for one image, those by padding included, int64 [layers]."""
        shapes = self.network.shapes
        return np.array([node.weight.size * math.prod(shapes[node.name][1:]) for node in self.network.weight_layers])

    @functools.cached_property
    def cost(self) -> Matrix:
        """Energy of each multiplier in each layer, share of the all-exact network's, float64 [layers, multipliers]."""
        prices = np.array([self.costs[name] for name in self.names])
        return np.outer(self.multiplications / self.multiplications.sum(), prices / prices[self.exact])

    def energy(self, choice: Choice) -> float:
        """Energy of a choice, share of the all-exact network's."""
        return float(self.cost[np.arange(len(choice)), choice].sum())

    def uniform(self, multiplier: int) -> Choice:
        """Return the choice of one multiplier for all layers."""
        return (multiplier,) * len(self.layers)

    def serving(self, choice: Choice) -> dict[str, Multiplier]:
        """Return the multiplier of each layer, as `axsim.run` takes them."""
        return {layer: self.multipliers[name] for layer, name in self.named(choice).items()}

    def named(self, choice: Choice) -> dict[str, str]:
        """Return the name of each layer's multiplier."""
        return {layer: self.names[index] for layer, index in zip(self.layers, choice, strict=True)}

    def kind(self, layer: str) -> str:
        """Return what a layer is, for people: conv 3x3, depthwise 3x3, linear."""
        node = next(node for node in self.network.weight_layers if node.name == layer)
        if not isinstance(node, Conv):
            return node.op
        words = "depthwise" if node.groups == len(node.weight) > 1 else "conv"
        return f"{words} {node.weight.shape[2]}x{node.weight.shape[3]}"


def power_costs(multipliers: Mapping[str, Multiplier]) -> dict[str, float]:
    """
    Return the power of each multiplier, mW, as its library publishes it.

    Of an unsigned core that serves signed operands it is the core's alone, without what makes it signed.

    Raises
    ------
    MultiplierError
        If a multiplier's power is not known, or their figures come from different sources and do not compare.
    """
    sources = {}
    for name, each in multipliers.items():
        if each.costs is None:
            raise MultiplierError(f"{name}: its power is not known; give the costs of all multipliers in a CSV")
        sources[name] = each.costs.source
    if len(set(sources.values())) > 1:
        raise MultiplierError(
            f"powers of different sources do not compare ({'; '.join(sorted(set(sources.values())))}); give the costs "
            "of all multipliers in a CSV"
        )
    return {name: each.costs.power_mw for name, each in multipliers.items() if each.costs is not None}


def read_costs(path: str | os.PathLike[str]) -> dict[str, float]:
    """
    Read a CSV file with the columns name and cost: the cost of one multiplication, in any unit.

    Raises
    ------
    AxsimError
        If a column is missing, a cost is not a number of 0 or more, or a name stands twice; names the line.
    """
    check_readable(path, AxsimError, "costs are a CSV file with the columns name and cost")
    costs: dict[str, float] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            missing = {"name", "cost"} - set(reader.fieldnames or ())
            if missing:
                raise AxsimError(f"{path}: must have the columns name and cost, {sorted(missing)[0]} is missing")
            for row in reader:
                name, text = (row["name"] or "").strip(), (row["cost"] or "").strip()
                place = f"{path}: line {reader.line_num}"
                try:
                    cost = float(text)
                except ValueError:
                    cost = math.nan
                if not 0 <= cost < math.inf:
                    raise AxsimError(f"{place}: cost must be a number of 0 or more, got {text!r}")
                if not name or name in costs:
                    raise AxsimError(f"{place}: name must be given, and once, got {name!r}")
                costs[name] = cost
    except (UnicodeDecodeError, csv.Error) as error:
        raise AxsimError(f"{path}: is no CSV file: {error}") from None
    if not costs:
        raise AxsimError(f"{path}: must have at least one multiplier, got none")
    return costs
