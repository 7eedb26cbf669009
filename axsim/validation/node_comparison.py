"""A network's codes here against another runtime's, node by node: how many differ, by how much, and where first."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from ..formats import DTYPES, Format, Patterns
from ..networks.network import Network
from ..networks.rounding import ROUNDINGS

Place = tuple[int, int, int, int, int, int]


@dataclasses.dataclass(frozen=True)
class NodeComparison:
    """One node's integers, axsim's against those of another runtime.

    Attributes
    ----------
    node, op : str
    integers, differing : int
        How many were compared, and how many are not equal.
    largest : int
        Largest absolute difference, in codes.
    first : tuple or None
        (image, channel, row, column, code here, code there) of the first difference.
    inputs_equal : bool
        Whether the node's inputs are all equal: a difference then arises here.
    """

    node: str
    op: str
    integers: int
    differing: int
    largest: int
    first: Place | None
    inputs_equal: bool


@dataclasses.dataclass(frozen=True)
class RuntimeComparison:
    """What running a network here and in another runtime gave.

    Attributes
    ----------
    network : Network
    images : int
    nodes : tuple of NodeComparison
        In order of execution.
    not_compared : tuple of str
        Nodes for which the other runtime has no tensor.
    runtime : str
        Name and version of the runtime.
    """

    network: Network
    images: int
    nodes: tuple[NodeComparison, ...]
    not_compared: tuple[str, ...]
    runtime: str

    @property
    def integers(self) -> int:
        """Integers compared."""
        return sum(node.integers for node in self.nodes)

    @property
    def differing(self) -> int:
        """Integers that are not equal."""
        return sum(node.differing for node in self.nodes)

    @property
    def equal(self) -> bool:
        """Whether all that was compared is equal."""
        return self.differing == 0

    @property
    def remarks(self) -> list[str]:
        """What a report says beside the figures."""
        return []

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "network": self.network.name,
            "scheme": self.network.scheme,
            "rounding": self.network.rounding,
            "rule": ROUNDINGS[self.network.rounding],
            "images": self.images,
            "equal": self.equal,
            "integers": self.integers,
            "differing": self.differing,
            "runtime": self.runtime,
            "not_compared": self.not_compared,
            "nodes": [dataclasses.asdict(node) for node in self.nodes],
        }


class Tally:
    """The differences of one node, added up image by image."""

    def __init__(self) -> None:
        self.integers = self.differing = self.largest = 0
        self.first: Place | None = None

    def add(self, image: int, ours: Patterns, theirs: Patterns, fmt: Format) -> None:
        """Compare the patterns uint8 [C, H, W] of one image; `image` is its number."""
        self.integers += ours.size
        unequal = ours != theirs
        if not unequal.any():
            return
        here, there = (_codes(patterns, fmt) for patterns in (ours, theirs))
        self.differing += int(unequal.sum())
        self.largest = max(self.largest, int(np.abs(here - there).max()))
        if self.first is None:
            c, h, w = (int(index) for index in np.argwhere(unequal)[0])
            self.first = (image, c, h, w, int(here[c, h, w]), int(there[c, h, w]))

    def result(self, node: str, op: str, inputs_equal: bool) -> NodeComparison:
        """Return what was found."""
        return NodeComparison(node, op, self.integers, self.differing, self.largest, self.first, inputs_equal)


def _codes(patterns: Patterns, fmt: Format) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(patterns).view(DTYPES[fmt]).astype(np.int64)
