"""Undoing a multiplier's damage: top-1 before, after and exact, and what was folded into each channel."""

import os

import ipywidgets
import numpy as np
import numpy.typing as npt

from ..compensation import AS_IT_IS, compensate_best
from ..errors import AxsimError
from ..images import ImageSet
from ..inference import engine
from ..inference.accuracy import accuracy
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from ..networks.nodes import WeightLayer
from ..presentation import charts
from ..presentation.display import STYLE, table
from ..text import interval, percent
from .background import Background
from .job import JobWidget
from .parts import WIDE, Html, MultiplierPicker, network_and_images


class CompensationWidget(JobWidget):
    """
    Fold a multiplier's mean error and gain into the network, and run it before, after and exactly.

    Parameters
    ----------
    network : Network or path of a network file
    images : ImageSet, with labels, or path of images
        The accuracy is measured on them.
    calibration : ImageSet or path of images
        Other images, 8 or more, from which mean and gain of every channel are found, and a quarter of which decides
        how (`axsim.compensate_best`); their labels are not used.
    multiplier : name

    The bars show, for one layer, what was added to each output channel's bias, LSB of the sums, and by how much its
    scale was changed. `compensated` is the network that came of it: `compensated.save(path)` keeps it.
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        images: ImageSet | str | os.PathLike[str],
        calibration: ImageSet | str | os.PathLike[str],
        multiplier: str = "mul8s_1KVL",
    ) -> None:
        super().__init__()
        self.compensated: Network | None = None
        with self._complaint.catching():
            self._network, self._images = network_and_images(network, images)
            _, self._calibration = network_and_images(self._network, calibration, unlabelled=True)
            if self._images.labels is None:
                raise AxsimError("images must have labels: accuracy before and after is what is shown")
            self.picker = MultiplierPicker(multiplier)
            count = len(self._images)
            self.count = ipywidgets.IntSlider(
                min=1, max=count, value=min(64, count), description="images", style=WIDE, continuous_update=False
            )
            names = [layer.name for layer in self._network.weight_layers]
            self.layer = ipywidgets.Dropdown(options=names, description="layer", style=WIDE)
            self.layer.observe(lambda change: self._draw(), "value")
            self._summary, self._bias, self._gain = Html(), Html(), Html()
            wrap = ipywidgets.Layout(flex_flow="row wrap")
            self.children = [
                self.picker,
                self.count,
                self.controls,
                self._complaint,
                self._summary,
                self.layer,
                ipywidgets.HBox([self._bias, self._gain], layout=wrap),
            ]

    def _prepared(self) -> tuple[Multiplier, int]:
        if self.picker.chosen is None:
            raise AxsimError("choose a multiplier first: its name or parameters are wrong")
        return self.picker.chosen, self.count.value

    def _work(self, background: Background, chosen: Multiplier, count: int) -> None:
        images = self._images.first(count)
        assert images.labels is not None
        choice = compensate_best(self._network, chosen, self._calibration.images, phase=background.phase)
        made = choice.network
        rows = []
        for words, network, used in (
            ("exact", self._network, None),
            (f"{chosen.name}, before", self._network, chosen),
            (f"{chosen.name}, compensated", made, chosen),
        ):
            result = engine.run(network, images.images, used, progress=background.phase(words))
            found = accuracy(result.logits, images.labels)
            rows.append([words, percent(found.top1), interval(found.top1_interval)])
        tried = [[way, f"{each.divergence:.3g}"] for way, each in choice.candidates.items()]
        words = "left as it is: no way helps" if choice.way == AS_IT_IS else f"chosen: {choice.way}"
        self._summary.value = (
            STYLE
            + table(["", f"top-1 of {count} images", "95 % interval"], rows)
            + table([words, f"nats from the exact network, {choice.held_out} calibration images held out"], tried)
        )
        self.compensated = made
        self._draw()

    def _draw(self) -> None:
        if self.compensated is None:
            return
        before, after = (_layer(network, self.layer.value) for network in (self._network, self.compensated))
        added = after.bias.astype(np.int64) - before.bias.astype(np.int64)
        gain = 100 * (after.weight_scale.astype(np.float64) / before.weight_scale.astype(np.float64) - 1)
        self._bias.value = _channel_bars(added.astype(np.float64), "added to the bias, LSB", charts.BLUE)
        self._gain.value = _channel_bars(gain, "change of the scale, %", charts.ORANGE)


def _layer(network: Network, name: str) -> WeightLayer:
    return next(layer for layer in network.weight_layers if layer.name == name)


def _channel_bars(values: npt.NDArray[np.float64], label: str, colour: str) -> str:
    """Chart of one value for each output channel."""
    x = charts.Axis("output channel", -0.5, len(values) - 0.5)
    y = charts.axis(label, values, include=(0.0,))
    edges = np.arange(len(values) + 1) - 0.5
    titles = [f"channel {index}: {value:.4g}" for index, value in enumerate(values)]
    return charts.bars(x, y, edges, values, colour=colour, size=(360, 180), titles=titles, label=label)
