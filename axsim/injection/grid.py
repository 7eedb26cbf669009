"""Accuracy over a grid of mean and standard deviation of the injected error."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..images import Pixels
from ..networks.network import Network
from ..presentation.cells import cell_map
from .errors import ErrorModel
from .run import inject


def accuracy_grid(
    network: Network,
    images: Pixels,
    labels: npt.NDArray[np.int64],
    model: ErrorModel,
    means: Sequence[float],
    stds: Sequence[float],
    *,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """
    Measure top-1 with errors of each mean and each standard deviation, the rest as in `model`.

    Returns
    -------
    float64 [stds, means]
        Shares; every cell is drawn with the same seed, so that neighbours differ by their moments alone.

    Raises
    ------
    AxsimError
        As `axsim.inject`.
    """
    shares = np.empty((len(stds), len(means)))
    names = [layer.name for layer in network.weight_layers] if layers is None else list(layers)
    for index, (row, column) in enumerate(np.ndindex(shares.shape)):
        errors = dataclasses.replace(model, mean=means[column], std=stds[row])
        shares[row, column] = inject(network, images, dict.fromkeys(names, errors), seed=seed).top1(labels)
        if progress is not None:
            progress(index + 1, shares.size)
    return shares


def accuracy_map(
    shares: npt.NDArray[np.float64], means: Sequence[float], stds: Sequence[float], relative: bool = False
) -> str:
    """Return the grid as SVG text: top-1 in percent, mean to the right, standard deviation upwards."""
    order = np.argsort(stds)[::-1]
    unit = "share of the product" if relative else "LSB"
    return cell_map(
        shares[order],
        [f"{value:g}" for value in means],
        [f"{stds[index]:g}" for index in order],
        f"mean error of a product, {unit}",
        f"standard deviation, {unit}",
    )
