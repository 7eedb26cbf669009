"""A multiplier's error over its operands: surface, distribution, moments, and where a layer's operands fall."""

from collections.abc import Mapping

import ipywidgets
import numpy as np
import numpy.typing as npt
import traitlets
from PIL import Image

from ..errors import AxsimError
from ..formats import FORMATS, Format, pattern_values
from ..multipliers.product_table import Multiplier
from ..presentation import charts
from ..presentation.display import STYLE, error_surface, figures_table
from ..statistics import LayerStatistics
from .canvas import error_canvas, show_error
from .parts import WIDE, Complaint, Html, MultiplierPicker

UNIFORM, OWN = "uniform operands", "as it is"
SHARES = (0.5, 0.95)  # of the operand pairs of a layer, outlined in the surface
OUTLINE = (0, 0, 0, 255)


class MultiplierPanel(ipywidgets.VBox):
    """One multiplier; see MultiplierWidget. Traits: `operands` and `layer`, what the dropdowns show."""

    operands = traitlets.Unicode(OWN)
    layer = traitlets.Unicode(UNIFORM)

    def __init__(self, name: str, layers: Mapping[str, LayerStatistics], canvas: bool = False) -> None:
        self._layers = dict(layers)
        self.picker = MultiplierPicker(name)
        pairs = [f"{w},{x}" for w in FORMATS for x in FORMATS]
        formats = ipywidgets.Dropdown(options=[OWN, *pairs], description="serves", style=WIDE)
        overlay = ipywidgets.Dropdown(options=[UNIFORM, *self._layers], description="operands of", style=WIDE)
        self._complaint, self._histogram, self._figures = Complaint(), Html(), Html()
        self._canvas = error_canvas() if canvas else None
        self._surface = Html()
        shown = [self.picker, formats, *([overlay] if layers else []), self._complaint]
        super().__init__([*shown, self._canvas or self._surface, self._histogram, self._figures])
        ipywidgets.link((self, "operands"), (formats, "value"))
        ipywidgets.link((self, "layer"), (overlay, "value"))
        self.picker.observe(self._draw, "chosen")
        self.observe(self._draw, ["operands", "layer"])
        self._draw()

    def _draw(self, change: object = None) -> None:
        chosen = self.picker.chosen
        if chosen is None:
            return
        with self._complaint.catching():
            statistics = self._layers.get(self.layer)
            served = self._served(chosen, statistics)
            columns, names, overlay = [served.moments()], ["uniform"], None
            if statistics is not None:
                histograms = statistics.weight_histogram, statistics.activation_histogram
                columns.append(served.moments(*histograms))
                names.append("layer's own")
                overlay = operand_outline(served, *histograms)
            if self._canvas is None:
                self._surface.value = error_surface(served, overlay)
            else:
                show_error(self._canvas, served, overlay)
            self._histogram.value = error_histogram(served)
            self._figures.value = STYLE + figures_table(served, columns, names)

    def _served(self, chosen: Multiplier, statistics: LayerStatistics | None) -> Multiplier:
        if statistics is not None:
            return chosen.serving(statistics.w_format, statistics.x_format)
        if self.operands == OWN:
            return chosen
        w, x = self.operands.split(",")
        return chosen.serving(_format(w), _format(x))


class MultiplierWidget(ipywidgets.HBox):
    """
    Pick a family and move its parameters, or pick a circuit: its error over all operands, in two panels side by side.

    Blue is a product that comes out too small, orange-red one that is too large; the scale is symmetric about 0. Given
    the statistics of a network's layers, the surface shows where a layer's operands fall: the lines enclose half and
    95 % of its operand pairs, and the moments are those under its own histograms.

    Parameters
    ----------
    names : names of multipliers, one for each panel
    layers : dict of str to LayerStatistics, optional
        As `axsim.statistics.measure.measure(network, images, []).layers` gives them.
    canvas : bool
        Draw the surface on a canvas that reads out operands and error under the pointer (extra `widgets`).
    """

    def __init__(self, *names: str, layers: Mapping[str, LayerStatistics] | None = None, canvas: bool = False) -> None:
        chosen = names or ("drum:k=4", "mitchell")
        if not all(isinstance(name, str) for name in chosen):
            raise AxsimError(f"names must be names of multipliers such as 'drum:k=4', got {chosen!r}")
        self.panels = [MultiplierPanel(name, layers or {}, canvas) for name in chosen]
        super().__init__(self.panels, layout=ipywidgets.Layout(flex_flow="row wrap"))


def operand_outline(
    served: Multiplier, w_histogram: npt.NDArray[np.int64], x_histogram: npt.NDArray[np.int64]
) -> Image.Image:
    """
    Lines around the operand pairs, in ascending value, that hold SHARES of a layer's products; 256 x 256 RGBA.

    The histograms, int64 [256] by pattern, are smoothed over a few codes: the lines are to be seen, not measured.
    """
    sides = []
    for fmt, histogram in zip(served.operands, (w_histogram, x_histogram), strict=True):
        ordered = histogram[np.argsort(pattern_values(fmt), kind="stable")].astype(float)
        weights = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
        smooth = np.convolve(np.pad(ordered, 9, mode="edge"), weights / weights.sum(), mode="valid")
        sides.append(smooth / max(1e-300, smooth.sum()))
    joint = sides[0][:, None] * sides[1][None, :]
    descending = np.sort(joint, axis=None)[::-1]
    reached = np.cumsum(descending)
    pixels = np.zeros((256, 256, 4), np.uint8)
    for share in SHARES:
        inside = joint >= descending[min(len(descending) - 1, int(np.searchsorted(reached, share * reached[-1])))]
        padded = np.pad(inside, 1)
        kernel = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        pixels[inside & ~kernel] = OUTLINE
    return Image.fromarray(pixels)


def error_histogram(served: Multiplier) -> str:
    """Chart of the error's distribution over all 65,536 operand pairs."""
    error = served.error()
    low, high = int(error.min()), int(error.max())
    count = min(96, high - low + 1)
    heights, edges = np.histogram(error, count, (low - 0.5, high + 0.5))
    x = charts.Axis("error, LSB", float(edges[0]), float(edges[-1]))
    y = charts.Axis("operand pairs", 0.7, 1.2 * float(heights.max()), log=True)
    titles = [f"{a:.0f} to {b:.0f} LSB: {n} pairs" for a, b, n in zip(edges, edges[1:], heights, strict=False)]
    return charts.bars(x, y, edges, heights, size=(256, 120), titles=titles, label=f"distribution of {served.name}")


def _format(text: str) -> Format:
    return "s8" if text == "s8" else "u8"
