"""Bit-exact runs of choices, none done twice: what each of them costs and what it does to the images."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..compensation import Line, undone
from ..images import ImageSet
from ..inference.accuracy import ranks
from ..inference.engine import run
from ..multipliers.product_table import digest_of_layers
from ..networks.network import Network
from ..predict import NetworkPrediction
from .damage import divergence
from .problem import Choice, Problem

Z = 1.959964


class Memory(Protocol):
    """Where finished pieces of work are kept by key, such as a file."""

    pieces: dict[str, Any]

    def add(self, key: str, value: Any) -> None:
        """Keep a finished piece."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """
    What a bit-exact run of a choice gave.

    energy: share of the all-exact network's; damage: see `damage.py`, nats; images: how many; spoiled and mended:
    images that only the exact network, and only this one, gets right.
    """

    choice: Choice
    energy: float
    damage: float
    images: int
    top1: float
    spoiled: int
    mended: int

    @property
    def lost(self) -> float:
        """Top-1 of the exact network less this one's, a share."""
        return (self.spoiled - self.mended) / self.images

    @property
    def lost_interval(self) -> tuple[float, float]:
        """
        95 % interval of `lost`: Wald's for matched pairs, one half added to each of the four counts.

        A. Agresti, Y. Min, Statistics in Medicine 24(5), 2005, doi:10.1002/sim.1781.
        """
        images, spoiled, mended = self.images + 2, self.spoiled + 0.5, self.mended + 0.5
        lost = (spoiled - mended) / images
        half = Z * float(np.sqrt(spoiled + mended - (spoiled - mended) ** 2 / images)) / images
        return lost - half, lost + half


class Runs:
    """
    Runs choices of a problem on some images, bit for bit; each once.

    Parameters
    ----------
    problem : Problem
    images : ImageSet
        With labels.
    predictions : sequence of NetworkPrediction, optional
        Of each multiplier: each layer's predicted line is taken back in every run (`axsim.compensate`).
    memory : Memory, optional
        Where runs are remembered beyond this object.

    Attributes
    ----------
    found : dict of Choice to Measured
        Every choice asked for so far.
    """

    def __init__(
        self,
        problem: Problem,
        images: ImageSet,
        predictions: Sequence[NetworkPrediction] | None = None,
        memory: Memory | None = None,
    ) -> None:
        assert images.labels is not None
        self.problem, self.images, self.found = problem, images, dict[Choice, Measured]()
        self._predictions, self._memory = predictions, memory
        self._exact = run(problem.network, images.images).logits
        self._right = ranks(self._exact, images.labels) == 0

    @property
    def exact_top1(self) -> float:
        """Top-1 accuracy of the network with exact products."""
        return float(self._right.mean())

    def network(self, choice: Choice) -> Network:
        """Return the network that is run with this choice: the problem's, or the one compensated for it."""
        if self._predictions is None:
            return self.problem.network
        lines = {
            layer: Line.predicted(self._predictions[index].layers[layer])
            for layer, index in zip(self.problem.layers, choice, strict=True)
        }
        return undone(self.problem.network, self.problem.serving(choice), lines, "predicted, for an assignment")

    def __call__(self, choice: Choice) -> Measured:
        """Return what the choice gives, running it if no run has shown it yet."""
        if choice not in self.found:
            network, serving = self.network(choice), self.problem.serving(choice)
            content = f"{self.images.digest} {network.digest} {digest_of_layers(serving)}"
            key = hashlib.sha256(content.encode()).hexdigest()
            figures = remembered(self._memory, key, lambda: self._figures(network, choice))
            self.found[choice] = Measured(choice, self.problem.energy(choice), images=len(self.images), **figures)
        return self.found[choice]

    def _figures(self, network: Network, choice: Choice) -> dict[str, Any]:
        assert self.images.labels is not None
        logits = run(network, self.images.images, self.problem.serving(choice)).logits
        right = ranks(logits, self.images.labels) == 0
        return {
            "damage": divergence(logits, self._exact),
            "top1": float(right.mean()),
            "spoiled": int((self._right & ~right).sum()),
            "mended": int((~self._right & right).sum()),
        }


def remembered(memory: Memory | None, key: str, work: Callable[[], Any]) -> Any:
    """Return what the memory holds under this key, or do the work and keep what it gives."""
    if memory is None:
        return work()
    if key not in memory.pieces:
        memory.add(key, work())
    return memory.pieces[key]


def front(measured: Sequence[Measured]) -> list[Measured]:
    """Return those that no other beats in energy and damage, by energy."""
    best: list[Measured] = []
    for each in sorted(measured, key=lambda one: (one.energy, one.damage)):
        if not best or each.damage < best[-1].damage:
            best.append(each)
    return best
