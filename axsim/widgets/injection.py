"""Accuracy over the mean and the standard deviation of an injected error, with multipliers placed on it as points."""

import dataclasses
import os
from collections.abc import Sequence

import ipywidgets
import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..images import ImageSet
from ..injection import ErrorModel, inject
from ..injection.grid import accuracy_map
from ..injection.placing import network_moments
from ..multipliers.catalog import circuits, multiplier
from ..networks.network import Network
from ..presentation import cells
from ..statistics import LayerStatistics
from ..statistics.measure import measure
from .background import Background
from .job import JobWidget
from .multiplier import MultiplierPanel
from .parts import Html, network_and_images

MEANS, STDS = (-40.0, -20.0, -10.0, 0.0, 10.0, 20.0, 40.0), (0.0, 64.0, 128.0, 256.0, 512.0)
STATISTICS_IMAGES = 4
POINT = 13  # pixels


class InjectionWidget(JobWidget):
    """
    Top-1 with injected errors of each mean and standard deviation; every point is a multiplier, a click opens it.

    The moments at which a multiplier stands are those of its error over all products of the network, under each layer's
    own histograms. Those beyond the grid stand at its edge.

    Parameters
    ----------
    network : Network or path of a network file
    images : ImageSet, with labels, or path of images
    means, stds : ascending numbers, LSB
    multipliers : names, those of EvoApproxLib that serve the network if not given
    count : int
        Images for each cell.
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        images: ImageSet | str | os.PathLike[str],
        means: Sequence[float] = MEANS,
        stds: Sequence[float] = STDS,
        multipliers: Sequence[str] | None = None,
        count: int = 32,
    ) -> None:
        super().__init__()
        with self._complaint.catching():
            self._network, given = network_and_images(network, images)
            if given.labels is None:
                raise AxsimError("images must have labels: accuracy is what the map shows")
            for name, values in (("means", means), ("stds", stds)):
                if len(values) < 2 or list(values) != sorted(set(values)):
                    raise AxsimError(f"{name} must be at least two ascending numbers, got {list(values)}")
            self._images = given.first(count)
            self._means, self._stds = [float(v) for v in means], [float(v) for v in stds]
            layers = measure(self._network, given.images[:STATISTICS_IMAGES], []).layers
            self._layers = {name: each for name, each in layers.items() if isinstance(each, LayerStatistics)}
            self.points = self._placed(multipliers)
            self._build()

    def _placed(self, names: Sequence[str] | None) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each multiplier; of those of the library, what cannot serve is left out."""
        points = {}
        for name in circuits() if names is None else names:
            try:
                points[name] = network_moments(multiplier(name), self._layers)
            except AxsimError:
                if names is not None:
                    raise
        return points

    def _build(self) -> None:
        self._shares: npt.NDArray[np.float64] = np.full((len(self._stds), len(self._means)), np.nan)
        self._map = Html()
        self.buttons = {}
        rules = []
        for index, (name, (mean, std)) in enumerate(self.points.items()):
            button = ipywidgets.Button(tooltip=f"{name}: mean {mean:.4g}, sigma {std:.4g} LSB")
            button.add_class("axsim-point")
            button.add_class(f"axsim-point-{index}")
            button.on_click(lambda pressed, name=name: self.open_multiplier(name))
            left, top = self._position(mean, std)
            rules.append(f".axsim-point-{index} {{ left: {left:.1f}px; top: {top:.1f}px; }}")
            self.buttons[name] = button
        style = (
            "<style>.axsim-map { position: relative; overflow: visible; } "
            ".axsim-map .axsim-point { position: absolute; width: 11px; height: 11px; min-width: 0; padding: 0; "
            "margin: 0; border-radius: 50%; background: #E69F00; border: 1px solid #111; } "
            f".axsim-map .axsim-point:hover {{ background: #D55E00; }} {' '.join(rules)}</style>"
        )
        area = ipywidgets.VBox([Html(style), self._map, *self.buttons.values()])
        area.add_class("axsim-map")
        self._opened = ipywidgets.VBox()
        beside = ipywidgets.HBox([area, self._opened], layout=ipywidgets.Layout(flex_flow="row wrap"))
        words = f"{self._network.name}, {len(self._images)} images a cell; points: multipliers, press one to open it."
        self.children = [Html(words), self.controls, self._complaint, beside]
        self._draw()

    def _position(self, mean: float, std: float) -> tuple[float, float]:
        """Pixels from the map's corner at which a point stands: cells are placed by their number on either axis."""
        column = float(np.interp(mean, self._means, np.arange(len(self._means))))
        row = len(self._stds) - 1 - float(np.interp(std, self._stds, np.arange(len(self._stds))))
        return (
            cells.LEFT + cells.WIDTH * (column + 0.5) - POINT / 2,
            cells.TOP + cells.HEIGHT * (row + 0.5) - POINT / 2,
        )

    def open_multiplier(self, name: str) -> None:
        """Show a multiplier beside the map, as a click on its point does."""
        self._opened.children = [MultiplierPanel(name, self._layers)]

    def _prepared(self) -> tuple[()]:
        self._shares[:] = np.nan
        return ()

    def _work(self, background: Background) -> None:
        model = ErrorModel(0.0, 0.0)
        names = [layer.name for layer in self._network.weight_layers]
        assert self._images.labels is not None
        total = self._shares.size
        for index, (row, column) in enumerate(np.ndindex(self._shares.shape)):
            errors = dataclasses.replace(model, mean=self._means[column], std=self._stds[row])
            update = background.phase(f"cell {index + 1} of {total}")
            result = inject(self._network, self._images.images, dict.fromkeys(names, errors), progress=update)
            self._shares[row, column] = result.top1(self._images.labels)
            self._draw()

    def _draw(self) -> None:
        self._map.value = accuracy_map(self._shares, self._means, self._stds)
