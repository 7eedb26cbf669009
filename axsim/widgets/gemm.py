"""One matrix product: the measured error matrix as a picture, its norm beside the predictions, and the curve over K."""

from typing import Any

import ipywidgets

from ..comparison.experiment import DISTRIBUTIONS, LARGEST, codes, experiment, operand_statistics
from ..presentation.display import STYLE, error_matrix, norm_curve, norms_table
from .parts import WIDE, Complaint, Html, MultiplierPicker


class GemmWidget(ipywidgets.VBox):
    """
    Choose M, K, N, the distributions of both operands and a multiplier: see the error matrix, measured and predicted.

    Below the picture stand norm(E) as it was measured and as each level of the moment model predicts it, and the growth
    of norm(E) with the number of taps: where the line of the bias, which grows with K, passes that of the noise, which
    grows with its root, the mean error has taken over.
    """

    def __init__(
        self, multiplier: str = "broken_array:h=2,v=5,signed=1", m: int = 64, k: int = 256, n: int = 256
    ) -> None:
        def sizes(name: str, value: int, most: int) -> ipywidgets.SelectionSlider:
            options = sorted({2**power for power in range(most + 1)} | {value})
            return ipywidgets.SelectionSlider(options=options, value=value, description=name, style=WIDE)

        self.m, self.k, self.n = sizes("channels M", m, 10), sizes("taps K", k, 12), sizes("pixels N", n, 12)
        words = "; ".join(f"{name}: {meaning}" for name, meaning in DISTRIBUTIONS.items())
        self.weights, self.activations = (
            ipywidgets.Dropdown(options=list(DISTRIBUTIONS), value=value, description=name, tooltip=words, style=WIDE)
            for name, value in (("weights", "bell"), ("activations", "rectified"))
        )
        self.seed = ipywidgets.BoundedIntText(0, min=0, max=10**6, description="seed", style=WIDE)
        self.picker = MultiplierPicker(multiplier)
        self._complaint, self._picture, self._norms, self._curve = Complaint(), Html(), Html(), Html()
        self._drawn: list[Any] = []
        self._inputs = inputs = [self.m, self.k, self.n, self.weights, self.activations, self.seed]
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        super().__init__(
            [
                ipywidgets.HBox([self.picker, ipywidgets.VBox(inputs)], layout=wrap),
                self._complaint,
                ipywidgets.HBox([self._picture, self._norms, self._curve], layout=wrap),
            ]
        )
        for each in inputs:
            each.observe(self._draw, "value")
        self.picker.observe(self._draw, "chosen")
        self._draw()

    def _draw(self, change: object = None) -> None:
        chosen = self.picker.chosen
        if chosen is None:
            return
        with self._complaint.catching():
            sizes = self.m.value * self.k.value * self.n.value
            if sizes > LARGEST:
                self._complaint.say(f"M K N must be at most {LARGEST:,} products, got {sizes:,}; make one smaller")
                return
            wanted = [each.value for each in self._inputs]
            if wanted != self._drawn:  # while the multiplier's parameters move, the operands stay
                w = codes((self.m.value, self.k.value), self.weights.value, self.seed.value)
                x = codes((self.k.value, self.n.value), self.activations.value, self.seed.value + 1)
                self._operands, self._drawn = (w, x, operand_statistics(w, x)), wanted
            w, x, statistics = self._operands
            found = experiment(w, x, chosen, statistics)
            self._picture.value = error_matrix(found)
            self._norms.value = STYLE + norms_table(found)
            self._curve.value = norm_curve(found)
